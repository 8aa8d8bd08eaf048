"""Measure indicators that records show: how many dossiers, petitions or procedures meet one.

An indicator is a share of all records of a period: it has a denominator and no sampling error.
Lines of a plan (rule G3) and the parts of Decision 766 name indicators by the keys of
``INDICATORS``.
"""

import math
from collections.abc import Callable, Iterable, Mapping

import pandas as pd

from sipas_analysis.arguments import check_word
from sipas_analysis.records.office_records import Records
from sipas_analysis.records.petitions import find_due_end

DONE = ("early", "on_time", "late")
RUNNING = ("in_time", "overdue", "no_limit")
# ended or paused, and so on time for the portal, whatever the dates (form II.06a, rule T4)
STOPPED = ("waiting", "withdrawn", "stopped", "refused")
NOT_COUNTED = ("not_started", "contradictory")
YES_NO = {"no": False, "yes": True}  # a blank cell is neither
Outcomes = tuple[pd.Series, pd.Series]  # the unit of each record, and whether it meets


def measure_indicator(records: Records, name: str) -> pd.DataFrame:
    """Count the records that meet an indicator, by unit.

    Args:
        records: Records of a wave.
        name: A key of ``INDICATORS``.

    Returns:
        One row per unit with records that count: ``unit``, ``numerator`` (that meet it),
        ``denominator``. No row where the wave has no such records.

    Raises:
        ParameterError: There is no such indicator.

    Source: rules T3, T7 and T8 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> late = measure_indicator(sipas.read_records(survey), "late-share")
        >>> bool((late["numerator"] <= late["denominator"]).all())
        True
    """
    check_word(name, INDICATORS, "name")
    units, is_met = INDICATORS[name](records)
    is_known = is_met.notna()
    counts = is_met[is_known].astype(bool).groupby(units[is_known].astype(str)).agg(["sum", "size"])
    return counts.set_axis(["numerator", "denominator"], axis=1).rename_axis("unit").reset_index()


def _take(rows: pd.DataFrame, is_met: pd.Series) -> Outcomes:
    return rows["unit"], is_met


def _find_last_moment(records: Records) -> pd.Timestamp:
    """Return the last second of the period."""
    return pd.Timestamp(records.period[1]) + pd.Timedelta(1, "D") - pd.Timedelta(1, "s")


def _find_received(records: Records) -> pd.DataFrame:
    """Return the dossiers whose clock started, and that do not contradict themselves."""
    dossiers = records.dossiers
    is_counted = ~dossiers["status"].isin(NOT_COUNTED) & dossiers["received"].notna()
    return dossiers[is_counted]


def _find_late(records: Records) -> Outcomes:
    dossiers = records.dossiers[records.dossiers["status"].isin(DONE)]
    return _take(dossiers, dossiers["status"] == "late")


def _find_on_time_at_portal(records: Records) -> Outcomes:
    """Compare with the promised day, as the portal does; with the clock where none is promised."""
    dossiers = _find_received(records)
    end = dossiers["finished"].fillna(dossiers["returned"]).fillna(_find_last_moment(records))
    by_clock = dossiers["status"].isin(("early", "on_time", "in_time"))
    has_promise = dossiers["promised"].notna()
    is_met = (end <= dossiers["promised"]).where(has_promise, by_clock)
    has_any_limit = has_promise | (dossiers["status"] != "no_limit")
    is_stopped = dossiers["status"].isin(STOPPED)
    return _take(dossiers, is_met.where(has_any_limit).mask(is_stopped, other=True))


def _find_online(records: Records) -> Outcomes:
    dossiers = _find_received(records)
    return _take(dossiers, dossiers["channel"] == "online")


def _find_online_of_full(records: Records) -> Outcomes:
    dossiers = _find_received(records)
    dossiers = dossiers[dossiers["level"] == "full"]
    return _take(dossiers, dossiers["channel"] == "online")


def _find_paid_online(records: Records) -> Outcomes:
    dossiers = _find_received(records)
    return _take(dossiers, dossiers["paid_online"].astype(str).map(YES_NO))


def _find_procedures_paid_online(records: Records) -> Outcomes:
    units, is_paid = _find_paid_online(records)
    is_known = is_paid.notna()
    keys = [units[is_known], records.dossiers.loc[units.index[is_known], "procedure"]]
    any_paid = is_paid[is_known].astype(bool).groupby(keys, observed=True).any().reset_index()
    return any_paid["unit"], any_paid.iloc[:, -1]


def _find_reused(records: Records) -> Outcomes:
    dossiers = _find_received(records)
    return _take(dossiers, dossiers["digitised"].astype(str).map(YES_NO))


def _find_without_complaint(records: Records) -> Outcomes:
    """Leave out late dossiers and, since no petition names its dossier, as many as petitions."""
    dossiers = _find_received(records)
    is_met = ~dossiers["status"].isin(("late", "overdue"))
    n_cases = records.petitions.groupby("unit")["case"].nunique().to_dict()
    position = is_met.groupby([dossiers["unit"], is_met]).cumcount()
    return _take(dossiers, is_met & (position >= dossiers["unit"].map(n_cases).fillna(0)))


def _find_petitions_on_time(records: Records) -> Outcomes:
    petitions = records.petitions[records.petitions["contradiction"] == ""]
    end = petitions["answered"].fillna(_find_last_moment(records))
    due = find_due_end(petitions["due"])
    return _take(petitions, (end <= due).where(due.notna()))


def _find_petitions_settled(records: Records) -> Outcomes:
    units, is_on_time = _find_petitions_on_time(records)
    is_reopened = records.petitions["reopened"].fillna(0) > 0
    return units, is_on_time.where(~is_reopened | is_on_time.isna(), other=False)


def _find_reopened(records: Records) -> Outcomes:
    petitions = records.petitions[records.petitions["answered"].notna()]
    return _take(petitions, petitions["reopened"].fillna(0) > 0)


def _find_published_on_time(records: Records) -> Outcomes:
    procedures = records.publication
    is_due = procedures["due"].notna() & (procedures["due"] <= _find_last_moment(records))
    is_met = procedures["published"].notna() & (procedures["published"] <= procedures["due"])
    return _take(procedures, is_met.where(is_due))


def _find_complete(records: Records) -> Outcomes:
    procedures = records.publication
    is_checked = procedures["published"].notna() & (procedures["content"] != "")
    return _take(procedures, (procedures["content"] == "yes").where(is_checked))


def _find_posted(records: Records) -> Outcomes:
    procedures = records.publication
    checks = procedures[["place", "form", "content"]]
    return _take(procedures, (checks == "yes").all(axis=1).where((checks != "").all(axis=1)))


def find_baselines(
    records: Records, lines: Iterable[tuple[str, str]], min_cell: int
) -> list[tuple[float, float]]:
    """Return the percentage and the denominator that each line of a plan starts from.

    Args:
        records: Records of the wave from which the plan was made.
        lines: Indicator and unit of each line; an empty unit is the whole province.
        min_cell: Fewest records of a percentage that may be shown (P2).

    Returns:
        A pair for each line; two missing numbers where there is no such indicator, or too few
        records.
    """
    baselines = []
    counts: dict[str, pd.DataFrame] = {}
    for name, unit in lines:
        if name in INDICATORS and name not in counts:
            counts[name] = measure_indicator(records, name).set_index("unit")
        table = counts.get(name, pd.DataFrame(columns=["numerator", "denominator"]))
        met, n = (table if not unit else table[table.index == unit]).sum()
        is_shown = n >= min_cell
        baselines.append((100.0 * met / n, float(n)) if is_shown else (math.nan, math.nan))
    return baselines


LOWER_IS_BETTER = ("late-share", "reopened")
INDICATORS: Mapping[str, Callable[[Records], Outcomes]] = {
    "late-share": _find_late,
    "on-time-portal": _find_on_time_at_portal,
    "online-share": _find_online,
    "online-full-share": _find_online_of_full,
    "cashless": _find_paid_online,
    "procedures-paid-online": _find_procedures_paid_online,
    "digitised-reused": _find_reused,
    "dossiers-without-complaint": _find_without_complaint,
    "petitions-on-time": _find_petitions_on_time,
    "petitions-settled": _find_petitions_settled,
    "reopened": _find_reopened,
    "published-on-time": _find_published_on_time,
    "content-complete": _find_complete,
    "posted": _find_posted,
}
