# watthour: `make help` lists what there is. A machine needs GNU make and Python 3.11 or later; the rest comes by itself.

PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3.13 python3.14 python3,\
  $(shell $(p) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(p))))

VENV  := .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready
PIP   := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input

# Processes that run the tests.
JOBS := 2

# The parts whose branch coverage is held, each by itself, in percent.
COVERED   := metrology registers meter wire station
THRESHOLD := 95

.DEFAULT_GOAL := help
.PHONY: help setup run test check long soak fuzz bench typetest docs diagnosis pictures lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' Makefile

setup: $(READY) ## make .venv with everything, from requirements.lock

$(READY): requirements.lock pyproject.toml
	@'$(or $(PYTHON),false)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo 'watthour needs Python 3.11 or later: install it, or name it: make setup PYTHON=/path/to/python3' >&2; exit 1; }
	'$(PYTHON)' -m venv $(VENV)
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

run: $(READY) ## start the workshop's meter: Modbus TCP 127.0.0.1:1502, page at http://127.0.0.1:8311/
	$(BIN)/watthour run examples/workshop.toml

check: $(READY) ## format, lint, types, architecture, documents
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_architecture.py tests/test_docs.py

test: $(READY) ## everything that must pass, and the coverage of the parts that are held to it
	$(BIN)/pytest -n $(JOBS) --dist loadfile --cov --cov-report=
	@failed=; for part in $(COVERED); do \
	  test -e src/watthour/$$part -o -e src/watthour/$$part.py || { echo "coverage: no $$part yet"; continue; }; \
	  $(BIN)/coverage report --skip-covered --fail-under=$(THRESHOLD) \
	    --include="src/watthour/$$part.py,src/watthour/$$part/*" \
	    || { echo "coverage of $$part is below $(THRESHOLD) %" >&2; failed=1; }; \
	done; test -z "$$failed"

long: $(READY) ## what takes minutes: a year on Spanish rates, a program killed some eighty times, 1000 honest invoices
	WATTHOUR_LONG=1 $(BIN)/pytest -q tests/river/test_spanish_rates.py tests/cli/test_killed.py tests/billing/test_causes.py

soak: $(READY) ## a million requests on a bad line, 10^5 exchanges on a bad M-Bus, every start and quantity of a read, the head-end under fire, a page left open for an hour, 100000 power cuts, 500 kills, 10000 bit flips: hours
	WATTHOUR_SOAK=1 $(BIN)/pytest -q -s tests/conformance/modbus/test_shared_line.py tests/conformance/modbus/test_own_receivers.py \
	  tests/conformance/modbus/test_every_read.py
	$(BIN)/python tools/soak.py
	$(BIN)/python tools/soak.py --profile --hours 24
	$(BIN)/python tools/mbus_soak.py
	$(BIN)/python tools/page_hour.py
	@mkdir -p bench/out
	$(BIN)/python tools/power_soak.py --log bench/out/power-soak.log

fuzz: $(READY) ## both ends of Modbus, ten million inputs, by coverage and then in a flood, and those of M-Bus, two million (needs Python 3.11)
	$(BIN)/python tools/fuzz_modbus.py grow -runs=200000
	$(BIN)/python tools/fuzz_modbus.py flood --inputs 9800000
	$(BIN)/python tools/fuzz_mbus.py -runs=2000000 -max_total_time=$(or $(SECONDS),7200)

bench: $(READY) ## the ratios, measured here and now
	@for script in $(filter-out bench/_%,$(wildcard bench/*.py)); do \
	  echo "== $$script"; $(BIN)/python "$$script" || exit 1; \
	done

typetest: $(READY) ## the whole type test behind an ideal front end and a 24 bit converter, reports in bench/out (long)
	@mkdir -p bench/out
	$(BIN)/watthour typetest --front-end ideal --json bench/out/typetest-ideal.json --report bench/out/typetest-ideal.html
	$(BIN)/watthour typetest --json bench/out/typetest.json --report bench/out/typetest.html

docs: $(READY) ## write docs/nomenclature.md, the Modbus map and the M-Bus record list anew from the sources
	$(BIN)/python tools/nomenclature.py
	$(BIN)/watthour map modbus --format markdown > docs/reference/modbus-map.md
	$(BIN)/watthour map mbus --format markdown > docs/reference/mbus-records.md

diagnosis: $(READY) ## measure the wiring diagnosis anew into docs/reference/diagnosis.md, some minutes
	$(BIN)/python tools/diagnosis.py

pictures: $(READY) ## draw the days of the examples, the page and the panel anew into docs/pictures (needs chromium)
	@mkdir -p docs/pictures
	@for network in examples/*.network.toml; do \
	  name=$$(basename $$network .network.toml); \
	  $(BIN)/watthour network show $$network --svg docs/pictures/$$name.svg || exit 1; \
	done
	$(BIN)/python tools/screens.py docs/pictures

lock: ## resolve pyproject.toml anew into requirements.lock (needs uv)
	@command -v uv >/dev/null || { echo 'make lock needs uv: pip install uv' >&2; exit 1; }
	uv pip compile --quiet --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --group dev --group bench --group fuzz pyproject.toml -o requirements.lock

clean: ## remove what checks, tests and builds left behind; .venv and the meters' state stay
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis .benchmarks .coverage .coverage.* htmlcov dist build bench/out
	find src tests tools bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
