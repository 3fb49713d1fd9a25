# Two commands matter: `make demo` and `make test`. Each does all its own set-up.
.DEFAULT_GOAL := help
PY := .venv/bin/python
# Three of them mostly wait: tests/helpers/lanes.py. Real input is tested first, with nothing beside it.
WORKERS ?= 4
.PHONY: help setup demo test test-slow lint format bench docs clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## virtual environment, pinned packages, X programs (when root on Debian)
	@tools/setup

demo: setup ## three laptops learn together, from a key press to a better shared model
	@$(PY) -m demo

test: setup lint ## checks and tests, a quarter of an hour on 2 cores
	@$(PY) -m pytest -m "display and not slow"
	@$(PY) -m pytest -m "not display and not slow" -n $(WORKERS)

test-slow: ## the long suites, and a search for new counterexamples
	@tools/setup simulation
	@$(PY) -m pytest -m slow
	@$(PY) -m pytest -m "hypothesis and not display and not slow" -n $(WORKERS) --hypothesis-profile=search

lint: setup ## ruff, mypy --strict, import rules
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports --cache-dir .import_linter_cache

format: setup ## let ruff put the code in order
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bench: ## run the benchmarks and print the figures of docs/benchmarks.md
	@tools/setup bench
	@$(PY) -m benchmarks

docs: setup ## write the generated pages anew (data inventory, commands)
	@$(PY) -m tools.generate_docs

clean: ## remove caches and demo output; the virtual environment stays
	rm -rf demo-out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -type d -exec rm -rf {} +
