"""The process of a command: its limits, the signals that end it, and what it prints of an error."""

import atexit
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import typer

from sipas_analysis.documents.writers.terminal import (
    choose_language,
    describe_crash,
    print_error_and_exit,
    print_usage_and_exit,
    speak_as_wave,
    translate_help,
)
from sipas_analysis.errors import OutputError, SipasError
from sipas_analysis.files import find_shortage, write_log
from sipas_analysis.input_copies import remove_copies
from sipas_analysis.messages import say

LEAST_MEMORY = 1_500_000_000  # bytes of address space that the libraries take


def set_limits() -> None:
    """Set threads and garbage collection of this process to what takes the least time."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # for small matrices threads cost more
    gc.set_threshold(100_000, 50, 50)  # few cycles are made; looking for them took a tenth


def end_at_once(run: Callable[[], None]) -> None:
    """Run a function, and end this process with its exit code before objects are taken down.

    Taking down the modules and what a report has computed takes up to a second. All that others
    have registered for the end of the process is done before.
    """
    codes: list[int] = []
    atexit.register(_leave, codes)  # the first to be registered is the last to be called
    try:
        run()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            codes.append(end.code or 0)
        raise


def _leave(codes: list[int]) -> None:
    """End this process with the first code, if there is one; all files were closed before."""
    with suppress(OSError):  # of a full disk or a closed pipe the usual end tells
        sys.stdout.flush()
        sys.stderr.flush()
        if codes:
            os._exit(codes[0])


def refuse_small_memory() -> None:
    """Refuse a limit on memory under which compiled libraries end the process without a word.

    Raises:
        OutputError: ``ulimit -v`` is below ``LEAST_MEMORY``.
    """
    if sys.platform != "win32":
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if 0 <= limit < LEAST_MEMORY:
            raise OutputError("shortage", why=f"ulimit -v {limit >> 10}")


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a closed terminal end a command with its children, within seconds.

    Threads that wait for a kernel are not waited for: the kernel ends with this process.
    """
    received: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        for other in before:
            signal.signal(other, signal.SIG_IGN)  # what ends the children is not interrupted
        raise SystemExit(128 + number)

    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.getsignal(name) for name in map(signal.Signals.__getitem__, names)}
    before = {name: how for name, how in before.items() if how != signal.SIG_IGN}
    for name in before:
        signal.signal(name, stop)
    try:
        yield
    finally:
        if received:
            remove_copies()
            with suppress(OSError):
                typer.echo(say(choose_language(), "cli.said.stopped"), err=True)
                sys.stdout.flush()
            os._exit(128 + received[0])
        for name, how in before.items():
            signal.signal(name, how)


def run_command(app: typer.Typer) -> None:
    """Run the command line; print errors as sentences and return their exit codes."""
    set_limits()
    speak_as_wave(())
    command = typer.main.get_command(app)
    translate_help(command, choose_language())
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    try:
        with stop_on_signals():
            code = command(prog_name="sipas", standalone_mode=False)
        sys.exit(code)
    except SipasError as error:
        print_error_and_exit(error)
    except Exception as error:
        if hasattr(error, "format_message"):  # typer's, where a command is not called right
            print_usage_and_exit(error)
        if shortage := find_shortage(error):
            print_error_and_exit(shortage)
        path = write_log(describe_crash(error))
        fault = type(error).__name__
        typer.echo(say(choose_language(), "cli.said.internal", why=fault, path=path), err=True)
        sys.exit(70)
