# SPDX-License-Identifier: Apache-2.0
# The tasks of everyday work. Every target installs what it needs first (scripts/setup) and can be called at any time.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 300
export MILLRACE_PROGRAM ?= $(CURDIR)/build/release/millrace

build = scripts/build --jobs $(JOBS)

.PHONY: help run setup setup-develop build test bench lint format fuzz-long install package clean

help: ## Lists the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | while IFS=$$'\t' read -r target text; do \
	  printf '  make %-14s %s\n' "$$target" "$$text"; done

run: build ## Builds, and plays an example of events through an example rulebook
	@$(MILLRACE_PROGRAM) run examples/deployments/rulebook.yml --vars examples/deployments/vars.yml

setup: ## Installs the packages that building needs
	@scripts/setup

setup-develop: ## Installs the packages that testing and linting need, too
	@scripts/setup --develop

build: setup ## Builds build/release/millrace
	@$(build) release millrace

test: setup-develop ## Builds and runs every test
	@JOBS=$(JOBS) scripts/run-tests

bench: setup-develop ## Builds and runs the benchmarks
	@JOBS=$(JOBS) scripts/run-benchmarks

lint: setup-develop ## Checks format, clang-tidy, headers, layers and licence lines
	@JOBS=$(JOBS) scripts/lint

format: setup-develop ## Formats the sources in place
	@scripts/sources | xargs -d '\n' -r clang-format-19 -i

fuzz-long: setup-develop ## Fuzzes each target for FUZZ_SECONDS (300)
	@JOBS=$(JOBS) FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/run-fuzzers

install: build ## Installs below PREFIX (/usr/local); DESTDIR is honoured
	@cmake --install build/release --prefix '$(PREFIX)'

package: setup-develop build ## Makes build/release/millrace_<version>_<architecture>.deb
	@cd build/release && cpack -G DEB

clean: ## Removes everything that was built
	@rm -rf build
