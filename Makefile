# Two commands on a machine with Python 3.11, venv and make:  make report   and   make test
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: report test test-slow lint lock data clean

report: $(VENV)/.ready
	$(BIN)/sipas report data/an-giang-2021/wave.yaml

test: $(VENV)/.ready-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto -m "not slow"

test-slow: $(VENV)/.ready-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto -m slow

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The environment is the lock, nothing else; the package itself is linked in, so that edits count.
$(VENV)/.ready: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.ready-dev: requirements-dev.lock $(VENV)/.ready
	$(PIP) install --require-hashes -r requirements-dev.lock
	touch $@

# Recompile the locks: hashes, no addresses, one version for every Python and platform; extras are
# kept, else pip looks for a newer release of a package that another asks for with an extra.
COMPILE := $(BIN)/uv pip compile --generate-hashes --universal --fork-strategy fewest --no-strip-extras --no-header --no-annotate -q
lock: $(VENV)/.ready-dev
	$(COMPILE) pyproject.toml build.in -o requirements.lock
	$(COMPILE) pyproject.toml build.in --extra dev -c requirements.lock -o requirements-dev.lock

# Write the three demo waves again from their seeds; a test asserts that they are these bytes.
data: $(VENV)/.ready
	$(BIN)/python -m sipas_analysis.collect.simulate data

clean:
	rm -rf $(VENV) outputs/*/ .mypy_cache .ruff_cache .hypothesis
