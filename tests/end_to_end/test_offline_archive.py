"""An archive is checked where there is no network: with its own program, in a namespace alone."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import write_wave

from sipas_analysis.collect.survey import read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.proof.archive import write_archive
from sipas_analysis.proof.private_receipt import (
    hash_private_receipt,
    make_private_receipt,
    write_private_receipt,
)
from sipas_analysis.proof.receipt import receipt_facts, seal_receipt, write_receipt
from sipas_analysis.runs.annual_run import write_common_files

ROOT = Path(__file__).parents[2]
ALONE = ["unshare", "-n"] if hasattr(os, "geteuid") and os.geteuid() == 0 else ["unshare", "-rn"]
VERIFY = """
import socket
from sipas_analysis import cli
try:
    socket.create_connection(("192.0.2.1", 80), 5)
except OSError as error:
    print("no network:", error)
cli.main()
"""


@pytest.fixture(scope="module")
def alone():
    """Skip where no network namespace may be made."""
    if not shutil.which("unshare"):
        pytest.skip("no unshare here")
    done = subprocess.run([*ALONE, "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no network namespace: {done.stderr.strip()}")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A small wave without reports in an archive, with all inputs and the program."""
    wave, out = tmp_path_factory.mktemp("wave"), tmp_path_factory.mktemp("out")
    answers = "\n".join(["unit,A1,A2,D1,OVERALL", *["so-a,5,4,5,4", "so-b,4,2,3,4"] * 30])
    survey = read_survey(read_wave(write_wave(wave, answers + "\n", min_forms=20)))
    private = make_private_receipt(survey)
    facts = receipt_facts(survey) | {"private": hash_private_receipt(private)}
    outputs = write_common_files(survey, out, ("vi",), facts, unchanged={}, failed={})
    write_private_receipt(private, out)
    write_receipt(seal_receipt(facts | {"outputs": outputs}), out)
    return write_archive(out, wave / "a.zip", wave)


@pytest.mark.slow
@pytest.mark.usefixtures("alone")
def test_an_archive_proves_itself_without_a_network(archive, tmp_path):
    """Its own program computes every figure again; an altered cell is named by row and column."""
    with zipfile.ZipFile(archive) as parts:
        parts.extractall(tmp_path)
    assert "audit.ipynb" in (tmp_path / "README.en.txt").read_text("utf-8")
    code, printed = verify_alone(tmp_path)
    assert code == 0, printed
    assert "no network: [Errno 101]" in printed
    assert "SAME" in printed
    path = tmp_path / "inputs/answers.csv"
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([*lines[:19], "so-a,5,1,5,4", *lines[20:]]) + "\n", "utf-8")
    code, printed = verify_alone(tmp_path)
    assert code == 1
    assert "input answers.csv: altered cells in column C (A2), row 20" in printed


def verify_alone(folder):
    """Run ``sipas verify`` with the program of an archive, in a namespace without a route."""
    words = {"PYTHONPATH": str(folder / "program"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*ALONE, sys.executable, "-c", VERIFY, "verify", str(folder), "--lang", "en"],
        cwd=folder / "program",
        env=os.environ | words,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.full
@pytest.mark.usefixtures("alone")
def test_the_commands_of_the_readme_need_no_network(archive, tmp_path):
    """With the wheels of the lock in the archive: a new environment, the check, the notebook."""
    with zipfile.ZipFile(archive) as parts:
        parts.extractall(tmp_path)
    path = write_archive(tmp_path / "outputs", tmp_path / "a.zip", tmp_path / "inputs", wheels=True)
    script = ROOT / "benchmarks/offline_replay.py"
    printed = subprocess.run(
        [sys.executable, script, path], capture_output=True, text=True, check=True
    ).stdout
    codes = [line.split()[1] for line in printed.splitlines() if line.startswith("  exit ")]
    assert codes == ["1", *"000000"]  # the first tries to reach the network
    assert printed.count("SAME") == 1
    assert "GIỐNG HỆT" in printed
