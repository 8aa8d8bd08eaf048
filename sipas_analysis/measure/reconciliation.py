"""Say why two indices of one province differ: period, population, source, rule, part by part.

The share of satisfied people (SIPAS), the points of Decision 766 and the figure of a ministry are
about different things. What follows from answers and records is split exactly; what cannot be told
apart stays in one part, ``rest``, and is named so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_kind
from sipas_analysis.collect.other_indices import OtherIndex
from sipas_analysis.collect.survey import Survey
from sipas_analysis.infer.printed_result import ResultPart
from sipas_analysis.infer.result_table import SUPPRESS, ResultTable
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.measure.rule_comparison import compare_rules
from sipas_analysis.measure.scores import score
from sipas_analysis.records.office_records import Records
from sipas_analysis.records.service_score import ServiceScore, read_service_index, score_service
from sipas_analysis.records.timeliness import mark_counted

INDEX_COLUMNS = ("index", "kind", "value", "low", "high", "n", "start", "end", "status")
PART_COLUMNS = ("index", "part", "points", "low", "high", "how")
OWN, SERVICE = "own", "service"
COMPUTED, RANGE, UNKNOWN = "computed", "range", "unknown"  # how a part is known


@dataclass(frozen=True, eq=False, repr=False)
class Reconciliation(ResultTable):
    """Indices of one province side by side, and the parts of their differences from our own.

    Attributes:
        frame: One row per index: ``index`` (``own``, ``service``, ``other-1`` …), ``kind``,
            ``value`` (percent; of ``service`` the points reached out of those known), ``low``,
            ``high`` (of ``own`` the interval; of ``service`` the points out of 100 without and with
            all that is not known), ``n`` (people, or dossiers), ``start``, ``end``, ``status``.
        parts: One row per part of the difference from ``own`` in points: ``index``, ``part``,
            ``points`` if it is ``computed``, ``low`` and ``high`` if only its ``range`` is known.
            The computed points of an index add up to its difference.
        service: The points of Decision 766 by part; None without records.
    """

    frame: pd.DataFrame
    parts: pd.DataFrame
    service: ServiceScore | None

    def _list_parts(self) -> list[ResultPart]:
        return [*super()._list_parts(), self._make_part("parts", self.parts)]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables by file name."""
        tables = {"reconciliation": self.frame, "reconciliation_parts": self.parts}
        return tables | ({"service_index": self.service.frame} if self.service else {})


def reconcile(
    survey: Survey, records: Records | None = None, earlier: Sequence[Survey] = ()
) -> Reconciliation:
    """Set our index beside others of the province, and split the differences.

    Of Decision 766, with m_k the points of part k, M all known points, p_k the percentage of its
    points and v_k its value: Σ_k m_k/M·(v_k − own) is what is measured (a part for each group), and
    Σ_k m_k/M·(p_k − v_k) is ``full_points``, what the rule adds where less than 100 % gives all
    points. Of another survey: ``chance`` is what our sample alone could explain, ``rule`` what
    other lawful rules on our answers would change, ``period`` the change of our own index from the
    wave of that year to this one; ``rest`` is what cannot be told apart.

    Args:
        survey: Validated forms; its wave may list ``other_indices:``.
        records: Records of the wave, for the points of Decision 766.
        earlier: Earlier waves of the same survey.

    Returns:
        The indices, and the parts of each difference. No difference where our index is not shown.

    Source: rules M3, M8, V1 and T4 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> reconcile(survey).frame["index"].tolist()[0]
        'own'
    """
    check_kind(survey, Survey, "survey")
    own = score(survey).select(variable=OVERALL).frame.iloc[0]
    start, end = survey.wave.first_day, survey.wave.last_day
    is_shown = own["flag"] != SUPPRESS
    numbers = (own["value"], own["low"], own["high"]) if is_shown else (np.nan,) * 3
    indices = [(OWN, "sipas", *numbers, own["n_valid"], start, end, "sourced")]
    parts: list[tuple[object, ...]] = []
    service = None
    if records is not None:
        service = score_service(records)
        n_dossiers = int(mark_counted(records.dossiers, records.period).sum())
        facts = (service.percent, service.low, service.high, n_dossiers)
        indices.append((SERVICE, "service", *facts, *records.period, read_service_index().status))
        parts += _split_service(service, numbers[0])
    for number, other in enumerate(survey.wave.other_indices, 1):
        name = f"other-{number}"
        days = (other.first_day, other.end, other.status)
        indices.append((name, other.kind, other.value, np.nan, np.nan, None, *days))
        rows = _split_other(other, survey, service, numbers, earlier)
        parts += [(name, *row) for row in rows]
    frame = pd.DataFrame(indices, columns=[*INDEX_COLUMNS])
    return Reconciliation(frame, pd.DataFrame(parts, columns=[*PART_COLUMNS]), service)


def _split_service(service: ServiceScore, own: float) -> list[tuple[object, ...]]:
    """Return what each group of Decision 766 adds to the difference, and what the rule adds."""
    known = service.frame[service.frame["reached"].notna()]
    weight = known["points"] / service.known_points
    measured = (weight * (known["value"] - own)).groupby(known["group"], sort=False).sum()
    full = float((weight * (100 * known["reached"] / known["points"] - known["value"])).sum())
    rows = [
        (SERVICE, group, points, np.nan, np.nan, COMPUTED) for group, points in measured.items()
    ]
    return [*rows, (SERVICE, "full_points", full, np.nan, np.nan, COMPUTED)] if rows else []


def _split_other(
    other: OtherIndex,
    survey: Survey,
    service: ServiceScore | None,
    own: tuple[float, float, float],
    earlier: Sequence[Survey],
) -> Iterator[tuple[object, ...]]:
    """Yield the parts of the difference of a published figure from ours."""
    value, low, high = own
    if other.kind == "service":
        if service is not None and service.known_points:
            yield ("records", service.percent - value, np.nan, np.nan, COMPUTED)
            yield ("rest", other.value - service.percent, np.nan, np.nan, COMPUTED)
        else:
            yield ("rest", other.value - value, np.nan, np.nan, COMPUTED)
        return
    yield ("chance", np.nan, low - value, high - value, RANGE)
    by_rule = compare_rules(survey).select(variable=OVERALL).frame["value"].dropna() - value
    yield ("rule", np.nan, by_rule.min(), by_rule.max(), RANGE)
    period = _find_period(other, survey, value, earlier)
    yield ("period", period, np.nan, np.nan, COMPUTED if np.isfinite(period) else UNKNOWN)
    yield ("population", np.nan, np.nan, np.nan, UNKNOWN)
    rest = other.value - value - (period if np.isfinite(period) else 0.0)
    yield ("rest", rest, np.nan, np.nan, COMPUTED)


def _find_period(
    other: OtherIndex, survey: Survey, value: float, earlier: Sequence[Survey]
) -> float:
    """Return the change of our own index from this wave to the wave of the figure's year."""
    year = other.end.year if other.end else 0
    if year == survey.wave.year:
        return 0.0
    for wave in earlier:
        if wave.wave.year == year and wave.instrument.id == survey.instrument.id:
            row = score(wave).select(variable=OVERALL).frame.iloc[0]
            return float(row["value"] - value) if row["flag"] != SUPPRESS else np.nan
    return np.nan
