"""Measure indicators that records show: shares of dossiers, petitions or procedures.

An indicator is a share of all records of a period: it has a denominator and no sampling error.
Lines of a plan (rule G3) and the parts of Decision 766 name indicators by the keys of
``INDICATORS``. Where a table of the records has the share, it is that of the table.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_word
from sipas_analysis.records.channels import mark_received
from sipas_analysis.records.office_records import Records
from sipas_analysis.records.petitions import count_petitions, find_due_end
from sipas_analysis.records.publication import count_publication
from sipas_analysis.records.timeliness import count_timeliness, mark_counted

# ended or paused, and so on time for the portal, whatever the dates (form II.06a, rule T4)
STOPPED = ("waiting", "withdrawn", "stopped")
YES_NO = {"no": False, "yes": True}
ONE_SECOND, ONE_DAY = pd.Timedelta(1, "s"), pd.Timedelta(1, "D")
Keys = Sequence[str]  # ("unit",), or none for the whole province


def measure_indicator(records: Records, name: str, by: Keys = ("unit",)) -> pd.DataFrame:
    """Return the percentage of records that meet an indicator, and how many records count.

    Args:
        records: Records of a wave.
        name: A key of ``INDICATORS``.
        by: ``("unit",)``, or nothing for the whole province.

    Returns:
        One row per unit with records that count: the key, ``value`` (percent) and ``n``. No row
        where the wave has no such records.

    Raises:
        ParameterError: There is no such indicator.

    Source: rules T3, T4, T7 and T8 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> late = measure_indicator(sipas.read_records(survey), "late-share", ())
        >>> 0 < late["value"].item() < 100
        True
    """
    check_word(name, INDICATORS, "name")
    table = INDICATORS[name](records, by)
    return table.loc[table["n"] > 0, [*by, "value", "n"]].reset_index(drop=True)


def find_baselines(
    records: Records, lines: Iterable[tuple[str, str]], min_cell: int
) -> list[tuple[float, float]]:
    """Return the percentage and the number of records that each line of a plan starts from.

    Args:
        records: Records of the wave from which the plan was made.
        lines: Indicator and unit of each line; an empty unit is the whole province.
        min_cell: Fewest records of a percentage that may be shown (P2).

    Returns:
        A pair for each line; two missing numbers where there is no such indicator, or too few
        records.
    """
    rows: dict[tuple[str, str], tuple[float, float]] = {}
    lines = [*lines]
    for name in dict.fromkeys(name for name, _ in lines if name in INDICATORS):
        whole = measure_indicator(records, name, ()).assign(unit="")
        table = pd.concat([whole, measure_indicator(records, name)])
        numbers = zip(table["value"].astype(float), table["n"].astype(float), strict=True)
        rows |= dict(zip(((name, str(unit)) for unit in table["unit"]), numbers, strict=True))
    found = [rows.get(line, (math.nan, 0.0)) for line in lines]
    return [pair if pair[1] >= min_cell else (math.nan, math.nan) for pair in found]


def _find_last_moment(records: Records) -> pd.Timestamp:
    """Return the last second of the period."""
    return pd.Timestamp(records.period[1]) + ONE_DAY - ONE_SECOND


def _divide(table: pd.DataFrame, met: "pd.Series[float]", n: "pd.Series[float]") -> pd.DataFrame:
    return table.assign(value=100 * met / n.where(n > 0), n=n)


def _share_dossiers(records: Records, by: Keys, met: str, base: Sequence[str]) -> pd.DataFrame:
    """Divide columns of the table of timeliness."""
    table = count_timeliness(records.dossiers, by, period=records.period)
    return _divide(table, table[met].astype(float), table[[*base]].sum(axis=1).astype(float))


def _count_cases(records: Records, by: Keys, *, officials: bool = False) -> pd.DataFrame:
    """Count the cases of petitions, those about officials apart."""
    if records.petitions.empty:
        return pd.DataFrame(columns=[*by, "n", "on_time", "late", "overdue"])
    return count_petitions(
        records.petitions,
        by,
        calendar=records.calendar,
        period=records.period,
        officials=officials,
        min_cell=1,
    )


def _share_cases(records: Records, by: Keys) -> pd.DataFrame:
    """Take the share on time from the table of petitions."""
    table = _count_cases(records, by)
    n = table[["on_time", "late", "overdue"]].sum(axis=1).astype(float)
    return _divide(table, table["on_time"].astype(float), n)


def _average(rows: pd.DataFrame, is_met: "pd.Series[bool]", by: Keys) -> pd.DataFrame:
    """Return the percentage of rows that meet it; rows where it is missing do not count."""
    is_known = is_met.notna()
    met = rows.loc[is_known, [*by]].assign(met=is_met[is_known].astype(float))
    groups = met.groupby([*by] or np.zeros(len(met)), observed=True)["met"]
    table = groups.agg(["sum", "size"]).reset_index()
    return _divide(table, table["sum"], table["size"].astype(float))


def _share_at_portal(records: Records, by: Keys) -> pd.DataFrame:
    """Compare with the promised day, as the portal does; with the clock where none is promised."""
    dossiers = records.dossiers[mark_counted(records.dossiers, records.period)]
    end = dossiers["finished"].fillna(dossiers["returned"]).fillna(_find_last_moment(records))
    by_clock = dossiers["status"].isin(("early", "on_time", "in_time"))
    has_promise = dossiers["promised"].notna()
    is_met = (end <= find_due_end(dossiers["promised"])).where(has_promise, by_clock)
    has_any_limit = has_promise | (dossiers["status"] != "no_limit")
    is_stopped = dossiers["status"].isin(STOPPED)
    return _average(dossiers, is_met.where(has_any_limit).mask(is_stopped, other=True), by)


def _share_marks(records: Records, by: Keys, column: str) -> pd.DataFrame:
    """Return the share of dossiers received in the period with yes in a column, of yes and no."""
    dossiers = records.dossiers[mark_received(records.dossiers, records.period)]
    return _average(dossiers, dossiers[column].astype(str).map(YES_NO), by)


def _share_online_of_full(records: Records, by: Keys) -> pd.DataFrame:
    is_counted = mark_received(records.dossiers, records.period)
    dossiers = records.dossiers[is_counted & records.dossiers["level"].eq("full")]
    return _average(dossiers, dossiers["channel"] == "online", by)


def _share_procedures(records: Records, by: Keys) -> pd.DataFrame:
    """Return the share of procedures with a fee in which any dossier was paid online."""
    dossiers = records.dossiers[mark_received(records.dossiers, records.period)]
    is_paid = dossiers["paid_online"].astype(str).map(YES_NO)
    keys = dict.fromkeys([*by, "procedure"])
    fees = dossiers[is_paid.notna()].assign(paid=is_paid.dropna().astype(float))
    procedures = fees.groupby([*keys], observed=True)["paid"].max().reset_index()
    return _average(procedures, procedures["paid"] > 0, by)


def _share_without_complaint(records: Records, by: Keys) -> pd.DataFrame:
    """Leave out late dossiers and, since no petition names its dossier, as many as cases."""
    table = count_timeliness(records.dossiers, by, period=records.period)
    n_cases = np.zeros(len(table))
    for officials in (False, True):
        cases = _count_cases(records, by, officials=officials)
        counts = cases.set_index("unit")["n"].to_dict() if by else dict(enumerate(cases["n"]))
        keys = table["unit"] if by else range(len(table))
        n_cases += [float(counts.get(key, 0)) for key in keys]
    kept = table["received"] - table["late"] - table["overdue"] - n_cases
    return _divide(table, kept.clip(lower=0), table["received"].astype(float))


def _share_settled(records: Records, by: Keys) -> pd.DataFrame:
    """Return the share of cases that are neither past their due day nor were reopened."""
    rows = records.petitions[records.petitions["contradiction"].astype(str).eq("")]
    last = _find_last_moment(records)
    first = pd.Timestamp(records.period[0])
    rows = rows[~(rows["received"] > last) & ~(rows["answered"] < first) & ~rows["about_official"]]
    end = rows["answered"].where(rows["answered"] <= last).fillna(last)
    is_bad = (end > find_due_end(rows["due"])) | (rows["reopened"].fillna(0) > 0)
    keys = [*by, "case"]
    cases = rows.assign(bad=is_bad).groupby(keys, observed=True)["bad"].max().reset_index()
    return _average(cases, ~cases["bad"].astype(bool), by)


def _share_reopened(records: Records, by: Keys) -> pd.DataFrame:
    """Take the share from the table of petitions."""
    table = _count_cases(records, by)
    if table.empty:
        return table.assign(value=math.nan)
    answered = table["answered"].where(table["reopened_percent"].notna(), 0)
    return table.assign(value=table["reopened_percent"], n=answered)


def _share_procedures_published(records: Records, by: Keys, share: str) -> pd.DataFrame:
    """Take a share from the table of publication."""
    if records.publication.empty:
        return pd.DataFrame(columns=[*by, "value", "n"])
    last = records.period[1]
    table = count_publication(records.publication, by, calendar=records.calendar, through=last)
    n_due = table["on_time"] + table["late"]
    if share == "on_time":
        return _divide(table, table["on_time"].astype(float), n_due.astype(float))
    n = table["procedures"] - table["not_due"]
    return table.assign(value=table[share], n=n.where(table[share].notna(), 0))


LOWER_IS_BETTER = ("late-share", "reopened")
RECEIVED = ("received_online", "received_direct")
INDICATORS: Mapping[str, Callable[[Records, Keys], pd.DataFrame]] = {
    "late-share": partial(_share_dossiers, met="late", base=("done",)),
    "on-time-portal": _share_at_portal,
    "online-share": partial(_share_dossiers, met="received_online", base=RECEIVED),
    "online-full-share": _share_online_of_full,
    "cashless": partial(_share_marks, column="paid_online"),
    "procedures-paid-online": _share_procedures,
    "digitised-reused": partial(_share_marks, column="digitised"),
    "dossiers-without-complaint": _share_without_complaint,
    "petitions-on-time": _share_cases,
    "petitions-settled": _share_settled,
    "reopened": _share_reopened,
    "published-on-time": partial(_share_procedures_published, share="on_time"),
    "content-complete": partial(_share_procedures_published, share="content_percent"),
    "posted": partial(_share_procedures_published, share="score"),
}
