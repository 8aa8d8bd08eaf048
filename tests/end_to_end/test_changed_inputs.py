"""A file that changes during a run: the run names it and proves nothing that it did not read.

A double changes the file at an event of the run, never after some time.
"""

import json
import os

import pytest
import warm_process
from small_office import write_office

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")]

# Arguments: the file, what becomes of it, at which event, at which event it is put back, a command.
DOUBLE = """
import sys
from pathlib import Path
from sipas_analysis import cli
from sipas_analysis.runs import annual_run, notebook, worker
_, name, change, when, back, *words = sys.argv
path, before = Path(name), Path(name).read_bytes()
def alter():
    if change == "remove":
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(before.replace(b",5", b",1") + b"\\n")
def around(module, event):
    real = getattr(module, event)
    def double(*arguments, **options):
        alter() if event == when else None
        answer = real(*arguments, **options)
        path.write_bytes(before) if event == back else None
        return answer
    setattr(module, event, double)
for module, event in [(worker, "_start_child"), (worker, "_end_child"), (notebook, "run_notebook"),
                      (worker, "_run_in_kernel"), (annual_run, "write_crate")]:
    around(module, event)
sys.argv = ["sipas", *words]
cli.main()
"""


@pytest.fixture
def wave(tmp_path):
    """A small wave of its own."""
    return write_office(tmp_path / "wave")


def run_with_double(wave, *words):
    """Run the command line with a double that changes a file; return its code and its text."""
    return warm_process.run_to_end(*words, "--lang", "en", folder=wave.parent, code=DOUBLE)


@pytest.mark.parametrize(
    ("name", "change", "when", "back", "more"),
    [
        ("answers.csv", "edit", "_start_child", "_end_child", ("--jobs", "1")),
        pytest.param(  # as the next one, of another file
            *("units.csv", "edit", "_start_child", "", ("--jobs", "2")), marks=pytest.mark.full
        ),
        ("answers.csv", "remove", "_start_child", "", ("--jobs", "2")),
        ("wave.yaml", "edit", "write_crate", "", ()),
        ("answers.csv", "edit", *["_run_in_kernel"] * 2, ("--engine", "kernel", "--jobs", "1")),
    ],
)
def test_a_run_whose_input_changes_fails_and_the_next_one_is_whole(
    wave, tmp_path, name, change, when, back, more
):
    """Exit 1 with one paragraph; no receipt; the reports are those of what was read.

    So one more run has none to make, unless ``wave.yaml`` is another now.
    """
    path, out = wave.parent / name, tmp_path / "out"
    before = path.read_bytes()
    units = "so-a" if "kernel" in more else "so-a,so-b"
    run = ("run", wave, "--out", out, "--units", units, *more)
    code, text = run_with_double(wave, path, change, when, back, *run)
    assert code == 1, text
    assert text.count("must not change") == 1
    assert "receipt.json: Input files must not change" in text
    assert f"; {name} changed" in text
    assert not (out / "receipt.json").exists()
    assert len([*out.glob("state/*.json")]) == 1 + units.count(",")
    if not back:
        assert path.exists() == (change != "remove")
        path.write_bytes(before.replace(b"seed: '187'", b"seed: '188'"))
    code, text = run_with_double(wave, path, "", "", "", *run)
    assert (code, "to make: 0." in text) == (0, name != "wave.yaml"), text
    code, text = run_with_double(wave, path, "", "", "", "verify", out)
    assert (code, "SAME." in text) == (0, True), text


def test_a_report_of_one_unit_is_refused_alike(wave, tmp_path):
    """Changed after the command read it: it makes the report of what was read, and tells."""
    out, path = tmp_path / "out", wave.parent / "answers.csv"
    command = ("report", wave, "--unit", "so-a", "--out", out)
    code, text = run_with_double(wave, path, "edit", "run_notebook", "", *command)
    assert (code, "answers.csv changed" in text) == (24, True), text


def test_a_worker_process_refuses_other_inputs_than_those_of_the_job(wave, tmp_path, monkeypatch):
    """A job that was planned on answers that are no longer there: refused as the wave is read."""
    from sipas_analysis.collect.survey import read_survey
    from sipas_analysis.collect.wave import read_wave
    from sipas_analysis.runs import worker
    from sipas_analysis.runs.jobs import plan_jobs

    survey = read_survey(read_wave(wave))
    job, _ = plan_jobs(survey, tmp_path / "out", languages=("vi",), units=("so-a", "so-b"))
    assert json.dumps(dict(job.inputs))
    path = wave.parent / "answers.csv"
    path.write_bytes(path.read_bytes() + b"\n")
    monkeypatch.setattr(worker, "share_folder", str)  # a process on another machine has no copies
    try:
        result = worker.make_report(job)
    finally:
        worker.close_workers()
    assert result.is_changed
    assert "answers.csv" in result.failed["vi"]
    assert not job.state.exists()
