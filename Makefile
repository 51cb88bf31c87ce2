# make demo: see it work.  make test: everything that must pass.  make bench: the figures.

UV_VERSION := 0.13.8
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help demo test bench lint format clean
.DEFAULT_GOAL := help

help:
	@sed -n '1s/^# //p' $(firstword $(MAKEFILE_LIST))

demo: .venv/ready node_modules/ready
	@$(BIN)/iot-authorizer dev

test: .venv/ready node_modules/ready lint
	@.ci/bring chromium mosquitto-clients curl
	$(BIN)/pytest -n 2

lint: .venv/ready
	$(UV) lock --check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/iot-authorizer lint policies/*.toml

bench: .venv/ready
	@.ci/bring mosquitto
	$(BIN)/python -m bench

format: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv .uv node_modules .iot-authorizer .hypothesis .mypy_cache .pytest_cache .ruff_cache

.venv/ready: pyproject.toml uv.lock | $(UV)
	@echo "setting up .venv"
	@$(UV) sync --quiet --locked --all-extras
	@touch $@

# Node.js is the machine's where that is 20 or newer, else one from PyPI.
node_modules/ready: package.json package-lock.json .venv/ready
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null && npm --version >/dev/null 2>&1 || \
	  { echo "bringing Node.js into .venv"; $(UV) sync --quiet --locked --all-extras --group node; }
	@npm ci --loglevel=error --no-audit --no-fund
	@touch $@

.uv/bin/uv:
	@echo "bringing uv"
	@command -v python3 >/dev/null || { echo "needs Python 3.11 or newer: none found"; exit 1; }
	@python3 -m venv .uv || { rm -rf .uv; echo "needs Python's venv: on Debian, apt-get install python3-venv"; exit 1; }
	.uv/bin/pip install --quiet uv==$(UV_VERSION)
