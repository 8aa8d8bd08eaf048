"""The chapter on drivers: what goes with satisfaction, what to look at priority, how sure that is.

Each table and picture stands under one sentence that a director understands. Where the factors
cannot be separated the chapter says so and shows no coefficient.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sipas_analysis.documents import charts
from sipas_analysis.documents.model import (
    Block,
    Column,
    FigureReference,
    Interval,
    Joined,
    Number,
    Paragraph,
    Picture,
    Section,
    Table,
    Text,
    make_text,
)
from sipas_analysis.explain.drivers import Drivers
from sipas_analysis.explain.importance import Importance
from sipas_analysis.explain.priority import Priority
from sipas_analysis.explain.regression import Note
from sipas_analysis.figures.published import MODEL_COLUMNS
from sipas_analysis.messages import Language
from sipas_analysis.reports.figure_tables import percent_cell
from sipas_analysis.reports.subject import Subject

MOST_ITEMS, MOST_NAMED = 10, 3
ABOUT_NUMBERS = ("tied", "parallel", "few_events")  # not said where no number is shown
COLOURS = {"fix": charts.SECOND, "keep": charts.ACCENT, "undecided": "#7b8794"}
SHARE = ("share", "share_low", "share_high")
PERCENT = ("percent", "percent_low", "percent_high")
EFFECTS = ("penalty", "reward", "asymmetry")
CORNERS = tuple(f"report.quadrant.{name}" for name in ("fix", "keep", "watch", "enough"))


def build_drivers(subject: Subject) -> Section:
    """Show which factors go together with overall satisfaction, or why that cannot be said."""
    models = subject.figures.drivers
    priority = subject.figures.priority(subject.unit)
    if "linear" in models.reason:
        why = make_text(f"report.drivers.reason.{models.reason['linear']}")
        blocks: list[Block] = [Paragraph(why, "warning")]
        if len(models.collinearity):
            blocks.append(_tabulate_correlations(subject, models))
    elif not models.any_separable:
        names = _join_names(subject, [*subject.pack.factors])
        blocks = [
            Paragraph(make_text("report.drivers.inseparable", names=names), "lead"),
            _describe_fit(subject, models),
            *_warn_of_models(models),
            _tabulate_correlations(subject, models),
        ]
    else:
        blocks = [
            *_name_drivers(subject, models),
            *_show_shares(subject, priority),
            _tabulate_drivers(subject, models),
            *_caution_reader(subject, models),
        ]
    blocks += [*_show_matrix(subject, priority), *_show_gains(subject, priority)]
    blocks += _name_asymmetric_items(subject) if models.any_separable else []
    return Section("drivers", make_text("report.chapter.drivers"), tuple(blocks))


def _name_drivers(subject: Subject, models: Drivers) -> Iterator[Block]:
    """Name what goes with satisfaction, and say that it is an association."""
    outcome = subject.short_name(models.outcome)
    yield Paragraph(make_text("report.drivers.words", outcome=outcome), "warning")
    named = {sign: _join_names(subject, models.list_significant(sign)) for sign in (1, -1)}
    for word, sign in (("found", 1), ("opposite", -1)):
        if named[sign].phrases:
            yield Paragraph(make_text(f"report.drivers.{word}", names=named[sign]), "lead")
    if not (named[1].phrases or named[-1].phrases):
        yield Paragraph(make_text("report.drivers.nothing"), "lead")
    yield _describe_fit(subject, models)


def _describe_fit(subject: Subject, models: Drivers) -> Paragraph:
    return Paragraph(
        make_text(
            "report.drivers.fit",
            outcome=subject.short_name(models.outcome),
            n=models.n,
            n_lost=models.n_lost,
            r_squared=Number(100 * models.r_squared, 1),
        )
    )


def _word_note(note: Note) -> Text:
    fields = {
        name: Number(str(value)) if name in ("p", "percent") else value
        for name, value in note.fields.items()
    }
    return make_text(f"explain.note.{note.id}", **fields)


def _warn_of_models(models: Drivers) -> list[Block]:
    """Return the warnings of the models; tied factors are named elsewhere."""
    left_out = ("tied",) if models.any_separable else ABOUT_NUMBERS
    notes = [note for note in models.notes if note.id not in left_out]
    return [Paragraph(_word_note(note), "warning") for note in notes]


def _caution_reader(subject: Subject, models: Drivers) -> Iterator[Block]:
    tied = models.collinearity.loc[~models.collinearity["separable"].astype(bool), "term"]
    if len(tied):
        names = _join_names(subject, tied)
        yield Paragraph(make_text("report.drivers.tied", names=names), "warning")
    yield from _warn_of_models(models)
    if "logit" in models.reason:
        why = make_text(f"report.drivers.reason.{models.reason['logit']}")
        yield Paragraph(make_text("report.drivers.no_logit", why=why), "note")


def _join_names(subject: Subject, codes: "Sequence[str] | pd.Series[str]") -> Joined:
    return Joined([subject.short_name(str(code)) for code in codes])


def _make_columns(names: str, numbers: Sequence[object], text: str = "") -> tuple[Column, ...]:
    """Return the columns of a table: names of the rows, numbers, and perhaps a text at the end."""
    columns = [Column(make_text(f"report.column.{names}"), "row")]
    columns += [Column(head) for head in numbers]
    if text:
        columns.append(Column(make_text(f"report.column.{text}"), "text"))
    return tuple(columns)


def _word_heads(*columns: str) -> list[Text]:
    return [make_text(f"report.column.{column}") for column in columns]


def _tabulate_correlations(subject: Subject, models: Drivers) -> Table:
    """Show how the factors move together, where no model may be shown (rules D1, D2)."""
    codes = [code for code in subject.pack.factors if code in models.correlations]
    table = models.correlations.loc[codes, codes].to_numpy(dtype=float)
    vif = models.collinearity.set_index("term")["vif"].reindex(codes).to_numpy(dtype=float)
    rows = tuple(
        (subject.short_name(code), *(Number(float(r), 2) for r in line), Number(float(factor), 1))
        for code, line, factor in zip(codes, table, vif, strict=True)
    )
    heads = [subject.short_name(code) for code in codes]
    columns = (*_make_columns("factor", heads), Column(make_text("report.column.vif")))
    return Table("table-correlations", make_text("report.table.correlations"), columns, rows)


def _tabulate_drivers(subject: Subject, models: Drivers) -> Table:
    """Put linear coefficients, points of satisfied people and odds ratios side by side."""
    linear, logit = (models.model_rows(model).set_index("term") for model in ("linear", "logit"))
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
    heads = [head for part in shown_parts for head in _word_heads(part.column, "interval")]
    columns = _make_columns("factor", [*heads, *_word_heads("vif")])
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
        value, low, high = _read_cells(self.table, code, MODEL_COLUMNS[self.figure])
        name = f"{self.figure}:{code}"
        reference = FigureReference(name, "value", value)
        return [
            Number(value, self.decimals, reference),
            Interval(low, high, self.decimals, name),
        ]


def _show_shares(subject: Subject, priority: Priority) -> list[Block]:
    """Draw what each factor contributes to R², and say which may be priority."""
    shares = priority.importance
    if shares is None:
        silent = priority.reason == "no_signal"
        return [Paragraph(make_text("report.drivers.no_signal"), "lead")] if silent else []
    ordered = shares.frame.sort_values("value", ascending=False, kind="stable")
    separable = ordered["separable"].astype(bool)
    top, leaders = ordered.iloc[0], ordered.loc[separable & (ordered["rank_low"] == 1), "driver"]
    lead = make_text(
        "report.drivers.most" if len(leaders) == 1 else "report.drivers.may_be_most",
        name=subject.short_name(top["driver"]),
        names=_join_names(subject, leaders),
        share=Number(100 * top["share"], 0),
        interval=Interval(100 * top["share_low"], 100 * top["share_high"], 0),
    )
    blocks: list[Block] = [Paragraph(lead, "lead")] if bool(separable.iloc[0]) else []
    if not np.isnan(shares.order_holds):
        holds = Number(100 * shares.order_holds, 0)
        blocks.append(Paragraph(make_text("report.drivers.repeated", holds=holds)))
    note = Paragraph(make_text("report.drivers.part"), "note")
    return [*blocks, _draw_shares(subject, shares, ordered), note]


def _read_cells(
    table: pd.DataFrame, code: str, names: Sequence[str], times: float = 1
) -> list[float]:
    """Return some numbers of one row."""
    return [times * float(cell) for cell in table.loc[code, list(names)].to_numpy(dtype=float)]


def _draw_shares(subject: Subject, shares: Importance, ordered: pd.DataFrame) -> Picture:
    table = ordered.set_index("driver")
    rows, bars = [], []
    for code in map(str, table.index):
        name, figure = subject.short_name(code), f"share:{code}"
        share, low, high = _read_cells(table, code, SHARE, 100)
        reference = FigureReference(figure, "value", share)
        rows.append((name, Number(share, 1, reference), Interval(low, high, id=figure)))
        bars.append((name, share, low, high))
    lines = [
        make_text("report.alt.row", name=name, value=value, interval=interval)
        for name, value, interval in rows
    ]

    def draw(language: Language) -> bytes:
        named = [charts.IntervalRow(name.text(language), *numbers) for name, *numbers in bars]
        return charts.draw_intervals(named, language, axis="chart.share_of_r2", zero=True)

    caption = make_text("report.figure.importance", n=shares.n)
    alt = make_text("report.alt.importance", rows=Joined(lines))
    columns = _make_columns("factor", _word_heads("share_of_r2", "interval"))
    table_of_picture = Table("table-importance", caption, columns, tuple(rows))
    return Picture("figure-importance", caption, alt, draw, table_of_picture)


def _show_matrix(subject: Subject, priority: Priority) -> list[Block]:
    """Draw the priority matrix under a sentence that says what to look at priority."""
    placed = priority.frame.dropna(subset=["percent", "share"])
    if placed.empty:
        return []
    cut = Number(priority.cut_percent, 1)
    fix = _join_names(subject, priority.list_factors("fix"))
    lead = make_text(f"report.priority.{'fix' if fix.phrases else 'no_fix'}", names=fix, cut=cut)
    blocks: list[Block] = [Paragraph(lead, "lead")]
    undecided = priority.list_factors("undecided")
    important = [code for code in undecided if code in priority.important]
    others = [code for code in undecided if code not in important]
    for word, codes in (("important", important), ("undecided", others)):
        if codes:
            names = _join_names(subject, codes)
            blocks.append(Paragraph(make_text(f"report.priority.{word}", names=names)))
    if subject.unit:
        blocks.append(Paragraph(make_text("report.priority.unit"), "note"))
    return [*blocks, _draw_matrix(subject, priority, placed)]


def _draw_matrix(subject: Subject, priority: Priority, placed: pd.DataFrame) -> Picture:
    table = placed.sort_values("share", ascending=False).set_index("driver")
    codes = [str(code) for code in table.index]
    rows = tuple(_make_matrix_row(subject, table, code) for code in codes)

    def draw(language: Language) -> bytes:
        points = [_make_matrix_point(subject, table, code, language) for code in codes]
        cuts = (priority.cut_percent, 100 * priority.cut_share)
        return charts.draw_matrix(points, cuts, language, CORNERS)

    caption = make_text(
        "report.figure.priority",
        share=Number(100 * priority.cut_share, 1),
        cut=Number(priority.cut_percent, 2),
    )
    places = [make_text("report.alt.place", name=row[0], place=row[-1]) for row in rows]
    alt = make_text("report.alt.priority", rows=Joined(places))
    heads = _word_heads("share_of_r2", "interval", "percent", "interval")
    columns = _make_columns("factor", heads, "place")
    table_of_picture = Table("table-priority", make_text("report.table.priority"), columns, rows)
    return Picture("figure-priority", caption, alt, draw, table_of_picture)


def _make_matrix_row(subject: Subject, table: pd.DataFrame, code: str) -> tuple[object, ...]:
    """Return the cells of a factor: its share, its percentage and its place."""
    share, share_low, share_high = _read_cells(table, code, SHARE, 100)
    _, low, high = _read_cells(table, code, PERCENT)
    name, figure = f"share:{code}", subject.own_figures[code]
    return (
        subject.short_name(code),
        Number(share, 1, FigureReference(name, "value", share)),
        Interval(share_low, share_high, id=name),
        percent_cell(figure),
        Interval(low, high, id=figure.id),
        make_text(f"report.quadrant.{table['quadrant'][code]}"),
    )


def _make_matrix_point(
    subject: Subject, table: pd.DataFrame, code: str, language: Language
) -> charts.MatrixPoint:
    percent, low, high = _read_cells(table, code, PERCENT)
    share, share_low, share_high = _read_cells(table, code, SHARE, 100)
    return charts.MatrixPoint(
        subject.short_name(code).text(language),
        (percent, low, high),
        (share, share_low, share_high),
        COLOURS.get(str(table["quadrant"][code]), charts.INK),
    )


def _show_gains(subject: Subject, priority: Priority) -> list[Block]:
    """List the items whose rise to the best quarter of units would gain most."""
    gains = priority.what_if[priority.what_if["points"].round(2) > 0].head(MOST_ITEMS)
    if gains.empty:
        return []
    modelled = bool(gains["outcome"].notna().any())
    rows = []
    for item, _, _, target, points, outcome, low, high in gains.to_numpy():
        percent = percent_cell(subject.own_figures[item])
        gain = [percent, Number(target, 2), Number(points, 2)]
        model = [Number(outcome, 2), Interval(low, high, 2)] if modelled else []
        rows.append((subject.item_name(item), *gain, *model))
    top = rows[0]
    others = Joined(
        [make_text("report.what_if.next", item=row[0], points=row[3]) for row in rows[1:3]]
    )
    lead = make_text(
        "report.what_if.lead",
        item=top[0],
        percent=top[1],
        target=top[2],
        points=top[3],
        next=others if others.phrases else None,
    )
    heads = _word_heads("now", "best_quarter", "gain")
    heads += _word_heads("goes_with", "interval") if modelled else []
    unsure = any(subject.pack.items[item].status != "sourced" for item in gains["item"])
    messages = [
        "report.what_if.note",
        *(["report.what_if.model"] if modelled else []),
        *(["report.items.mark"] if unsure else []),
    ]
    notes = tuple(make_text(message) for message in messages)
    title, columns = make_text("report.table.what_if"), _make_columns("item", heads)
    return [Paragraph(lead), Table("table-what-if", title, columns, tuple(rows), notes)]


def _name_asymmetric_items(subject: Subject) -> list[Block]:
    """Name the items at which a bad answer weighs more than a very good one, or the reverse."""
    table = subject.figures.penalties
    blocks: list[Block] = []
    for verdict in ("missed", "rewarded"):
        rows = table[table["verdict"] == verdict].sort_values("asymmetry", key=abs, ascending=False)
        if len(rows):
            names = Joined([subject.item_name(code) for code in rows["item"].head(MOST_NAMED)])
            blocks.append(Paragraph(make_text(f"report.penalty.{verdict}", items=names)))
    return blocks


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
    heads = [head for effect in EFFECTS for head in _word_heads(effect, "interval")]
    columns, note = _make_columns("item", heads, "verdict"), make_text("report.penalty.note")
    title = make_text("report.table.penalty")
    return [Table("table-penalty", title, columns, tuple(rows), (note,))]
