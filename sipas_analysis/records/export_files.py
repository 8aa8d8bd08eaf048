"""Read one file of an export: its words become ours, its stamps are checked, names become codes.

What means nothing known is refused, with its place and the nearest known word; everything else
that is read differently is a line of the ledger (rules P1 and T1).
"""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from sipas_analysis.arguments import find_nearest
from sipas_analysis.collect.units import name_nearest_units
from sipas_analysis.errors import (
    REPEATED,
    RecordsError,
    SipasError,
    hide_personal,
    shorten,
)
from sipas_analysis.infer.form_files import quote_name
from sipas_analysis.records.columns import Role, find_export, read_export_words
from sipas_analysis.records.ledger import LISTED, Line
from sipas_analysis.records.raw_files import RawFile, find_blank_default
from sipas_analysis.records.stamps import TEXT, count_stamps, is_turned, list_wrong_stamps
from sipas_analysis.records.words import WordReadings, is_ticked, read_words
from sipas_analysis.sheets.texts import fold_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

WORDS = ("name", "word", "unit", "limit", "number", "groups", "level", "label")
_CODE = re.compile(r"(?!.*\d{9})[A-Za-z0-9._/-]{1,30}")


class ExportFile:
    """One file while its words and stamps are read.

    Attributes:
        raw: The file as a table of texts.
        lines: Its lines of the ledger.
    """

    def __init__(
        self, connection: "DuckDBPyConnection", kind: str, raw: RawFile, number: int
    ) -> None:
        self.connection, self.raw, self.number = connection, raw, number
        self.export = find_export(kind)
        self.lines: list[Line] = []
        self.words: list[tuple[object, ...]] = []  # role, text and what it means
        self.cells: dict[str, str] = {}  # SQL of each role, over the table and its words
        self.joins: list[str] = []
        self.has_default_days = set[str]()  # roles with days that programs write for none
        self.has_positions = {*raw.placed.positions} - ({"unit"} if raw.entry.unit else set())

    def read(self, index: Mapping[str, str]) -> list[SipasError]:
        """Read words and stamps; return every mistake."""
        errors: list[SipasError] = []
        for reason, headers in self.raw.placed.dropped.items():
            for header in headers:
                self._note(reason, column=header)
        if self._is_cut():
            self._note("records_cap", self.raw.n_rows)
        self._drop_footers()
        texts = self._fetch_texts()
        errors += self._read_stamps()
        for name, role in self.export.roles.items():
            cell = f"r.{quote_name(name)}"
            if name == "unit" and self.raw.entry.unit:
                errors += self._set_unit(index)
            elif name not in self.has_positions:
                self._set_absent(name)
            elif role.kind == "stamp":
                has_none = name in self.has_default_days
                self.cells[name] = f"read_stamp({cell})" if has_none else f"{cell}::TIMESTAMP_S"
            elif role.kind in WORDS:
                errors += self._read_words(name, texts[name], index)
            else:
                self.cells[name] = cell if role.kind == "code" else f"trim({cell})"
        for name in self.export.list_roles("official"):
            if name in self.has_positions:
                self._code_officials(name, texts[name]["text"])
        words = pd.DataFrame(self.words, columns=["role", "text", "value", "second"], dtype=object)
        self.connection.register("words_read", words)
        self.connection.execute(f"CREATE TABLE {self.raw.table}_words AS FROM words_read")
        self.connection.unregister("words_read")
        return errors

    def _is_cut(self) -> bool:
        """Return whether programs cut exports at so many rows, with or without the header."""
        n_rows = self.raw.n_rows
        counts = {n_rows, n_rows + 1, n_rows + self.raw.entry.header}
        return not counts.isdisjoint(read_export_words().caps)

    def _drop_footers(self) -> None:
        """Leave out totals and signatures: rows without any day, and without a code or a unit.

        What stands in a cell of such a row is read for nothing and must mean nothing.
        """
        codes, stamps = (self.export.list_roles(kind) for kind in ("code", "stamp"))
        stamps = [name for name in stamps if name in self.has_positions]
        if self.raw.is_lazy or not codes or not stamps:
            return
        undated = " AND ".join(f"{quote_name(name)} IS NULL" for name in stamps)
        texts = [
            f"trim({quote_name(name + TEXT)}) = ''" for name in stamps if name in self.raw.texts
        ]
        unit = ["trim(unit) = ''"] if "unit" in self.has_positions else ["false"]
        without_unit = " AND ".join([*unit, *texts])
        test = f"NOT regexp_matches({quote_name(codes[0])}, '[0-9]') OR ({without_unit})"
        rows = self.connection.execute(
            f"DELETE FROM {self.raw.table} WHERE {undated} AND ({test}) RETURNING row"  # noqa: S608
        ).fetchall()
        for row, *_ in sorted(rows)[:LISTED]:
            self._note("footer", row=int(row))

    def write_select(self) -> str:
        """Return the SQL of all rows with every role, typed."""
        cells = [f"{cell} AS {quote_name(name)}" for name, cell in self.cells.items()]
        source = " ".join([f"{self.raw.table} AS r", *self.joins])
        place = f"{self.number}::SMALLINT AS file, r.row AS row"
        return f"SELECT {place}, {', '.join(cells)} FROM {source}"  # noqa: S608 (names are quoted)

    def _note(self, reason: str, found: object = "", role: str = "", **facts: Any) -> None:
        """Write a line on this file into the ledger, on the column of a role if given."""
        if role:
            facts |= {"column": self.raw.placed.header_of(role), "code": role}
        self.lines.append(Line(self.raw.path.name, reason, found, **facts))

    def _fetch_texts(self) -> dict[str, pd.DataFrame]:
        """Return the distinct texts of each column of words, with first row and number of rows."""
        names = self.export.list_roles(*WORDS, "official")
        names = [name for name in names if name in self.has_positions]
        queries = [
            f"SELECT '{name}' AS role, {quote_name(name)} AS text, min(row) AS row, "  # noqa: S608
            f"count(*) AS n FROM {self.raw.table} GROUP BY 2"
            for name in names
        ]
        if not queries:
            return {}
        texts = self.connection.execute(" UNION ALL ".join(queries)).fetchdf()
        texts = texts.sort_values(["row", "text"], kind="stable")
        return {name: texts[texts["role"] == name] for name in names}

    def _set_unit(self, index: Mapping[str, str]) -> list[SipasError]:
        """Set the unit of all rows, as the entry names it."""
        name = self.raw.entry.unit
        place = self.raw.place("unit", value=name)
        if fold_text(name) not in index:
            near = name_nearest_units([place], index)
            return [RecordsError("records_unit", [place], near=near)]
        self.cells["unit"] = f"'{index[fold_text(name)]}'"
        return []

    def _set_absent(self, name: str) -> None:
        """Set what a role is that the file does not have; the unit of a stay is its dossier's."""
        if name == "unit" and self.raw.kind == "movements":
            self.joins.append("LEFT JOIN dossier_units AS u ON r.dossier = u.dossier")
            self.cells[name] = "coalesce(u.unit, '')"
        self.cells.setdefault(name, find_blank_default(self.export, name))
        if self.export.roles[name].kind == "level":
            self.cells["is_mapped"] = "false"

    def _read_stamps(self) -> list[SipasError]:
        """Check all points in time; refuse texts that are none, and days that were turned."""
        errors: list[SipasError] = []
        roles = [name for name in self.export.list_roles("stamp") if name in self.has_positions]
        texts, table = self.raw.texts, self.raw.table
        for name, counts in count_stamps(self.connection, table, roles, texts).items():
            if name in texts and counts["wrong"]:
                rows, is_month_first = list_wrong_stamps(self.connection, table, name)
                pairs = zip(rows["row"], rows["found"], strict=True)
                places = [self.raw.place(name, int(row), found) for row, found in pairs]
                message = "records_month_first" if is_month_first else "records_stamp"
                errors.append(RecordsError(message, places))
            elif name in texts and is_turned(counts):
                errors.append(RecordsError("records_turned", [self.raw.place(name)]))
            if counts["slashed"] and not counts["high"] + counts["wrong"]:
                self._note("records_day_first", counts["slashed"], name)
            self.has_default_days |= {name} if counts["none"] else set()
            for reason in ("serial", "zoned", "none"):
                if counts[reason]:
                    self._note(f"records_{reason}", counts[reason], name)
            if counts["n"] - counts["none"] == counts["midnight"] > 1:
                self._note("records_midnight", counts["midnight"], name)
        return errors

    def _read_words(
        self, name: str, texts: pd.DataFrame, index: Mapping[str, str]
    ) -> list[SipasError]:
        """Read the distinct texts of a column; refuse unknown ones where something is counted."""
        role, codes = self.export.roles[name], self.raw.entry.codes.get(name, {})
        readings = read_words(name, role, texts["text"], codes, index)
        if role.kind == "word" and is_ticked(texts["text"]):
            readings.values |= {text: ("no",) for text in texts["text"] if not text.strip()}
        if role.kind == "label":
            readings = self._drop_free_texts(name, texts, readings)
        blank = [text for text in texts["text"] if not text.strip()]
        blank = blank if role.kind == "unit" and role.is_needed else []
        unknown = texts[texts["text"].isin([*blank, *readings.unknown])]
        if len(unknown) and (role.is_strict or role.kind == "number"):
            return [self._refuse_words(name, role, [*unknown["text"]], index)]
        self._note_words(name, texts, readings)
        self._join_words(name, role, readings)
        return []

    def _drop_free_texts(
        self, name: str, texts: pd.DataFrame, readings: WordReadings
    ) -> WordReadings:
        """Return readings without the texts of few rows: they may be words of a person."""
        few = texts.loc[(texts["n"] < REPEATED) & (texts["text"] != ""), ["text", "n"]]
        if len(few):
            self._note("records_free_text", few["n"].sum(), name)
        return WordReadings({**readings.values, **dict.fromkeys(few["text"], ("",))})

    def _refuse_words(
        self, name: str, role: Role, unknown: Sequence[str], index: Mapping[str, str]
    ) -> SipasError:
        """Return the error of words that mean nothing known, with their places."""
        rows = self.connection.execute(
            f"SELECT row, {quote_name(name)} AS text FROM {self.raw.table} "  # noqa: S608
            f"WHERE list_contains(?, {quote_name(name)}) ORDER BY row",
            [[*unknown]],
        ).fetchdf()
        pairs = zip(rows["row"], rows["text"], strict=True)
        places = [self.raw.place(name, int(row), text) for row, text in pairs]
        if role.kind == "unit":
            filled = [place for place in places if place.value]
            if not filled:
                return RecordsError("records_unit_blank", places)
            return RecordsError("records_unit", filled, near=name_nearest_units(filled, index))
        if role.kind in ("number", "limit"):
            return RecordsError(f"records_{role.kind}", places)
        words = read_export_words().words.get(name, {})
        texts = {text: code for code, listed in words.items() for text in (code, *listed)}
        near = {text: find_nearest(text, texts) for text in unknown[:5]}
        shown = "; ".join(
            f"“{shorten(text)}” ≈ {texts[close]}" for text, close in near.items() if close
        )
        known = "; ".join(f"{code} ({listed[0]})" for code, listed in words.items())
        return RecordsError("records_word", places, role=name, near=shown or "–", known=known)

    def _note_words(self, name: str, texts: pd.DataFrame, readings: WordReadings) -> None:
        """Write each distinct text that became another, or was left out, into the ledger."""
        first = dict(zip(texts["text"], texts["row"], strict=True))
        reason = "spelling" if self.export.roles[name].kind == "name" else "label"
        for text, value in readings.changed.items():
            if text.strip():
                found = hide_personal(shorten(text))
                self._note(reason, found, name, became=value, row=int(first[text]))
            else:
                n_blank = texts.loc[texts["text"] == text, "n"].sum()
                self._note("records_default", n_blank, name, became=value)
        for text in readings.unknown:
            found = hide_personal(shorten(text))
            self._note("records_word_unread", found, name, row=int(first[text]))

    def _join_words(self, name: str, role: Role, readings: WordReadings) -> None:
        """Let the SQL of a role take the value of each text."""
        cell, alias = f"r.{quote_name(name)}", f"w_{name}"
        second = {"limit": "limit_unit", "level": "is_mapped"}.get(role.kind, "")
        if readings.is_as_written and not second and role.kind != "number":
            self._set_word(name, cell)
            return
        pairs = readings.values.items()
        self.words += [(name, text, values[0], str(values[-1])) for text, values in pairs]
        table = f"(SELECT text, value, second FROM {self.raw.table}_words WHERE role = '{name}')"  # noqa: S608
        self.joins.append(f"LEFT JOIN {table} AS {alias} ON {cell} = {alias}.text")
        value = f"{alias}.value"
        is_number = role.kind in ("number", "limit")
        self._set_word(name, f"CAST(nullif({value}, '') AS DOUBLE)" if is_number else value)
        if second:
            test = " = 'True'" if role.kind == "level" else ""
            self.cells[second] = f"{alias}.second{test}"

    def _set_word(self, name: str, cell: str) -> None:
        """Set the SQL of a role; a blank unit of time is the one that stands with the limit."""
        with_limit = self.cells.get(name, "")
        self.cells[name] = f"coalesce(nullif({cell}, ''), {with_limit})" if with_limit else cell

    def _code_officials(self, name: str, texts: "pd.Series[str]") -> None:
        """Let names of officials become codes, alike in all files; codes stay (rule P1)."""
        has_codes = all(is_code(text.strip()) for text in texts if text.strip())
        if not has_codes:
            unit = self.cells.get("unit", "''")  # none where its column is refused
            self.cells[name] = f"code_official({unit}, r.{quote_name(name)})"
        self._note("records_official_kept" if has_codes else "records_official", role=name)


def is_code(text: str) -> bool:
    """Return whether a text is a code of an official, and neither a name nor a login made of one.

    It is short and has no fewer digits than letters.

    Example:
        >>> is_code("CC1001"), is_code("anhnv2"), is_code("Nguyễn Văn A")
        (True, False, False)
    """
    n_letters, n_digits = (sum(map(test, text)) for test in (str.isalpha, str.isdigit))
    return bool(_CODE.fullmatch(text)) and n_digits >= max(n_letters, 1)
