"""A warm process that cannot start: said with its reason, and not waited for by every unit."""

import subprocess

import pytest

from sipas_analysis.runs import annual_run, worker
from sipas_analysis.runs.jobs import Job


@pytest.fixture
def jobs(tmp_path):
    """Five reports of a wave that is not there."""
    facts = {
        "wave": str(tmp_path / "wave.yaml"),
        "out": str(tmp_path / "out"),
        "notebook": "unit_report",
        "parameters": {},
        "files": ["a.html"],
        "key": "k",
        "engine": "fork",
    }
    return [Job(f"so-{it}", **facts) for it in "abcde"]


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
