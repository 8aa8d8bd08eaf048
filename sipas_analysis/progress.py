"""Show how far a long computation is: a bar on a terminal, a line in a notebook, else nothing.

Nothing is shown in the first second, and nothing stays at the end. Of computations inside one
another only the outermost of several parts shows progress.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Protocol, TypeVar

WAIT = 1.0  # seconds until progress is shown
PAUSE = 0.1  # seconds between two changes
_IS_SHOWN: ContextVar[bool] = ContextVar("_IS_SHOWN", default=False)
Part = TypeVar("Part")


class Display(Protocol):
    """Where progress is shown."""

    def show(self, done: int) -> None:
        """Show how many parts are done."""

    def close(self) -> None:
        """Take away what is shown."""


class _TerminalBar:
    """A bar on standard error."""

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import Progress

        self.bar = Progress(
            console=Console(file=sys.stderr),
            transient=True,
            auto_refresh=False,  # by a thread, and a process with threads may not fork
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self.task = self.bar.add_task("", total=total)
        self.bar.start()

    def show(self, done: int) -> None:
        self.bar.update(self.task, completed=done, refresh=True)

    def close(self) -> None:
        self.bar.stop()


class _NotebookLine:
    """A line below the cell of a notebook, which is empty at the end."""

    def __init__(self, total: int) -> None:
        from IPython.display import DisplayHandle

        self.total = max(total, 1)
        self.line = DisplayHandle()  # type: ignore[no-untyped-call]
        self.line.display({"text/plain": ""}, raw=True)  # type: ignore[no-untyped-call]

    def show(self, done: int) -> None:
        percent = f"{100 * min(done, self.total) // self.total} %"
        bar = f'<progress max="{self.total}" value="{done}">{percent}</progress> {percent}'
        self._change({"text/plain": percent, "text/html": bar})

    def close(self) -> None:
        self._change({"text/plain": "", "text/html": ""})

    def _change(self, content: dict[str, str]) -> None:
        self.line.update(content, raw=True)  # type: ignore[no-untyped-call]


def _find_display() -> Callable[[int], Display] | None:
    """Return how to show progress here; nothing where nobody looks."""
    if sys.stderr is not None and sys.stderr.isatty():
        return _TerminalBar
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    is_kernel = type(shell).__name__ == "ZMQInteractiveShell"
    return _NotebookLine if is_kernel and not _IS_QUIET else None


_IS_QUIET: list[bool] = []  # not empty in a kernel of a run, where nobody looks


def show_nothing() -> None:
    """Show no progress in this process from now on."""
    _IS_QUIET.append(True)


@contextmanager
def show_progress(n: int) -> Iterator[Callable[[int], None]]:
    """Show how many of ``n`` parts are done, where somebody looks and it takes long.

    Args:
        n: Number of parts.

    Yields:
        A function to be called with the number of parts that were finished since the last call.
    """
    find = None if _IS_SHOWN.get() or n < 2 else _find_display()
    if find is None:
        yield lambda _done: None
        return
    total, shown_at, displays = 0, time.monotonic() + WAIT - PAUSE, list[Display]()

    def advance(done: int) -> None:
        nonlocal total, shown_at
        total += done
        if time.monotonic() - shown_at >= PAUSE:
            displays.extend([] if displays else [find(n)])
            displays[0].show(total)
            shown_at = time.monotonic()

    token = _IS_SHOWN.set(True)
    try:
        yield advance
    finally:
        _IS_SHOWN.reset(token)
        for display in displays:
            with suppress(Exception):  # a result is worth more than its progress
                display.close()


def watch(parts: Sequence[Part]) -> Iterator[Part]:
    """Yield parts one after another, and show how many are done.

    Example:
        >>> list(watch(["a", "b"]))
        ['a', 'b']
    """
    with show_progress(len(parts)) as advance:
        for part in parts:
            yield part
            advance(1)
