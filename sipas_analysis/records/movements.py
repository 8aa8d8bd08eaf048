"""Read the movements of dossiers: one row for each stay of a dossier in a step.

They stay in DuckDB: a view where a file is a large Parquet file, else a table, so that ten million
rows are read by SQL only. A stay without end lasts until the next stay of its dossier begins; the
last one still lasts. A stay that ends before it starts is left out, with a line in the ledger.
"""

from typing import TYPE_CHECKING

import pandas as pd

from sipas_analysis.collect.survey import join_ledgers
from sipas_analysis.collect.wave import Wave
from sipas_analysis.records.exports import ExportTable, drop_sources, open_export
from sipas_analysis.records.ledger import LISTED

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

MOVEMENT_COLUMNS = (
    *("dossier", "step", "section", "handler", "state", "start", "end", "reason", "unit"),
)
ONCE = "movements_once"
WORKING = (2, 4, 5, 6)  # states of a dossier that is not finished
_LEFT_OUT = {  # rows that are no stay, by the reason in the ledger
    "stay_without_dossier": "dossier = ''",
    "stay_without_start": "dossier <> '' AND start IS NULL",
    "stay_ends_before_start": "dossier <> '' AND \"end\" < start",
    "stay_year": 'year(start) NOT BETWEEN 2000 AND 2099 OR year("end") NOT BETWEEN 2000 AND 2099',
}
_SAME = 'dossier, step, section, handler, state, start, "end", reason, unit'


def read_movements(
    connection: "DuckDBPyConnection", wave: Wave, units: pd.DataFrame
) -> tuple["DuckDBPyRelation | None", pd.DataFrame]:
    """Read the movements of a wave; None where it names no export of them.

    Args:
        connection: A connection of ``connect_records``; the dossiers of the wave are read already.
        wave: The wave.
        units: Its list of units.

    Returns:
        The view ``movements`` with ``dossier step section handler state start end reason unit``;
        ``state`` is a number, 0 where the export has none; ``end`` is NULL where the stay lasts.
        And the ledger.

    Raises:
        FileError: A file is missing or cannot be read.
        RecordsError: Columns, words, units or stamps are not what they must be.
        SeveralError: More than one of these.

    Source: rules P1, T1 and T5 in docs/method.md.
    """
    table = open_export(connection, "movements", wave, units)
    if table is None:
        return None, join_ledgers([])
    counts = _count_rows(table)
    for reason, test in _LEFT_OUT.items():
        if counts[reason]:
            query = f"SELECT file, row FROM {{table}} WHERE {test}"  # noqa: S608 (our names)
            table.note(table.fetch(query), reason)
    if counts["n_same"]:
        _drop_copies(table, counts["n_same"])
    _note_strangers(table)
    left_out = " OR ".join(f"coalesce({test}, false)" for test in _LEFT_OUT.values())
    state = "coalesce(TRY_CAST(state AS TINYINT), 0::TINYINT) AS state"
    end = '"end"'
    if counts["open"]:
        end = f"coalesce({end}, lead(start) OVER (PARTITION BY dossier ORDER BY start, file, row))"
        table.note_line("stay_end_of_next", counts["open"])
    cells = f'dossier, step, section, handler, {state}, start, {end} AS "end", reason, unit'
    connection.execute(
        f"CREATE {'VIEW' if table.is_lazy else 'TABLE'} movements AS "  # noqa: S608 (our names)
        f"SELECT {cells} FROM {table.name} WHERE NOT ({left_out})"
    )
    if not table.is_lazy:
        if table.name == ONCE:
            connection.execute(f"DROP TABLE {ONCE}")
        connection.execute("DROP VIEW movements_read")
        drop_sources(connection, table.sources)
    return connection.view("movements"), join_ledgers(table.ledger)


def _count_rows(table: ExportTable) -> dict[str, int]:
    """Count the rows that are no stay, those without an end, and those that stand there again."""
    tests = {**_LEFT_OUT, "open": 'start IS NOT NULL AND "end" IS NULL'}
    cells = [f"count(*) FILTER ({test}) AS {name}" for name, test in tests.items()]
    cells.append(f"count(*) - count(DISTINCT hash({_SAME})) AS n_same")
    counts = table.fetch(f"SELECT {', '.join(cells)} FROM {{table}}")  # noqa: S608 (our names)
    return {str(name): int(counts[name].iloc[0]) for name in counts}


def _drop_copies(table: ExportTable, n_same: int) -> None:
    """Let equal rows count once: the first of them."""
    table.connection.execute(
        f"CREATE TABLE {ONCE} AS SELECT * FROM {table.name} "  # noqa: S608 (our names)
        f"QUALIFY row_number() OVER (PARTITION BY {_SAME} ORDER BY file, row) = 1"
    )
    query = "SELECT file, row FROM {table} ANTI JOIN movements_once USING (file, row)"
    rows = table.fetch(f"{query} ORDER BY file, row LIMIT {LISTED}")
    table.note(rows, "records_copy")
    if n_same > len(rows):
        table.note_line("records_copy", f"+ {n_same - len(rows)}")
    table.name = ONCE


def _note_strangers(table: ExportTable) -> None:
    """Write into the ledger how many stays belong to no dossier that was read."""
    known = table.fetch("SELECT count(*) AS n FROM dossier_units")["n"].iloc[0]
    strangers = table.fetch(
        "SELECT file, count(*) AS found, min(row) AS row FROM {table} "
        "ANTI JOIN dossier_units USING (dossier) WHERE dossier <> '' GROUP BY file ORDER BY file"
    )
    if known and len(strangers):
        table.note(strangers, "stay_of_no_dossier", "dossier")
        query = "FROM {table} ANTI JOIN dossier_units USING (dossier) WHERE dossier <> ''"
        n_dossiers = table.fetch(f"SELECT count(DISTINCT dossier) AS n {query}")["n"].iloc[0]
        table.note_line("dossier_of_no_file", int(n_dossiers))


def find_reopened(connection: "DuckDBPyConnection", dossiers: pd.DataFrame) -> "pd.Series[bool]":
    """Find the dossiers on which somebody worked again after they were finished.

    Args:
        connection: The connection with the movements.
        dossiers: One row per dossier: ``dossier finished``.

    Returns:
        Whether a stay in a state of work (2, 4, 5, 6) started after ``finished``.
    """
    finished = dossiers[["dossier", "finished"]].dropna()
    connection.register("finished_frame", finished)
    again = connection.execute(
        f"SELECT DISTINCT dossier FROM movements JOIN finished_frame USING (dossier) "  # noqa: S608
        f"WHERE state IN {WORKING} AND start > finished"
    ).fetchdf()
    connection.unregister("finished_frame")
    return dossiers["dossier"].isin(again["dossier"])
