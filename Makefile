# The workflow of this project. Each target is the very command that CI runs (.ci/run), so that there is one way to do
# each thing. `make help` lists the targets.

VENV := .venv
UV := $(VENV)/bin/uv
RUN := $(UV) run --locked
QUALITY := $(UV) run --locked --group quality
PYTHON_3_13 ?= python3.13

# The interpreters of this machine are the ones that we test; nothing is downloaded behind our back.
export UV_PYTHON_DOWNLOADS := never

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast test-3.13 lint format types contracts audit wheel compose secrets check bench ci clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z][a-z0-9.-]*:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(UV):
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install -q uv

setup: $(UV)  ## Create .venv with everything that the targets below need
	$(UV) sync --locked --inexact --group quality

demo: $(UV)  ## Start the whole system on a sample organisation and print its address and login
	$(RUN) tocsin demo

test: $(UV)  ## Run all tests (the second command of the README)
	$(RUN) pytest

test-fast: $(UV)  ## Run the tests that start no process and no browser
	$(RUN) pytest -m "not processes and not browser" tests/unit tests/contract tests/architecture

test-3.13: $(UV)  ## Run the unit and contract tests on Python 3.13, in an environment of their own
	UV_PROJECT_ENVIRONMENT=build/venv-3.13 $(UV) run --locked --python $(PYTHON_3_13) pytest -q tests/unit tests/contract

lint: $(UV)  ## Check style and format
	$(QUALITY) ruff check
	$(QUALITY) ruff format --check

format: $(UV)  ## Repair style and format where that is safe
	$(QUALITY) ruff check --fix
	$(QUALITY) ruff format

types: $(UV)  ## Check the types (mypy --strict)
	$(QUALITY) mypy

contracts: $(UV)  ## Check that imports point down (seven contracts in pyproject.toml)
	$(RUN) lint-imports --no-logo

audit: $(UV)  ## Look for insecure code (bandit) and for known vulnerabilities in the lock file (pip-audit)
	$(QUALITY) python .ci/audit.py

wheel: $(UV)  ## Build the wheel, install it in an empty environment and start it there
	bash .ci/wheel

compose: $(UV)  ## Check docker-compose.yml and the Dockerfile against the Compose specification and our rules
	$(RUN) pytest -q tests/unit/test_compose.py

secrets:  ## Write the secret files for docker compose (keeps those that exist)
	bash secrets/make

check: lint types contracts test  ## Everything to run before a commit

bench: $(UV)  ## Measure the pipeline against its floor
	$(RUN) tocsin bench pipeline --feeds 20 --items 200 --json

ci:  ## Everything that CI runs, from the installation of packages to the wheel (as root)
	bash .ci/run

clean:  ## Remove what the tools wrote, but neither .venv nor data
	rm -rf dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
