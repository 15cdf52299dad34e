# `make demo` and `make test` each do all their set-up: on a fresh Debian nothing but make and git has to be there.
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

BIN := .venv/bin
DEMO ?= $(HOME)/shoal-demo
SOURCES := cli core data tui
HISTORIES := tests/scheduler/test_plan_promises.py tests/scheduler/test_snapshot.py tests/scheduler/test_simulator.py
LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet

.PHONY: help
help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: demo
demo: venv engine ## set everything up and run the demo project
	@$(BIN)/shoal demo --directory "$(DEMO)"
	@echo; echo "The command is $(CURDIR)/$(BIN)/shoal: put that directory on your PATH, or call it so."

.PHONY: test
test: venv engine lint ## set everything up and run every check and test
	@scripts/setup-system tests
	@$(BIN)/python scripts/build-image busybox >/dev/null
	@$(BIN)/python scripts/build-image python >/dev/null
	$(BIN)/pytest --numprocesses 2 --dist worksteal

.PHONY: check
check: venv lint ## the checks and the tests that need no Docker (under a minute)
	$(BIN)/pytest --numprocesses 2 --dist worksteal --quiet -m "not docker and not slow"

.PHONY: nightly
nightly: venv ## the tests over random histories, 10,000 of the plan (some ten minutes)
	SHOAL_HYPOTHESIS=nightly nice $(BIN)/pytest --numprocesses 2 --dist worksteal --timeout 0 $(HISTORIES)

.PHONY: lint
lint: venv
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy

.PHONY: bench
bench: venv engine ## measure what the README's table says
	$(BIN)/python -m bench

.PHONY: screenshots
screenshots: venv engine ## draw the README's pictures from what the commands print
	@$(BIN)/python scripts/screenshots

.PHONY: format
format: venv ## lay the code out and mend what can be mended by itself
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: lock
lock: venv ## work out the exact versions again from pyproject.toml and data/images/python.in
	$(BIN)/uv pip compile $(LOCK) --group dev --output-file requirements.lock pyproject.toml
	$(BIN)/uv pip compile $(LOCK) --output-file data/images/python.txt data/images/python.in

# The byte code is made here since the command's start-up counts, and some systems forbid Python to leave any by itself.
.PHONY: venv
venv: .venv/installed ## the virtual environment with the command: .venv/bin/shoal
	@$(BIN)/python -m compileall -q -x "^data/demo/" $(SOURCES) || true

.venv/installed: requirements.lock pyproject.toml scripts/setup-venv | system
	@scripts/setup-venv

.PHONY: system
system:
	@scripts/setup-system

.PHONY: engine
engine: | system
	@scripts/docker-engine

.PHONY: clean
clean: ## remove what was made here, the images of tests and demo included
	rm -rf .venv dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find $(SOURCES) tests bench scripts -name __pycache__ -type d -prune -exec rm -rf {} +
	-docker image ls --quiet --filter label=shoal.recipe | sort --unique | xargs --no-run-if-empty docker image rm --force
