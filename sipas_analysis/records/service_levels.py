"""Levels of online service: today's names, and the old numbers through a crosswalk (rule T8).

Until 2022 a service had a level from 1 to 4; since then it is offered in part or end to end. What
an old number means today is a convention of programs: such a level carries a flag.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from sipas_analysis.collect.readings import fold_answer
from sipas_analysis.instrument.pack import Status
from sipas_analysis.instrument.strict_yaml import Bilingual, Strict, read_model


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
    """Return by each folded text the level that it names, and whether the crosswalk says so.

    Source: rule T8 in docs/method.md; the crosswalk is ``unverified``.

    Example:
        >>> words = list_level_words()
        >>> words["4"], words["toàn trình"]
        (('full', True), ('full', False))
    """
    return {
        fold_answer(text): (code, is_mapped)
        for code, level in read_service_levels().levels.items()
        for is_mapped, texts in ((False, (code, level.vi, *level.words)), (True, level.mapped))
        for text in texts
    }
