# Two commands do all the set-up: `make demo` and `make test`. Second runs skip what is done.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ROUNDS ?= 20
SEED ?= 1
# More than cores: half of what a test does is to wait for processes.
WORKERS ?= 4

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types walls unit chaos snapshots docs picture bench clean

help:
	@echo "make demo       open the dashboard over three tiny models (installs what it needs into .venv)"
	@echo "make test       lint, types, import walls and tests: what must pass before anything lands"
	@echo "make chaos      break things at random, with real processes: ROUNDS=100 SEED=7"
	@echo "make snapshots  store the pictures of all screens as they are drawn now"
	@echo "make docs       write the keys, commands and exit codes of docs/ as the program has them"
	@echo "make bench      print the benchmarks"
	@echo "make clean      remove .venv and everything made"

demo: $(VENV)/.demo
	@$(BIN)/llama-orch-tui demo

test: check unit

check: lint types walls

lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.test
	$(BIN)/mypy
	$(BIN)/mypy --platform win32
	$(BIN)/mypy --platform darwin

walls: $(VENV)/.test
	$(BIN)/lint-imports

unit: $(VENV)/.test
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup

chaos: $(VENV)/.test
	$(BIN)/python -m tests.faults.chaos.rounds --rounds $(ROUNDS) --seed $(SEED)

snapshots: $(VENV)/.test
	$(BIN)/python -m tests.snapshots.pictures

docs: $(VENV)/.test
	$(BIN)/python docs/reference.py

picture: $(VENV)/.test
	$(BIN)/python docs/pictures/draw.py

bench: $(VENV)/.test
	@for program in benchmarks/*.py; do echo "== $$program"; $(BIN)/python $$program || exit 1; done

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "llama-orch-tui needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
		|| { echo "this Python has no venv module; on Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# The byte code is made at install time, so that the first start is as fast as the second.
$(VENV)/.demo: $(VENV)/.python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[embedded]"
	@$(BIN)/python -m compileall -q engine widgets themes llama_orch_tui
	@touch $@

$(VENV)/.test: $(VENV)/.python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test]"
	@touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
