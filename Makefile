# The verbs of this project. Each sets up what it needs, so each works first on a fresh machine with Python 3.11+.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# Twice as many as there are cores, as many tests wait for a slow gateway.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(2 * (os.cpu_count() or 1))')
CLIENTS_READY := .venv-clients/.ready
SDK_READY := .venv-sdk/.ready

.PHONY: help environments demo test test-all test-clients test-sdk lint bench kill-matrix flake-rate hostile reports pages clean

help:  ## list these verbs
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

$(CLIENTS_READY): pyproject.toml constraints-clients.txt
	$(PYTHON) -m venv .venv-clients
	.venv-clients/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints-clients.txt --editable '.[clients]'
	@touch $@

$(SDK_READY): constraints-sdk.txt
	$(PYTHON) -m venv .venv-sdk
	.venv-sdk/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints-sdk.txt 'openai<3'
	@touch $@

environments: $(READY) $(CLIENTS_READY) $(SDK_READY)  ## install what all tests need; with make -j3 at the same time

demo: $(READY)  ## start the bundled gateway, judge it in its three dialects, load it, leave reports in reports/demo/
	$(BIN)/python scripts/demo.py

test: $(READY) lint  ## lint, types and the project's own tests, with one row in ninety-six of the tables of defects (make test-all: all)
	ROWS=1/96 PYTEST_XDIST_AUTO_NUM_WORKERS=$(WORKERS) $(BIN)/pytest -n auto --dist worksteal -q

test-all: $(READY)  ## the project's own tests, with every row of the tables of defects
	PYTEST_XDIST_AUTO_NUM_WORKERS=$(WORKERS) $(BIN)/pytest -n auto --dist worksteal -q

test-clients: $(CLIENTS_READY)  ## real clients (ibm-watsonx-ai, langgraph, litellm, openai) against the bundled gateway
	CLIENTS_REQUIRED=1 .venv-clients/bin/pytest tests/clients -q

test-sdk: $(READY) $(SDK_READY)  ## the SDK's major version before against the bundled gateway, as --sdk-python does
	SDK_PYTHON=.venv-sdk/bin/python $(BIN)/pytest tests/clients/test_sdk_before.py -q

lint: $(READY)  ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)  ## how long a check takes, against a bare client, and writing its report; what the load client needs and errs by, against a C reader
	$(BIN)/python -m conformance.bench.check
	$(BIN)/python -m conformance.bench.reporting
	$(BIN)/python -m load.bench
	$(BIN)/python -m reference_gateway.bench.stream

kill-matrix: $(READY)  ## judge every named defect of the bundled gateway; leaves reports/kill-matrix/
	$(BIN)/python scripts/kill_matrix.py

flake-rate: $(READY)  ## fifty full runs on a machine whose cores are busy: how many verdicts differ
	$(BIN)/python scripts/flake_rate.py

hostile: $(READY)  ## check and load every hostile gateway, and look at what becomes of us; leaves reports/hostile/
	$(BIN)/python scripts/hostile.py
	$(BIN)/python scripts/hostile.py --load --jobs 4

reports: $(READY)  ## judge the real gateways of scripts/gateways/ (or GATEWAYS="NAME NAME") anew; leaves reports/*/
	$(BIN)/python scripts/publish_reports.py $(GATEWAYS)

pages: $(READY)  ## render the published reports for a browser: reports/index.html, and report.html or load.html of each
	for report in reports/*/report.json; do $(BIN)/gateproof render $$report --to page --output $$(dirname $$report) || exit; done
	for run in reports/*/load/load.json; do $(BIN)/python -m load.reporting $$run || exit; done
	$(BIN)/gateproof matrix reports

clean:  ## remove the environment, caches and demo reports
	rm -rf .venv .venv-clients .venv-sdk .mypy_cache .ruff_cache .pytest_cache build dist *.egg-info reports/demo
