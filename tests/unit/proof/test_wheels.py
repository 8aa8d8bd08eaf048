"""Wheels of an archive: all of the lock, or a refusal; none that is not of the lock."""

import hashlib

import pytest

from sipas_analysis.errors import ReceiptError
from sipas_analysis.proof.program import describe_program
from sipas_analysis.proof.wheels import find_other_wheels, read_wheels


@pytest.mark.slow
def test_wheels_of_another_python_or_program_are_refused():
    """What is packed must run where the run was made."""
    program = describe_program()
    for name, other in (("python", "3.9.1"), ("machine", "Windows ARM64"), ("sha256", "0")):
        with pytest.raises(ReceiptError, match=name):
            read_wheels({"program": program | {name: other}})


@pytest.mark.slow
def test_a_missing_wheel_is_named_as_pip_names_it(tmp_path):
    """An empty folder has none."""
    with pytest.raises(ReceiptError, match="ERROR: No matching"):
        read_wheels({"program": describe_program()}, tmp_path)


def test_a_wheel_that_is_not_of_the_lock_is_found(tmp_path):
    """By its hash, whatever its name."""
    (tmp_path / "wheels").mkdir()
    (tmp_path / "program").mkdir()
    for name in ("good", "bad"):
        (tmp_path / f"wheels/{name}-1-py3-none-any.whl").write_text(name, "utf-8")
    lock = f"good==1 --hash=sha256:{hashlib.sha256(b'good').hexdigest()}\n"
    (tmp_path / "program/requirements.lock").write_text(lock, "utf-8")
    assert [*find_other_wheels(tmp_path)] == ["wheels/bad-1-py3-none-any.whl"]
