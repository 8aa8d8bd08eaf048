"""Every example in a docstring runs and prints what it says; every example of the docs is read."""

import doctest
import importlib
import pkgutil
import re
from functools import cache
from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from conftest import FACTS, UNITS

import sipas_analysis as sipas
from sipas_analysis.collect.wave import Wave
from sipas_analysis.instrument.pack import read_instrument

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "sipas_analysis"
NAMES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in sorted(PACKAGE.rglob("*.py"))
    if ">>>" in path.read_text("utf-8")
]


@pytest.fixture(scope="module")
def read_once():
    """Read a wave as the library does; the demo waves once for all examples."""
    read_survey = sipas.read_survey
    read = cache(lambda path: read_survey(sipas.read_wave(path)))
    return lambda wave: read(wave.path)


@pytest.mark.parametrize("name", NAMES)
def test_examples_run(name, monkeypatch, read_once):
    """From the project's root, as a reader would type them."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sipas, "read_survey", read_once)
    ran = doctest.testmod(importlib.import_module(name.removesuffix(".__init__")))
    assert ran.attempted > 0
    assert ran.failed == 0


def read_blocks(page, opening):
    """Return the indented blocks of a page that begin with one of the keys, or with an entry."""
    blocks = re.findall(r"(?:^    .*\n)+", (ROOT / page).read_text("utf-8"), re.M)
    return [dedent(block) for block in blocks if re.match(rf" *(- |({opening}):)", block)]


def test_examples_of_wave_yaml_are_read(tmp_path):
    """Each block of docs/wave.md, in a wave that has the other keys; that of the README whole."""
    (tmp_path / "units.csv").write_text(UNITS, "utf-8")
    path = tmp_path / "wave.yaml"
    blocks = read_blocks("docs/wave.md", "|".join(Wave.model_fields))
    assert len(blocks) > 15
    for block in blocks:
        text = f"responses:\n{block}" if block.startswith("-") else block
        variants = text.splitlines() if text.startswith("duplicates") else [text]
        for variant in variants:  # two lines of one key are two examples
            usual = {**FACTS, "instrument": "qd-2640-2017"}
            rest = {key: usual[key] for key in usual if key not in yaml.safe_load(variant)}
            path.write_text(yaml.safe_dump(rest, allow_unicode=True) + variant, "utf-8")
            assert sipas.read_wave(path).year == 2024, variant
    (readme,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    path.write_text(readme, "utf-8")
    assert sipas.read_wave(path).id == "an-giang-2024"


def test_examples_of_packs_are_read(tmp_path):
    """The blocks of docs/packs.md, together, are a pack."""
    path = tmp_path / "pack.yaml"
    usual = {"id": "p", "title": {"vi": "P"}, "source": "", "status": "unverified"}
    usual["factors"] = {"desk": {"vi": "Quầy"}}
    blocks = read_blocks("docs/packs.md", "items|scale")
    path.write_text(yaml.safe_dump(usual, allow_unicode=True) + "".join(blocks), "utf-8")
    pack = read_instrument(path)
    assert [*pack.items] == ["A1", "A2", "P1"]
    assert pack.scale.not_applicable == ("8", "Không áp dụng")


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
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    for path in pages:
        links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text("utf-8"))
        names |= {path.parent / link for link in links if "://" not in link}
    assert [name for name in names if not (ROOT / name).exists()] == []
