"""The end of a command: its exit code, what was registered for it, and nothing taken down."""

import subprocess
import sys

CODE = """
import atexit
from sipas_analysis.command_process import end_at_once

class Kept:
    def __del__(self):
        print("taken down")

def run():
    atexit.register(print, "registered")
    print("run")
    {end}

kept = Kept()
end_at_once(run)
"""


def end_process(end):
    """Run a function that ends with a statement; return the exit code and the printed words."""
    command = [sys.executable, "-c", CODE.format(end=end)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout.split("\n")[:-1]


def test_a_command_ends_with_its_code_and_takes_nothing_down():
    """What others registered is done; objects are not taken down one by one."""
    assert end_process("raise SystemExit(3)") == (3, ["run", "registered"])


def test_an_end_that_is_no_exit_code_is_the_usual_one():
    """An exception is not hidden: Python ends the process as always, with its traceback."""
    assert end_process("raise ValueError") == (1, ["run", "registered", "taken down"])
