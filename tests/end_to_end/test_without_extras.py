"""A base install computes and prints; where a library is missing, one sentence names its extra."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import warm_process
from without_extras import write_small_wave

from sipas_analysis.extras import EXTRAS

TESTS = Path(__file__).parents[1]
COMPUTED = "init check score drivers trace verdict reconcile --help".split()  # noqa: SIM905
REFUSED = {
    "demo": "files",  # its records are read by DuckDB
    "report": "report",
    "run": "report",
    "archive": "report",
    "compare": "report",
    "sample": "report",  # a page
    "check --out": "office",
    "plan": "office",
    "lab": "lab",
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """How examples and commands end without the libraries of extras, in a process of its own."""
    folder = tmp_path_factory.mktemp("base")
    wave = write_small_wave(folder)
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "OMP_NUM_THREADS": "1"}
    for verb, out in {"run": "full", "plan": "plans"}.items():
        warm_process.run(verb, wave, "--out", folder / out)
    command = [sys.executable, str(TESTS / "without_extras.py"), str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return json.loads(done.stdout)


@pytest.mark.slow
def test_every_example_computes_or_names_the_missing_library(outcomes):
    """No example of a docstring ends in a bare ImportError; what only computes works."""
    examples = outcomes["examples"]
    bare = r"ModuleNotFoundError|ImportError"
    assert {name: end for name, end in examples.items() if re.match(bare, end)} == {}
    refused = {name: end for name, end in examples.items() if end in EXTRAS}
    statistics = ("infer.", "measure.", "explain.", "quality.", "collect.")
    assert {name for name in refused if name.startswith(statistics)} == {"explain.facts.join_facts"}
    assert len(refused) < len(examples) / 5


@pytest.mark.slow
def test_every_command_works_or_names_the_missing_library(outcomes):
    """An officer with a base install can check and score; other commands say what to install."""
    ends = outcomes["commands"]
    assert {verb: ends[verb] for verb in COMPUTED if ends[verb] != "ok"} == {}
    assert {verb: EXTRAS.get(ends[verb], ends[verb]) for verb in REFUSED} == REFUSED
    assert set(ends) == {*COMPUTED, *REFUSED, "verify"}
