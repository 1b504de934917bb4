# Everything a developer or a CI runner does. `make` alone lists it.
#
# Tools are pinned here, installed into .tmp on first use, and nowhere else.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --warn-undefined-variables --no-print-directory

BUF_VERSION := 1.75.0
GOLANGCI_LINT_VERSION := v2.15.0
GOVULNCHECK_VERSION := v1.9.0
AXE_VERSION := 4.14.1

# What to test, and with which flags besides the usual ones.
PKG ?= ./...
TEST_FLAGS ?=
# One package with its databases and killed servers, on a slow machine.
TEST_TIMEOUT ?= 20m
FUZZTIME ?= 5s
SOAK ?= 30m
BENCH ?= .
BENCHTIME ?= 1s
BENCH_FLAGS ?=
AUDITING_FLAGS ?=
DEMO_FLAGS ?=
# VAULT=1 builds the real Vault and uses it.
VAULT ?=

# Where the benchmarks of single steps are.
BENCH_PKG := ./audit/... ./policy/... ./service/...

# The same code builds to the same packages in every folder, so that a fresh
# clone finds what another has built.
export GOFLAGS ?= -trimpath

# Everything is built without C, as the program is when it is shipped, so that
# each package is compiled once for it, for tests and for linting. Only the race
# detector needs C.
export CGO_ENABLED := 0

# Tools installed here come before those of the machine.
export PATH := $(CURDIR)/.tmp/bin:$(PATH)

# A file in HAVE says that a tool is there in the version asked for.
HAVE := .tmp/have
BUF := $(HAVE)/buf-$(BUF_VERSION)
GOLANGCI_LINT := $(HAVE)/golangci-lint-$(GOLANGCI_LINT_VERSION)
GOVULNCHECK := $(HAVE)/govulncheck-$(GOVULNCHECK_VERSION)
VAULT_BUILT := $(HAVE)/vault
AXE := $(HAVE)/axe-$(AXE_VERSION)

.PHONY: help
help: ## List what can be made
	@echo 'make TARGET, where TARGET is one of:'
	@sed -nE 's/^([a-z-]+):.*## (.*)/  \1\t\2/p' Makefile | expand -t 20
	@echo 'Variables: PKG, TEST_FLAGS, FUZZTIME, SOAK, BENCH, BENCHTIME, VAULT=1 (demo with the real Vault)'

## Trying it out

.PHONY: demo
demo: go postgres $(if $(VAULT),$(VAULT_BUILT)) build ## Run the service with synthetic children and print commands to try
	.tmp/bin/cpis dev $(if $(VAULT),--vault) $(DEMO_FLAGS)

.PHONY: build
build: go ## Build the program into .tmp/bin/cpis
	@echo 'building .tmp/bin/cpis (the first time, Go fetches its modules)'
	go build -trimpath -o .tmp/bin/cpis ./cmd/cpis

## Checking it

.PHONY: test
test: go cc postgres browser $(VAULT_BUILT) ## Run all tests with the race detector, on real PostgreSQL and Vault
	go build -o .tmp/bin/testenv ./deploy/dev/testenv
	.tmp/bin/testenv -- .ci/gotest $(TEST_TIMEOUT) '$(PKG)' $(TEST_FLAGS)

.PHONY: lint
lint: $(GOLANGCI_LINT) $(BUF) ## Check style, import arrows and the contract's compatibility
	golangci-lint run ./...
	buf lint
	buf format --diff --exit-code --path proto/cpis
	.ci/breaking

.PHONY: fuzz
fuzz: ## Fuzz every target for FUZZTIME
	.ci/fuzz $(FUZZTIME)

.PHONY: soak
soak: postgres $(VAULT_BUILT) ## Kill and restart things for SOAK, and check that nothing was lost
	go build -o .tmp/bin/testenv ./deploy/dev/testenv
	TEST_SOAK=$(SOAK) .tmp/bin/testenv -- go test -count=1 -v -run '^TestSoak' -timeout=24h $(PKG)

.PHONY: bench
bench: postgres wrk $(VAULT_BUILT) build ## Measure single steps, whole look-ups against pgbench and an echo, and what auditors wait for
	go test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem $(BENCH_PKG)
	.tmp/bin/cpis bench $(BENCH_FLAGS)
	.tmp/bin/cpis bench auditing $(AUDITING_FLAGS)

.PHONY: clients
clients: postgres build $(BUF) ## Do what docs/clients.md says, for TypeScript and Go, against the demo
	.ci/clients

.PHONY: fhir
fhir: ## Judge FHIR exports by the profiles themselves
	.ci/fhir

.PHONY: vuln
vuln: $(GOVULNCHECK) ## Look for known vulnerabilities, where their database can be reached
	.ci/vuln

.PHONY: ci
ci: ## Run all that must hold before a change is merged
	.ci/run

## Generated code

.PHONY: generate
generate: $(BUF) ## Make Go from the contract
	go run ./deploy/dev/printproto proto/deps
	find proto/cpis \( -name '*.pb.go' -o -name '*.connect.go' \) -delete
	buf generate --template proto/buf.gen.yaml

.PHONY: check-generate
check-generate: generate ## Check that the generated code is the one committed
	@changed=$$(git status --porcelain -- proto buf.yaml); \
	if [ -n "$$changed" ]; then \
		echo "proto differs from what is committed after 'make generate'; commit it:"; \
		echo "$$changed"; git --no-pager diff --stat -- proto buf.yaml; exit 1; \
	fi

.PHONY: vendor-pages
vendor-pages: go ## Make what browsers get with pages, from our sources and the NHS design system
	go run ./deploy/dev/vendorpages

.PHONY: fmt
fmt: $(GOLANGCI_LINT) $(BUF) ## Format Go and the contract
	golangci-lint fmt ./...
	buf format --write --path proto/cpis

## Tools

.PHONY: tools
tools: postgres browser $(VAULT_BUILT) $(GOLANGCI_LINT) $(BUF) ## Install all that test, lint and generate need

.PHONY: buf
buf: $(BUF) ## Install buf, such as for calls over gRPC

.PHONY: browser
browser: $(AXE) ## Install Chromium and axe-core, with which pages are tested
	@deploy/dev/install/debian chromium fonts-liberation

.PHONY: screenshots
screenshots: browser postgres ## Take pictures of all pages, at three widths, into .tmp/screenshots
	@mkdir -p .tmp/screenshots
	TEST_SCREENSHOTS=$(CURDIR)/.tmp/screenshots go test -count=1 -run InABrowser ./service/web/...

.PHONY: go postgres wrk cc
go:
	@deploy/dev/install/go

postgres:
	@deploy/dev/install/debian postgresql

wrk:
	@deploy/dev/install/debian wrk

cc:
	@deploy/dev/install/debian gcc libc6-dev

.PHONY: clean
clean: ## Remove .tmp: tools, caches and the demo's data
	rm -rf .tmp

# Vault is rebuilt when the module that pins it changes.
$(VAULT_BUILT): deploy/vault/go.mod deploy/vault/go.sum
	@deploy/dev/install/tool vault
	@mkdir -p $(HAVE) && touch $@

$(BUF):
	@deploy/dev/install/tool buf $(BUF_VERSION)
	@mkdir -p $(HAVE) && touch $@

$(GOLANGCI_LINT):
	@deploy/dev/install/tool golangci-lint $(GOLANGCI_LINT_VERSION)
	@mkdir -p $(HAVE) && touch $@

$(GOVULNCHECK):
	@deploy/dev/install/tool govulncheck $(GOVULNCHECK_VERSION)
	@mkdir -p $(HAVE) && touch $@

$(AXE):
	@deploy/dev/install/tool axe $(AXE_VERSION)
	@mkdir -p $(HAVE) && touch $@
