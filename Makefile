# podshop. `make` alone lists what there is to make.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# Any of these can be given on the command line: make test PY=python3.12 JOBS=4 TESTS=tests/unit
PY    ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
VENV  ?= .venv
JOBS  ?= auto
TESTS ?= tests
OUT   ?= demo-fund

BIN   := $(VENV)/bin
STAMP := $(VENV)/.installed
# zipline holds pandas below 3 and lives in an environment of its own.
ZIPLINE := .venv-zipline/.installed

RESOLVE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --upgrade --python-version 3.11 \
	--fork-strategy fewest --generate-hashes --custom-compile-command "make lock"

.PHONY: help demo test check golden bench docs fix lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: $(STAMP) ## Run the demonstration fund on real prices; writes demo-fund/report.html
	@$(BIN)/podshop demo --out $(OUT)

test: $(STAMP) $(ZIPLINE) ## Run every test, the slow ones and the browser's too
	@.ci/chromium
	@$(BIN)/pytest -n $(JOBS) --dist worksteal $(TESTS)

check: $(STAMP) ## Format, lint, types, layers and the fast tests: run it before every commit
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest -q -n $(JOBS) --dist worksteal -m "not slow and not browser and not storm" $(TESTS)

golden: $(STAMP) ## Rewrite the expected results in tests/golden; review them with git diff
	@PODSHOP_REWRITE_GOLDEN=1 $(BIN)/pytest -q tests/golden
	@git --no-pager diff --stat -- tests/golden

bench: $(STAMP) ## Measure speed and memory beside a bare loop; writes benchmarks/RESULTS.md
	@$(BIN)/python benchmarks/run.py

docs: $(STAMP) ## Build the documentation into site/
	@$(BIN)/properdocs build --strict --quiet --config-file properdocs.yml
	@echo "Open site/index.html"

fix: $(STAMP) ## Format and mend what ruff can mend
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix .

lock: ## Resolve the newest allowed versions into requirements.lock, with hashes
	@.ci/venv "$(PY)" $(VENV)
	@$(RESOLVE) --only-binary :all: --extra demo --extra data --extra research --extra tracking --extra scale \
		--extra optimise --extra serve \
		--extra dev --output-file requirements.lock
	@$(RESOLVE) --extra data --extra zipline --output-file requirements-zipline.lock

clean: ## Remove what was built, except the environment in .venv
	@rm -rf $(OUT) site build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(ZIPLINE): requirements-zipline.lock .ci/venv .ci/install
	@echo "Installing zipline into an environment of its own, .venv-zipline"
	@.ci/venv "$(PY)" .venv-zipline
	@.ci/install .venv-zipline requirements-zipline.lock
	@touch $@

.venv-zipline: $(ZIPLINE)

$(STAMP): requirements.lock pyproject.toml .ci/venv .ci/install
	@echo "Installing podshop and the locked packages into $(VENV)"
	@.ci/venv "$(PY)" $(VENV)
	@.ci/install $(VENV)
	@touch $@
