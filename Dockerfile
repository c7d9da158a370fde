# syntax=docker/dockerfile:1
# Ferry in a container. Build it with the commit, which a build without the repository can't know:
#     docker build --build-arg COMMIT=$(scripts/commit) --tag ferry .
# docs/installing.md says how it is run.

FROM swift:6.3-bookworm AS build
# No versions: Debian's stable release changes them for security alone.
# hadolint ignore=DL3008
RUN apt-get update -q \
    && apt-get install -y -q --no-install-recommends libjemalloc-dev libpq-dev libsqlite3-dev zlib1g-dev make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /ferry
# Libraries are fetched anew only when the manifest changes.
COPY Package.swift ./
RUN swift package resolve
COPY . .
ARG COMMIT=""
RUN FERRY_COMMIT="$COMMIT" make release \
    && DESTDIR=/installed make install \
    # The folder of the data, which the container's user may write.
    && install -d -m 0700 -o 65532 -g 65532 /installed/var/lib/ferry

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update -q \
    && apt-get install -y -q --no-install-recommends ca-certificates libpq5 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /installed /
ARG COMMIT=""
LABEL org.opencontainers.image.title="Ferry" \
      org.opencontainers.image.description="Takes Segment-style calls, keeps them safely, and lands them in Customer.io." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="$COMMIT"
USER 65532:65532
WORKDIR /var/lib/ferry
VOLUME /var/lib/ferry
# The source API. The private API, on 8081, stays inside until a configuration with an admin token lets it out.
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 CMD ["ferry", "status", "--ready"]
ENTRYPOINT ["ferry"]
CMD ["serve", "--config", "/etc/ferry/ferry.yaml", "--data", "/var/lib/ferry", "--listen-public", "0.0.0.0:8080"]
