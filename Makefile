# Every chore is one word. `make demo` and `make test` need only Python ≥ 3.11 and make; they set up the rest.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: demo test check soak bench docs clean help

help:            ## these words
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | expand -t 10

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Stepwell needs Python 3.11 or newer: make $@ PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(READY)

demo: $(READY)   ## run an order workflow to its end, and look at its record
	@BIN=$(BIN) sh examples/demo.sh

test: $(READY)   ## the whole suite, a few minutes
	$(BIN)/python -m pytest

check: $(READY)  ## lint, format, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --config .importlinter

soak: $(READY)   ## the long tests too
	$(BIN)/python -m pytest -m "soak or not soak" --soak

bench: $(READY)  ## the workloads of benchmarks/, one JSON line each
	$(BIN)/python benchmarks/run.py

docs: $(READY)   ## make the generated pages anew
	$(BIN)/python docs/make_states.py
	$(BIN)/python docs/make_telemetry.py

clean:           ## forget the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
