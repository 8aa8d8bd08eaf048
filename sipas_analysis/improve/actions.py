"""Propose measures from a library for the weakest items of a unit or a province.

A measure is a row of ``actions.yaml`` (G1); a proposal is the weakest item of each factor with the
measures that answer it (G2). With few forms the weakest item may be weakest by chance, so each
proposal carries the item's interval and says whether the next item lies within it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.instrument.pack import Instrument, Status
from sipas_analysis.instrument.strict_yaml import Bilingual, Strict, read_model


class Measure(Bilingual):
    """One measure of the library: what it answers, how it is followed, from which data."""

    factor: str
    items: Mapping[str, tuple[str, ...]] = {}
    indicator: Bilingual
    data: Bilingual


class Library(Strict):
    """All measures, with their source."""

    source: Bilingual
    status: Status
    measures: Mapping[str, Measure]


@dataclass(frozen=True)
class Proposal:
    """The weakest item of a factor and the measures that answer it.

    ``item`` is empty where no item may be published; ``clear`` says that the item's interval lies
    below those of all other items of the factor.
    """

    factor: str
    item: str
    printed: str
    low: float
    high: float
    clear: bool
    measures: tuple[Measure, ...]


@cache
def library() -> Library:
    """Return the library of measures that comes with the program."""
    return read_model(Path(__file__).parent / "actions.yaml", Library)


def propose(scores: Estimates, pack: Instrument) -> list[Proposal]:
    """Propose measures for the weakest item of each factor.

    Args:
        scores: Estimates of one domain, as ``score(survey)`` or a selected unit.
        pack: The instrument of these scores.

    Returns:
        One proposal per factor, in the instrument's order; no measure where the library has
        none for the factor.

    Source: rules G1 and G2 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> sipas.propose(sipas.score(survey), survey.instrument)[0].item
        'A4'
    """
    items = scores.frame[(scores.frame["level"] == "item") & (scores.frame["flag"] != "suppress")]
    items = items.dropna(subset="value").set_index("variable")
    found = []
    for factor in pack.factors:
        inside = items.loc[[code for code in pack.items_of(factor) if code in items.index]]
        if inside.empty:
            found.append(Proposal(factor, "", "", float("nan"), float("nan"), False, ()))
            continue
        weakest = inside.sort_values("value", kind="stable").iloc[0]
        others = inside["low"].drop(weakest.name)
        clear = len(others) > 0 and bool((others > weakest["high"]).all())
        measures = _measures(factor, str(weakest.name), pack)
        shown = (weakest["printed"], weakest["low"], weakest["high"])
        found.append(Proposal(factor, str(weakest.name), *shown, clear, measures))
    return found


def _measures(factor: str, item: str, pack: Instrument) -> tuple[Measure, ...]:
    """Return the measures for an item, else all measures of its factor."""
    of_factor = [it for it in library().measures.values() if it.factor == factor]
    of_item = [it for it in of_factor if item in it.items.get(pack.id, ())]
    return tuple(of_item or (it for it in of_factor if pack.id in it.items))
