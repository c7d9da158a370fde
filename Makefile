# `make` alone lists the targets. Each installs what it needs and says what it does.
.DEFAULT_GOAL := help
FERRY := .build/debug/ferry
# Progress where somebody watches, only faults in a log.
QUIET := $(shell test -t 2 || echo --quiet)
# What `ferry --version` says of the build; what is built without a repository is told.
ifndef FERRY_COMMIT
export FERRY_COMMIT := $(shell scripts/commit)
endif
export FERRY_SWIFT := $(shell swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9.]+).*/\1/p')
# What is released brings Swift's runtime, SQLite and zlib along.
RELEASE := swift build --configuration release $(QUIET)
ifeq ($(shell uname),Linux)
RELEASE := PKG_CONFIG_PATH=$(CURDIR)/.build/static $(RELEASE) --static-swift-stdlib -Xlinker --strip-debug
endif
export PREFIX ?= /usr/local
export DESTDIR

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */\1\t/' | awk -F'\t' '{printf "  make %-13s %s\n", $$1, $$2}'

.PHONY: demo
demo: build ## show the whole road: calls in, people, events and objects out (ARGS=--once ends by itself)
	@exec $(FERRY) demo $(ARGS)

.PHONY: test
test: ## build everything and run all tests
	@scripts/setup tests
	@echo "Building Ferry and its tests (the first time several minutes: it compiles its libraries) …"
	@swift build --build-tests $(QUIET)
	@swift build --product generate-manual $(QUIET)
# All at once would starve those that wait for other programs.
	@SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=6 swift test --skip-build --quiet

.PHONY: build
build: setup ## build ferry for development
	@echo "Building Ferry (the first time several minutes: it compiles its libraries) …"
	@swift build --product ferry $(QUIET)

.PHONY: release
release: setup ## build ferry optimised, into .build/release/ferry
	@scripts/static-libraries
	@echo "Building Ferry, optimised (the first time up to a quarter of an hour) …"
	@$(RELEASE) --product ferry
	@$(RELEASE) --product generate-manual
	@.build/release/ferry demo --once --pace 0 >/dev/null || { echo "The optimised program does not deliver." >&2; exit 1; }

.PHONY: install
install: ## install what `make release` built (PREFIX=/usr/local, DESTDIR= for packages)
	@scripts/install .build/release

.PHONY: uninstall
uninstall: ## remove what `make install` installed; configuration and data stay
	@scripts/install --remove

.PHONY: bare-debian
bare-debian: release ## prove that the released program runs on a Debian with nothing installed
	@scripts/bare-debian .build/release/ferry

.PHONY: bench
bench: setup ## measure parse, match, map, plan, encode and the whole road, beside JSONSerialization
	@echo "Building the benchmarks, optimised …"
	@scripts/static-libraries
	@FERRY_BENCHMARKS=1 $(RELEASE) --product ferry
	@FERRY_BENCHMARKS=1 $(RELEASE) --product ferry-benchmarks
	@exec .build/release/ferry-benchmarks $(ARGS)

.PHONY: pgbench-floor
pgbench-floor: ## what PostgreSQL takes on this machine without Ferry (ARGS=3 rounds, of which the median counts)
	@scripts/setup tests
	@exec scripts/pgbench-floor $(ARGS)

.PHONY: crash
crash: ## kill a server at full speed 40 times and look for every acknowledged message
	@scripts/crash-test

.PHONY: screenshots
screenshots: ## photograph the console for docs/console.md
	@scripts/setup tests
	@swift build --build-tests $(QUIET)
	@mkdir -p docs/images
	@FERRY_SCREENSHOTS=$(CURDIR)/docs/images swift test --skip-build --quiet --filter ConsolePictures

.PHONY: check
check: ## check format, imports between rooms, and file sizes
	@swift format lint --strict --recursive --parallel Package.swift Sources Tests Benchmarks
	@scripts/rooms --prove
	@scripts/rooms
	@scripts/sizes

.PHONY: format
format: ## format all sources in place
	@swift format --in-place --recursive --parallel Package.swift Sources Tests Benchmarks

.PHONY: setup
setup: ## install missing system packages
	@scripts/setup

.PHONY: clean
clean: ## remove what was built
	@rm -rf .build
