# Two commands on a machine with Python 3.11, venv and make:  make report   and   make test
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python .ci/install.py
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto

# Without bytecode every process compiles every module again: three times the time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: report test test-slow test-ci test-full test-lowest lint docs pictures lock data clean

report: $(VENV)/.ready
	$(BIN)/sipas report data/an-giang-2021/wave.yaml

test: $(VENV)/.ready-dev
	$(PYTEST) --dist loadfile -m "not slow and not full" # what a file shares is made once

test-slow: $(VENV)/.ready-dev
	$(PYTEST) --dist worksteal -m "slow and not full"

# Both sets at once: libraries are imported, and figures of the demo computed, once for both.
test-ci: $(VENV)/.ready-dev
	$(PYTEST) --dist worksteal -m "not full"

# Outside CI: the large simulations, every random edit, 20 times the examples of each law.
test-full: $(VENV)/.ready-dev
	$(PYTEST) --dist worksteal --hypothesis-profile=full

# Not in CI: the statistics and all that read and write files, on the lowest versions of pyproject.toml.
LOWEST := unit/infer unit/measure unit/explain unit/instrument unit/sheets unit/collect unit/quality unit/records unit/documents
test-lowest: requirements-lowest.lock
	@test -x $(VENV)-lowest/bin/python || $(PYTHON) -m venv $(VENV)-lowest
	@$(VENV)-lowest/bin/python .ci/install.py "Installing requirements-lowest.lock" --require-hashes -r requirements-lowest.lock
	OMP_NUM_THREADS=1 $(VENV)-lowest/bin/python -m pytest -n auto --dist loadfile -m "not slow and not full" $(LOWEST:%=tests/%)

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The pictures of docs/gallery.md, drawn by the blocks of the page, and of what init prints; tests compare what they show.
pictures: $(VENV)/.ready-dev
	$(BIN)/python tests/make_pictures.py
	$(BIN)/python tests/make_screens.py

# The documentation site, without a network; any warning is an error.
docs: $(VENV)/.ready-dev
	$(BIN)/sphinx-build -q -W --keep-going -d docs/_build/.doctrees docs docs/_build
	@echo "docs/_build/index.html"

# The environment is the lock, nothing else; the package itself is linked in, so that edits count.
$(VENV)/.ready: requirements.lock pyproject.toml
	@test -x $(BIN)/python || { echo "Making $(VENV) with $(PYTHON)"; $(PYTHON) -m venv $(VENV); }
	@$(INSTALL) "Installing requirements.lock" --require-hashes -r requirements.lock
	@$(INSTALL) "Linking sipas_analysis" --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.ready-dev: requirements-dev.lock $(VENV)/.ready
	@$(INSTALL) "Installing requirements-dev.lock" --require-hashes -r requirements-dev.lock
	@touch $@

# Recompile the locks: hashes, no addresses, one version for every Python and platform; extras are
# kept, else pip looks for a newer release of a package that another asks for with an extra.
COMPILE := $(BIN)/uv pip compile --generate-hashes --universal --fork-strategy fewest --no-strip-extras --no-header --no-annotate -q
lock: $(VENV)/.ready-dev
	$(COMPILE) pyproject.toml build.in --extra all -o requirements.lock
	$(COMPILE) pyproject.toml build.in --extra dev -c requirements.lock -o requirements-dev.lock
	$(filter-out --universal,$(COMPILE)) --python-version 3.11 --resolution lowest-direct pyproject.toml lowest.in --extra all -o requirements-lowest.lock

# Write the three demo waves again from their seeds; a test asserts that they are these bytes.
data: $(VENV)/.ready
	$(BIN)/python -m sipas_analysis.collect.simulate data

clean:
	rm -rf $(VENV) $(VENV)-lowest docs/_build outputs/*/ .mypy_cache .ruff_cache .hypothesis
