"""Levels of online service: today's names, and the old numbers through a crosswalk (rule T8).

Until 2022 a service had a level from 1 to 4; since then it is offered in part or end to end. What
an old number means today is a convention of programs: such a level carries a flag.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pandas as pd

from sipas_analysis.collect.readings import fold_answer
from sipas_analysis.instrument.pack import Status
from sipas_analysis.instrument.strict_yaml import Bilingual, Strict, read_model

UNKNOWN = ""  # a cell without a level
WRONG = "?"  # a text that names no level


class ServiceLevel(Bilingual):
    """One level: its names, what systems write for it, and the old numbers taken for it."""

    words: tuple[str, ...]
    mapped: tuple[str, ...] = ()


class ServiceLevels(Strict):
    """The levels of online service, with the crosswalk from the old numbers."""

    status: Status
    source: str
    levels: Mapping[str, ServiceLevel]


@cache
def read_service_levels() -> ServiceLevels:
    """Return the levels of ``service_levels.yaml``."""
    return read_model(Path(__file__).with_name("service_levels.yaml"), ServiceLevels)


@cache
def list_level_words() -> dict[str, tuple[str, bool]]:
    """Return by each folded text the level that it names, and whether the crosswalk says so."""
    return {
        fold_answer(text): (code, is_mapped)
        for code, level in read_service_levels().levels.items()
        for is_mapped, texts in ((False, (code, level.vi, *level.words)), (True, level.mapped))
        for text in texts
    }


def map_levels(texts: "pd.Series[str]") -> pd.DataFrame:
    """Return the level of online service that each text names.

    Args:
        texts: Cells of a column, shape (n,); ``""`` is no level.

    Returns:
        ``level``: ``information``, ``partial``, ``full``, ``none``, ``""`` without a level, ``?``
        where the text names none; ``is_mapped``: whether an old number was read by the crosswalk.

    Source: rule T8 in docs/method.md; the crosswalk is ``unverified``.

    Example:
        >>> map_levels(pd.Series(["4", "Toàn trình", ""])).to_numpy().tolist()
        [['full', True], ['full', False], ['', False]]
    """
    words = {UNKNOWN: (UNKNOWN, False), **list_level_words()}
    numbers, distinct = pd.factorize(texts.astype(object))
    read = [words.get(fold_answer(str(text)), (WRONG, False)) for text in distinct]
    table = pd.DataFrame(read, columns=["level", "is_mapped"])
    return table.take(numbers).set_axis(texts.index)
