# Every target is one line of `itemstream` or of a tool, so that all of it runs without make too.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:

BIN := .venv/bin
PYTEST := $(BIN)/python -m tools.testing
TENANT ?= demo
SCOPE ?= items:read items:write calls:read reports:read reports:write realtime:connect
ENV ?= local
ARCHITECTURE ?= arm64

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: bootstrap
bootstrap: ## Make .venv from the lock (every target does so by itself)
	@sh tools/bootstrap.sh

# --- The local stack ---------------------------------------------------------------------------

.PHONY: up down reset status logs token rotate-keys
up: bootstrap ## Bring the local stack up: make up [RUN=source|images] [PACKAGE=zip]
	@$(BIN)/itemstream up $(if $(PACKAGE),--run $(if $(filter zip,$(PACKAGE)),archives,$(error PACKAGE=$(PACKAGE): only zip can be chosen, RUN=images for images)),$(if $(RUN),--run $(RUN)))

down: bootstrap ## Stop the local stack; data stays
	@$(BIN)/itemstream down

reset: bootstrap ## Stop the local stack and forget its data
	@$(BIN)/itemstream reset

status: bootstrap ## How the local stack is
	@$(BIN)/itemstream status

logs: bootstrap ## A function's log: make logs FUNCTION=create_item [FOLLOW=1]
	@$(BIN)/itemstream logs "$(or $(FUNCTION),$(error which? make logs FUNCTION=create_item))" $(if $(FOLLOW),--follow)

token: bootstrap ## An access token: make token TENANT=demo SCOPE="items:read"
	@$(BIN)/itemstream token --tenant "$(TENANT)" --scope "$(SCOPE)"

rotate-keys: bootstrap ## Rotate the keys that sign local tokens
	@$(BIN)/itemstream keys rotate

# --- Tests and checks --------------------------------------------------------------------------

.PHONY: test test-unit test-property test-integration test-clients test-contract test-e2e test-resilience
test: bootstrap ## Everything that CI runs
	@$(PYTEST)

test-unit: bootstrap ## Unit tests alone
	@$(PYTEST) unit

test-property: bootstrap ## Property tests alone
	@$(PYTEST) property

test-integration: bootstrap ## Integration tests alone, on the test stack
	@$(PYTEST) integration

test-clients: bootstrap ## Tests of the Python and JavaScript clients alone
	@$(PYTEST) clients

test-contract: bootstrap ## Contract tests alone, on the test stack
	@$(PYTEST) contract

test-e2e: bootstrap ## End-to-end tests alone, on the test stack
	@$(PYTEST) e2e

test-resilience: bootstrap ## Resilience tests alone, on the test stack
	@$(PYTEST) resilience

.PHONY: lint format audit
lint: bootstrap ## Format check, lint, types, import contracts, Terraform, workflows, secrets
	@$(BIN)/python -m tools.checks

format: bootstrap ## Format Python and Terraform
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .
	@$(BIN)/python -m tools.infrastructure.root fmt -recursive

audit: bootstrap ## Look up the locked packages among known vulnerabilities
	@$(BIN)/python -m tools.audit

# --- Packages, plans, locks --------------------------------------------------------------------

.PHONY: images package plan destroy openapi asyncapi schemas lock bench
images: bootstrap ## One container image for each family: make images [ARCHITECTURE=x86_64]
	@$(BIN)/itemstream images $(if $(filter command% environment%,$(origin ARCHITECTURE)),--architecture "$(ARCHITECTURE)")

package: bootstrap ## Layer and archives for AWS into build/: make package [ARCHITECTURE=x86_64]
	@$(BIN)/itemstream package --architecture "$(ARCHITECTURE)"

plan: bootstrap ## What Terraform would change: make plan ENV=local|dev|staging|prod
	@$(BIN)/itemstream plan "$(ENV)"

destroy: bootstrap ## Delete an environment on AWS with all that it keeps: make destroy ENV=dev
	@$(BIN)/itemstream destroy "$(ENV)"

openapi: bootstrap ## Generate openapi/ from the models
	@$(BIN)/python -m tools.openapi

asyncapi: bootstrap ## Generate asyncapi/, the WebSocket API's document and frames, from the models
	@$(BIN)/python -m tools.asyncapi

schemas: bootstrap ## Generate the events' JSON Schemas, events/, from the models
	@$(BIN)/python -m tools.event_schemas

lock: bootstrap ## Compile requirements/ from pyproject.toml: make lock [UPGRADE=1]
	@sh tools/lock.sh

bench: bootstrap ## Benchmarks: ratios measured in one run
	@$(BIN)/python -m benchmarks
