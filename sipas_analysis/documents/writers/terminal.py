"""Speak on a terminal: sentences by message id, small tables, refusals with every place.

The language is that of ``--lang``, else of the system; files never depend on it.
"""

import locale
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from sipas_analysis.errors import SHOWN_PLACES, Place, SeveralError, SipasError
from sipas_analysis.messages import LANGUAGES, Language, format_number, read_catalogue, say

if TYPE_CHECKING:
    import pandas as pd


def choose_language() -> Language:
    """Return the language of the command line: ``--lang``, else the system's, else English."""
    asked = next((b for a, b in zip(sys.argv, sys.argv[1:], strict=False) if a == "--lang"), "")
    asked = next((a[7:] for a in sys.argv if a.startswith("--lang=")), asked).split(",")[0].strip()
    system = next(
        (os.environ[k] for k in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(k)), ""
    )
    system = system or (locale.getlocale()[0] or "")
    known = next((one for one in LANGUAGES if one == asked), None)
    return known or ("vi" if system.lower().startswith("vi") else "en")


def print_message(message_id: str, **fields: object) -> None:
    """Print one sentence."""
    typer.echo(say(choose_language(), f"cli.said.{message_id}", **fields))


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
    """Print the paragraph of an error, then every place if the paragraph left some out."""
    parts = error.errors if isinstance(error, SeveralError) else (error,)
    for one in parts:
        typer.echo(one.text(choose_language()), err=True)
        if len(one.places) > SHOWN_PLACES:
            typer.echo(say(choose_language(), "cli.said.places", n=len(one.places)), err=True)
            for line in _group_places(one.places):
                typer.echo(f"  {line}", err=True)
    sys.exit(error.exit_code)


def _group_places(places: Sequence[Place]) -> list[str]:
    """Return one line for each file, column and value, with all its rows."""
    rows: dict[Place, list[str]] = {}
    for place in places:
        rows.setdefault(replace(place, row=None), []).append(str(place.row or "–"))
    shown = {
        where: say(choose_language(), "place.rows", rows=", ".join(at))
        for where, at in rows.items()
    }
    return [f"{where.text(choose_language())}: {shown[where]}" for where in rows]


def print_table(title: str, frame: "pd.DataFrame") -> None:
    """Print a small table; unit names are shown as they are, whatever they hold."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left")
    for column in frame:
        side: Any = "right" if frame[column].dtype.kind in "if" else "left"
        known = f"cli.head.{column}" in read_catalogue(choose_language())
        head = say(choose_language(), f"cli.head.{column}") if known else str(column)
        table.add_column(Text(head), justify=side)
    shown = [_format_column(frame[column]) for column in frame]
    for row in zip(*shown, strict=True):
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def _format_column(cells: "pd.Series[Any]") -> list[str]:
    """Return cells as text; numbers the way of the language, all with as many decimals."""
    known = cells.notna()
    if cells.dtype.kind != "f":
        return [str(it) if some else "–" for it, some in zip(cells, known, strict=True)]
    ends = [f"{it:.4f}".rstrip("0").split(".")[1] for it in cells[known] if abs(it) != float("inf")]
    decimals = max(map(len, ends), default=0)
    return [format_number(float(it), choose_language(), decimals) for it in cells]
