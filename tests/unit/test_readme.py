"""The README's way from a data frame to an index runs as printed, with the figures of files."""

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from made_answers import FILE, ITEMS, make_answers

import sipas_analysis as sipas

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "huong-dan.md"
FACTORS = {"A": "Access", "B": "Staff", "C": "Result"}


def write_files(answers: pd.DataFrame, folder: Path) -> Path:
    """Write the same survey as files: answers, units, pack and wave; return the wave's path."""
    scale = {"low": 1, "high": 7, "satisfied_from": 6}
    pack = {
        "id": "own",
        "title": {"en": "Own questions"},
        "source": "",
        "status": "unverified",
        "scale": scale,
        "factors": {name: {"en": name} for name in FACTORS.values()},
        "items": {code: {"factor": FACTORS[code[0]], "en": code} for code in ITEMS},
        "overall_item": {"code": "whole", "en": "As a whole"},
    }
    wave = {
        "id": "survey",
        "title": {"vi": "Khảo sát"},
        "year": 2026,
        "instrument": "pack.yaml",
        "groups": {"all": {"vi": "Toàn bộ"}},
        "responses": [{"file": "answers.csv"}],
        "columns": {"unit": "office"},
    }
    for name, content in {"pack": pack, "wave": wave}.items():
        text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
        (folder / f"{name}.yaml").write_text(text, "utf-8")
    units = pd.DataFrame({"code": answers["office"].unique()})
    units.assign(name_vi=units["code"], group="all").to_csv(folder / "units.csv", index=False)
    answers.drop(columns=["sex", "age"]).to_csv(folder / "answers.csv", index=False)
    return folder / "wave.yaml"


@pytest.mark.slow
def test_the_notebook_of_the_readme_runs_and_equals_files(tmp_path, monkeypatch):
    """From ``read_csv`` to index with errors, ranks and drivers in at most eight lines."""
    wave = write_files(make_answers(), tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    (block,) = [text for text in blocks if "sipas.survey(" in text]
    assert len([line for line in block.splitlines() if line.strip()]) <= 8
    monkeypatch.chdir(FILE.parent)
    notebook: dict[str, object] = {}
    exec(block, notebook)
    survey = sipas.read_survey(sipas.read_wave(wave))
    scores = sipas.score(survey, by="unit")
    tables = {
        "scores": scores.frame,
        "ranks": sipas.rank(scores).frame,
        "drivers": sipas.drivers(survey).frame,
    }
    for name, table in tables.items():
        pd.testing.assert_frame_equal(notebook[name].frame, table, check_exact=True)
        assert "<table" in notebook[name]._repr_html_()
    assert len(tables["drivers"]) == 9
    assert tables["ranks"]["rank"].notna().all()
    assert tables["scores"]["se"].notna().all()


@pytest.mark.slow
def test_further_functions_work_on_a_frame_as_on_files(tmp_path):
    """Priority, rules, reliability and quality of a frame are those of its files."""
    answers = make_answers()
    survey = sipas.read_survey(sipas.read_wave(write_files(answers, tmp_path)))
    parts = {name: [code for code in ITEMS if code[0] == part] for part, name in FACTORS.items()}
    frame = sipas.survey(answers, factors=parts, scale=(1, 7), overall="whole", unit="office")
    for function in (sipas.priority, sipas.compare_rules, sipas.reliability, sipas.check):
        ours, files = (getattr(function(each), "frame", None) for each in (frame, survey))
        if ours is not None:
            pd.testing.assert_frame_equal(ours, files, check_exact=True)
    changes = sipas.compare(
        frame,
        sipas.survey(
            answers,
            factors=parts,
            scale=(1, 7),
            id="later",
            year=2030,
            overall="whole",
            unit="office",
        ),
    )
    assert (changes.frame["value"].dropna() == 0).all()
    assert (changes.frame["reason"] == "").all()


def test_links_of_the_pages_are_read_as_titles():
    """The site has no files for a reader: the text of a link is no name of a page."""
    pages = [*Path("docs").glob("*.md")]
    assert len(pages) > 20
    named = {page.name: re.findall(r"\[[\w-]+\.md\]\(", page.read_text("utf-8")) for page in pages}
    assert not {name: links for name, links in named.items() if links}


def test_links_of_the_vietnamese_guide_say_where_english_begins():
    """A reader of Vietnamese knows before the click that the page is in English."""
    links = re.findall(r"(?<!!)\[([^\]]+)\]\((?!pictures)([\w.-]+\.md)", GUIDE.read_text("utf-8"))
    assert len(links) > 3
    assert [label for label, _ in links if "trang tiếng Anh" not in label] == []


def test_the_shortest_path_of_the_guide_is_short_and_first():
    """Both ways, read in some 100 seconds at 220 words a minute, with all commands needed."""
    path = GUIDE.read_text("utf-8").partition("\n## 1. ")[0]
    assert len(path.split()) <= 360
    commands = re.findall(r"^ *(sipas \w+)", path, re.MULTILINE)
    assert commands == ["sipas init", "sipas check", "sipas run"]
