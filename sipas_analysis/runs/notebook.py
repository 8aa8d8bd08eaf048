"""Run one notebook with checked parameters, through the interface of papermill.

If a parameter is misspelt or the ``parameters`` tag is missing, papermill only logs a warning, and
the report is that of the default year. The papermill command turns the code 001 into 1. So names
are compared first, and all values are text that is written into the notebook unchanged.
"""

import ast
import hashlib
import json
import logging
import os
import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from sipas_analysis.arguments import find_nearest
from sipas_analysis.collect.survey import Survey, find_changed_inputs, keep_survey
from sipas_analysis.errors import ChangedError, NotebookError, ParameterError
from sipas_analysis.extras import require_library
from sipas_analysis.files import refuse_changed
from sipas_analysis.input_copies import hold_files, share_folder
from sipas_analysis.messages import LANGUAGES, read_catalogue
from sipas_analysis.proof.program import notebooks_folder
from sipas_analysis.reports.edited_files import tell_edited
from sipas_analysis.reports.report import report as start_report

PROVINCE, UNIT = "province_report", "unit_report"
FORK_ENGINE = "sipas-fork"  # runs cells in this process, see papermill_engine.py
KERNEL_START = """
import json
from sipas_analysis.input_copies import hold_files, use_folder
from sipas_analysis.progress import show_nothing
show_nothing()
_held = json.load(open({!r}, encoding="utf-8"))
use_folder(_held["folder"])
_held = hold_files(_held["inputs"])
_held.__enter__()
"""
SLOW_CHECKER = "rfc3987_syntax"  # for addresses that are not ASCII; takes a second to import


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
    allowed = parameters_of(notebook)
    shown = ", ".join(allowed)
    for name, value in parameters.items():
        if name not in allowed:
            close = find_nearest(name, allowed, least=0)
            fields = {"notebook": notebook.name, "name": name, "known": shown, "close": close}
            raise ParameterError("parameter_unknown", (), **fields)
        if not isinstance(value, str):
            fields = {"notebook": notebook.name, "name": name, "found": repr(value)}
            raise ParameterError("parameter_wrong", (), **fields)
    missing = ", ".join(name for name in allowed if name not in parameters)
    if missing:
        raise ParameterError("parameter_missing", notebook=notebook.name, names=missing)


def run_notebook_here(name: str, parameters: Mapping[str, str], survey: Survey) -> None:
    """Run a notebook in this process on a survey that was read already; see ``run_notebook``.

    The seed of random numbers comes from the unit, so the report does not depend on what this
    process did before.
    """
    check_parameters(notebooks_folder() / f"{name}.ipynb", parameters)
    prepare_process(survey)
    seed_generators(parameters.get("unit") or "province")
    with hold_files(survey.input_hashes):
        run_notebook(name, parameters, engine=FORK_ENGINE)
        refuse_changed(find_changed_inputs(survey))


def prepare_process(survey: Survey) -> None:
    """Prepare this process to run cells: import the modules of notebooks and keep the survey."""
    require_library("matplotlib")
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # as in a kernel
    if "matplotlib" in sys.modules:  # else it reads the variable once a cell imports it
        sys.modules["matplotlib"].rcParams["backend"] = os.environ["MPLBACKEND"]
    import_papermill()
    _load_shared_parts()
    keep_survey(survey)


def import_papermill() -> None:
    """Import papermill without a library that checks addresses, which no notebook contains.

    jsonschema imports that library if it is installed; building its grammar takes a second.
    """
    require_library("papermill")
    slow_checker = sys.modules.pop(SLOW_CHECKER, None)
    sys.modules[SLOW_CHECKER] = None  # type: ignore[assignment]  # an import of it now fails
    try:
        import papermill  # noqa: F401 (for whoever runs a notebook; our engine comes with it)
    finally:
        sys.modules.pop(SLOW_CHECKER, None)  # another thread may have been here
        if slow_checker is not None:
            sys.modules[SLOW_CHECKER] = slow_checker


def _load_shared_parts() -> None:
    """Load what every report needs, so that forked processes share it.

    That is what checks a notebook, what IPython imports when a shell starts, what reads the font of
    pictures, and all sentences.
    """
    import fontTools.pens.recordingPen
    import fontTools.ttLib  # noqa: F401
    import IPython.core.completerlib
    import IPython.core.crashhandler
    import IPython.core.magics  # noqa: F401
    from nbformat import current_nbformat, current_nbformat_minor
    from nbformat.validator import get_validator

    get_validator(current_nbformat, current_nbformat_minor)  # type: ignore[no-untyped-call]
    for language in LANGUAGES:
        read_catalogue(language)


def seed_generators(name: str) -> None:
    """Seed the random generators by the report's name, because a fork copies generators."""
    import numpy as np

    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (a notebook may use the old generator)


def run_notebook(
    name: str,
    parameters: Mapping[str, str],
    folder: Path | None = None,
    engine: str = "",
    inputs: Mapping[str, str] | None = None,
) -> None:
    """Run a notebook, which writes its report.

    Args:
        name: ``province_report`` or ``unit_report``, or another notebook of ``folder``.
        parameters: A value for each of the notebook's parameters, all text.
        folder: Where the notebook is; the folder of the program's notebooks if not given.
        engine: papermill's engine; a separate kernel if empty.
        inputs: Hash of each file that a kernel may read, by absolute path.

    Raises:
        ParameterError: Names or types do not fit.
        NotebookError: A cell failed; nothing was published.
        ChangedError: An input is not what this process holds (``hold_files``).
    """
    notebook = (folder or notebooks_folder()) / f"{name}.ipynb"
    check_parameters(notebook, parameters)
    import_papermill()
    import papermill
    from papermill.exceptions import PapermillExecutionError

    _plain_text_parameters()
    logging.getLogger("papermill").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as aside:
        held = Path(aside) / "inputs.json"
        facts = {"inputs": dict(inputs or {}), "folder": share_folder()}
        held.write_text(json.dumps(facts), "utf-8")
        try:
            papermill.execute_notebook(
                notebook,
                Path(aside) / "done.ipynb",
                parameters=dict(parameters),
                kernel_name="python3",
                engine_name=engine or None,
                **({"show_results": False} if engine == FORK_ENGINE else {}),
                progress_bar=False,
                request_save_on_cell_execute=False,
                autosave_cell_every=0,
                extra_arguments=["--log-level=CRITICAL", "-c", KERNEL_START.format(str(held))],
            )
        except PapermillExecutionError as error:
            if error.ename == ChangedError.__name__:  # of a kernel: only its text is known
                refuse_changed(path for path in inputs or () if Path(path).name in error.evalue)
            why = f"{error.ename}: {error.evalue}".rstrip(".")
            fields = {"notebook": name, "cell": error.cell_index, "why": why}
            raise NotebookError("notebook", (), **fields) from error


def _plain_text_parameters() -> None:
    """Let papermill write text as Python writes it, not escaped letter by letter."""
    from papermill.translators import PythonTranslator, papermill_translators

    class PlainText(PythonTranslator):  # type: ignore[misc]  # papermill has no types
        @classmethod
        def translate_str(cls, val: object) -> str:
            return repr(val)

    papermill_translators.register("python", PlainText)


def write_report(
    survey: Survey,
    unit: str,
    languages: Sequence[str],
    *,
    folder: Path,
    formats: str,
    parameters: Mapping[str, str],
) -> Path:
    """Run the notebook of the province or of one unit; return the first page it wrote.

    Args:
        survey: Validated forms.
        unit: Code, name or alias of the unit; empty for the province.
        languages: Languages of the report; the wave's if empty.
        folder: Output folder of the wave.
        formats: Comma-separated formats.
        parameters: Further parameters of the notebook.

    Raises:
        ParameterError: A further parameter that follows from the other arguments.
        LibraryError: The extra ``report`` is not installed.
    """
    require_library("papermill")
    started = start_report(survey, languages, unit)
    report_languages, unit = started.languages, started.subject.unit
    usual = {
        "wave": str(survey.wave.path.absolute()),
        "language": ",".join(report_languages),
        "out": str(folder.absolute()),
        "formats": formats,
    }
    usual |= {"unit": unit} if unit else {}
    for name in sorted(usual.keys() & parameters.keys()):
        raise ParameterError("parameter_given", name=name)
    with tell_edited(folder):
        run_notebook_here(UNIT if unit else PROVINCE, {**usual, **parameters}, survey)
    report_folder = folder / "units" / unit if unit else folder / "province"
    first = formats.split(",", maxsplit=1)[0].strip()
    stem = "report" if unit or first != "xlsx" else "annexes"
    return report_folder / f"{stem}.{report_languages[0]}.{first}"
