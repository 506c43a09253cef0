# Everything starts here, on a machine with Python >= 3.11 and make:
#   make report   the verification report, as report/report.html
#   make test     the tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= report
WORKERS ?= 2

.PHONY: report report-quick test test-slow bench lint clean

report: $(VENV)/ready
	$(BIN)/l2obound report --out $(OUT)

report-quick: $(VENV)/ready
	$(BIN)/l2obound report --quick --out $(OUT)

test: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -n $(WORKERS)

test-slow: $(VENV)/ready
	$(BIN)/python -m pytest -n $(WORKERS) -m "slow or not slow"

bench: $(VENV)/ready
	$(BIN)/python -m tests.benchmarks

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# The marker file comes last, so that an interrupted installation is taken up again.
$(VENV)/ready: pyproject.toml requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "l2obound needs Python >= 3.11, got " + sys.version)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info
