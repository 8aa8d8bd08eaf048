"""The arguments and options that several commands share, and how their texts are read."""

from pathlib import Path
from typing import Annotated

import typer

from sipas_analysis.errors import ParameterError

WaveArg = Annotated[Path, typer.Argument(help="cli.arg.wave", metavar="WAVE")]
OutOpt = Annotated[Path | None, typer.Option("--out", help="cli.opt.out", metavar="DIR")]
DraftOutOpt = Annotated[Path | None, typer.Option("--out", help="cli.opt.out_init", metavar="DIR")]
LangOpt = Annotated[str, typer.Option("--lang", help="cli.opt.lang", metavar="vi|en")]
UnitOpt = Annotated[str, typer.Option("--unit", help="cli.opt.unit", metavar="CODE")]
ParameterOpt = Annotated[
    list[str] | None, typer.Option("-p", help="cli.opt.set", metavar="NAME=VALUE")
]


def make_option(name: str, help_id: str = "") -> object:
    """Return an option with its help in the language of the user."""
    return typer.Option(f"--{name}", help=f"cli.opt.{help_id or name}")


def parse_parameters(parameters: list[str] | None) -> dict[str, str]:
    """Return name and value of each ``-p NAME=VALUE``.

    Raises:
        ParameterError: A parameter without ``=``.
    """
    for parameter in parameters or []:
        if "=" not in parameter:
            raise ParameterError("parameter_form", found=parameter)
    return dict(parameter.split("=", 1) for parameter in parameters or [])


def split_names(text: str) -> tuple[str, ...]:
    """Return the names of a comma-separated list."""
    return tuple(name.strip() for name in text.split(",") if name.strip())
