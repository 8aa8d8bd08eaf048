"""``sipas plan``: two files, what to do next, and nothing written over a plan that is there."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

DEMO = Path(__file__).parents[2] / "data/an-giang-2020"


def run_plan(*arguments: object, expect: int = 0) -> str:
    """Run the command in a process of its own; return what it says."""
    command = [Path(sys.executable).with_name("sipas"), "plan", DEMO, *arguments]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == expect, done.stderr
    return done.stdout + done.stderr


def test_the_plan_of_a_unit_is_written_once(tmp_path):
    """The file is for officers: the answer names it, and what to fill in."""
    text = run_plan("--unit", "Sở Nội vụ (mô phỏng)", "--out", tmp_path, "--lang", "vi")
    assert "Số dòng kế hoạch: " in text
    assert "việc chung: 0; việc riêng của đơn vị: " in text
    assert f"Đã ghi {tmp_path / 'plan.xlsx'}" in text
    assert "Tiếp theo: mở" in text
    rows = (tmp_path / "plan.csv").read_text("utf-8-sig").splitlines()
    assert {row.split(",")[1] for row in rows[1:]} == {"so-nv"}
    again = run_plan("--unit", "so-nv", "--out", tmp_path, expect=19)
    assert "plan.xlsx exists already and is not overwritten" in again
    assert "plan.xlsx exists already" in run_plan(expect=19)  # beside wave.yaml


def test_a_unit_that_is_not_listed_is_refused(tmp_path):
    """Nothing is written."""
    assert "so-nv" in run_plan("--unit", "so-nvv", "--out", tmp_path / "out", expect=14)
    assert [*tmp_path.iterdir()] == []
