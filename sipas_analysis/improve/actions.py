"""Propose measures from a library for the weakest items of a unit or a province.

A measure is a row of ``actions.yaml`` (G1); a proposal is the weakest item of each factor with the
measures for that item (G2). With few forms the weakest item may be weakest by chance, so each
proposal gives the interval of the item and whether the next item is within that interval.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sipas_analysis.arguments import check_kind
from sipas_analysis.errors import ColumnError
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.instrument.pack import Instrument, Status
from sipas_analysis.instrument.strict_yaml import Bilingual, Strict, read_model


class Measure(Bilingual):
    """One measure of the library, with the weakness that it treats, its indicator and its data."""

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
    """The weakest item of a factor and the measures for that item.

    ``item`` is empty where no item may be published; ``clear`` is true if the interval of the item
    is below the intervals of all other items of the factor.
    """

    factor: str
    item: str
    printed: str
    low: float
    high: float
    clear: bool
    measures: tuple[Measure, ...]


@cache
def read_library() -> Library:
    """Read the library of measures that comes with the program."""
    return read_model(Path(__file__).parent / "actions.yaml", Library)


def propose(scores: Estimates, pack: Instrument) -> list[Proposal]:
    """Propose measures for the weakest item of each factor.

    Args:
        scores: Estimates of one domain, as ``score(survey)`` or a selected unit.
        pack: The instrument of these scores.

    Returns:
        One proposal per factor, in the instrument's order; no measure where the library has
        none for the item.

    Source: rules G1 and G2 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> sipas.propose(sipas.score(survey), survey.instrument)[0].item
        'A4'
    """
    check_kind(scores, Estimates, "scores")
    check_kind(pack, Instrument, "instrument", "pack")
    items = scores.frame[(scores.frame["level"] == "item") & (scores.frame["flag"] != "suppress")]
    items = items.dropna(subset="value").set_index("variable")
    if items.index.has_duplicates:
        raise ColumnError("propose_domains")
    proposals = []
    for factor in pack.factors:
        candidates = items.loc[[code for code in pack.items_of(factor) if code in items.index]]
        if candidates.empty:
            proposals.append(Proposal(factor, "", "", float("nan"), float("nan"), False, ()))
            continue
        weakest = candidates.sort_values("value", kind="stable").iloc[0]
        others = candidates["low"].drop(weakest.name)
        proposals.append(
            Proposal(
                factor,
                item=str(weakest.name),
                printed=weakest["printed"],
                low=weakest["low"],
                high=weakest["high"],
                clear=len(others) > 0 and bool((others > weakest["high"]).all()),
                measures=_choose_measures(str(weakest.name), pack),
            )
        )
    return proposals


def _choose_measures(item: str, pack: Instrument) -> tuple[Measure, ...]:
    """Return the measures for an item; none stands in for a measure that does not fit."""
    library = read_library().measures.values()
    return tuple(measure for measure in library if item in measure.items.get(pack.id, ()))
