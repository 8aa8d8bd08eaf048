"""What a base install does: every example and every command with the libraries of extras blocked.

Run as a program in a fresh process, with a folder to work in. It prints JSON: by example and by
command ``ok``, the name of a missing library, or what went wrong.
"""

import contextlib
import doctest
import importlib
import io
import json
import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

from conftest import write_wave

ROOT = Path(__file__).parents[1]


def block_libraries() -> None:
    """Let every import of a library of an extra fail, as if it were not installed."""
    from sipas_analysis.extras import EXTRAS

    for name in EXTRAS:
        sys.modules[name] = None  # type: ignore[assignment]


def name_outcome(error: BaseException) -> str:
    """Return the missing library of a refusal, or what else went wrong."""
    from sipas_analysis.errors import LibraryError

    if isinstance(error, LibraryError):
        return str(error.fields["library"])
    return f"{type(error).__name__}: {error}"


class FirstFault(doctest.DocTestRunner):
    """Runs examples and keeps the first that does not do as it says."""

    fault = ""

    def report_failure(self, out: Any, test: Any, example: Any, got: str) -> None:
        """Keep an example that prints something else."""
        self.fault = self.fault or f"{example.source.strip()} -> {got.strip()}"

    def report_unexpected_exception(self, out: Any, test: Any, example: Any, exc_info: Any) -> None:
        """Keep an example that raises an error; one that imports a library itself names it."""
        imported = re.match(r"import (\w+)$", example.source)
        self.fault = self.fault or (imported[1] if imported else name_outcome(exc_info[1]))


def run_examples() -> dict[str, str]:
    """Run the examples of every module; return how each docstring ended."""
    import sipas_analysis as sipas

    os.chdir(ROOT)
    read_survey = sipas.read_survey
    read = cache(lambda path: read_survey(sipas.read_wave(path)))
    sipas.read_survey = lambda wave: read(wave.path)  # the demo is read once
    outcomes = {}
    for path in sorted((ROOT / "sipas_analysis").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if ">>>" not in path.read_text("utf-8"):
            continue
        try:
            module = importlib.import_module(name)
        except Exception as error:
            outcomes[name] = name_outcome(error)
            continue
        for test in doctest.DocTestFinder().find(module):
            runner = FirstFault(verbose=False)
            runner.run(test, clear_globs=False)
            if test.examples:
                outcomes[test.name.removeprefix("sipas_analysis.")] = runner.fault or "ok"
    return outcomes


def write_small_wave(folder: Path, name: str = "small-2024", **facts: Any) -> str:
    """Write a wave of 64 forms in CSV, and a list to draw from; return the path of the wave."""
    folder.mkdir(parents=True, exist_ok=True)
    levels = [(5 - k % 3, 5 - k % 2, 5 - k % 4, 4 + k % 2) for k in range(64)]
    rows = [f"so-{'ab'[k % 2]},{','.join(map(str, row))}" for k, row in enumerate(levels)]
    clients = "".join(f"{k},so-{'ab'[k % 2]}\n" for k in range(200))
    (folder / "list.csv").write_text(f"id,unit\n{clients}", "utf-8")
    answers = "\n".join(["unit,A1,A2,D1,OVERALL", *rows, ""])
    return str(write_wave(folder, answers, id=name, **facts))


def run_commands(folder: Path) -> dict[str, str]:
    """Run each command on small waves of CSV files; return how each ended.

    In ``folder`` stand the small wave, its plan (``plans``), and reports of it (``full``).
    """
    import typer

    from sipas_analysis.cli import app

    wave, run, out = str(folder / "wave.yaml"), str(folder / "full"), str(folder / "run")
    before: dict[str, Any] = {"plan": "../plans/plan.csv", "earlier": ["../wave.yaml"]}
    later = write_small_wave(folder / "later", "small-2025", year=2025, **before)
    words: dict[str, list[str]] = {
        "init": [str(folder / "answers.csv"), "--out", str(folder / "draft")],
        "demo": [str(folder / "demo"), "--units", "4"],
        "check": [wave],
        "score": [wave, "--out", out],
        "drivers": [wave, "--out", out],
        "report": [wave, "--out", out],
        "run": [wave, "--out", out],
        "verify": [run],
        "trace": ["overall", wave],
        "archive": [run, "--out", str(folder / "archive.zip")],
        "sample": [str(folder / "list.csv"), "--by", "unit", "--out", str(folder / "sample")],
        "compare": [wave, later, "--out", out],
        "plan": [wave, "--out", out],
        "verdict": [later, "--out", out],
        "reconcile": [wave, "--out", out],
        "lab": [str(folder / "lab"), "--version"],
    }
    command = typer.main.get_command(app)
    assert set(words) == set(command.commands)
    outcomes = {"--help": run_command(command, ["--help"])}
    for verb, rest in words.items():
        outcomes[verb] = run_command(command, [verb, *rest])
    outcomes["check --out"] = run_command(command, ["check", wave, "--out", out])
    return outcomes


def run_command(command: Any, words: list[str]) -> str:
    """Run one command; return how it ended."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            code = command(words, standalone_mode=False, prog_name="sipas")
        except Exception as error:
            return name_outcome(error)
    return f"exit code {code}" if code else "ok"


if __name__ == "__main__":
    block_libraries()
    shown = {"examples": run_examples(), "commands": run_commands(Path(sys.argv[1]))}
    json.dump(shown, sys.stdout)
