"""Ctrl-C, SIGTERM and a closed terminal end a command at once, with one sentence."""

import os
import signal
import subprocess
import sys

import pytest

CODE = """
import os, signal, sys, threading, time
from pathlib import Path
from sipas_analysis.command_process import stop_on_signals
from sipas_analysis.input_copies import copy_input
signal.signal(signal.SIGINT, signal.default_int_handler)
with stop_on_signals():
    copy_input(Path("a.csv"))
    threading.Thread(target=time.sleep, args=(60,)).start()  # as one that waits for a kernel
    try:
        os.kill(os.getpid(), int(sys.argv[1]))
        time.sleep(60)
    finally:
        os.kill(os.getpid(), int(sys.argv[1]))  # a second one does not interrupt what ends children
        print("children ended")
"""


@pytest.mark.quick_cases(1)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_ends_a_command(tmp_path, name):
    """Exit code 128 + its number; private copies are gone; threads are not waited for."""
    (tmp_path / "a.csv").write_bytes(b"abc")
    (tmp_path / "tmp").mkdir()
    number = int(signal.Signals[name])
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(number)],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
        cwd=tmp_path,
        env=os.environ | {"TMPDIR": str(tmp_path / "tmp"), "LC_ALL": "C.UTF-8"},
    )
    assert (done.returncode, done.stdout) == (128 + number, "children ended\n"), done.stderr
    assert done.stderr == "Stopped. Finished reports stay; the same command makes the rest.\n"
    assert [*(tmp_path / "tmp").iterdir()] == []


def test_a_signal_that_is_ignored_stays_ignored():
    """A run that a shell started in the background (nohup) does not end with its terminal."""
    code = CODE.replace(
        "signal.SIGINT, signal.default_int_handler", "signal.SIGHUP, signal.SIG_IGN"
    )
    code = code.replace("time.sleep(60)\n", "print('goes on')\n").replace("args=(60,)", "args=(0,)")
    code = code.replace('    copy_input(Path("a.csv"))\n', "")
    done = subprocess.run(
        [sys.executable, "-c", code, str(int(signal.SIGHUP))],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout == "goes on\nchildren ended\n"
