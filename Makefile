# `make` alone lists the targets. Each installs what it needs and says what it does.
.DEFAULT_GOAL := help
FERRY := .build/debug/ferry
# Progress where somebody watches, only faults in a log.
QUIET := $(shell test -t 2 || echo --quiet)

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */\1\t/' | awk -F'\t' '{printf "  make %-11s %s\n", $$1, $$2}'

.PHONY: demo
demo: build ## show the whole road: calls in, people, events and objects out (ARGS=--once ends by itself)
	@exec $(FERRY) demo $(ARGS)

.PHONY: test
test: ## build everything and run all tests
	@scripts/setup tests
	@echo "Building Ferry and its tests (the first time several minutes: it compiles its libraries) …"
	@swift build --build-tests $(QUIET)
# All at once would starve those that wait for other programs.
	@SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=6 swift test --skip-build --quiet

.PHONY: build
build: setup ## build ferry for development
	@echo "Building Ferry (the first time several minutes: it compiles its libraries) …"
	@swift build --product ferry $(QUIET)

.PHONY: release
release: setup ## build ferry optimised, into .build/release/ferry
	@echo "Building Ferry, optimised (the first time up to a quarter of an hour) …"
	@swift build --product ferry --configuration release $(QUIET)

.PHONY: bench
bench: setup ## measure parse, match, map, plan, encode and the whole road, beside JSONSerialization
	@echo "Building the benchmarks, optimised …"
	@FERRY_BENCHMARKS=1 swift build --product ferry --configuration release $(QUIET)
	@FERRY_BENCHMARKS=1 swift build --product ferry-benchmarks --configuration release $(QUIET)
	@exec .build/release/ferry-benchmarks $(ARGS)

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
