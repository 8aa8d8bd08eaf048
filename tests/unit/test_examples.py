"""Every example in a docstring runs and prints what it says; what pages name is there."""

import doctest
import importlib
import pkgutil
import re
from functools import cache
from pathlib import Path

import pytest
from conftest import DATA, read_demo

import sipas_analysis as sipas

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "sipas_analysis"
NAMES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in sorted(PACKAGE.rglob("*.py"))
    if ">>>" in path.read_text("utf-8")
]
# A quarter of a second and more: whole waves of figures, records or pictures.
SLOW = (
    *("proof.trace", "explain.facts", "explain.priority", "explain.penalty_reward"),
    *("improve.plan", "improve.plan_file", "improve.verdict", "measure.change"),
    *("plot.changes", "plot.coefficients", "plot.importances", "plot.indices", "plot.item_quality"),
    *("records.indicators", "records.service_score", "reports.report"),
)


@pytest.fixture(scope="module")
def read_once():
    """Read a wave as the library does; the demo waves once for all examples."""
    read_survey = sipas.read_survey
    years = {DATA / f"an-giang-{year}/wave.yaml": year for year in (2020, 2021, 2023)}

    @cache
    def read(path):
        return read_demo(years[path]) if path in years else read_survey(sipas.read_wave(path))

    return lambda wave: read(wave.path.resolve())


@pytest.fixture(scope="module")
def read_records_once():
    """Read the records of a survey as the library does; those of a survey once."""
    read_records, kept = sipas.read_records, []

    def read(survey):
        if not any(known is survey for known, _ in kept):
            kept.append((survey, read_records(survey)))
        return next(records for known, records in kept if known is survey)

    return read


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name.endswith(SLOW) else ()) for name in NAMES],
)
def test_examples_run(name, monkeypatch, read_once, read_records_once):
    """From the project's root, as a reader would type them."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sipas, "read_survey", read_once)
    monkeypatch.setattr(sipas, "read_records", read_records_once)
    ran = doctest.testmod(importlib.import_module(name.removesuffix(".__init__")))
    assert ran.attempted > 0
    assert ran.failed == 0


def test_what_the_docs_name_is_there():
    """Tests and functions of each rule in docs/method.md; links and paths of every page."""
    page = (ROOT / "docs/method.md").read_text("utf-8")
    folders = "unit|reference|recovery|property|end_to_end"
    names = {f"tests/{name}.py" for name in re.findall(rf"\b(?:{folders})/[\w/]+", page)}
    functions = [
        row[3] for row in map(re.compile(r"(?<!\\)\|").split, page.split("\n")) if len(row) > 5
    ]
    for text in re.findall(r"`([a-z]+(?:\.\w+)+)`", "".join(functions)):
        pkgutil.resolve_name(f"sipas_analysis.{text}")
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text("utf-8"))
        names |= {path.parent / link for link in links if "://" not in link}
    assert [name for name in names if not (ROOT / name).exists()] == []
