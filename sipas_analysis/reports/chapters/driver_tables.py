"""The tables of the chapter on drivers, and of its annex."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from sipas_analysis.documents.model import (
    Block,
    Column,
    FigureReference,
    Interval,
    Joined,
    Number,
    Table,
    Text,
    make_text,
)
from sipas_analysis.explain.driver_results import Drivers
from sipas_analysis.figures.identified import MODEL_COLUMNS
from sipas_analysis.reports.subject import Subject

EFFECTS = ("penalty", "reward", "asymmetry")


def join_names(subject: Subject, codes: "Sequence[str] | pd.Series[str]") -> Joined:
    """Return the short names of factors or items as a list in words."""
    return Joined([subject.short_name(str(code)) for code in codes])


def make_columns(names: str, numbers: Sequence[object], text: str = "") -> tuple[Column, ...]:
    """Return the columns of a table: names of the rows, numbers, and perhaps a text at the end."""
    columns = [Column(make_text(f"report.column.{names}"), "row")]
    columns += [Column(head) for head in numbers]
    if text:
        columns.append(Column(make_text(f"report.column.{text}"), "text"))
    return tuple(columns)


def word_heads(*columns: str) -> list[Text]:
    """Return the headings of some columns."""
    return [make_text(f"report.column.{column}") for column in columns]


def read_cells(
    table: pd.DataFrame, code: str, names: Sequence[str], times: float = 1
) -> list[float]:
    """Return some numbers of one row."""
    return [times * float(cell) for cell in table.loc[code, list(names)].to_numpy(dtype=float)]


def tabulate_correlations(subject: Subject, models: Drivers) -> Table:
    """Show the correlations of the factors, where no model may be shown (rules D1, D2)."""
    codes = [code for code in subject.pack.factors if code in models.correlations]
    table = models.correlations.loc[codes, codes].to_numpy(dtype=float)
    vif = models.collinearity.set_index("variable")["vif"].reindex(codes).to_numpy(dtype=float)
    rows = tuple(
        (subject.short_name(code), *(Number(float(r), 2) for r in line), Number(float(factor), 1))
        for code, line, factor in zip(codes, table, vif, strict=True)
    )
    heads = [subject.short_name(code) for code in codes]
    columns = (*make_columns("factor", heads), Column(make_text("report.column.vif")))
    return Table("table-correlations", make_text("report.table.correlations"), columns, rows)


def tabulate_drivers(subject: Subject, models: Drivers) -> Table:
    """Put linear coefficients, points of satisfied people and odds ratios side by side."""
    linear, logit = (
        models.model_rows(model).set_index("variable") for model in ("linear", "logit")
    )
    parts = [
        _ModelPart("linear", "linear", linear, 2),
        _ModelPart("per_level", "logit.points", logit, 1),
        _ModelPart("odds", "logit.odds", logit, 2),
    ]
    shown_parts = [part for part in parts if len(part.table)]
    rows = []
    for code in linear.sort_values("value", ascending=False).index.astype(str):
        cells = [cell for part in shown_parts for cell in part.make_cells(code)]
        vif = Number(float(linear.loc[code, "vif"]), 1)
        rows.append((subject.short_name(code), *cells, vif))
    heads = [head for part in shown_parts for head in word_heads(part.column, "interval")]
    columns = make_columns("factor", [*heads, *word_heads("vif")])
    note = make_text("report.drivers.note")
    return Table("table-drivers", make_text("report.table.drivers"), columns, tuple(rows), (note,))


@dataclass(frozen=True)
class _ModelPart:
    """A number of one model with its interval: its column, name of its figures, rows, decimals."""

    column: str
    figure: str
    table: pd.DataFrame
    decimals: int

    def make_cells(self, code: str) -> list[object]:
        """Return the number and the interval of a factor; empty if it cannot be separated."""
        if not self.table["separable"][code]:
            return [None, None]
        value, low, high = read_cells(self.table, code, MODEL_COLUMNS[self.figure])
        name = f"{self.figure}:{code}"
        reference = FigureReference(name, "value", value)
        return [
            Number(value, self.decimals, reference),
            Interval(low, high, self.decimals, name),
        ]


def tabulate_penalties(subject: Subject) -> list[Block]:
    """Return penalty, reward and their difference of every item, as an annex (rule D6)."""
    table = subject.figures.penalties
    if table.empty:
        return []
    rows = []
    for _, row in table.iterrows():
        cells: list[object] = []
        for effect in EFFECTS:
            interval = Interval(row[f"{effect}_low"], row[f"{effect}_high"], 2)
            cells += [Number(row[effect], 2), interval]
        verdict = make_text(f"report.verdict.{row['verdict']}")
        rows.append((subject.item_name(row["item"]), *cells, verdict))
    heads = [head for effect in EFFECTS for head in word_heads(effect, "interval")]
    columns, note = make_columns("item", heads, "verdict"), make_text("report.penalty.note")
    title = make_text("report.table.penalty")
    return [Table("table-penalty", title, columns, tuple(rows), (note,))]
