"""The options of ``sipas sample``: names, defaults, help and ranges, stated once.

``cli.py`` gives its command the fields of this class; ``sample_page.py`` reads them.
"""

from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from sipas_analysis.errors import ParameterError
from sipas_analysis.messages import LANGUAGES

CHOICES = {
    "method": ("yamane", "cochran"),
    "allocate": ("equal", "proportional", "power"),
    "draw": ("simple", "systematic", "pps"),
}


@dataclass(frozen=True)
class SampleOptions:
    """What a sample is planned from; empty text and None mean that an option was left out."""

    frame: Annotated[Path, Argument(help="cli.arg.frame", metavar="FRAME")]
    out: Annotated[Path | None, Option("--out", help="cli.opt.sample_out")] = None
    lang: Annotated[str, Option("--lang", help="cli.opt.lang", metavar="vi|en")] = ""
    error: Annotated[float, Option("--error", help="cli.opt.error")] = 0.05
    deff: Annotated[float, Option("--deff", help="cli.opt.deff")] = 1.0
    method: Annotated[str, Option("--method", help="cli.opt.method")] = "yamane"
    least: Annotated[int, Option("--min", help="cli.opt.min")] = 0
    total: Annotated[int | None, Option("--total", help="cli.opt.total")] = None
    by: Annotated[str, Option("--by", help="cli.opt.by")] = ""
    allocate: Annotated[str, Option("--allocate", help="cli.opt.allocate")] = ""
    count: Annotated[str, Option("--count", help="cli.opt.count")] = ""
    cost: Annotated[int | None, Option("--cost", help="cli.opt.cost")] = None
    ids: Annotated[str, Option("--id", help="cli.opt.id")] = ""
    draw: Annotated[str, Option("--draw", help="cli.opt.draw")] = "simple"
    size: Annotated[str, Option("--size", help="cli.opt.size")] = ""
    reserve: Annotated[float, Option("--reserve", help="cli.opt.reserve")] = 0.2
    seed: Annotated[int, Option("--seed", help="cli.opt.seed")] = 1
    returned: Annotated[Path | None, Option("--returned", help="cli.opt.returned")] = None


def check_options(options: SampleOptions) -> None:
    """Refuse an option outside its range before any file is read.

    Raises:
        ParameterError: An option is not one of its choices, or a number is outside its range.
    """
    for name, choices in CHOICES.items():
        chosen = getattr(options, name)
        if chosen not in choices and (chosen or name != "allocate"):
            choices_text = ", ".join(choices)
            raise ParameterError(
                "sample_choice", name=f"--{name}", found=chosen, known=choices_text
            )
    if options.lang and options.lang not in LANGUAGES:
        raise ParameterError("language", asked=options.lang)
    if not 0 < options.error < 1:
        raise ParameterError("sample_between", name="--error", found=options.error)
    if not 0 < options.deff < inf:
        raise ParameterError("sample_above", name="--deff", low=0, found=options.deff)
    if not 0 <= options.reserve <= 1:
        raise ParameterError("sample_share", name="--reserve", found=options.reserve)
    counts = {"--total": options.total, "--min": options.least, "--cost": options.cost}
    for name, count in counts.items():
        if count is not None and count < 0:
            raise ParameterError("sample_whole", name=name, found=count)
    if options.draw == "pps" and not options.size and not options.count:
        raise ParameterError("sample_no_size")
