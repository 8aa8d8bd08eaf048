"""The result of ``drivers`` with facts: two models side by side, and what vanishes (rule D7)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd

from sipas_analysis.explain.facts import JoinedFacts
from sipas_analysis.explain.fitted import Fit, Note
from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.distributions import t_quantile
from sipas_analysis.infer.printed_result import ResultPart
from sipas_analysis.infer.result_table import ResultTable
from sipas_analysis.messages import format_number, say

CANNOT_TELL = "cannot_tell"
WITHOUT, WITH, ATTITUDE = "factors", "with_facts", "attitude"
RAW = ("raw", "raw_low", "raw_high")
COLUMNS = ("model", "variable", "kind", "value", "se", "low", "high", "df", "p", *RAW, "n")
VANISHED = (
    *("variable", "value_without", "value_with"),
    *("vanished_percent", "low", "high", "verdict"),
)


@dataclass(frozen=True, eq=False, repr=False)
class FactDrivers(ResultTable):
    """The drivers of the outcome without and with the facts of the dossiers, on the same forms.

    Attributes:
        frame: One row per model and variable: ``model`` (``factors``, ``with_facts``, and
            ``attitude``: the score of the officials' factor on the facts), ``variable``, ``kind``
            (``factor``, ``fact``, ``control``), ``value`` (standardised; a channel or a control is
            yes/no and not standardised), ``se``, ``low``, ``high``, ``df``, ``p``, ``raw`` with
            ``raw_low`` and ``raw_high`` (levels of the outcome per level, day, visit, yes), ``n``.
        vanished: One row per factor: ``variable``, ``value_without``, ``value_with``,
            ``vanished_percent`` = 100·(1 − with/without), ``low``, ``high``, and ``verdict``:
            ``vanishes`` (surely some), ``grows``, ``stays`` (no sign of either), or
            ``cannot_tell`` where ``value_without`` is not away from 0, or too few dossiers were
            late for an interval that holds.
        attitude: Code of the officials' factor; empty if the pack names none.
        units: One row on how units differ in that factor: ``units``, ``n``, ``between`` and
            ``between_with`` (variance between units, also once the facts are known),
            ``remaining_percent``; NaN where the units do not surely differ. Empty without a factor.
        r_squared: By model.
        joined: Which forms have facts.
        n: Forms in the models; ``n_lost`` matched forms had a blank.
        lost: Blanks of each variable among the matched forms.
        outcome: Code of the outcome.
        reason: Why there are no models: ``no_codes``, ``no_outcome``, ``no_factors``,
            ``no_facts``, ``few_forms``, ``constant``, ``singular``, ``few_clusters``; or empty.
        notes: Warnings that a reader needs.
        fits: Models by name, of standardised variables.
    """

    decimals = 4
    frame: pd.DataFrame
    vanished: pd.DataFrame
    attitude: str
    units: pd.DataFrame
    r_squared: Mapping[str, float]
    joined: JoinedFacts
    n: int
    n_lost: int
    lost: "pd.Series[int]"
    outcome: str
    reason: str
    notes: tuple[Note, ...]
    fits: Mapping[str, Fit] = field(repr=False)

    def select_vanished(self, factor: str = "") -> pd.DataFrame:
        """Return the row of ``vanished`` of a factor, that of the officials if none is named."""
        return self.vanished[self.vanished["variable"] == (factor or self.attitude)]

    def _list_parts(self) -> list[ResultPart]:
        return [*super()._list_parts(), self._make_part("vanished", self.vanished)]

    def sentences(self) -> list[str]:
        """Return what was modelled, what becomes of the officials' factor, and the warnings."""
        joined = self.joined.sentences()
        if self.reason:
            return [*joined, say(self.language, f"explain.facts.reason.{self.reason}")]
        head = say(
            self.language,
            "explain.facts.models",
            outcome=self.outcome,
            n=self.n,
            n_lost=self.n_lost,
            without=format_number(float(self.r_squared[WITHOUT]), self.language, 4),
            with_facts=format_number(float(self.r_squared[WITH]), self.language, 4),
        )
        rows = self.select_vanished().to_dict("records")
        told = [
            say(self.language, f"explain.facts.{row['verdict']}", **_write(row)) for row in rows
        ]
        scale = say(self.language, "explain.scale.facts")
        return [*joined, head, scale, *told, *(note.text(self.language) for note in self.notes)]


def _write(row: Mapping[object, object]) -> dict[str, str]:
    """Return the fields of a sentence on what vanishes."""
    figures = {name: f"{row[name]:.0f}" for name in ("vanished_percent", "low", "high")}
    return {**figures, "factor": str(row["variable"])}


class Interval(NamedTuple):
    """A ratio of estimates with its interval; NaN where the divisor is not away from 0."""

    value: Floats
    low: Floats
    high: Floats


def divide_estimates(
    above: Floats, below: Floats, covariance: Floats, df: float | Floats, level: float = 0.95
) -> Interval:
    """Return ratios of estimates with Fieller's interval.

    All θ with (a − θb)² ≤ t²·(V_aa − 2θV_ab + θ²V_bb): bounded where b is away from 0, that is
    b² > t²·V_bb; NaN elsewhere.

    Args:
        above: a, shape (k,).
        below: b, shape (k,).
        covariance: V of (a, b), shape (k, 2, 2).
        df: Degrees of freedom.
        level: Confidence.

    Source: Fieller (1954), doi:10.1111/j.2517-6161.1954.tb00159.x.

    Example:
        >>> v = np.array([[[0.04, 0.0], [0.0, 0.01]]])
        >>> got = divide_estimates(np.array([1.0]), np.array([2.0]), v, np.inf)
        >>> print(round(got.value[0], 3), round(got.low[0], 3), round(got.high[0], 3))
        0.5 0.302 0.708
    """
    square = t_quantile((1 + level) / 2, np.where(np.asarray(df) > 0, df, np.nan)) ** 2
    v_aa, v_ab, v_bb = covariance[:, 0, 0], covariance[:, 0, 1], covariance[:, 1, 1]
    first, second = below**2 - square * v_bb, above * below - square * v_ab
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(np.maximum(second**2 - first * (above**2 - square * v_aa), 0.0))
        is_away = first > 0
        ends = np.where(is_away, (second + np.array([[-1.0], [1.0]]) * root) / first, np.nan)
        return Interval(np.where(is_away, above / below, np.nan), ends[0], ends[1])
