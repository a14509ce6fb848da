# Two commands: `make demo` and `make test`. Both set up .venv first; Python 3.11 to 3.13 is all they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test lint clean

demo: $(VENV)/.run
	$(BIN)/perdure demo --out demo

test: $(VENV)/.dev
	PYTHONDONTWRITEBYTECODE=1 $(BIN)/python -m pytest -n auto $(TESTS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/.run: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || (echo "perdure needs Python 3.11 to 3.13: make PYTHON=python3.12 ..." && exit 1)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install -q -c constraints.txt -e .
	touch $@

$(VENV)/.dev: $(VENV)/.run
	$(PIP) install -q -c constraints.txt -e '.[dev,train]'
	touch $@

clean:
	rm -rf $(VENV) demo
