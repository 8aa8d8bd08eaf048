"""The arguments and options that several commands share, and how their texts are read."""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from sipas_analysis.documents.writers.terminal import choose_language
from sipas_analysis.errors import OutputError, ParameterError
from sipas_analysis.input_copies import remove_copies
from sipas_analysis.messages import say

WaveArg = Annotated[Path, typer.Argument(help="cli.arg.wave", metavar="WAVE")]
OutOpt = Annotated[Path | None, typer.Option("--out", help="cli.opt.out", metavar="DIR")]
DraftOutOpt = Annotated[Path | None, typer.Option("--out", help="cli.opt.out_init", metavar="DIR")]
LangOpt = Annotated[str, typer.Option("--lang", help="cli.opt.lang", metavar="vi|en")]
UnitOpt = Annotated[str, typer.Option("--unit", help="cli.opt.unit", metavar="CODE")]
ParameterOpt = Annotated[
    list[str] | None, typer.Option("-p", help="cli.opt.set", metavar="NAME=VALUE")
]


LEAST_MEMORY = 1_500_000_000  # bytes of address space that the libraries take


def set_limits() -> None:
    """Set threads and garbage collection of this process to what takes the least time."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # for small matrices threads cost more
    gc.set_threshold(50_000, 20, 20)  # few cycles are made; looking for them took a tenth


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


def make_option(name: str, help_id: str = "") -> object:
    """Return an option with its help in the language of the user."""
    return typer.Option(f"--{name}", help=f"cli.opt.{help_id or name}")


def parse_parameters(parameters: list[str] | None) -> dict[str, str]:
    """Return name and value of each ``-p NAME=VALUE``.

    Raises:
        ParameterError: A parameter without ``=``.
    """
    for parameter in parameters or []:
        if "=" not in parameter:
            raise ParameterError("parameter_form", found=parameter)
    return dict(parameter.split("=", 1) for parameter in parameters or [])


def split_names(text: str) -> tuple[str, ...]:
    """Return the names of a comma-separated list."""
    return tuple(name.strip() for name in text.split(",") if name.strip())
