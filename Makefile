# `make demo` and `make test` need Python 3.10 to 3.13 and a package index, nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test test-slow test-web test-datasets docs serve guides lint format clean

demo: $(VENV)/.ganzoo
	$(BIN)/ganzoo demo

# In two processes: most of a test is one thread of Python.
test: $(VENV)/.ganzoo-test
	$(BIN)/python -m pytest -n 2 --dist worksteal --durations=10

test-slow: $(VENV)/.ganzoo-test
	$(BIN)/python -m pytest -m slow

test-web: $(VENV)/.ganzoo-test
	$(BIN)/python -m pytest -m web

test-datasets: $(VENV)/.ganzoo-test
	$(BIN)/python -m pytest -m 'datasets and not slow'

docs: $(VENV)/.ganzoo-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

serve: $(VENV)/.ganzoo-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs serve

# Run all guides, and store their outputs for the site.
guides: $(VENV)/.ganzoo-test
	$(BIN)/python scripts/guides.py

lint: $(VENV)/.ganzoo-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.ganzoo-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV)

# The constraints pin what was tested; the marks say what the environment was made from.
$(VENV)/.ganzoo: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	touch $@

$(VENV)/.ganzoo-test: $(VENV)/.ganzoo
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	touch $@

$(VENV)/.ganzoo-docs: $(VENV)/.ganzoo
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	touch $@
