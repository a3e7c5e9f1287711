# `make demo`, `make test` and `make docs` each work on a fresh machine: they create the virtual environment first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test lint docs dist clean

demo: $(INSTALLED)
	$(BIN)/wavenet demo -o demo

test: $(INSTALLED) lint
	$(BIN)/pytest -n 2 --dist loadfile -q

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(INSTALLED)
	$(BIN)/python -m sphinx -W --keep-going -n -q docs build/docs

dist: $(INSTALLED)
	$(BIN)/python -m build

$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

clean:
	rm -rf $(VENV) demo build dist docs/gallery docs/sg_execution_times.rst *.egg-info
