"""Read the dossiers of the one-stop system: one row a dossier, with what contradicts itself marked.

A dossier whose stamps contradict each other is kept, with the reason in ``contradiction``: it is
counted apart and enters no average (rule T2). Of a dossier that overlapping exports hold twice the
later row counts, if both agree.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sipas_analysis.collect.survey import join_ledgers
from sipas_analysis.collect.wave import Wave
from sipas_analysis.errors import RecordsError
from sipas_analysis.records.exports import (
    ExportTable,
    fetch_frame,
    make_empty_frame,
    open_export,
)
from sipas_analysis.records.repeats import drop_footers, list_places, settle_repeats

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STAMPS = ("submitted", "received", "promised", "finished", "returned", "refused")
FIRST, LAST = np.datetime64("2000-01-01"), np.datetime64("2100-01-01")
REFUSED, RUNNING, FINISHED, RETURNED = 3, 4, 9, 10
FEW_TRANSFERRED, MOST_TRANSFERRED = 5, 0.02  # number and share of codes that two units may have
OPEN_STATES = (1, 2, 4, 5, 6)  # in which nothing is finished
ONCE = (  # what never changes of a dossier, once it is known
    *("unit", "procedure", "submitted", "received", "limit", "limit_unit"),
    *("finished", "returned", "refused"),
)
VERSIONS = ("returned", "finished", "refused", "state")  # the last version is the largest


def read_dossiers(
    connection: "DuckDBPyConnection", wave: Wave, units: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the dossiers of a wave, one row each; no row where it names no export of them.

    Args:
        connection: A connection of ``connect_records``.
        wave: The wave.
        units: Its list of units.

    Returns:
        Dossiers in the order of files and rows, with the roles of ``columns.yaml``,
        ``is_mapped`` (the level is an old number), ``contradiction`` (a reason of the ledger, or
        ``""``), and ``file`` (name) and ``row``, where it stands; and the ledger.

    Raises:
        FileError: A file is missing or cannot be read.
        RecordsError: Columns, words, units or stamps are not what they must be.
        SeveralError: More than one of these.

    Source: rules P1, T1 and T2 in docs/method.md.
    """
    table = open_export(connection, "dossiers", wave, units)
    if table is None:
        return make_empty_frame("dossiers").assign(contradiction=""), join_ledgers([])
    frame = drop_footers(fetch_frame(table), table, "dossier")
    _refuse_shared_codes(frame, table)
    frame["state"] = _find_states(frame, table)
    frame, differs = settle_repeats(frame, table, ["dossier"], ONCE, VERSIONS)
    frame["contradiction"] = _find_contradictions(frame).mask(differs, "versions_differ")
    for reason, rows in frame[frame["contradiction"] != ""].groupby("contradiction"):
        table.note(rows, str(reason))
    frame["contradiction"] = frame["contradiction"].astype("category")
    for stamp in STAMPS:
        frame[stamp] = frame[stamp].where(_is_plausible(frame[stamp]))
    frame["file"] = frame["file"].map(dict(enumerate(table.files))).astype("category")
    connection.register("dossier_frame", frame[["dossier", "unit"]].astype({"unit": object}))
    connection.execute("INSERT INTO dossier_units SELECT dossier, unit FROM dossier_frame")
    connection.unregister("dossier_frame")
    return frame, join_ledgers(table.ledger)


def _refuse_shared_codes(frame: pd.DataFrame, table: ExportTable) -> None:
    """Refuse units that number their dossiers alike: their codes name no dossier.

    A few dossiers of two units are a transfer, and are set aside as versions that differ.
    """
    rows = frame[frame.duplicated("dossier", keep=False)]
    n_units = rows.groupby("dossier", observed=True)["unit"].transform("nunique")
    shared = rows[n_units > 1]
    most = max(FEW_TRANSFERRED, MOST_TRANSFERRED * frame["dossier"].nunique())
    if shared["dossier"].nunique() > most:
        raise RecordsError("records_code_shared", list_places(shared, table, "dossier"))


def _find_states(frame: pd.DataFrame, table: ExportTable) -> "pd.Series[int]":
    """Return the state of each dossier; a blank one follows from its stamps."""
    numbers = {state: int(state or 0) for state in frame["state"].cat.categories}
    written = frame["state"].map(numbers).astype(np.int8)
    by_stamps = np.select(
        [frame[name].notna() for name in ("returned", "finished", "refused", "received")],
        [RETURNED, FINISHED, REFUSED, RUNNING],
        1,
    )
    blank = frame[written == 0]
    counts = blank.assign(found=blank.groupby("file")["row"].transform("size"), row=None)
    table.note(counts.drop_duplicates("file"), "records_state", "state")
    states = np.where(written > 0, written, by_stamps).astype(np.int8)
    return pd.Series(states, frame.index)


def _is_plausible(stamps: "pd.Series[pd.Timestamp]") -> "pd.Series[bool]":
    """Return whether a stamp is missing or lies in years in which systems recorded anything."""
    return stamps.isna() | stamps.between(pd.Timestamp(FIRST), pd.Timestamp(LAST), inclusive="left")


def _is_before(frame: pd.DataFrame, earlier: str, later: str) -> "pd.Series[bool]":
    """Return whether what must come later comes before; 00:00 of the same day does not."""
    first, second = frame[earlier], frame[later]
    day = second.dt.floor("D")
    is_same_day = (second == day) & (first.dt.floor("D") == day)
    is_before: pd.Series[bool] = (second < first) & ~is_same_day
    return is_before


def _find_contradictions(frame: pd.DataFrame) -> "pd.Series[str]":
    """Return by dossier the first reason why its stamps contradict each other or its state."""
    reasons = np.full(len(frame), "", dtype=object)
    for reason, is_met in _list_contradictions(frame):
        reasons[is_met.to_numpy() & (reasons == "")] = reason
    return pd.Series(reasons, frame.index)


def _list_contradictions(frame: pd.DataFrame) -> Iterator[tuple[str, "pd.Series[bool]"]]:
    """Yield each reason with the dossiers that meet it."""
    state, has = frame["state"], {name: frame[name].notna() for name in STAMPS}
    plausible = pd.DataFrame({name: _is_plausible(frame[name]) for name in STAMPS})
    yield "stamp_year", ~plausible.all(axis=1)
    yield "received_missing", ~has["received"] & ~state.isin([1, REFUSED])
    yield "finish_missing", ~has["finished"] & (state.isin([FINISHED, RETURNED]) | has["returned"])
    yield "finished_before_received", _is_before(frame, "received", "finished")
    yield "returned_before_finished", _is_before(frame, "finished", "returned")
    yield "received_before_submitted", _is_before(frame, "submitted", "received")
    yield "promised_before_received", _is_before(frame, "received", "promised")
    yield "reopened", has["finished"] & state.isin(OPEN_STATES)
    yield "limit_without_unit", frame["limit"].notna() & frame["limit_unit"].eq("")
    hours = frame["limit_unit"].eq("hour") & frame["limit"].notna()
    midnight = [frame[name].eq(frame[name].dt.floor("D")) for name in ("received", "finished")]
    yield "hour_unknown", hours & (midnight[0] | midnight[1])
