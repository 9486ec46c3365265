# make demo   set up, then the whole experiment on the built-in world
# make test   set up, then the tests
# make check  set up, then ruff and mypy
# make test-slow   set up, then tests that take seconds: starts, waiting, much training or text
# make processes  set up, then tests that train in processes of their own and stop some
# make test-browser   set up, then tests of pages in headless chromium (needs chromium and npm)
# make test-notebook  set up, then execute docs/tour.ipynb, in minutes
# make test-hf  set up, then open exported runs in transformers
# make attack  set up, then every attack that docs/trust.md has a promise for, in minutes
# make kill   set up, then kill -9 training 100 times and resume it, in minutes
# make fuzz   set up, then every property test on 25 times as many inputs, in a quarter of an hour
# make wheel  set up, then build a wheel, install it and run it from another folder
# make bench  set up, then nanoknow against the textbook implementation, in a few minutes
# make pictures  set up, then draw docs/experiment.png from the published data

PYTHON ?= python3
VENV ?= .venv
SEEDS ?= 1
KILLS ?= 100
BIN := $(VENV)/bin

.PHONY: demo test check test-slow processes test-browser test-notebook test-hf attack kill fuzz wheel bench pictures clean

demo: $(VENV)/ready
	$(BIN)/nanoknow demo --seeds $(SEEDS)

test: $(VENV)/ready
	$(BIN)/pytest -n 2 --dist worksteal

check: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test-slow: $(VENV)/ready
	$(BIN)/pytest -n 2 --dist worksteal -m slow

processes: $(VENV)/ready
	$(BIN)/pytest -m processes

test-browser: $(VENV)/ready
	npm install --silent --no-fund --no-audit --prefix $(VENV) axe-core@4.14.1
	$(BIN)/pytest -m browser

test-notebook: $(VENV)/ready
	$(BIN)/pytest -m notebook

test-hf: $(VENV)/ready
	$(BIN)/pytest -m hf

attack: $(VENV)/ready
	$(BIN)/python -m tests.tools.attack

kill: $(VENV)/ready
	$(BIN)/python -m tests.tools.kill --kills $(KILLS)

fuzz: $(VENV)/ready
	$(BIN)/pytest -n 2 --dist worksteal -m hypothesis --hypothesis-profile=fuzz --timeout=3600

wheel: $(VENV)/ready
	$(BIN)/pytest -m wheel

bench: $(VENV)/ready
	$(BIN)/python -m docs.tools.benchmark $(if $(JSON),--json)

pictures: $(VENV)/ready
	$(BIN)/python -m docs.tools.overview

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "nanoknow needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@
