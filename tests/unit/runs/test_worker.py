"""A worker process that cannot start: its reason is reported, and no unit waits for it again."""

import subprocess
import sys
import threading

import pytest
from report_words import HEAD, draw_forms

from sipas_analysis.errors import UnitError
from sipas_analysis.runs import annual_run, worker
from sipas_analysis.runs.jobs import Job, plan_jobs


@pytest.fixture
def jobs(tmp_path):
    """Five reports of a wave that is not there."""
    facts = {
        "wave": str(tmp_path / "wave.yaml"),
        "out": str(tmp_path / "out"),
        "notebook": "unit_report",
        "parameters": {},
        "files": ["a.html"],
        "inputs": {},
        "key": "k",
        "engine": "fork",
    }
    return [Job(f"so-{it}", **facts) for it in "abcde"]


@pytest.mark.slow
def test_every_report_says_why_and_only_two_processes_are_started(jobs, monkeypatch):
    """The refusal of the wave in both languages; two tries for a thread, not one for each unit."""
    started = []
    real = subprocess.Popen
    monkeypatch.setattr(
        worker.subprocess, "Popen", lambda *a, **k: started.append(a) or real(*a, **k)
    )
    ended = [*annual_run.make_reports(jobs, n_workers=1)]
    assert [one.job.name for one in ended] == ["so-a", "so-b", "so-c", "so-d", "so-e"]
    assert all("wave.yaml" in one.failed["vi"] for one in ended)
    assert all(one.failed["vi"] != one.failed["en"] for one in ended)
    assert len(started) == worker.TRIES
    assert not any(job.state.exists() for job in jobs)


def test_a_process_with_threads_does_not_fork():
    """A lock that another thread holds would be copied into the child."""
    release = threading.Event()
    thread = threading.Thread(target=release.wait)
    thread.start()
    try:
        assert not worker.may_fork()
    finally:
        release.set()
        thread.join()


def test_an_answer_survives_the_pipe_and_a_lost_process_has_none():
    """A refusal in both languages; what is cut off or empty is no answer."""
    try:
        raise UnitError("unit_empty", unit="so-a")
    except UnitError as error:
        answer = worker.ReportReply.of_error(error)
    assert worker.ReportReply.from_json(answer.to_json()) == answer
    assert answer.reasons["vi"] != answer.reasons["en"]
    assert worker.ReportReply.from_json("") is None
    assert worker.ReportReply.from_json(answer.to_json()[:20]) is None


@pytest.mark.slow
def test_papermill_is_imported_without_the_slow_checker_which_stays_importable():
    """jsonschema would build a grammar for addresses; whoever needs it later still gets it."""
    code = (
        "import sys; from sipas_analysis.runs.notebook import SLOW_CHECKER, import_papermill; "
        "import_papermill(); print('papermill' in sys.modules, SLOW_CHECKER in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["True", "False"]


@pytest.mark.slow
def test_a_worker_process_that_is_killed_loses_one_report(read_answers, tmp_path):
    """Its report fails and is named; the next one gets a new process and is made."""
    units = ("so-a", "so-b")
    survey = read_answers(HEAD + "".join(draw_forms(unit, 30) for unit in units), min_forms=20)
    jobs = plan_jobs(survey, tmp_path / "out", languages=("vi",), formats=("html",), units=units)
    try:
        assert not worker.make_report(jobs[0]).failed
        process = worker._ALL_WORKERS[-1].process
        process.kill()
        process.wait()
        assert "so-b" in worker.make_report(jobs[1]).failed["en"]
        assert not (tmp_path / "out/units/so-b").exists()
        assert not worker.make_report(jobs[1]).failed
    finally:
        worker.close_workers()
    assert (tmp_path / "out/units/so-b/report.vi.html").is_file()
