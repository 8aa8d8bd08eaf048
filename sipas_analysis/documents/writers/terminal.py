"""Print on a terminal: sentences by message id, small tables, errors as paragraphs.

The language is that of ``--lang``, else of the system. Files do not depend on this language.
"""

import locale
import os
import re
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import typer

from sipas_analysis import __version__
from sipas_analysis.errors import SHOWN_PLACES, SeveralError, SipasError
from sipas_analysis.messages import LANGUAGES, Language, format_number, read_catalogue, say

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

WIDEST = 10_000  # columns of a terminal on which no text is wrapped


def choose_language() -> Language:
    """Return the language of the command line: ``--lang``, else the system's, else English."""
    words = zip(sys.argv, sys.argv[1:], strict=False)
    option = next((value for name, value in words if name == "--lang"), "")
    option = next((word[7:] for word in sys.argv if word.startswith("--lang=")), option)
    first = option.split(",")[0].strip()
    for language in LANGUAGES:
        if language == first:
            return language
    variables = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    system = next(filter(None, variables), "") or locale.getlocale()[0] or ""
    return "vi" if system.lower().startswith("vi") else "en"


def print_message(message_id: str, **fields: object) -> None:
    """Print one sentence."""
    typer.echo(say(choose_language(), f"cli.said.{message_id}", **fields))


def print_written(paths: Iterable[Path]) -> None:
    """Print the name of each file that was written."""
    for path in paths:
        print_message("wrote", path=path)


def print_lines(lines: "Iterable[tuple[str, pd.DataFrame | None]]") -> None:
    """Print sentences, and tables under their titles."""
    for text, table in lines:
        typer.echo(text) if table is None else print_table(text, table)


def translate_help(command: Any, language: Language) -> None:
    """Replace message ids in the help of a command, of its options and of its subcommands."""
    for part in (command, *command.params):
        if (getattr(part, "help", None) or "").startswith("cli."):
            part.help = say(language, part.help)
    for subcommand in getattr(command, "commands", {}).values():
        translate_help(subcommand, language)


def print_error_and_exit(error: SipasError) -> NoReturn:
    """Print one paragraph for each mistake, and where to find all places if some are left out."""
    language = choose_language()
    errors = error.merge_equal() if isinstance(error, SeveralError) else [error]
    for error_part in errors:
        typer.echo(error_part.text(language), err=True)
    if any(len(error_part.groups) > SHOWN_PLACES for error_part in errors):
        typer.echo(say(language, "cli.said.all_places"), err=True)
    sys.exit(error.exit_code)


def describe_crash(error: BaseException) -> str:
    """Return types and program lines of a crash; the text of an exception may quote answers."""
    lines = [f"sipas_analysis {__version__}, Python {sys.version.split()[0]}, {sys.platform}"]
    cause: BaseException | None = error
    while cause is not None:
        lines.append(type(cause).__name__)
        frames = traceback.extract_tb(cause.__traceback__)
        lines += [
            f'  File "{frame.filename}", line {frame.lineno}, {frame.name}' for frame in frames
        ]
        cause = cause.__cause__ or cause.__context__
    return "\n".join(lines) + "\n"


def print_table(title: str, frame: "pd.DataFrame") -> None:
    """Print a small table; long texts are wrapped, and names are unchanged, even with markup.

    Where no text is wrapped, all cells of a column are one text, which is faster.
    """
    from rich.console import Console

    console, columns = Console(), {str(name): _format_column(frame[name]) for name in frame}
    table = _make_table(title, columns, [["\n".join(cells) for cells in columns.values()]])
    any_width = console.options.update(width=WIDEST)
    if frame.empty or console.measure(table, options=any_width).maximum > console.width:
        table = _make_table(title, columns, zip(*columns.values(), strict=True))
    console.print(table)


def _make_table(
    title: str, columns: Mapping[str, Sequence[str]], rows: Iterable[Iterable[str]]
) -> "Table":
    """Return a table of texts, with the heads of its columns in the language."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left")
    for column, cells in columns.items():
        has_numbers = all(re.fullmatch(r"[\d.,–−-]*", cell) for cell in cells)
        head = read_catalogue(choose_language()).get(f"cli.head.{column}", column)
        side: Literal["left", "right"] = "right" if has_numbers else "left"
        width = max(map(len, cells), default=0) if has_numbers else None  # no number is broken
        table.add_column(Text(head), justify=side, min_width=width, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _format_column(cells: "pd.Series[Any]") -> list[str]:
    """Return cells as text; numbers in the format of the language, with equal decimals."""
    present = cells.notna()
    if cells.dtype.kind != "f":
        pairs = zip(cells, present, strict=True)
        return [str(cell) if is_present else "–" for cell, is_present in pairs]
    finite = [value for value in cells[present] if isfinite(value)]
    fractions = [f"{value:.4f}".rstrip("0").split(".")[1] for value in finite]
    decimals = max(map(len, fractions), default=0)
    return [format_number(float(value), choose_language(), decimals) for value in cells]
