# A handful of verbs, the same here and in CI. Each makes what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
URL ?= http://127.0.0.1:5000
# Data set to serve: [NAME=]PATH; without it the built-in sample.
DATA ?=
# More options for the server, e.g. ARGS="--port 5001".
ARGS ?=
PYTEST_ARGS ?=
FUZZ_EXAMPLES ?= 300
FUZZ_SEED ?= $(shell date +%s)
# More options for the harnesses of faults, e.g. CRASH_ARGS="--number 1000 --seed 2".
CRASH_ARGS ?=
# More options for the validation, e.g. VALIDATE_ARGS=--small.
VALIDATE_ARGS ?=
# Which benchmark, with its options; without it all of them, and docs/performance.md is written.
BENCH ?=
# Extras of pyproject.toml that requirements-cluster.lock has, beside what everybody needs.
EXTRAS := postgres sql dask object cluster-tests

# The tests start some hundred processes, and each would compile Meantime anew: a fifth of what a command costs.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: serve test check cluster fix docs run_tests load fuzz crash faults bench validate lock

serve: $(READY)  ## Serve DATA, or the built-in sample
	exec $(BIN)/meantime serve $(ARGS) $(if $(DATA),"$(DATA)")

test: $(READY)  ## Run the tests, except a few slow ones that make check adds
	$(BIN)/pytest -n auto -m "not thorough" $(PYTEST_ARGS)

check: $(READY) cluster  ## Lint, types, import contract, every test (schemathesis and the small validation too), coverage
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n auto --hypothesis-profile thorough --cov --cov-report= $(PYTEST_ARGS)
	$(BIN)/coverage report --fail-under=100 --show-missing --omit="src/meantime/stores/postgres/*"
	# Not all of its failures can be brought about in a real server at will; those that are left are below.
	$(BIN)/coverage report --fail-under=90 --show-missing --include="src/meantime/stores/postgres/*"

cluster: $(READY)  ## Install what several hosts need as well: docs/cluster.md
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-cluster.lock

fix: $(READY)  ## Fix what can be fixed automatically
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(READY)  ## Write what is generated from the code: docs/problems
	$(BIN)/python -m tests.support.generated_docs

run_tests: $(READY)  ## The API conformance tests, as a client of the running server at URL
	MEANTIME_URL="$(URL)" $(BIN)/pytest tests/conformance -m live -n 0 -p no:randomly -q $(PYTEST_ARGS)

load: $(READY)  ## Twenty run_tests at once while every read endpoint is asked
	MEANTIME_URL="$(URL)" $(BIN)/python -m tests.conformance.load

fuzz: $(READY)  ## Thousands of requests made of the OpenAPI document of v1: FUZZ_EXAMPLES per operation, FUZZ_SEED
	FUZZ_EXAMPLES="$(FUZZ_EXAMPLES)" FUZZ_SEED="$(FUZZ_SEED)" \
	  $(BIN)/pytest tests/acceptance/test_schemathesis.py -n 0 -p no:randomly -q -s -o faulthandler_timeout=0 $(PYTEST_ARGS)

crash: $(READY)  ## Kill servers at random, at each system call and by power loss, and check that nothing is lost; needs strace
	$(BIN)/python -m reliability kills kills-flask hosts kills-at-calls errors-at-calls power-loss $(CRASH_ARGS)

faults: $(READY)  ## Flip bits, fill disks, change clocks, send what is hostile, and check that every answer is right or refused
	$(BIN)/python -m reliability flips flips-served disk-full disk-full-flask quota full-at-every-write errors-at-every-call \
	  clocks clocks-flask descriptors hostile-files hostile-requests hostile-requests-flask requests $(CRASH_ARGS)

bench: $(READY) cluster  ## Speed beside peers, into docs/performance.md; FULL=1 for all sizes; BENCH="answers --rounds 1" for one; needs wrk
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --editable ".[bench]"
	$(BIN)/python -m benchmarks$(if $(BENCH),.$(BENCH))

validate: $(READY)  ## Acceptance by simulation (docs/validation.md): minutes; VALIDATE_ARGS=--small for seconds
	$(BIN)/python -m validation $(VALIDATE_ARGS)

lock:  ## Update requirements.lock and requirements-cluster.lock; see CONTRIBUTING.md
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(VENV)-lock/bin/uv pip compile --quiet --universal --upgrade --python-version 3.11 --extra dev \
	  --no-annotate --no-header --no-emit-index-url --output-file requirements.lock pyproject.toml
	$(VENV)-lock/bin/uv pip compile --quiet --universal --python-version 3.11 $(EXTRAS:%=--extra %) \
	  --constraint requirements.lock --no-annotate --no-header --no-emit-index-url \
	  --output-file requirements-cluster.lock pyproject.toml
	rm -r $(VENV)-lock

$(READY): requirements.lock pyproject.toml
	@echo "making $(VENV): about a minute"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@
