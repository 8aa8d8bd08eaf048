"""The tables of the annex on drivers, and what its chapter shares with them."""

from collections.abc import Sequence

import pandas as pd

from sipas_analysis.documents.model import (
    Block,
    Column,
    Joined,
    Table,
    Text,
    make_text,
)
from sipas_analysis.explain.driver_results import Drivers
from sipas_analysis.figures.identified import PENALTY_COLUMNS
from sipas_analysis.reports.named_numbers import interval_of, number_of
from sipas_analysis.reports.subject import Subject

MOST_BESIDE = 9  # factors beside each other on a page
MODEL_DECIMALS = {"linear": ("linear", 2), "logit.points": ("logit", 1), "logit.odds": ("logit", 2)}
COLUMN_OF = {"linear": "linear", "logit.points": "per_level", "logit.odds": "odds"}


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
    """Show the correlations of the factors and how far each follows from the others (D1, D2).

    Columns are headed by the numbers of the rows: nine names beside each other cannot be read.
    """
    codes = [code for code in subject.pack.factors if code in models.correlations]
    others = codes if len(codes) <= MOST_BESIDE else []  # more do not fit on a page
    rows = tuple(
        (
            make_text("report.results.heading", number=number, title=subject.short_name(code)),
            *(number_of(subject, f"correlation:{code}~{other}", decimals=2) for other in others),
            number_of(subject, f"vif:{code}", decimals=1),
        )
        for number, code in enumerate(codes, 1)
    )
    heads = [*map(str, range(1, len(others) + 1))]  # numbers of rows, no figures
    columns = (*make_columns("factor", heads), Column(make_text("report.column.vif")))
    notes = (make_text("annex.correlations_note"),)
    return Table("table-correlations", make_text("report.table.correlations"), columns, rows, notes)


def tabulate_drivers(subject: Subject, models: Drivers) -> Table:
    """Put linear coefficients, points of satisfied people and odds ratios side by side."""
    linear = models.model_rows("linear").set_index("variable")
    separable = linear["separable"].astype(bool)
    shown_models = {
        name: shown for name, shown in MODEL_DECIMALS.items() if len(models.model_rows(shown[0]))
    }
    rows = tuple(
        (
            subject.short_name(code),
            *(
                cell
                for name, (_, decimals) in shown_models.items()
                for cell in _effect_cells(subject, f"{name}:{code}", decimals, separable[code])
            ),
        )
        for code in map(str, linear.sort_values("value", ascending=False).index)
    )
    heads = [head for name in shown_models for head in word_heads(COLUMN_OF[name], "interval")]
    note = make_text("report.drivers.note")
    title = make_text("report.table.drivers")
    return Table("table-drivers", title, make_columns("factor", heads), rows, (note,))


def _effect_cells(
    subject: Subject, figure_id: str, decimals: int, is_shown: bool
) -> tuple[object, object]:
    """Return a number and its interval; empty if the factor cannot be separated (rule D2)."""
    if not is_shown:
        return None, None
    number = number_of(subject, figure_id, decimals=decimals)
    return number, interval_of(subject, figure_id, decimals)


def tabulate_shares(subject: Subject) -> list[Table]:
    """Return the share of each factor in what all explain together (rule D3)."""
    shares = subject.figures.priority().importance
    if shares is None:
        return []
    ordered = shares.frame.sort_values("value", ascending=False, kind="stable")["variable"]
    rows = tuple(
        (
            subject.short_name(code),
            number_of(subject, f"share:{code}", decimals=1),
            interval_of(subject, f"share:{code}"),
        )
        for code in map(str, ordered)
    )
    columns = make_columns("factor", word_heads("share_of_r2", "interval"))
    caption = make_text("annex.table.shares", n=number_of(subject, "fit:share_forms"))
    return [Table("table-shares", caption, columns, rows, (make_text("annex.shares_note"),))]


def tabulate_penalties(subject: Subject) -> list[Block]:
    """Return penalty, reward and their difference of every item, as an annex (rule D6)."""
    table = subject.figures.penalties
    if table.empty:
        return []
    rows = tuple(
        (
            subject.item_name(item),
            *(
                cell
                for effect in PENALTY_COLUMNS
                for cell in (
                    number_of(subject, f"{effect}:{item}", decimals=2),
                    interval_of(subject, f"{effect}:{item}", 2),
                )
            ),
            make_text(f"report.verdict.{verdict}"),
        )
        for item, verdict in table[["item", "verdict"]].itertuples(index=False)
    )
    heads = [head for effect in PENALTY_COLUMNS for head in word_heads(effect, "interval")]
    columns, note = make_columns("item", heads, "verdict"), make_text("report.penalty.note")
    title = make_text("report.table.penalty")
    return [Table("table-penalty", title, columns, rows, (note,))]
