"""Which program made a set of outputs: its files, its libraries and its commit."""

import hashlib
import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sipas_analysis import __version__
from sipas_analysis.extras import find_version
from sipas_analysis.files import hash_file, hash_if_there

HOME = Path(__file__).parents[1]
ROOT = HOME.parent
SOURCES = (".py", ".yaml", ".j2", ".css", ".js", ".typ", ".ipynb")
LIBRARIES = (
    "numpy",
    "scipy",
    "pandas",
    "statsmodels",
    "formulaic",
    "duckdb",
    "pydantic",
    "pyreadstat",
    "python-calamine",
    "pyyaml",
    "openpyxl",
    "fonttools",
    "matplotlib",
    "seaborn",
    "jinja2",
    "python-docx",
    "rocrate",
    "typst",
    "xlsxwriter",
)
Facts = dict[str, Any]  # the content of a receipt, as in JSON


def notebooks_folder() -> Path:
    """Return the folder of notebooks: of the checkout, else of the installed package."""
    checkout = HOME.parent / "notebooks"
    return checkout if checkout.is_dir() else HOME / "notebooks"


@cache
def hash_this_program() -> str:
    """Return a hash of the program, its notebooks and the libraries that shape a report."""
    return hash_program(source_files(HOME, notebooks_folder()), library_versions())


@cache
def library_versions() -> dict[str, str]:
    """Return the version of each library that shapes a report, if it is installed."""
    return {name: number for name in LIBRARIES if (number := find_version(name))}


def source_files(home: Path, notebooks: Path) -> dict[str, Path]:
    """Return the files of a program by their place, in a checkout or installed."""
    files = {f"notebooks/{path.name}": path for path in notebooks.glob("*.ipynb")}
    for path in home.rglob("*"):
        if path.suffix in SOURCES and path.parent != notebooks:
            files[f"{home.name}/{path.relative_to(home).as_posix()}"] = path
    return dict(sorted(files.items()))


def hash_program(files: Mapping[str, Path], libraries: Mapping[str, str]) -> str:
    """Return the hash of a program's files and of the versions of its libraries."""
    digest = hashlib.sha256()
    for name, path in files.items():
        digest.update(f"{name} {hash_file(path)}\n".encode())
    digest.update(" ".join(str(libraries.get(name)) for name in LIBRARIES).encode())
    return digest.hexdigest()


def describe_program() -> Facts:
    """Return the program, its environment and its commit, as far as they are known."""
    return {
        "version": __version__,
        "sha256": hash_this_program(),
        "commit": _describe_commit(),
        **{name: hash_if_there(path) or "" for name, path in build_files(ROOT).items()},
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "libraries": {**library_versions()},
    }


def build_files(folder: Path) -> dict[str, Path]:
    """Return the files that define how a program is built, by their name in a receipt."""
    names = {"lock": "requirements.lock", "project": "pyproject.toml", "licence": "LICENSE"}
    return {key: folder / name for key, name in names.items()}


def _describe_commit() -> str:
    """Return the commit of a checkout, with ``+`` if files were changed since; else nothing."""
    if not (ROOT / ".git").exists():
        return ""
    answers = []
    for words in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no")):
        try:
            git = subprocess.run(  # noqa: S603 (git, with words of ours)
                ["git", "-C", str(ROOT), *words],  # noqa: S607 (whichever git the user has)
                capture_output=True,
                text=True,
                check=True,
            )
        except (OSError, subprocess.CalledProcessError):
            return ""
        answers.append(git.stdout.strip())
    commit, changes = answers
    return commit + ("+" if changes else "")
