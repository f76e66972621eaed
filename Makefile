# Two commands do all the set-up on a machine that has Python 3.11 and make:
#   make demo   mocks on a socket, all contract suites against them, a report
#   make test   lint, types and tests
.DEFAULT_GOAL := help
.PHONY: help demo test lint collected tools format bench audit docs screenshots lock clean

# Else every process compiles every module anew, and every worker rewrites every test.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/ready

help:  ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

# A Debian without python3-venv has a venv module that cannot make one: then install the package.
$(READY): requirements.lock pyproject.toml
	@rm -rf .venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Counterfoil needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) -m venv .venv >/dev/null 2>&1 || \
	  { rm -rf .venv; apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null && $(PYTHON) -m venv .venv; }
	@echo "installing into .venv (once)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)  ## start the four mocks, hold them to their contracts, show the report
	@$(BIN)/python -m counterfoil demo

test: $(READY)  ## lint, types and all tests
	@$(MAKE) --no-print-directory -j3 lint collected tools
	@$(BIN)/python -m pytest -n 4 --dist worksteal

# Written down for all workers at once; what goes wrong here goes wrong, and is told, in the run.
collected: $(READY)
	@$(BIN)/python -m pytest --collect-only -p no:xdist >/dev/null 2>&1 || true

# The curl commands that reports print are run by the tests, and so are a Redis server, a browser and
# the shells that words are completed in.
tools:
	@command -v curl >/dev/null && command -v redis-server >/dev/null && command -v chromium >/dev/null && \
	  command -v zsh >/dev/null && command -v fish >/dev/null || \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends \
	    curl redis-server chromium zsh fish >/dev/null; } || \
	  echo "without curl, redis-server, chromium, zsh or fish some tests are skipped" >&2

lint: $(READY)  ## style and types
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy

format: $(READY)  ## rewrite the code in the house style
	@$(BIN)/python -m ruff check --fix .
	@$(BIN)/python -m ruff format .

bench: $(READY)  ## measure, side by side
	@$(BIN)/python -m benchmarks

audit: $(READY)  ## every fault and every honest server against the suites; writes what it measured
	@$(BIN)/python -m counterfoil audit \
	  --report counterfoil/measured.json --report docs/audit.md --table README.md

docs: $(READY)  ## build the documentation into build/docs; a link that leads nowhere is an error
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "build/docs/index.html"

screenshots: $(READY) tools  ## take the pictures and transcripts of the documentation anew
	@$(BIN)/python -m docs.making.pictures
	@$(BIN)/python -m docs.making.transcripts

lock:  ## write requirements.lock anew
	@uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --extra dev pyproject.toml -o requirements.lock -q

clean:  ## remove what was made
	@rm -rf .venv build dist report .pytest_cache .mypy_cache .ruff_cache
