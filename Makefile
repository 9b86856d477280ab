# Two commands matter: `make demo` and `make test`. Both set up what is missing.

PYTHON ?= python3
BIN := .venv/bin
HOME_DIR ?= .matchcut
SAMPLES := $(HOME_DIR)/library
SETUP := .venv/.setup-done

.PHONY: help setup demo test test-slow lint dev bench clean
.DEFAULT_GOAL := help

help:
	@echo 'make setup      .venv with the pinned packages, and the model weights, by hash'
	@echo 'make demo       match cuts of the sample films, and the path of the page that shows them'
	@echo 'make test       the fast tests;  make test-slow: the others'
	@echo 'make dev        the Dagster UI and its daemon on the library in $(HOME_DIR)/library'
	@echo 'make lint       ruff and mypy'
	@echo 'make bench      seconds per stage, on the demo films or those in ../shared/videos'

setup: $(SETUP)

$(SETUP): pyproject.toml constraints.txt resources/model_weights.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 setup" or 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m resources.model_weights
	@touch $@

demo: $(SETUP)
	$(BIN)/python -m resources.sample_films $(SAMPLES)
	MATCHCUT_HOME=$(HOME_DIR) $(BIN)/matchcut run

test: $(SETUP)
	$(BIN)/python -m pytest -m 'not slow' --numprocesses auto --dist loadfile

test-slow: $(SETUP)
	$(BIN)/python -m pytest -m slow

lint: $(SETUP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# `dagster dev` reads the instance below the home folder; the library there is watched by a sensor.
dev: $(SETUP)
	MATCHCUT_HOME=$(HOME_DIR) $(BIN)/python -m resources.home
	MATCHCUT_HOME=$(abspath $(HOME_DIR)) DAGSTER_HOME=$(abspath $(HOME_DIR))/dagster $(BIN)/dagster dev -w workspace.yaml

bench: $(SETUP)
	$(BIN)/python -m benchmarks.pipeline

clean:
	rm -rf .venv .matchcut build dist *.egg-info
