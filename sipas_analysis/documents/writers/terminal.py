"""Print on a terminal: sentences by message id, small tables, errors as paragraphs.

The language is that of ``--lang``, else of the system if the wave is in that language, too, else
the first language of the wave. Files do not depend on this language.
"""

import locale
import os
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import chain
from math import isfinite
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import typer

from sipas_analysis import __version__
from sipas_analysis.errors import SHOWN_PLACES, RecordsError, SeveralError, SipasError
from sipas_analysis.messages import LANGUAGES, Language, format_number, read_catalogue, say

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

BETWEEN = 3  # characters between two columns of a table
SHOWN_WRITTEN = 2  # files of one folder that have a line each
NARROW = 8  # characters that a column of texts keeps
USAGE_MISTAKES = {  # sentences of typer, which has English only, by the message that replaces them
    "missing": r"Missing (argument|option) '(?P<name>.+?)'.*",
    "command": r"No such command '(?P<name>.+?)'.*",
    "option": r"No such option: (?P<name>\S+).*",
    "no_value": r"Option '(?P<name>.+?)' requires an argument.*",
    "extra": r"Got unexpected extra argument.* \((?P<name>.+)\)",
    "value": r"Invalid value for '(?P<name>.+?)'.*",  # only numbers are checked by typer
}


_LANGUAGE: ContextVar[Language | None] = ContextVar("_LANGUAGE", default=None)
_OF_WAVE: ContextVar[Sequence[Language]] = ContextVar("_OF_WAVE", default=())


@contextmanager
def speak(language: Language) -> Iterator[None]:
    """Print in this language meanwhile, whatever the command line or the system says."""
    token = _LANGUAGE.set(language)
    try:
        yield
    finally:
        _LANGUAGE.reset(token)


def speak_as_wave(languages: Sequence[Language]) -> None:
    """Print in the first of these where neither ``speak`` nor ``--lang`` nor the system has one.

    Nothing is preferred if there is none.
    """
    _OF_WAVE.set(languages)


def choose_language() -> Language:
    """Return the language of what is printed: ``speak``, ``--lang``, the system, else English.

    Without ``--lang``, a wave that was read and is not in the system's language has its first one.
    """
    chosen = _LANGUAGE.get()
    if chosen:
        return chosen
    words = zip(sys.argv, sys.argv[1:], strict=False)
    option = next((value for name, value in words if name == "--lang"), "")
    option = next((word[7:] for word in sys.argv if word.startswith("--lang=")), option)
    first = option.split(",")[0].strip()
    for language in LANGUAGES:
        if language == first:
            return language
    variables = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    system = next(filter(None, variables), "") or locale.getlocale()[0] or ""
    of_system: Language = "vi" if system.lower().startswith("vi") else "en"
    of_wave = _OF_WAVE.get()
    return of_system if option or not of_wave or of_system in of_wave else of_wave[0]


def print_message(message_id: str, *, is_progress: bool = False, **fields: object) -> None:
    """Print one sentence; one on progress, which is no result, goes to standard error."""
    typer.echo(say(choose_language(), f"cli.said.{message_id}", **fields), err=is_progress)


def print_written(paths: Iterable[Path]) -> None:
    """Print the name of each file that was written; of many in one folder, in one line."""
    by_folder: dict[Path, list[Path]] = {}
    for path in paths:
        by_folder.setdefault(path.parent, []).append(path)
    for folder, written in by_folder.items():
        if len(written) > SHOWN_WRITTEN:
            names = ", ".join(path.name for path in written)
            is_here = folder == Path()
            print_message(
                "wrote" if is_here else "wrote_many", path=names, folder=folder, names=names
            )
            continue
        for path in written:
            print_message("wrote", path=path)


def save_tables(tables: "dict[str, pd.DataFrame]", folder: Path) -> None:
    """Write tables as CSV into a folder, and print which files were written."""
    from sipas_analysis.figures.csv_files import write_tables

    print_written(write_tables(tables, folder))


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
    of_answers = [part for part in errors if not isinstance(part, RecordsError)]
    if any(len(error_part.groups) > SHOWN_PLACES for error_part in of_answers):
        typer.echo(say(language, "cli.said.all_places"), err=True)
    sys.exit(error.exit_code)


def print_usage_and_exit(error: Any) -> NoReturn:
    """Print which word of a command is wrong and how to ask for help; typer's own exit code."""
    language = choose_language()
    for name, pattern in USAGE_MISTAKES.items():
        mistake = re.fullmatch(pattern, error.format_message(), re.DOTALL)
        if mistake:
            typer.echo(say(language, f"cli.usage.{name}", **mistake.groupdict()), err=True)
            command = error.ctx.command_path if error.ctx else "sipas"
            typer.echo(say(language, "cli.usage.see", command=command), err=True)
            break
    else:  # a sentence of another version of typer; the help that a command without words prints
        error.show()
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

    All cells of a column are one text, which is faster; texts are wrapped before.
    """
    from rich.console import Console

    console, columns = Console(), {str(name): _format_column(frame[name]) for name in frame}
    widths = _share_width(columns, console.width)
    if frame.empty or not widths:
        table = _make_table(title, columns, zip(*columns.values(), strict=True))
    else:
        lines = _wrap_cells([*columns.values()], widths)
        table = _make_table(title, columns, [["\n".join(cells) for cells in lines]])
        for column, width in zip(table.columns, widths, strict=True):
            column.width = width
    console.print(table)


def list_cells(frame: "pd.DataFrame") -> dict[str, list[str]]:
    """Return the cells of a table as text by head, in the language of what is printed."""
    return {_name_column(str(name)): _format_column(frame[name]) for name in frame}


def _share_width(columns: Mapping[str, Sequence[str]], width: int) -> list[int]:
    """Return the width of each column: numbers take what they need, texts share the rest.

    The list is empty if the texts would have too little room.
    """
    heads = [_name_column(column) for column in columns]
    widest = [max(map(len, [*cells, ""])) for cells in columns.values()]
    are_texts = [not _has_numbers(cells) for cells in columns.values()]
    least = [max(map(len, head.split() or [""])) for head in heads]
    widths = [max(sizes) for sizes in zip(widest, least, strict=True)]
    room = width - sum(BETWEEN + size for size in widths) - 1
    while room < 0:
        at = max(range(len(widths)), key=lambda k: are_texts[k] * (widths[k] - least[k]))
        if not are_texts[at] or widths[at] <= max(least[at], NARROW):
            return []
        widths[at], room = widths[at] - 1, room + 1
    for at, head in enumerate(heads):  # a head on one line where there is room
        more = min(room, max(0, len(head) - widths[at]))
        widths[at], room = widths[at] + more, room - more
    return widths


def _wrap_cells(columns: list[Sequence[str]], widths: list[int]) -> Iterable[list[str]]:
    """Yield each column as lines; the cells of a row get equally many."""
    wrapped = [
        [wrap(cell, width) if len(cell) > width or "\n" in cell else [cell] for cell in cells]
        for cells, width in zip(columns, widths, strict=True)
    ]
    heights = [max(map(len, row)) for row in zip(*wrapped, strict=True)]
    for cells in wrapped:
        padded = (
            [*lines, *[""] * (height - len(lines))]
            for lines, height in zip(cells, heights, strict=True)
        )
        yield [*chain.from_iterable(padded)]


def _has_numbers(cells: Sequence[str]) -> bool:
    return all(re.fullmatch(r"[\d.,–−+-]*", cell) for cell in cells)


def _name_column(column: str) -> str:
    return read_catalogue(choose_language()).get(f"cli.head.{column}", column)


def _make_table(
    title: str, columns: Mapping[str, Sequence[str]], rows: Iterable[Iterable[str]]
) -> "Table":
    """Return a table of texts, with the heads of its columns in the language."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left")
    for column, cells in columns.items():
        has_numbers = _has_numbers(cells)
        side: Literal["left", "right"] = "right" if has_numbers else "left"
        width = max(map(len, cells), default=0) if has_numbers else None  # no number is broken
        table.add_column(Text(_name_column(column)), justify=side, min_width=width, overflow="fold")
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
