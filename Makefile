# Footfall's everyday commands. `make up` is all that a newcomer needs.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready

# Services and tests start processes by the hundred; each would compile all of it again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup up servers test check format bench clean

setup: $(STAMP)  ## the virtual environment, with .venv/bin/footfall in it

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Footfall needs Python 3.11 or newer. If you have one, name it: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing what constraints.txt names (once; a minute or two) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# `exec` and no shell in between: Ctrl-C reaches Footfall alone, and its own end is what make sees.
up: setup  ## everything, on a generated clickstream; Ctrl-C ends it
	@exec $(BIN)/footfall up $(ARGS)

# With ARGS it is one plain run of pytest: `make test ARGS="tests/unit -k windows"`.
test: setup servers  ## the whole suite, several tests at a time
	@$(BIN)/python $(if $(strip $(ARGS)),-m pytest $(ARGS),-m tests.suite)

servers: setup  ## what the tests need beside Python: real servers and a browser (root: installs them)
	@tests/servers/install.sh

check: setup  ## lint, format, types, layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@PYTHONPATH=src $(BIN)/lint-imports --no-cache

format: setup  ## put the code into shape
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup  ## what is measured, and against what: benchmarks/README.md
	@$(BIN)/python -m benchmarks.bench $(ARGS)

clean:  ## remove what setup, tests and runs left behind (not the data)
	rm -rf .venv .servers build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
