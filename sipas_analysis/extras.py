"""Libraries that a base install does not have: which extra brings each, and one refusal.

A base install computes from data frames and CSV files. Other files, Office documents, reports,
pictures, statsmodels, JupyterLab and clusters need libraries that together are twice as large;
each extra of ``pyproject.toml`` names some of them (docs/install.md).
"""

import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from sipas_analysis.errors import LibraryError

# The name in an import, and the smallest extra that brings the library.
EXTRAS = {
    "IPython": "report",
    "distributed": "cluster",
    "docx": "office",
    "duckdb": "files",
    "fontTools": "office",
    "ipywidgets": "lab",
    "jinja2": "report",
    "jupyterlab": "lab",
    "matplotlib": "plot",
    "nbformat": "report",
    "openpyxl": "office",
    "papermill": "report",
    "pyreadstat": "files",
    "python_calamine": "files",
    "rocrate": "report",
    "seaborn": "plot",
    "statsmodels": "models",
    "typst": "report",
    "xlsxwriter": "office",
}


def require_library(*names: str) -> None:
    """Refuse to go on without a library; called before the library is imported.

    Args:
        names: Names as in an import, keys of ``EXTRAS``.

    Raises:
        LibraryError: One is not installed; the first of them is named.

    Example:
        >>> require_library("duckdb", "pyreadstat")
    """
    for name in names:
        if sys.modules.get(name) is None and find_spec(name) is None:
            raise LibraryError("library", library=name, extra=EXTRAS[name])


def find_version(distribution: str) -> str:
    """Return the version of a distribution; nothing if it is not installed.

    Example:
        >>> find_version("no-such-library")
        ''
    """
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
