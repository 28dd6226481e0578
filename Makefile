# Every target builds its own virtual environment first; nothing else is needed on a fresh machine.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3

.PHONY: help venv demo qgis test lint types bench lock clean

help:                ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

venv: $(VENV)/.done  ## build .venv from the lock file (instant when nothing changed)

$(VENV)/.done: pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/sniffdrone demo --quiet --output $(VENV)/warm-up --overwrite  # compiles the kernels once
	touch $@

demo: venv           ## simulate a survey flight and find its source
	$(BIN)/sniffdrone demo --output demo-output --overwrite

qgis:                ## install QGIS, which a test opens the GeoPackage with (Debian; root or sudo; minutes once)
	@test -d /usr/lib/python3/dist-packages/qgis || { \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -qq && \
	  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-qgis >/dev/null; }

test: lint types venv ## lint, types, layers, tests
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: venv
	$(BIN)/mypy

bench: venv          ## accuracy and speed tables into docs/benchmarks.md (long)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.lock
	$(BIN)/python -m benchmarks

COMPILE = CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host
lock:                ## resolve the lock files anew from pyproject.toml
	$(BIN)/python -m pip install --quiet pip-tools
	$(COMPILE) --extra dev --output-file requirements.lock pyproject.toml
	$(COMPILE) --extra bench --constraint requirements.lock --output-file requirements-bench.lock pyproject.toml

clean:
	rm -rf $(VENV) demo-output dist build
