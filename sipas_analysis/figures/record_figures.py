"""The figures of an office's records, as they may be published (rules T1 to T8, D7, P2).

``Figures.records`` is None for a wave without ``records:``. The tables (``tables``) are those of
``tables/timeliness.csv``, ``steps.csv``, …; ``rows_of`` returns their rows as records, and
``record_rows`` says which id a number has. No table has a row of a dossier, its code or the code
of an official.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.figures.aside_tables import tabulate_aside, tabulate_form
from sipas_analysis.figures.fact_tables import tabulate_coverage, tabulate_facts
from sipas_analysis.figures.record_rows import (
    PREFIXES,
    RecordRow,
    identify_records,
    list_record_rows,
)
from sipas_analysis.figures.record_tables import (
    RecordSource,
    tabulate_channels,
    tabulate_petitions,
    tabulate_publication,
    tabulate_timeliness,
)
from sipas_analysis.figures.step_tables import tabulate_steps
from sipas_analysis.progress import watch

if TYPE_CHECKING:
    from sipas_analysis.figures.record_rules import RecordRule

RULES = {  # of the tables, in the order in which they are listed
    "timeliness": "T3",
    "steps": "T5",
    "channels": "T8",
    "petitions": "T7",
    "publication": "T8",
    "coverage": "T8",
    "facts": "D7",
    "form": "T4",
    "aside": "T2",
}
BUILDERS: Mapping[str, Callable[[RecordSource], pd.DataFrame]] = {
    "timeliness": tabulate_timeliness,
    "steps": tabulate_steps,
    "channels": tabulate_channels,
    "petitions": tabulate_petitions,
    "publication": tabulate_publication,
    "coverage": tabulate_coverage,
    "facts": tabulate_facts,
    "form": tabulate_form,
    "aside": tabulate_aside,
}


@dataclass(frozen=True, eq=False)
class RecordFigures:
    """The published figures of the records of a wave; each table is made when it is first used.

    Attributes:
        source: The records and the units of the wave, with rows of dossiers: do not print.
    """

    source: RecordSource

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """Every published table that has rows, by its name."""
        return {name: self.table(name) for name in watch([*BUILDERS]) if len(self.table(name))}

    def table(self, name: str) -> pd.DataFrame:
        """Return a published table, a name of ``RULES``; without rows where nothing was recorded.

        Columns: ``key domain unit group label section``, then the numbers of the table.
        """
        if name not in self._tables:
            self._tables[name] = BUILDERS[name](self.source)
        return self._tables[name]

    def rows_of(self, name: str, domain: str = "") -> list[RecordRow]:
        """Return the rows of a table, those of one domain (``unit``, ``field``, …) if given."""
        if name not in self._rows:
            self._rows[name] = list_record_rows(name, self.table(name))
        return [row for row in self._rows[name] if domain in ("", row.domain)]

    def row_of(self, name: str, key: str = "all") -> RecordRow | None:
        """Return the row of a table with a key: ``all``, a unit, …; None if there is none."""
        return next((row for row in self.rows_of(name) if row.key == key), None)

    def find_row(self, figure_id: str) -> tuple[RecordRow, str] | None:
        """Return the row of an id ``record:<what>:<key>`` and its column; None if there is none."""
        what, _, key = figure_id.removeprefix("record:").partition(":")
        prefix, dot, column = what.rpartition(".")
        names = {prefix: name for name, prefix in PREFIXES.items()}
        name = names.get(prefix + dot, "")
        row = self.row_of(name, key) if name in self.tables else None
        return (row, column) if row and column in row.numbers else None

    def list_rules(self) -> "list[RecordRule]":
        """Return the rules and calendars behind the figures, those without a source first."""
        from sipas_analysis.figures.record_rules import list_record_rules

        return list_record_rules(self.source.records.calendar)

    def identify(self) -> list[pd.DataFrame]:
        """Return every number with its id."""
        return [
            part
            for name, table in self.tables.items()
            for part in identify_records(name, table, RULES[name])
        ]

    @cached_property
    def _tables(self) -> dict[str, pd.DataFrame]:
        return {}

    @cached_property
    def _rows(self) -> dict[str, list[RecordRow]]:
        return {}


def read_record_figures(survey: Survey, hidden_units: Collection[str]) -> RecordFigures:
    """Read the records of a wave, whose figures are computed when they are first used.

    Args:
        survey: The survey of the wave.
        hidden_units: Units whose index is not published.

    Raises:
        ConfigError: The wave names no records.
        RecordsError: The records cannot be read.
    """
    from sipas_analysis.records.office_records import read_records

    return RecordFigures(RecordSource(survey, read_records(survey), hidden_units))
