"""Open JupyterLab: on the notebooks of a checkout, else on copies in a working folder.

An installed copy of the program keeps its notebooks among its own files, where no one should work.
They are copied, with the waves of the demo that they read, into a folder of the user. A file that
is there already is never written over: it may have been changed.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from sipas_analysis.collect.simulate import build_demo
from sipas_analysis.documents.writers.terminal import print_message
from sipas_analysis.errors import OutputError
from sipas_analysis.extras import require_library
from sipas_analysis.files import check_writable, write_whole
from sipas_analysis.proof.program import HOME, notebooks_folder
from sipas_analysis.records.simulate import write_demo

LAB_FOLDER = "sipas-lab"  # in the current folder, where the user names none
WAVES = ("an-giang-2020", "an-giang-2021")  # the wave that notebooks read, and the one before it
PLAN = "data/an-giang-2020/plan.xlsx"  # edited by hand, so no program can write it
NO_NEWS = "--LabApp.news_url=None"  # no question about news of Jupyter over the page
FLAGS = ("--no-browser", "--allow-root", "--debug", "-y", "--core-mode", "--dev-mode")


def open_lab(words: Sequence[str]) -> int:
    """Open JupyterLab; return its exit code.

    Args:
        words: A folder, if any, and options of JupyterLab.

    Raises:
        LibraryError: JupyterLab is not installed.
        OutputError: The folder cannot be written.
    """
    require_library("jupyterlab")
    folder, options = split_words(words)
    is_checkout = notebooks_folder().parent != HOME
    if folder is None and is_checkout:
        folder = notebooks_folder()
    else:
        folder = folder or Path(LAB_FOLDER)
        describe_copies(folder, fill_folder(folder))
    command = [sys.executable, "-m", "jupyterlab", str(folder), NO_NEWS, *options]
    return subprocess.call(command)  # noqa: S603 (our own interpreter; the user's own options)


def split_words(words: Sequence[str]) -> tuple[Path | None, list[str]]:
    """Return the folder among the words of a command, and the options of JupyterLab.

    The folder is the first word that neither is an option nor stands behind one that takes a value.

    Example:
        >>> folder, options = split_words(["--port", "8899", "work", "--no-browser"])
        >>> str(folder), options
        ('work', ['--port', '8899', '--no-browser'])
    """
    before = ""
    for at, word in enumerate(words):
        takes_value = before.startswith("-") and "=" not in before and before not in FLAGS
        if not word.startswith("-") and not takes_value:
            return Path(word), [*words[:at], *words[at + 1 :]]
        before = word
    return None, [*words]


def fill_folder(folder: Path) -> list[Path]:
    """Copy the notebooks and the demo into a folder; files that are there stay as they are.

    Returns:
        The files copied.

    Raises:
        OutputError: The folder cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError("output", path=folder, why=folder)
    check_writable(folder)
    sources = {path.name: path for path in sorted(notebooks_folder().glob("*.ipynb"))}
    with tempfile.TemporaryDirectory() as aside:
        sources |= dict(_list_demo(folder, Path(aside)))
        missing = [name for name in sources if not (folder / name).exists()]
        return [write_whole(folder / name, sources[name].read_bytes()) for name in missing]


def _list_demo(folder: Path, aside: Path) -> Iterator[tuple[str, Path]]:
    """Write the waves that a folder does not hold yet aside; yield their files by name."""
    for name in WAVES:
        if not (folder / "data" / name / "wave.yaml").exists():
            print_message("lab_demo", wave=name, is_progress=True)
            write_demo(build_demo(name), aside / "data" / name)
    base = notebooks_folder()
    plan = next(path for path in (base / PLAN, base.parent / PLAN) if path.exists())
    shutil.copyfile(plan, _make_parent(aside / PLAN))
    for path in sorted(aside.rglob("*")):
        if path.is_file():
            yield path.relative_to(aside).as_posix(), path


def _make_parent(path: Path) -> Path:
    """Return a path whose folder is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def describe_copies(folder: Path, copied: Sequence[Path]) -> None:
    """Print what was copied into a working folder, and that the rest was left as it is."""
    notebooks = [path.name for path in copied if path.suffix == ".ipynb"]
    waves = sorted({path.parent.name for path in copied if path.name == "wave.yaml"})
    if copied:
        names = ", ".join([*notebooks, *(f"data/{name}" for name in waves)])
        print_message("lab_copied", n=len(copied), folder=folder, names=names)
    kept = len([*folder.glob("*.ipynb")]) - len(notebooks)
    if kept:
        print_message("lab_kept", n=kept, folder=folder)
