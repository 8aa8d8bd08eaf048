"""What an index of packages and a citation say of this project is true, and stays in step."""

import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import sipas_analysis
from sipas_analysis.errors import LibraryError
from sipas_analysis.extras import EXTRAS, require_library

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
RUN_TIME = {
    name: needs for name, needs in PROJECT["optional-dependencies"].items() if name != "dev"
}
# The name in an import where the distribution has another, or brings it.
IMPORTS = {
    "IPython": "ipykernel",
    "distributed": "dask",
    "docx": "python-docx",
    "nbformat": "papermill",
}


def list_own(extra):
    """Return what an extra asks for itself, without the extras in it."""
    needs = map(Requirement, RUN_TIME[extra])
    return {canonicalize_name(need.name): need for need in needs if need.name != PROJECT["name"]}


def list_with(extra):
    """Return what an extra asks for, with the extras in it."""
    inner = [
        name
        for line in RUN_TIME[extra]
        if (need := Requirement(line)).name == PROJECT["name"]
        for name in need.extras
    ]
    needs = list_own(extra)
    for name in inner:
        needs |= list_with(name)
    return needs


def test_each_refusal_names_an_extra_that_brings_the_library():
    """`pip install "sipas-analysis[files]"` mends what the sentence says is missing."""
    for name, extra in EXTRAS.items():
        assert canonicalize_name(IMPORTS.get(name, name)) in list_own(extra), name


def test_every_library_of_an_extra_can_be_refused():
    """A new library of an extra has its line in `sipas_analysis/extras.py`."""
    named = {canonicalize_name(IMPORTS.get(name, name)) for name in EXTRAS}
    asked = {name for extra in RUN_TIME for name in list_own(extra)}
    assert asked == named


def test_no_base_dependency_is_in_an_extra():
    """What is in an extra is not installed without it."""
    base = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    assert base & {name for extra in RUN_TIME for name in list_own(extra)} == set()


def test_all_has_every_extra_but_the_cluster():
    """One word installs what `requirements.lock` pins."""
    wanted = {name for extra in RUN_TIME if extra != "cluster" for name in list_own(extra)}
    assert set(list_with("all")) == wanted


def test_a_missing_library_is_one_sentence_with_its_extra(monkeypatch):
    """A refusal of its own kind, which ``except ImportError`` meets, too."""
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(LibraryError, match=r'pip install "sipas-analysis\[files\]"') as caught:
        require_library("pyreadstat", "duckdb")
    assert isinstance(caught.value, ImportError)
    assert caught.value.exit_code == 27
    assert "duckdb" in caught.value.text("vi")


def test_lowest_versions_are_those_that_ran():
    """Each lower bound of pyproject is what the lowest lock pins; tests ran with that."""
    text = (ROOT / "requirements-lowest.lock").read_text("utf-8")
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text)
    pins = {
        canonicalize_name(name): Version(number)
        for name, number in re.findall(r"(?m)^([\w.-]+)(?:\[[^\]]*\])?==(\S+)", text)
    }
    base = [Requirement(line) for line in PROJECT["dependencies"]]
    needs = {canonicalize_name(need.name): need for need in base} | list_with("all")
    for name, need in needs.items():
        (bound,) = [each.version for each in need.specifier if each.operator == ">="]
        assert Version(bound) == pins[name], name


def test_installed_libraries_are_not_below_the_bounds():
    """The lock and the lower bounds cannot contradict each other."""
    for need in [*map(Requirement, PROJECT["dependencies"]), *list_with("all").values()]:
        assert importlib.metadata.version(need.name) in need.specifier


def test_the_citation_is_valid_and_in_step():
    """CFF 1.2.0 asks for four keys and knows the others; version and licence are those of now."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    optional = {"type", "abstract", "version", "license", "keywords"}
    assert set(citation) <= {"cff-version", "message", "title", "authors"} | optional
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    texts = ("message", "title", "abstract", "version")
    assert all(isinstance(citation[key], str) and citation[key].strip() for key in texts)
    assert citation["version"] == sipas_analysis.__version__
    assert citation["license"] == PROJECT["license"].split(" AND ")[0]
    assert citation["authors"] == PROJECT["authors"]  # of an entity CFF wants a name only
    keywords = citation["keywords"]
    assert keywords == PROJECT["keywords"]
    assert len(keywords) == len(set(keywords))


def test_the_change_log_begins_with_this_version():
    """Whoever installs a version can read what it changes."""
    log = (ROOT / "CHANGELOG.md").read_text("utf-8")
    newest = re.findall(r"(?m)^## (\S+)", log)[0]
    assert Version(newest) >= Version(sipas_analysis.__version__)


def test_the_install_page_lists_every_extra():
    """docs/install.md has a row for each extra with what it adds."""
    page = (ROOT / "docs/install.md").read_text("utf-8")
    assert [extra for extra in RUN_TIME if f"| `{extra}` |" not in page] == []
