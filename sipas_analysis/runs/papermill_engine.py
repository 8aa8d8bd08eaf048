"""Run a notebook's cells in this process, through papermill: no kernel to start, no socket to lose.

papermill's own extension point (entry point group ``papermill.engine``, name ``sipas-fork``). A
kernel start and its imports cost seconds a report; a child forked from a warm process has both
already and is as clean as a new one. Not for widgets or ``input()``: there is no kernel to ask.
"""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from nbformat.v4 import new_output


class CellOutputs:
    """Outputs of one cell, in the order in which they came; text of one stream joins."""

    def __init__(self, count: int = 0) -> None:
        self.count = count
        self.listed: list[Any] = []
        self.by_id: dict[str, Any] = {}

    def text(self, name: str, said: str) -> None:
        """Add text of stdout or stderr."""
        last = self.listed[-1] if self.listed else None
        if last is not None and last["output_type"] == "stream" and last["name"] == name:
            last["text"] += said
        elif said:
            self.listed.append(new_output("stream", name=name, text=said))

    def show(self, kind: str, data: Any, metadata: Any, **more: Any) -> None:
        """Add something displayed, or change what was displayed under the same id."""
        shown = more.pop("transient", None) or {}
        key = shown.get("display_id")
        if more.pop("update", False):
            if key in self.by_id:
                self.by_id[key].update(data=data, metadata=metadata)
            return
        made = new_output(kind, data=data, metadata=metadata, **more)
        self.listed.append(made)
        if key:
            self.by_id[key] = made


class _CellStream(io.TextIOBase):
    """A text stream that ends in a cell's outputs."""

    def __init__(self, name: str, shell: "CellShell") -> None:
        self.called, self.shell = name, shell

    def write(self, said: str) -> int:
        self.shell.outputs.text(self.called, said)
        return len(said)

    def writable(self) -> bool:
        return True


class _ResultHook(DisplayHook):
    """Results of cells as ``execute_result``; a trailing semicolon hides one, as in Jupyter."""

    shell: "CellShell"

    def quiet(self) -> bool:
        """Say whether a result is not formatted: nobody will read it, or a semicolon hides it."""
        return not self.shell.shows_results or bool(super().quiet())

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        outputs = self.shell.outputs
        outputs.show("execute_result", format_dict, md_dict or {}, execution_count=outputs.count)

    def finish_displayhook(self) -> None:
        self._is_active = False


class _DisplayPublisher(DisplayPublisher):
    """``display(…)`` as ``display_data``."""

    shell: "CellShell"

    def publish(
        self,
        data: Any,
        metadata: Any = None,
        source: Any = None,  # noqa: ARG002 (IPython passes it)
        *,
        transient: Any = None,
        update: bool = False,
        **_: Any,
    ) -> None:
        more = {"transient": transient, "update": update}
        self.shell.outputs.show("display_data", data, metadata or {}, **more)

    def clear_output(self, wait: bool = False) -> None:  # noqa: ARG002 (IPython's signature)
        self.shell.outputs.listed.clear()


class CellShell(InteractiveShell):
    """IPython without a terminal and without a kernel."""

    displayhook_class = _ResultHook
    display_pub_class = _DisplayPublisher
    outputs = CellOutputs()
    shows_results = True

    def init_history(self) -> None:
        """Keep no history of cells on this machine."""
        self.config.HistoryManager.enabled = False
        super().init_history()

    def enable_gui(self, gui: Any = None) -> None:
        """Do nothing: there is no event loop."""

    def showtraceback(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing: the engine writes the error into the notebook."""


def run_cells(nb_man: Any, _kernel: str, *, show_results: bool = True, **_: object) -> None:
    """Run every code cell in order; stop at the first that fails.

    Args:
        nb_man: papermill's notebook that is being executed.
        show_results: Whether to format what a cell ends with; a run keeps no executed notebook.
    """
    CellShell.clear_instance()
    shell = CellShell.instance()
    shell.shows_results = show_results
    with _redirect_streams(shell), _restore_main(shell):
        for index, cell in enumerate(nb_man.nb.cells):
            if cell.cell_type != "code":
                continue
            nb_man.cell_start(cell, index)
            failed = run_cell(shell, cell)
            if failed:
                nb_man.cell_exception(cell, index)
                break
            nb_man.cell_complete(cell, index)


def __getattr__(name: str) -> Any:
    """Make ``ForkEngine``, papermill's engine: it asks for it while its own module still loads."""
    if name != "ForkEngine":
        raise AttributeError(name)
    from papermill.engines import Engine

    made = type(name, (Engine,), {"execute_managed_notebook": staticmethod(run_cells)})
    return globals().setdefault(name, made)


@contextmanager
def _redirect_streams(shell: CellShell) -> Iterator[None]:
    kept = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _CellStream("stdout", shell), _CellStream("stderr", shell)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = kept


@contextmanager
def _restore_main(shell: CellShell) -> Iterator[None]:
    """Give the process its own ``__main__`` back, which cells saw as theirs."""
    try:
        yield
    finally:
        shell.restore_sys_module_state()


def run_cell(shell: CellShell, cell: Any) -> bool:
    """Run one cell, put its outputs into it, and return whether it failed."""
    shell.outputs = CellOutputs(shell.execution_count)
    done = shell.run_cell(cell.source, store_history=True)
    cell.outputs, cell.execution_count = shell.outputs.listed, shell.outputs.count
    error = done.error_before_exec or done.error_in_exec
    if error is None:
        return False
    name, value = type(error).__name__, str(error)
    cell.outputs.append(
        new_output("error", ename=name, evalue=value, traceback=[f"{name}: {value}"])
    )
    return True
