# Everything runs in .venv, which tools/bootstrap.sh makes. ARGS is passed on: make test ARGS="-k srd"
unexport PYTHONPATH PYTHONHOME
.PHONY: help setup demo test lint bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv with the tested packages (PYTHON=... chooses the interpreter)
	@sh tools/bootstrap.sh

demo: setup ## simulate, reconstruct, select and plot a small sample
	@.venv/bin/na64 demo $(ARGS)

test: setup ## run the tests
	@.venv/bin/python -m pytest -p no:benchmark -n auto --dist worksteal $(ARGS)

lint: setup ## check style, format and types
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

bench: setup ## run the benchmarks
	@.venv/bin/python -m pytest benchmarks --benchmark-only $(ARGS)

clean: ## remove .venv and everything that tools leave behind (run directories stay)
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find . -name .git -prune -o -type d -name __pycache__ -exec rm -rf {} +
