# make demo: run IoT Core here.  make check: the quick tests.  make test: all tests.  make bench: measure.  make deploy: deploy to AWS.

UV_VERSION := 0.13.8
UV := $(shell command -v uv 2>/dev/null || echo $(CURDIR)/.uv/bin/uv)
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export UV
# Containers often set this. Without compiled files, each process that starts here compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE

# One of the stages in cdk.json.
STAGE ?= dev

.PHONY: help demo check test test-long bench node build bootstrap deploy destroy lint format clean
.DEFAULT_GOAL := help

help:
	@sed -n '1s/^# //p' $(firstword $(MAKEFILE_LIST))

demo: .venv/ready node_modules/ready
	@$(BIN)/iot-authorizer dev

# For use while you work: no cloud, no browser, no other programs, few generated examples.
check: .venv/all lint
	$(BIN)/pytest -n 3 -m "not slow" --hypothesis-profile check

test: .venv/all .venv-cloud/ready node_modules/ready lint
	@.ci/bring chromium-headless-shell mosquitto mosquitto-clients curl
	$(BIN)/pytest -n 3  # On two cores: a third of the time, a test waits for another program.

# Like `test`, with 15 times as many generated examples, all faults, and AWS's large SDKs. Not needed for every change.
test-long: .venv/all .venv-cloud/ready node_modules/ready tests/clients/node_modules/ready lint
	@.ci/bring chromium-headless-shell mosquitto mosquitto-clients curl
	$(BIN)/pytest -n 2 --hypothesis-profile long -o timeout=3600

lint: .venv/all
	$(UV) lock --check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/iot-authorizer lint policies/*.toml

# Exits with an error if a bound is missed. It takes ten minutes, and means little on a busy machine.
bench: .venv/all bench/node/node_modules/ready
	@.ci/bring mosquitto
	$(BIN)/python -m bench

build: .venv/all
	$(BIN)/iot-authorizer build --stage $(STAGE)

# `destroy` needs only the authorizer's name, so an invalid configuration cannot keep a stack.
deploy destroy: .venv/all node_modules/ready
	$(BIN)/iot-authorizer $@ --stage $(STAGE)

# Once for each account and region: make bootstrap ACCOUNT=123456789012 REGION=eu-west-1
bootstrap: node_modules/ready
	node_modules/.bin/cdk bootstrap --app "" aws://$(ACCOUNT)/$(REGION)

format: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv .venv-cloud .uv node_modules tests/clients/node_modules bench/node/node_modules build .iot-authorizer .hypothesis .mypy_cache .pytest_cache .ruff_cache

.venv/ready: pyproject.toml uv.lock | $(UV)
	@echo "setting up .venv"
	@$(UV) sync --quiet --locked --inexact --extra local
	@touch $@

# Also installs the CDK, which is larger than everything else.
.venv/all: .venv/ready
	@$(UV) sync --quiet --locked --inexact --all-extras
	@touch $@

# The local CloudFormation that tests deploy to. It needs another version of botocore than .venv.
.venv-cloud/ready: pyproject.toml uv.lock .venv/ready | $(UV)
	@echo "setting up .venv-cloud"
	@UV_PROJECT_ENVIRONMENT=.venv-cloud $(UV) sync --quiet --locked --only-group cloud --python $(BIN)/python
	@touch $@

# Uses the machine's Node.js if the CDK supports it, else installs Node.js from PyPI. For the CDK, 20 is end-of-life.
node: .venv/ready
	@node -e 'process.exit(parseInt(process.versions.node) < 22 ? 1 : 0)' 2>/dev/null && npm --version >/dev/null 2>&1 || \
	  { echo "found Node.js $$(node --version 2>/dev/null || echo none), needs 22 or newer: installing it into .venv"; \
	    $(UV) sync --quiet --locked --inexact --extra local --group node; }

node_modules/ready: package.json package-lock.json .venv/ready | node
	@npm ci --loglevel=error --no-audit --no-fund
	@touch $@

# 250 MB, which only the tests of real clients use, and 12 MB, which only `bench` uses.
tests/clients/node_modules/ready bench/node/node_modules/ready: %/node_modules/ready: %/package.json %/package-lock.json .venv/ready | node
	@npm ci --prefix $* --ignore-scripts --loglevel=error --no-audit --no-fund
	@touch $@

$(CURDIR)/.uv/bin/uv:
	@echo "installing uv"
	@command -v python3 >/dev/null || { echo "Python 3.11 or newer is required, but python3 was not found"; exit 1; }
	@python3 -m venv .uv || { rm -rf .uv; echo "Python's venv is required: on Debian, run apt-get install python3-venv"; exit 1; }
	.uv/bin/pip install --quiet uv==$(UV_VERSION)
