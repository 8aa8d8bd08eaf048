"""Count dossiers as form II.06a/VPCP/KSTT does, with both shares of dossiers done on time (T3, T4).

The official share counts dossiers that wait for the applicant, or that the applicant took back,
as done on time. The share beside it counts dossiers that are done. Their difference is explained
part by part.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from sipas_analysis.arguments import list_names
from sipas_analysis.errors import RecordsError
from sipas_analysis.infer.intervals import exact_interval

# Sums of the office's form, each from the columns after the colon (rule T4).
SUMS = {
    "received": ("received_online", "received_direct", "carried_over"),
    "done": ("early", "on_time", "late"),
    "running": ("in_time", "overdue"),
}
OPEN_STATUSES = ("in_time", "overdue", "waiting", "stopped")
# In the form, what is neither done nor running stands in one of its columns. Unverified.
PLACES_IN_FORM = {
    "on_time": ("waiting", "withdrawn"),
    "in_time": ("stopped", "no_limit"),
}
BESIDE = ("waiting", "withdrawn", "stopped", "no_limit")  # received, but neither done nor running
APART = ("refused", "not_started", "contradictory")  # no part of what was received
FORM_COLUMNS = (
    *("received", "received_online", "received_direct", "carried_over"),
    *("done", "early", "on_time", "late", "running", "in_time", "overdue"),
)
COUNTED = (*FORM_COLUMNS, *BESIDE, *APART)


def count_timeliness(
    dossiers: pd.DataFrame, by: str | Sequence[str] = (), *, period: tuple[date, date]
) -> pd.DataFrame:
    """Count the dossiers of a period by unit, field, procedure, month or any other column.

    received = received_online + received_direct + carried_over = done + running + waiting +
    withdrawn + stopped + no_limit; done = early + on_time + late; running = in_time + overdue.
    ``carried_over`` were received before the period and not finished before it; dossiers received
    after the period are not counted. ``refused``, ``not_started`` and ``contradictory`` ones are no
    part of ``received``.

    on_time_percent = 100·(early + on_time)/done, with its exact 95 % interval: the dossiers are
    taken as a sample of what the office does. official_percent = 100·(early + on_time + waiting +
    withdrawn)/(done + waiting + withdrawn). Their gap is 100·late·(waiting + withdrawn)/(done·(done
    + waiting + withdrawn)); ``gap_waiting`` and ``gap_withdrawn`` share it in proportion, so that
    they add up to it. ``kept_percent`` counts the running dossiers that are overdue, too, as late.

    Args:
        dossiers: One row per dossier with the columns of the clock (``run_clock``).
        by: Columns to count by; ``month`` is that of receipt, as ``2021-03``. None: one row.
        period: First and last day.

    Returns:
        One row per group, in the order of the keys: keys, counts, shares in percent, the gap in
        points, ``median_days_late`` (of the late ones) and ``median_limit_used_percent`` (of those
        done). A share of nothing is NaN.

    Raises:
        RecordsError: A column is missing.

    Source: rules T3 and T4 in docs/method.md.
    """
    keys = list_names(by)
    return add_up_facts(list_facts(dossiers, keys, period), keys)


def add_up_facts(facts: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return the rows of ``count_timeliness`` from what ``list_facts`` says of each dossier."""
    columns = [*COUNTED]
    if keys:
        groups = facts.groupby([*keys], observed=True, sort=True, dropna=False)
        counts = groups[columns].sum().reset_index()
        medians = groups[["late_days", "used_percent"]].median().reset_index(drop=True)
    else:
        counts = facts[columns].sum().to_frame().T
        medians = facts[["late_days", "used_percent"]].median().to_frame().T
    names = {"late_days": "median_days_late", "used_percent": "median_limit_used_percent"}
    table = pd.concat([counts, add_shares(counts), medians.rename(columns=names)], axis=1)
    return table.astype(dict.fromkeys(columns, np.int64))


def place_unlimited(dossiers: pd.DataFrame) -> pd.DataFrame:
    """Return dossiers with those that are done without a legal limit as on time.

    They cannot be late; the form has no column for them (ours, unverified).
    """
    is_done = dossiers["status"].eq("no_limit") & _find_ends(dossiers).notna()
    return dossiers.assign(status=dossiers["status"].mask(is_done, "on_time"))


def count_as_form(table: pd.DataFrame) -> pd.DataFrame:
    """Return the counts as the office's form has them: every dossier received is done or running.

    Dossiers that wait or were withdrawn stand under ``on_time``; stopped ones and those without a
    legal limit under ``in_time`` (reading of the footnotes of the form: unverified). Count the
    dossiers of ``place_unlimited``, else those without a limit that are done stand there too.

    Source: rule T4 in docs/method.md.
    """
    form = table.copy()
    for column, statuses in PLACES_IN_FORM.items():
        form[column] = table[column] + table[[*statuses]].sum(axis=1)
    for total, parts in SUMS.items():
        form[total] = form[[*parts]].sum(axis=1)
    keys = table.columns[: table.columns.get_loc("received")]
    return form[[*keys, *FORM_COLUMNS]]


def add_shares(counts: pd.DataFrame) -> pd.DataFrame:
    """Return both shares done on time and the parts of their gap, from the counts (rule T4)."""
    done, late = counts["done"].to_numpy(float), counts["late"].to_numpy(float)
    waiting, withdrawn = (counts[name].to_numpy(float) for name in ("waiting", "withdrawn"))
    overdue, kept = counts["overdue"].to_numpy(float), done - late
    with np.errstate(invalid="ignore", divide="ignore"):
        in_form = done + waiting + withdrawn
        per_dossier = 100 * late / (done * in_form)
        low, high = exact_interval(kept, done)
        shares = {
            "official_percent": 100 * (in_form - late) / in_form,
            "on_time_percent": 100 * kept / done,
            "low": 100 * low,
            "high": 100 * high,
            "gap_points": per_dossier * (waiting + withdrawn),
            "gap_waiting": per_dossier * waiting,
            "gap_withdrawn": per_dossier * withdrawn,
            "kept_percent": 100 * kept / (done + overdue),
        }
    return pd.DataFrame(shares, index=counts.index)


def list_facts(
    dossiers: pd.DataFrame, keys: Sequence[str], period: tuple[date, date]
) -> pd.DataFrame:
    """Return one row per dossier of the period: its keys, and 0 or 1 for each column counted."""
    frame = dossiers
    if "month" in keys and "month" not in frame:
        frame = frame.assign(month=frame["received"].dt.strftime("%Y-%m").fillna(""))
    _check_columns(frame, [*keys, "received", "finished", "status", "channel"])
    frame = frame[_mark_here(frame, period)]
    came, start = _find_receipts(frame), pd.Timestamp(period[0])
    status = frame["status"].astype("str")
    facts = frame[[*keys]].copy()
    for name in ("early", "on_time", "late", "in_time", "overdue", *BESIDE, *APART):
        facts[name] = (status == name).to_numpy(dtype=np.int64)
    is_received = ~status.isin(APART)
    is_old = is_received & (came < start)
    is_online = is_received & ~is_old & (frame["channel"].astype("str") == "online")
    facts["received_online"] = is_online.astype(np.int64)
    facts["received_direct"] = (is_received & ~is_old & ~is_online).astype(np.int64)
    facts["carried_over"] = is_old.astype(np.int64)
    facts["received"] = is_received.astype(np.int64)
    facts["done"] = facts[[*SUMS["done"]]].sum(axis=1)
    facts["running"] = facts[[*SUMS["running"]]].sum(axis=1)
    facts["late_days"] = frame["days_late"].where(status == "late").astype(float)
    used = frame["limit_used"].astype(float)
    facts["used_percent"] = 100 * used.where(status.isin(SUMS["done"]))
    return facts


def mark_counted(dossiers: pd.DataFrame, period: tuple[date, date]) -> "pd.Series[bool]":
    """Return which dossiers are part of ``received`` in a period (rule T4).

    They were received in it or before it, and not finished before it; those refused, not started or
    contradictory are none of them.
    """
    return _mark_here(dossiers, period) & ~dossiers["status"].isin(APART)


def _mark_here(frame: pd.DataFrame, period: tuple[date, date]) -> "pd.Series[bool]":
    """Return which dossiers came before the end of a period and did not end before it."""
    start, after = pd.Timestamp(period[0]), pd.Timestamp(period[1]) + pd.Timedelta(days=1)
    came, ended = _find_receipts(frame), _find_ends(frame)
    is_apart = frame["status"].isin(APART)
    is_open = frame["status"].isin(OPEN_STATUSES)
    is_here = ~(came >= after) & (is_apart | is_open | ended.isna() | (ended >= start))
    return is_here & ~(is_apart & (came < start))


def _find_receipts(frame: pd.DataFrame) -> "pd.Series[pd.Timestamp]":
    """Return when each dossier was received, else submitted."""
    if "submitted" not in frame:
        return frame["received"]
    return frame["received"].fillna(frame["submitted"])


def _find_ends(frame: pd.DataFrame) -> "pd.Series[pd.Timestamp]":
    """Return when each dossier ended: finished, else returned."""
    if "returned" not in frame:
        return frame["finished"]
    return frame["finished"].fillna(frame["returned"])


def _check_columns(frame: pd.DataFrame, names: Sequence[str]) -> None:
    missing = [name for name in names if name not in frame]
    if missing:
        raise RecordsError(
            "records_columns", columns=", ".join(missing), known=", ".join(frame.columns)
        )
