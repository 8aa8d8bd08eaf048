"""``sipas lab``: the words of its command, and a working folder that nothing is written over in."""

import subprocess
import sys

import pytest

from sipas_analysis import cli
from sipas_analysis.desk import lab_folder
from sipas_analysis.desk.lab_folder import NO_NEWS, fill_folder, open_lab, split_words
from sipas_analysis.errors import LibraryError, OutputError
from sipas_analysis.proof.program import notebooks_folder


@pytest.fixture
def called(monkeypatch):
    """The command that would start JupyterLab."""
    calls = []
    monkeypatch.setattr(subprocess, "call", lambda command: calls.append(command) or 0)
    return calls


@pytest.fixture
def without_waves(monkeypatch):
    """Make no demo: it takes four seconds."""
    monkeypatch.setattr(lab_folder, "WAVES", ())


@pytest.mark.parametrize(
    ("words", "folder", "options"),
    [
        ("", None, []),
        ("work", "work", []),
        ("--no-browser work", "work", ["--no-browser"]),
        ("--port 8899", None, ["--port", "8899"]),
        ("--port=8899 work --debug", "work", ["--port=8899", "--debug"]),
        ("--port 8899 work", "work", ["--port", "8899"]),
    ],
)
def test_the_folder_is_told_from_the_options_of_jupyterlab(words, folder, options):
    """A number behind --port is no folder."""
    found, rest = split_words(words.split())
    assert (found and str(found), rest) == (folder, options)


def test_a_checkout_opens_its_notebooks_and_passes_options_on(called, monkeypatch):
    """Nothing is copied; --lang is ours, all else is JupyterLab's."""
    words = ["sipas", "lab", "--no-browser", "--port", "8899", "--lang", "vi"]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert not caught.value.code
    start = [sys.executable, "-m", "jupyterlab", str(notebooks_folder())]
    assert called == [[*start, NO_NEWS, "--no-browser", "--port", "8899"]]


def test_a_folder_gets_notebooks_and_plan_and_is_opened(called, without_waves, tmp_path, capsys):
    """It is named once more for what was there already."""
    folder = tmp_path / "work"
    open_lab([str(folder), "--no-browser"])
    assert called[0][2:] == ["jupyterlab", str(folder), NO_NEWS, "--no-browser"]
    names = {path.name for path in notebooks_folder().glob("*.ipynb")}
    assert {path.name for path in folder.glob("*.ipynb")} == names
    assert (folder / "data/an-giang-2020/plan.xlsx").is_file()
    assert "start.ipynb" in capsys.readouterr().out


def test_what_the_user_changed_is_never_written_over(without_waves, tmp_path, capsys):
    """A second time only what is missing is copied."""
    fill_folder(tmp_path)
    (tmp_path / "start.ipynb").write_text("mine", "utf-8")
    (tmp_path / "audit.ipynb").unlink()
    assert [path.name for path in fill_folder(tmp_path)] == ["audit.ipynb"]
    assert (tmp_path / "start.ipynb").read_text("utf-8") == "mine"


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    """One paragraph; no traceback of the system."""
    (tmp_path / "work").write_text("", "utf-8")
    with pytest.raises(OutputError, match="work must be writable"):
        fill_folder(tmp_path / "work")


def test_without_jupyterlab_the_extra_is_named(called, monkeypatch):
    """The base install has none."""
    monkeypatch.setitem(sys.modules, "jupyterlab", None)
    monkeypatch.setattr("sipas_analysis.extras.find_spec", lambda name: None)
    with pytest.raises(LibraryError, match=r"sipas-analysis\[lab\]"):
        open_lab([])
    assert called == []


@pytest.mark.slow
def test_the_demo_of_the_folder_is_that_of_the_checkout(tmp_path):
    """So notebooks show there what they show here."""
    fill_folder(tmp_path)
    ours = notebooks_folder().parent
    for name in ("an-giang-2020/responses.csv", "an-giang-2021/wave.yaml"):
        assert (tmp_path / "data" / name).read_bytes() == (ours / "data" / name).read_bytes()
