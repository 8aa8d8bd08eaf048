"""What to know before a wave is published again: what a reader of two editions could compute."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import shorten
from sipas_analysis.figures.editions import COUNTED, compare_editions, read_editions
from sipas_analysis.figures.published import figures_of
from sipas_analysis.messages import Language, say

SHOWN_FIGURES = 5  # the others are counted


def describe_editions(
    survey: Survey, folder: Path, language: Language
) -> Iterator[tuple[str, None]]:
    """Yield a warning for each earlier edition that tells more together with this one (rule P4).

    Args:
        survey: The survey of this edition.
        folder: The output folder, where an earlier receipt may lie.
        language: Language of the sentences.

    Raises:
        ConfigError: A receipt that the wave names cannot be read.
    """
    editions, fewest = read_editions(survey.wave, folder), survey.wave.min_cell
    if not editions:
        return
    figures = figures_of(survey).list_parts(COUNTED)
    groups = dict(zip(survey.units["code"], survey.units["group"], strict=True))
    for edition in editions:
        kinds = compare_editions(edition, figures, fewest, groups)
        for kind in sorted({*kinds.values()}):
            ids = [name for name, found in kinds.items() if found == kind]
            firsts = list_firsts(ids)
            names = [*map(shorten, firsts[:SHOWN_FIGURES]), *["…"] * (len(ids) > SHOWN_FIGURES)]
            fields = {"path": edition.path, "code": edition.code[:8], "min_cell": fewest}
            sentence = f"cli.said.edition_{kind}"
            yield say(language, sentence, n=len(ids), names="; ".join(names), **fields), None


def list_firsts(ids: Sequence[str]) -> list[str]:
    """Return the first figure of each unit, then of each group, then of the whole.

    Example:
        >>> list_firsts(["A1", "A1@group:departments", "A1@so-nv", "overall@so-nv"])
        ['A1@so-nv', 'A1@group:departments', 'A1']
    """
    firsts = dict[str, str]()
    for name in ids:
        firsts.setdefault(name.partition("@")[2], name)
    order = sorted(firsts, key=lambda place: (not place, place.startswith("group:")))
    return [firsts[place] for place in order]
