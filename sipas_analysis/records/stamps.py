"""Read points in time by SQL: ``dd/MM/yyyy HH:mm:ss``, ISO, numbers of a spreadsheet.

Days before months, as offices write them; a file in which a month stands first, or in which a
spreadsheet turned some days, is refused. Stamps are seconds of local time (UTC+7).
"""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from sipas_analysis.records.columns import read_export_words

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TEXT = " text"  # ending of the column that holds a stamp as it is written
_USUAL = "%d/%m/%Y %H:%M:%S"
_DAYS = ("%d/%m/%Y", "%Y-%m-%d", "%d-%m-%Y", "%d.%m.%Y", "%Y/%m/%d")
_HOURS = ("", " %H:%M", " %H:%M:%S", "T%H:%M:%S", " %H:%M:%S.%f", "T%H:%M:%S.%f", " %I:%M:%S %p")
_FORMATS = (
    *(f"{day}{hour}" for hour in _HOURS for day in _DAYS),
    *("%H:%M:%S %d/%m/%Y", "%H:%M %d/%m/%Y", "%d/%m/%Y, %H:%M:%S", "%Y%m%d%H%M%S", "%Y%m%d"),
)
_ZONED = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ")  # UTC
_SERIAL = r"[2-6]\d{4}(\.\d+)?"  # a day of a spreadsheet, 1954 to 2091
_MONTH_FIRST = r"^\d{1,2}[-/](?:1[3-9]|2\d|3[01])[-/]\d{4}"
DAY = 86_400 * 10**6  # microseconds
_FEW = 3  # so many days of each kind show that a spreadsheet turned some of them


def _quote_list(texts: tuple[str, ...]) -> str:
    """Return a list of texts as SQL writes it."""
    quoted = ", ".join(f"'{text}'" for text in texts)
    return f"[{quoted}]"


def make_stamp_macros(connection: "DuckDBPyConnection") -> None:
    """Define ``parse_stamp(text)`` and ``read_stamp(text)``; the second leaves out default days.

    ``parse_stamp`` is NULL where a text is no point in time. A year of two digits is none.
    """
    serial = "TIMESTAMP '1899-12-30' + to_seconds(round(TRY_CAST(x AS DOUBLE) * 86400)::BIGINT)"
    text = "replace(replace(replace(upper(x), ' SA', ' AM'), ' CH', ' PM'), '\u00a0', ' ')"
    text = f"regexp_replace(trim({text}), '[+]07:?00$', '')"
    connection.execute(
        f"""CREATE MACRO parse_rare(x) AS CASE
        WHEN x = '' OR NOT regexp_matches(x, '[0-9]{{4}}') THEN NULL
        WHEN regexp_full_match(trim(x), '{_SERIAL}') THEN {serial}
        ELSE coalesce(try_strptime({text}, {_quote_list(_FORMATS)}),
            try_strptime(x, {_quote_list(_ZONED)}) + INTERVAL 7 HOUR) END"""
    )
    connection.execute(
        f"""CREATE MACRO parse_stamp(x) AS CASE
        WHEN strlen(x) = 19 THEN coalesce(try_strptime(x, '{_USUAL}'), parse_rare(x))
        ELSE parse_rare(x) END"""
    )
    days = ", ".join(f"DATE '{day}'" for day in read_export_words().no_stamp)
    connection.execute(f"CREATE MACRO is_no_stamp(t) AS coalesce(t::DATE IN ({days}), false)")
    connection.execute(
        "CREATE MACRO read_stamp(t) AS CASE WHEN is_no_stamp(t) THEN NULL ELSE t::TIMESTAMP_S END"
    )


def count_stamps(
    connection: "DuckDBPyConnection", table: str, roles: Sequence[str], texts: Collection[str]
) -> dict[str, dict[str, int]]:
    """Count the stamps of each role by how they are written.

    Args:
        connection: A connection with the macros.
        table: Table with the stamps, and with the texts of some roles under the name and ``TEXT``.
        roles: Roles of stamps.
        texts: Those that were parsed from a text.

    Returns:
        By role: ``n`` stamps, ``wrong`` texts that are none, ``slashed`` ones with
        the day or month first, of these ``high`` with a day above 12, ``other`` ones of which
        ``other_high``, ``serial`` numbers, ``zoned`` in UTC, ``none`` default days, ``midnight``.
    """
    counts = _count_usual(connection, table, roles, texts)
    tests = {role: _list_tests(role, is_text=role in texts) for role in roles if role not in counts}
    return counts | _count_tests(connection, table, tests)


def _count_usual(
    connection: "DuckDBPyConnection", table: str, roles: Sequence[str], texts: Collection[str]
) -> dict[str, dict[str, int]]:
    """Count the stamps of the roles that are written in the usual way only, with few tests."""
    first = max(read_export_words().no_stamp)
    tests = {}
    for role in roles:
        stamp, text = f'"{role}"', f'"{role}{TEXT}"' if role in texts else ""
        usual = f"strpos({text}, '/') = 3" if text else "true"
        tests[role] = {
            "n": f"{stamp} IS NOT NULL",
            "usual": f"{stamp} IS NOT NULL AND {usual} AND {stamp} >= DATE '{first}' + 1",
            "filled": f"{text} <> ''" if text else f"{stamp} IS NOT NULL",
            "high": f"day({stamp}) > 12",
            "midnight": f"epoch_us({stamp}) % {DAY} = 0",
        }
    rows = _count_tests(connection, table, tests)
    plain = {role: row for role, row in rows.items() if row["n"] == row["usual"] == row["filled"]}
    none = dict.fromkeys(("wrong", "slashed", "high", "other_high", "serial", "zoned", "none"), 0)
    return {
        role: none
        | {"n": row["n"], "other": 0 if role in texts else row["n"], "midnight": row["midnight"]}
        | ({"slashed": row["n"], "high": row["high"]} if role in texts else {})
        for role, row in plain.items()
    }


def _count_tests(
    connection: "DuckDBPyConnection", table: str, tests: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, int]]:
    """Count the rows of a table that meet each test of each role, in one query."""
    cells = [f"count(*) FILTER ({test})" for part in tests.values() for test in part.values()]
    if not cells:
        return {}
    query = f"SELECT {', '.join(cells)} FROM {table}"  # noqa: S608 (our names)
    counts = iter(connection.execute(query).fetchall()[0])
    return {role: {name: next(counts) for name in part} for role, part in tests.items()}


def _list_tests(role: str, *, is_text: bool) -> dict[str, str]:
    """Return the SQL of each way in which a stamp may be written."""
    stamp, text = f'"{role}"', f'"{role}{TEXT}"' if is_text else "''"
    slashed = f"(contains({text}, '/') OR strpos({text}, '-') IN (2, 3))"
    return {
        "n": f"{stamp} IS NOT NULL",
        "wrong": f"{stamp} IS NULL AND trim({text}) <> ''",
        "slashed": slashed,
        "high": f"{slashed} AND day({stamp}) > 12",
        "other": f"{stamp} IS NOT NULL AND NOT {slashed}",
        "other_high": f"NOT {slashed} AND day({stamp}) > 12",
        "serial": f"length(split_part({text}, '.', 1)) = 5",
        "zoned": f"{text} LIKE '%Z'",
        "none": f"is_no_stamp({stamp})",
        "midnight": f"{stamp} = date_trunc('day', {stamp}) AND NOT is_no_stamp({stamp})",
    }


def is_turned(counts: Mapping[str, int]) -> bool:
    """Return whether a spreadsheet turned the days up to 12 of a column, and left the others."""
    return (
        min(counts["slashed"], counts["other"]) >= _FEW
        and counts["high"] == counts["slashed"]
        and counts["other_high"] == 0
    )


def list_wrong_stamps(
    connection: "DuckDBPyConnection", table: str, role: str
) -> tuple[pd.DataFrame, bool]:
    """Return row and text of the first cells that are no stamp; and whether months stand first."""
    rows = connection.execute(
        f"""SELECT row, "{role}{TEXT}" AS found FROM {table}
        WHERE trim("{role}{TEXT}") <> '' AND "{role}" IS NULL ORDER BY row LIMIT 1000"""  # noqa: S608
    ).fetchdf()
    return rows, bool(rows["found"].str.contains(_MONTH_FIRST, regex=True).any())
