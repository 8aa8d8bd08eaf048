"""Return the sentences of the program in Vietnamese or English, by message id.

``vi.yaml`` and ``en.yaml`` have the same ids with the same ``{fields}`` (a test asserts it). All
sentences for people are in this folder. Numbers are written in the format of the language: 94,59
in Vietnamese, 94.59 in English.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from math import isinf, isnan
from pathlib import Path
from typing import Literal, get_args

import yaml

Language = Literal["vi", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_PLACE: ContextVar[str] = ContextVar("_PLACE", default="")
_SEPARATORS = {"vi": (".", ","), "en": (",", ".")}


@cache
def read_catalogue(language: Language) -> dict[str, str]:
    """Return all sentences of one language, by id."""
    text = (Path(__file__).parent / f"{language}.yaml").read_text("utf-8")
    loaded: dict[str, str] = yaml.load(text, Loader=_LOADER)  # noqa: S506 (BaseLoader: text only)
    return loaded


@contextmanager
def say_at(place: str) -> Iterator[None]:
    """Say sentences as they are said at a place: ``page.X`` in place of ``X`` where there is one.

    So a page with lists and buttons does not send its reader to a command.

    Example:
        >>> with say_at("page"):
        ...     print(say("en", "cli.said.no_year"))
        No year was found: fill in “Year” in step 2.
    """
    token = _PLACE.set(place)
    try:
        yield
    finally:
        _PLACE.reset(token)


def say(language: Language, message_id: str, **fields: object) -> str:
    """Return the sentence ``message_id`` with its fields filled in; an unknown id is a KeyError."""
    sentences, place = read_catalogue(language), _PLACE.get()
    here = f"{place}.{message_id}" if place else message_id
    return sentences[here if here in sentences else message_id].format(**fields)


def join_first(names: Sequence[str], most: int, separator: str = "; ") -> str:
    """Return the first names as one text; an ellipsis stands for the others.

    Example:
        >>> join_first(["a", "b", "c"], 2), join_first(["a"], 2)
        ('a; b; …', 'a')
    """
    return separator.join([*names[:most], *["…"] * (len(names) > most)])


def _round_half_up(value: float | Decimal, decimals: int) -> Decimal:
    """Round half away from zero, after ten significant digits (rule M6)."""
    return Decimal(f"{value:.9e}").quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def format_number(
    value: str | float | Decimal | None, language: Language, decimals: int = 0
) -> str:
    """Write a number in the format of a language; a missing number is an en dash.

    Text such as ``"94.59"`` (a ``printed`` figure) keeps its digits: nothing is rounded twice.
    """
    if value is None or value == "" or (isinstance(value, float) and isnan(value)):
        return "–"
    if isinstance(value, float) and isinf(value):
        return "∞" if value > 0 else "−∞"
    exact = value if isinstance(value, str) else _round_half_up(value, decimals)
    shown = f"{Decimal(exact):,f}"
    shown = shown.lstrip("-") if not Decimal(exact) else shown  # no minus before zero
    thousands, point = _SEPARATORS[language]
    return shown.replace(",", "\0").replace(".", point).replace("\0", thousands).replace("-", "−")
