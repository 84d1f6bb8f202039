# Everything from a fresh machine: each target first makes .venv from the lock file, with nothing but
# Python 3.11+ and make. `make help` lists the targets.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

UV_VERSION := 0.13.9
# The first Python that TensorFlow has wheels for; PYTHON=… overrides it.
PYTHON ?= $(shell for p in python3.12 python3.11 python3.13 python3 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
# What conftest groups stays on one worker, in conftest's order. With bytecode, for each worker reads all tests.
PYTEST = PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n auto --dist loadgroup
# An existing uv is used; otherwise one is put into its own small environment, so that `uv sync` cannot remove it.
UV := $(shell command -v uv 2>/dev/null || echo .venv-uv/bin/uv)
# pytest and ruff look nice in colour where a person looks.
export PYTHONUNBUFFERED := 1

.PHONY: help setup setup-gpu demo test test-fast test-all test-long test-browser check format sample docs dev bench acceptance clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

setup: .venv/.synced .venv/.compiled ## Make .venv from the lock file, with what tests need

# Bytecode is written here and now: where PYTHONDONTWRITEBYTECODE is set, as in most container images, each process
# would compile TensorFlow anew. --inexact: what setup-gpu added stays.
# The interpreter itself and not a shim of pyenv's: uv takes that for another Python, and makes .venv anew each time.
SYNC = $(UV) sync --frozen --inexact --compile-bytecode --extra train --extra dg --extra kaggle --project . \
	--python "$$($(PYTHON) -c 'import sys; print(sys.executable)')"

# What running needs. Tests need more: .venv/.synced.
.venv/.runtime: pyproject.toml uv.lock
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11, 3.12 or 3.13 found; install one, or say PYTHON=/path/to/python" >&2; exit 1; }
	@test -x "$(UV)" || { echo "Installing uv $(UV_VERSION) into .venv-uv"; \
		$(PYTHON) -m venv .venv-uv && .venv-uv/bin/python -m pip install --quiet uv==$(UV_VERSION) \
		|| { rm -rf .venv-uv; echo "error: could not install uv (on Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }; }
	@echo "Installing what is needed to run into .venv, and compiling it: minutes the first time"
	@$(SYNC) --no-dev
	@touch $@

.venv/.synced: .venv/.runtime
	@echo "Adding what tests need"
	@$(SYNC)
	@touch $@

# The package itself lies in the checkout, where uv compiles nothing.
.venv/.compiled: .venv/.runtime $(shell find cic_assets -name '*.py')
	@$(BIN)/python -m compileall -q cic_assets
	@touch $@

setup-gpu: setup ## Add what TensorFlow needs on an NVIDIA GPU
	@$(SYNC) --extra gpu

demo: .venv/.runtime .venv/.compiled ## The whole graph on the embedded sample: minutes, no credentials
	@$(BIN)/cic demo

dev: .venv/.runtime .venv/.compiled ## The Dagster UI on http://localhost:3000
	@$(BIN)/cic dev

check: setup ## Format, lint, types, import rules, dependencies
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/deptry cic_assets
	$(BIN)/deptry --ignore DEP002,DEP004 cic_assets_tests benchmarks docs tools

format: setup ## Format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test-fast: setup ## The unit tests: minutes
	$(PYTEST) -m "not slow and not long and not shared and not browser"

test: setup ## All tests but those below and `acceptance`
	$(PYTEST) --durations=10 -m "not long and not shared and not browser"

test-all: setup ## `test` and `acceptance` in one: collected once, and one works while the other waits
	$(PYTEST) --durations=10 -m "not long and not browser"

test-long: setup ## `test`, with all that repeats, each as often as it takes: much longer
	CIC_LONG_TESTS=1 $(PYTEST) --durations=20 -m "not shared and not browser"

test-browser: setup ## The UI in a real browser: needs Chromium and a few minutes
	$(BIN)/pytest -m "browser"

sample: setup ## Draw the embedded sample anew: a minute
	rm -rf cic_assets/web/replay/sample
	$(BIN)/python -m tools.draw_sample cic_assets/web/replay/sample

docs: setup ## Write docs/reference out of the code
	$(BIN)/python docs/reference.py

acceptance: setup ## The tests on private photos, where they are
	$(PYTEST) --durations=10 -m "shared"

bench: setup ## Each stage, where there are peers against them; with PHOTOS=DIR of class folders of JPEGs also what needs photos
	$(BIN)/python benchmarks/download.py
	$(BIN)/python benchmarks/duplicates.py
	$(BIN)/python benchmarks/sharpest.py
	$(BIN)/python benchmarks/hash_search.py
	$(BIN)/python benchmarks/intervals.py
	$(BIN)/python benchmarks/label_errors.py --large 20000
	$(BIN)/python benchmarks/metrics.py
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/preparation.py
	$(BIN)/python benchmarks/report.py
	$(BIN)/python benchmarks/serve.py
ifdef PHOTOS
	$(BIN)/python benchmarks/predict.py "$(PHOTOS)"
	$(BIN)/python benchmarks/resize.py "$(PHOTOS)"
	$(BIN)/python benchmarks/glance.py "$(PHOTOS)"
	$(BIN)/python benchmarks/scale_engine.py "$(PHOTOS)"
	$(BIN)/python benchmarks/scale_copies.py "$(PHOTOS)" --largest 100000
	$(BIN)/python benchmarks/shards.py "$(PHOTOS)"
	$(BIN)/python benchmarks/holdouts.py "$(PHOTOS)"
	$(BIN)/python benchmarks/scenes.py "$(PHOTOS)"
	$(BIN)/python benchmarks/transfer.py "$(PHOTOS)"
	$(BIN)/python benchmarks/time_to_accuracy.py run "$(PHOTOS)"
	$(BIN)/python benchmarks/time_to_accuracy.py report
	$(BIN)/python benchmarks/training.py holdout "$(PHOTOS)"
	$(BIN)/python benchmarks/training.py folds "$(PHOTOS)"
	$(BIN)/python benchmarks/training.py report
endif

clean: ## Remove what the targets made, except data
	rm -rf .venv .venv-uv .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find cic_assets -name __pycache__ -prune -exec rm -rf {} +
