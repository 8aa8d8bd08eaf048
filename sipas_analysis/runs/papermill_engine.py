"""Run a notebook's cells in this process, through papermill and without a kernel.

This is an engine of papermill (entry point group ``papermill.engine``, name ``sipas-fork``). The
start of a kernel and its imports take seconds for each report; this process, or the process that
forked this one, has the imports already. Widgets and ``input()`` do not work without a kernel.
"""

import io
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from nbformat import NotebookNode
from nbformat.v4 import new_output

from sipas_analysis.errors import ChangedError

if TYPE_CHECKING:
    from papermill.engines import NotebookExecutionManager

Output = NotebookNode  # one output of a cell, as nbformat has it
Formats = Mapping[str, object]  # content by media type, or what belongs to a format


class CellOutputs:
    """Outputs of one cell, in the order in which they came; text of one stream is joined."""

    def __init__(self, count: int = 0) -> None:
        self.count = count
        self.outputs: list[Output] = []
        self.by_display_id: dict[str, Output] = {}

    def add_text(self, stream: str, text: str) -> None:
        """Add text of stdout or stderr."""
        last = self.outputs[-1] if self.outputs else None
        if last is not None and last["output_type"] == "stream" and last["name"] == stream:
            last["text"] += text
        elif text:
            self.outputs.append(new_output("stream", name=stream, text=text))

    def add_display(self, output: Output, display_id: str = "") -> None:
        """Add something displayed; under its id it may be changed later."""
        self.outputs.append(output)
        if display_id:
            self.by_display_id[display_id] = output

    def update_display(self, display_id: str, formats: Formats, metadata: Formats) -> None:
        """Change what was displayed under an id, if anything was."""
        if display_id in self.by_display_id:
            self.by_display_id[display_id].update(data=formats, metadata=metadata)


class _CellStream(io.TextIOBase):
    """A text stream that ends in a cell's outputs."""

    def __init__(self, name: str, shell: "CellShell") -> None:
        self.stream, self.shell = name, shell

    def write(self, text: str) -> int:
        self.shell.outputs.add_text(self.stream, text)
        return len(text)

    def writable(self) -> bool:
        return True


class _ResultHook(DisplayHook):
    """Results of cells as ``execute_result``; a trailing semicolon hides one, as in Jupyter."""

    shell: "CellShell"

    def quiet(self) -> bool:
        """Return whether to skip formatting a result: it is not kept, or a semicolon hides it."""
        return not self.shell.shows_results or bool(super().quiet())

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: Formats, md_dict: Formats | None = None) -> None:
        outputs = self.shell.outputs
        result = new_output(
            "execute_result",
            data=format_dict,
            metadata=md_dict or {},
            execution_count=outputs.count,
        )
        outputs.add_display(result)

    def finish_displayhook(self) -> None:
        self._is_active = False


class _DisplayPublisher(DisplayPublisher):
    """``display(…)`` as ``display_data``."""

    shell: "CellShell"

    def publish(
        self,
        data: Formats,
        metadata: Formats | None = None,
        source: object = None,  # noqa: ARG002 (IPython passes it)
        *,
        transient: Formats | None = None,
        update: bool = False,
        **_: object,
    ) -> None:
        outputs, display_id = self.shell.outputs, str((transient or {}).get("display_id", ""))
        if update:
            outputs.update_display(display_id, data, metadata or {})
        else:
            output = new_output("display_data", data=data, metadata=metadata or {})
            outputs.add_display(output, display_id)

    def clear_output(self, wait: bool = False) -> None:  # noqa: ARG002 (IPython's signature)
        self.shell.outputs.outputs.clear()


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

    def enable_gui(self, gui: object = None) -> None:
        """Do nothing: there is no event loop."""

    def showtraceback(self, *args: object, **kwargs: object) -> None:
        """Print nothing: the engine writes the error into the notebook."""


def run_cells(
    nb_man: "NotebookExecutionManager", _kernel: str, *, show_results: bool = True, **_: object
) -> None:
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


def __getattr__(name: str) -> object:
    """Make ``ForkEngine`` on first use: papermill imports this module while it still loads."""
    if name != "ForkEngine":
        raise AttributeError(name)
    from papermill.engines import Engine

    engine = type(name, (Engine,), {"execute_managed_notebook": staticmethod(run_cells)})
    return globals().setdefault(name, engine)


@contextmanager
def _redirect_streams(shell: CellShell) -> Iterator[None]:
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _CellStream("stdout", shell), _CellStream("stderr", shell)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams


@contextmanager
def _restore_main(shell: CellShell) -> Iterator[None]:
    """Restore the ``__main__`` module of the process: cells run in another module."""
    try:
        yield
    finally:
        shell.restore_sys_module_state()


def run_cell(shell: CellShell, cell: NotebookNode) -> bool:
    """Run one cell, put its outputs into it, and return whether it failed."""
    shell.outputs = CellOutputs(shell.execution_count)
    result = shell.run_cell(cell.source, store_history=True)
    if isinstance(result.error_in_exec, ChangedError | KeyboardInterrupt | SystemExit):
        raise result.error_in_exec  # not a fault of the cell: whoever runs the notebook reports it
    cell.outputs, cell.execution_count = shell.outputs.outputs, shell.outputs.count
    error = result.error_before_exec or result.error_in_exec
    if error is None:
        return False
    name, value = type(error).__name__, str(error)
    cell.outputs.append(
        new_output("error", ename=name, evalue=value, traceback=[f"{name}: {value}"])
    )
    return True
