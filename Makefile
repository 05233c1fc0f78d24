# What people type. The work is in INFRASTRUCTURE/local and dapr/toolchain.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PAYME_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/payme
CARGO_TARGET_DIR ?= $(shell . INFRASTRUCTURE/local/lib.sh && echo "$$CARGO_TARGET_DIR")
export PAYME_CACHE CARGO_TARGET_DIR
export PATH := $(PAYME_CACHE)/bin:$(PATH)

# The component set: redis, kafka, nats or rabbitmq.
ifdef SET
export PAYME_SET := $(SET)
endif
SETS ?= redis kafka nats rabbitmq

LOCAL := INFRASTRUCTURE/local

.PHONY: help up swap down reset status logs mail seed tour tilt service test test-containers test-loop test-sets test-polyglot workload bench check contracts prepare tools images compose test-compose manifests

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

up: ## set everything up and run the whole system; SET=kafka, nats or rabbitmq for another component set
	@$(LOCAL)/stack up
swap: ## move the running system to another component set, without losing an event: SET=nats
	@$(LOCAL)/stack swap
down: ## stop it; the data stays
	@$(LOCAL)/stack down
reset: ## stop it and wipe all data
	@$(LOCAL)/stack reset
status: ## what runs
	@$(LOCAL)/stack status
logs: ## the ends of the logs; NAME=account for one
	@$(LOCAL)/stack logs $(NAME)
mail: ## the mails in the local mailbox; TO=address for its mails, WAIT=seconds for one to come
	@$(LOCAL)/mail "$(TO)" $(WAIT)
seed: ## give the running system people with money: alice, bob, carol, and olga, an operator
	@$(LOCAL)/seed
tour: ## take the tour of README.md on the running system
	@tests/tour

tilt: ## the daily loop: the whole system, each service built and started anew when its code changes; ARGS="transaction account"
	@$(LOCAL)/prerequisites nodejs
	@tilt=$$(dapr/toolchain/ensure tilt) && exec "$$tilt" up -- $(ARGS)
service: ## one service beside its sidecar: S=account; DEBUG=1 leaves the service itself to a debugger
	@$(LOCAL)/service start $(S)

test: ## all tests: domain, routes with a real PostgreSQL, the whole system with real sidecars
	@$(LOCAL)/prerequisites
	@$(LOCAL)/jwt-libraries >/dev/null
	@dapr/toolchain/ensure daprd >/dev/null
	cargo build --workspace --bins
	$(LOCAL)/with-database cargo test --workspace

test-containers: ## all tests with PostgreSQL and the broker in containers, or TESTS="blackbox account_tests"; starts an engine and builds images where there are none
	@$(LOCAL)/prerequisites
	@$(LOCAL)/jwt-libraries >/dev/null
	@dapr/toolchain/ensure daprd >/dev/null
	cargo build --workspace --bins
	$(LOCAL)/with-engine $(LOCAL)/with-database cargo test --workspace $(TESTS:%=--test %)

test-loop: ## the daily loop on a copy of the checkout: tilt ci, live rebuilds, what breaks and is mended
	@$(LOCAL)/prerequisites nodejs perl
	@dapr/toolchain/ensure daprd >/dev/null
	@dapr/toolchain/ensure dapr >/dev/null
	@tests/loop

test-sets: ## the black-box tests on each component set, and a table; SETS="kafka nats" for some
	@dapr/toolchain/ensure daprd >/dev/null
	@cargo build --workspace --bins
	@$(LOCAL)/test-sets $(SETS)

# Named, and not by their packages: cargo would build all dependencies once more, with the features of these packages only.
REPLACED := activity_tests auditor_metrics blackbox contracts conventions
test-polyglot: export PAYME_REPLACEMENTS := $(CURDIR)/tests/polyglot/bin
test-polyglot: ## the tests of activity, of contracts and of the whole system with the Python activity in the place of the Rust one
	@$(LOCAL)/prerequisites
	@dapr/toolchain/ensure daprd >/dev/null
	cd tests/polyglot && PYTHONDONTWRITEBYTECODE=1 $$($(CURDIR)/$(LOCAL)/polyglot) -m unittest
	cargo build --workspace --bins
	$(LOCAL)/with-database cargo test --workspace $(REPLACED:%=--test %) -- --include-ignored

workload: ## a random workload with faults on a whole system, its invariants checked; SEED=number to replay one, SECONDS=60
	@$(LOCAL)/prerequisites
	@dapr/toolchain/ensure daprd >/dev/null
	cargo build --workspace --bins
	@"$$CARGO_TARGET_DIR/debug/workload" "$(SEED)" "$(SECONDS)"

bench: ## measure the system against floors of the same run, into docs/benchmarks.md; BENCH=logins for one thing only
	@$(LOCAL)/prerequisites
	@for set in $(SETS); do PAYME_SET=$$set $(LOCAL)/prerequisites || exit; done
	@dapr/toolchain/ensure daprd >/dev/null
	cargo build --release --workspace --bins
	@SETS="$(SETS)" "$$CARGO_TARGET_DIR/release/bench" $(BENCH)

check: tools ## what CI runs before the tests
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
	@# With the crates of other platforms, which no build has fetched.
	cargo fetch --locked --quiet
	cargo deny --offline check bans licenses sources
	cargo machete
	shellcheck -x $$(grep -lIrE '^#!.*(bash|/sh)' INFRASTRUCTURE dapr tilt .ci tests/tour tests/loop tests/polyglot/bin) $(LOCAL)/lib.sh $(filter-out %.py,$(wildcard $(LOCAL)/parts/*))
	$(MAKE) --no-print-directory contracts prepare
	@changed=$$(git status --porcelain -- ':(glob)services/*/contract/**' ':(glob)services/*/.sqlx/**' docs/asyncapi.json docs/contracts.md); [ -z "$$changed" ] || \
	  { echo "generated files are out of date: commit what 'make contracts prepare' wrote:"; echo "$$changed"; exit 1; }

images: ## build the container images of the services, the sidecar, Kafka and the mail sink; HOST=1 from what cargo builds outside
	@INFRASTRUCTURE/images/engine up
	@INFRASTRUCTURE/images/build $(if $(HOST),--host) services daprd kafka mail

compose: ## run the whole system in containers (INFRASTRUCTURE/compose/stack down stops it)
	@INFRASTRUCTURE/compose/stack up

test-compose: ## run it, take the tour, kill an app and a sidecar, take the tour again, and stop it
	@INFRASTRUCTURE/compose/stack test

manifests: ## check the Kubernetes manifests by a real API server and against the contracts
	@INFRASTRUCTURE/k8s/validate

contracts: ## write the OpenAPI documents and event schemas anew
	@$(LOCAL)/contracts

prepare: ## write the .sqlx folders anew
	@$(LOCAL)/with-database $(LOCAL)/sqlx-prepare

tools: ## the tools of make check, into the cache
	@command -v cargo-sqlx >/dev/null || { echo "payme: building sqlx-cli, once; about 2 minutes"; cargo install --quiet --locked --root $(PAYME_CACHE) sqlx-cli@0.9.0 --no-default-features --features postgres; }
	@command -v cargo-deny >/dev/null || { echo "payme: building cargo-deny, once; about 4 minutes"; cargo install --quiet --locked --root $(PAYME_CACHE) cargo-deny@0.20.2; }
	@command -v cargo-machete >/dev/null || { echo "payme: building cargo-machete, once; about 1 minute"; cargo install --quiet --locked --root $(PAYME_CACHE) cargo-machete@0.9.2; }
	@command -v shellcheck >/dev/null || $(LOCAL)/prerequisites shellcheck
