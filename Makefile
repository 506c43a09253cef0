# Everything starts here, on a machine with Python >= 3.11 and make:
#   make report   the verification report, as report/report.html
#   make test     the tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= report
WORKERS ?= 2
# The core of each package, in under a minute.
FAST := tests/bounds/test_quantities.py tests/bounds/test_hypotheses.py tests/bounds/test_virtual.py \
	tests/l2o/test_problems.py tests/l2o/test_losses.py tests/l2o/test_optimizers.py tests/l2o/test_network.py \
	tests/l2o/test_rollout.py tests/verification/virtual_steps/test_segments.py tests/verification/verdicts/test_three_answers.py \
	tests/verification/optima/test_solvers.py tests/verification/optima/test_rounding.py \
	tests/verification/report/test_sentences.py tests/verification/report/test_tables.py

.PHONY: report report-quick test test-fast test-one test-slow test-part-elsewhere test-processors bench lint types \
	docs coq clean

report: $(VENV)/ready
	$(BIN)/l2obound report --out $(OUT)

report-quick: $(VENV)/ready
	$(BIN)/l2obound report --quick --out $(OUT)

test: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-fast: $(VENV)/ready
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(FAST)

# The tests whose numbers are most sensitive, with the kernels of an old processor on one thread.
test-part-elsewhere: $(VENV)/ready
	$(BIN)/python -m tests.processors --part -n $(WORKERS)

# The whole suite with the kernels of four processors, one after another.
test-processors: $(VENV)/ready
	$(BIN)/python -m tests.processors -n $(WORKERS)

# The tests of one part: make test-one MODULE=bounds/worst_cases
test-one: $(VENV)/ready
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal tests/$(MODULE)

test-slow: $(VENV)/ready
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "slow or not slow"

# Every proof and certificate by the kernel of Coq: minutes. It says how to install Coq where that is missing.
coq: $(VENV)/ready
	$(BIN)/python -m l2obound.bounds.coq --workers $(WORKERS)

bench: $(VENV)/ready
	$(BIN)/python -m tests.benchmarks

lint: types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Minutes the first time, seconds after that.
types: $(VENV)/ready
	$(BIN)/python -m tests.typed_tree

docs: $(VENV)/ready-docs
	$(BIN)/python -m sphinx --quiet -W --keep-going -b html docs docs/_build
	@echo docs/_build/index.html

$(VENV)/ready-docs: $(VENV)/ready requirements-docs.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-docs.lock
	touch $@

# The marker file comes last, so that an interrupted installation is taken up again.
$(VENV)/ready: pyproject.toml requirements.lock $(wildcard l2o/support/native/*.[ch])
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "l2obound needs Python >= 3.11, got " + sys.version)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info
