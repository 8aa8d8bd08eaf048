"""Commands as processes of their own, without the seconds in which each would import libraries.

One process imports what the program imports, computes nothing, and forks for every command: with
its own memory, group, signals, working folder, output and exit code, as a shell starts ``sipas``.
Tests of the start itself, of the environment and of an installed copy start a new interpreter.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import cache

LATER = ("sipas_analysis.plot", "sipas_analysis.desk")  # no report needs them
LIBRARIES = ("docx", "fontTools.ttLib", "rocrate.rocrate", "typst", "xlsxwriter.xmlwriter")
SIPAS = "from sipas_analysis.cli import main; main()"
PATIENCE = 1200  # seconds until what hangs is given up; never how fast something must be


class Process:
    """A command that was started; has what tests need of ``subprocess.Popen``."""

    def __init__(self, pid, ended):
        """``ended`` is the pipe that brings the exit code."""
        self.pid, self.returncode = pid, None
        self._ended = ended

    def poll(self, timeout=0):
        """Return the exit code; nothing while the command runs."""
        if self.returncode is None and select.select([self._ended], [], [], timeout)[0]:
            with os.fdopen(self._ended) as pipe:
                self.returncode = int(pipe.read())
        return self.returncode

    def wait(self, timeout=PATIENCE):
        """Wait for the end and return the exit code."""
        if self.poll(timeout) is None:
            os.killpg(self.pid, signal.SIGKILL)
            raise AssertionError(f"the command did not end in {timeout} s")
        return self.returncode

    def send_signal(self, number):
        """Send a signal to the command alone, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)


STARTED = []  # every command, ended or not


def start(*words, output, folder=".", code=SIPAS):
    """Start a command with its words; ``code`` is what runs, ``output`` the file it prints to."""
    request = {"words": [str(word) for word in words], "folder": os.fspath(folder), "code": code}
    read, write = os.pipe()
    channel = start_server()
    socket.send_fds(channel, [json.dumps(request).encode()], [output.fileno(), write])
    os.close(write)
    STARTED.append(Process(int(channel.recv(100)), read))
    return STARTED[-1]


def run_to_end(*words, **more):
    """Run a command; return its exit code and all that it printed. Arguments as of ``start``."""
    with tempfile.TemporaryFile() as output:
        exit_code = start(*words, output=output, **more).wait()
        output.seek(0)
        return exit_code, output.read().decode("utf-8")


def run(*words, expect=0, **more):
    """Run a command that must end with an exit code; return all that it printed."""
    exit_code, text = run_to_end(*words, **more)
    assert exit_code == expect, text
    return text


@cache
def start_server():
    """Start the process that forks, once for all tests of this one; it ends with them."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server = subprocess.Popen(
        [sys.executable, "-P", __file__, str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    theirs.close()

    def end():
        for process in STARTED:
            if process.poll() is None:  # its test has failed
                os.killpg(process.pid, signal.SIGKILL)
        ours.close()
        server.wait(PATIENCE)

    atexit.register(end)
    return ours


# ── the process that forks


def import_program():
    """Import the program and what it imports when it makes reports."""
    import sipas_analysis
    from sipas_analysis.runs.notebook import import_papermill

    import_papermill()  # first: it leaves a slow checker of addresses out
    modules = (it.name for it in pkgutil.walk_packages(sipas_analysis.__path__, "sipas_analysis."))
    for name in (*modules, *LIBRARIES):
        if not name.startswith(LATER):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()


def serve(channel):
    """Fork for each request: return it, with its output, in the new process; at the end nothing.

    Between the two is a process that waits for the new one and passes its exit code on.
    """
    while True:
        text, files, _, _ = socket.recv_fds(channel, 1_000_000, 2)
        with suppress(ChildProcessError):
            while os.waitpid(-1, 0 if not text else os.WNOHANG)[0]:
                continue
        if not text:
            return None
        if os.fork() == 0:
            break
        for file in files:
            os.close(file)
    output, ended = files
    if pid := os.fork():
        channel.sendall(str(pid).encode())
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.write(ended, str(code).encode())
        os._exit(0)
    os.close(ended)
    channel.close()
    return json.loads(text), output


def become(request, output):
    """Give this process what a shell would give: a group, a folder, an output, words, Ctrl-C."""
    os.setsid()
    os.chdir(request["folder"])
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["sipas", *request["words"]]


if __name__ == "__main__":
    import_program()
    if asked_for := serve(socket.socket(fileno=int(sys.argv[1]))):
        become(*asked_for)
        exec(asked_for[0]["code"], {"__name__": "__main__"})
