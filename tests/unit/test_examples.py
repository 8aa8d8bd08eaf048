"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import sipas_analysis

ROOT = Path(__file__).parents[2]
NAMES = [it.name for it in pkgutil.walk_packages(sipas_analysis.__path__, "sipas_analysis.")]


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith("__main__")])
def test_examples_run(name, monkeypatch):
    """From the project's root, as a reader would type them."""
    monkeypatch.chdir(ROOT)
    found = doctest.testmod(importlib.import_module(name))
    assert found.failed == 0
