"""Run one notebook with checked parameters, through papermill's own interface.

papermill only logs a misspelt parameter and then reports the default year, and does the same if the
``parameters`` tag is missing; its command line turns the code 001 into 1. So names are compared
first, all values are text, and they are written into the notebook as they are.
"""

import ast
import difflib
import json
import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sipas_analysis.errors import NotebookError, ParameterError
from sipas_analysis.proof.program import notebooks_folder

PROVINCE, UNIT = "province_report", "unit_report"


def parameters_of(notebook: Path) -> list[str]:
    """Return the names that the notebook's cell tagged ``parameters`` sets.

    Raises:
        ParameterError: There is not exactly one such cell.
    """
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    if len(tagged) != 1:
        raise ParameterError("no_parameters", notebook=notebook.name, n=len(tagged))
    body = ast.parse("".join(tagged[0]["source"])).body
    targets = [node.targets[0] for node in body if isinstance(node, ast.Assign)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def check_parameters(notebook: Path, parameters: Mapping[str, object]) -> None:
    """Refuse parameters that the notebook does not have, lacks, or that are not text.

    Raises:
        ParameterError: The first such name, with the right one.
    """
    known = parameters_of(notebook)
    shown = ", ".join(known)
    for name, value in parameters.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
            fields = {"notebook": notebook.name, "name": name, "known": shown, "close": close}
            raise ParameterError("parameter_unknown", (), **fields)
        if not isinstance(value, str):
            fields = {"notebook": notebook.name, "name": name, "found": repr(value)}
            raise ParameterError("parameter_wrong", (), **fields)
    missing = ", ".join(name for name in known if name not in parameters)
    if missing:
        raise ParameterError("parameter_missing", notebook=notebook.name, names=missing)


def run_notebook(
    name: str, parameters: Mapping[str, str], folder: Path | None = None, engine: str = ""
) -> None:
    """Run a notebook; it writes its report itself.

    Args:
        name: ``province_report`` or ``unit_report``, or another notebook of ``folder``.
        parameters: A value for each of the notebook's parameters, all text.
        folder: Where the notebook lies; the program's own notebooks if not given.
        engine: papermill's engine; a kernel of its own if empty.

    Raises:
        ParameterError: Names or types do not fit.
        NotebookError: A cell failed; nothing was published.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError

    notebook = (folder or notebooks_folder()) / f"{name}.ipynb"
    check_parameters(notebook, parameters)
    _plain_text_parameters()
    logging.getLogger("papermill").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as aside:
        try:
            papermill.execute_notebook(
                notebook,
                Path(aside) / "done.ipynb",
                parameters=dict(parameters),
                kernel_name="python3",
                engine_name=engine or None,
                progress_bar=False,
                request_save_on_cell_execute=False,
                autosave_cell_every=0,
                extra_arguments=["--log-level=CRITICAL"],
            )
        except PapermillExecutionError as error:
            why = f"{error.ename}: {error.evalue}".rstrip(".")
            fields = {"notebook": name, "cell": error.cell_index, "why": why}
            raise NotebookError("notebook", (), **fields) from error


def _plain_text_parameters() -> None:
    """Let papermill write text as Python writes it, not escaped letter by letter."""
    from papermill.translators import PythonTranslator, papermill_translators

    class PlainText(PythonTranslator):  # type: ignore[misc]  # papermill has no types
        @classmethod
        def translate_str(cls, val: Any) -> str:
            return repr(val)

    papermill_translators.register("python", PlainText)
