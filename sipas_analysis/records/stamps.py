"""Read points in time by SQL: ``dd/MM/yyyy HH:mm:ss``, ISO, numbers of a spreadsheet.

Days before months, as offices write them; a file in which a month stands first, or in which a
spreadsheet turned some days, is refused. Stamps are seconds of local time (UTC+7).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from sipas_analysis.records.columns import read_export_words

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_DAYS = ("%d/%m/%Y", "%Y-%m-%d", "%d-%m-%Y", "%d.%m.%Y", "%Y/%m/%d")
_HOURS = (" %H:%M:%S", " %H:%M", "", "T%H:%M:%S", " %H:%M:%S.%f", "T%H:%M:%S.%f", " %I:%M:%S %p")
_FORMATS = (
    *(f"{day}{hour}" for hour in _HOURS for day in _DAYS),
    *("%H:%M:%S %d/%m/%Y", "%H:%M %d/%m/%Y", "%d/%m/%Y, %H:%M:%S", "%Y%m%d%H%M%S", "%Y%m%d"),
)
_ZONED = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ")  # UTC
_SERIAL = r"[2-6]\d{4}(\.\d+)?"  # a day of a spreadsheet, 1954 to 2091
_WRITTEN = r"^\d{1,2}[-/]\d{1,2}[-/]\d{4}"
_HIGH_DAY = r"^(1[3-9]|2\d|3[01])[-/]"
_MONTH_FIRST = r"^\d{1,2}[-/](1[3-9]|2\d|3[01])[-/]\d{4}"
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
    text = "replace(replace(upper(x), ' SA', ' AM'), ' CH', ' PM')"
    parsed = f"""CASE WHEN x = '' THEN NULL
        WHEN regexp_full_match(x, '{_SERIAL}') THEN {serial}
        ELSE coalesce(try_strptime(x, {_quote_list(_FORMATS)}),
            try_strptime(x, {_quote_list(_ZONED)}) + INTERVAL 7 HOUR,
            try_strptime(regexp_replace({text}, '[+]07:?00$', ''), {_quote_list(_FORMATS)}))
        END"""
    connection.execute(f"CREATE MACRO parse_stamp(x) AS {parsed}")
    days = ", ".join(f"DATE '{day}'" for day in read_export_words().no_stamp)
    connection.execute(f"CREATE MACRO is_no_stamp(t) AS coalesce(t::DATE IN ({days}), false)")
    connection.execute(
        "CREATE MACRO read_stamp(t) AS CASE WHEN is_no_stamp(t) THEN NULL ELSE t::TIMESTAMP_S END"
    )


def count_stamps(
    connection: "DuckDBPyConnection", table: str, role: str, *, is_text: bool
) -> Mapping[str, int]:
    """Count the cells of a column of stamps by how they are written.

    Returns:
        ``n`` cells with a text, ``wrong`` ones that are no stamp, ``month_first``, ``written`` with
        slashes, of these ``high`` with a day above 12, ``other`` ones of which ``other_high``,
        ``serial`` numbers, ``zoned`` in UTC, ``none`` default days, ``midnight``.
    """
    cell = f'"{role}"'
    text = cell if is_text else "''"
    stamp = f"parse_stamp({cell})" if is_text else cell
    is_filled = f"{cell} <> ''" if is_text else f"{cell} IS NOT NULL"
    conditions = {
        "n": is_filled,
        "wrong": f"{is_filled} AND (t IS NULL OR (year(t) < 1000 AND NOT is_no_stamp(t)))",
        "month_first": f"t IS NULL AND regexp_matches({text}, '{_MONTH_FIRST}')",
        "written": f"regexp_matches({text}, '{_WRITTEN}')",
        "high": f"regexp_matches({text}, '{_WRITTEN}') AND regexp_matches({text}, '{_HIGH_DAY}')",
        "other": f"t IS NOT NULL AND NOT regexp_matches({text}, '{_WRITTEN}')",
        "other_high": f"NOT regexp_matches({text}, '{_WRITTEN}') AND day(t) > 12",
        "serial": f"regexp_full_match({text}, '{_SERIAL}')",
        "zoned": f"{text} LIKE '%Z'",
        "none": "is_no_stamp(t)",
        "midnight": "t = date_trunc('day', t) AND NOT is_no_stamp(t)",
    }
    counts = ", ".join(f"count(*) FILTER ({test}) AS {name}" for name, test in conditions.items())
    row = connection.execute(
        f"SELECT {counts} FROM (SELECT {cell}, {stamp} AS t FROM {table})"  # noqa: S608 (our names)
    ).fetchone()
    return dict(zip(conditions, row or (), strict=True))


def is_turned(counts: Mapping[str, int]) -> bool:
    """Return whether a spreadsheet turned the days up to 12 of a column, and left the others."""
    return (
        min(counts["written"], counts["other"]) >= _FEW
        and counts["high"] == counts["written"]
        and counts["other_high"] == 0
    )


def list_wrong_stamps(connection: "DuckDBPyConnection", table: str, role: str) -> pd.DataFrame:
    """Return row and text of the first cells of a column that are no stamp."""
    return connection.execute(
        f"""SELECT row, "{role}" AS found FROM {table} WHERE "{role}" <> ''
        AND coalesce(year(parse_stamp("{role}")) < 1000
            AND NOT is_no_stamp(parse_stamp("{role}")), true) LIMIT 1000"""  # noqa: S608
    ).fetchdf()
