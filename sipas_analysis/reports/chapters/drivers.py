"""The chapter on drivers: what goes with satisfaction, what to look at first, how sure that is.

Each table and picture stands under one sentence that a director understands. Where the factors
cannot be told apart the chapter says so and shows no coefficient.
"""

from collections.abc import Iterator, Sequence

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
SHARE, PERCENT = (
    tuple(f"{name}{end}" for end in ("", "_low", "_high")) for name in ("share", "percent")
)
CORNERS = tuple(f"report.quadrant.{name}" for name in ("fix", "keep", "watch", "enough"))


def build_drivers(subject: Subject) -> Section:
    """Show which factors go together with overall satisfaction, or why that cannot be said."""
    found = subject.figures.drivers
    first = subject.figures.priority(subject.unit)
    if "linear" in found.reason:
        why = make_text(f"report.drivers.reason.{found.reason['linear']}")
        near = [_tabulate_correlations(subject, found)] if len(found.collinearity) else []
        blocks: list[Block] = [Paragraph(why, "warning"), *near]
    elif not found.any_separable:
        names = _join_names(subject, [*subject.pack.factors])
        blocks = [
            Paragraph(make_text("report.drivers.inseparable", names=names), "lead"),
            _describe_fit(subject, found),
            *_warn_of_models(found),
            _tabulate_correlations(subject, found),
        ]
    else:
        blocks = [
            *_name_drivers(subject, found),
            *_show_shares(subject, first),
            _tabulate_drivers(subject, found),
            *_caution_reader(subject, found),
        ]
    blocks += [*_show_matrix(subject, first), *_show_gains(subject, first)]
    blocks += _name_asymmetric_items(subject) if found.any_separable else []
    return Section("drivers", make_text("report.chapter.drivers"), tuple(blocks))


def _name_drivers(subject: Subject, found: Drivers) -> Iterator[Block]:
    """Name what goes with satisfaction, and say that it is an association."""
    outcome = subject.short_name(found.outcome)
    yield Paragraph(make_text("report.drivers.words", outcome=outcome), "warning")
    named = {sign: _join_names(subject, found.list_significant(sign)) for sign in (1, -1)}
    for word, sign in (("found", 1), ("opposite", -1)):
        if named[sign].phrases:
            yield Paragraph(make_text(f"report.drivers.{word}", names=named[sign]), "lead")
    if not (named[1].phrases or named[-1].phrases):
        yield Paragraph(make_text("report.drivers.nothing"), "lead")
    yield _describe_fit(subject, found)


def _describe_fit(subject: Subject, found: Drivers) -> Paragraph:
    return Paragraph(
        make_text(
            "report.drivers.fit",
            outcome=subject.short_name(found.outcome),
            n=found.n,
            n_lost=found.n_lost,
            r_squared=Number(100 * found.r_squared, 1),
        )
    )


def _word_note(note: Note) -> Text:
    fields = {k: Number(str(v)) if k in ("p", "percent") else v for k, v in note.fields.items()}
    return make_text(f"explain.note.{note.id}", **fields)


def _warn_of_models(found: Drivers) -> list[Block]:
    """Return the warnings of the models; what cannot be told apart is said by name elsewhere."""
    unsaid = ("tied",) if found.any_separable else ABOUT_NUMBERS
    return [Paragraph(_word_note(note), "warning") for note in found.notes if note.id not in unsaid]


def _caution_reader(subject: Subject, found: Drivers) -> Iterator[Block]:
    tied = found.collinearity.loc[~found.collinearity["separable"].astype(bool), "term"]
    if len(tied):
        names = _join_names(subject, tied)
        yield Paragraph(make_text("report.drivers.tied", names=names), "warning")
    yield from _warn_of_models(found)
    if "logit" in found.reason:
        why = make_text(f"report.drivers.reason.{found.reason['logit']}")
        yield Paragraph(make_text("report.drivers.no_logit", why=why), "note")


def _join_names(subject: Subject, codes: "Sequence[str] | pd.Series[str]") -> Joined:
    return Joined([subject.short_name(str(code)) for code in codes])


def _tabulate_correlations(subject: Subject, found: Drivers) -> Table:
    """Show how the factors move together, where no model may be shown (rules D1, D2)."""
    codes = [code for code in subject.pack.factors if code in found.correlations]
    table = found.correlations.loc[codes, codes].to_numpy(dtype=float)
    vif = found.collinearity.set_index("term")["vif"].reindex(codes).to_numpy(dtype=float)
    rows = tuple(
        (subject.short_name(code), *(Number(float(x), 2) for x in line), Number(float(own), 1))
        for code, line, own in zip(codes, table, vif, strict=True)
    )
    heads = (Column(subject.short_name(code)) for code in codes)
    columns = (
        Column(make_text("report.column.factor"), "row"),
        *heads,
        Column(make_text("report.column.vif")),
    )
    return Table("table-correlations", make_text("report.table.correlations"), columns, rows)


def _tabulate_drivers(subject: Subject, found: Drivers) -> Table:
    """Put linear coefficients, points of satisfied people and odds ratios side by side."""
    linear, logit = (found.model_rows(model).set_index("term") for model in ("linear", "logit"))
    parts: list[tuple[str, str, pd.DataFrame, int]] = [
        ("linear", "linear", linear, 2),
        ("per_level", "logit.points", logit, 1),
        ("odds", "logit.odds", logit, 2),
    ]
    shown = [part for part in parts if len(part[2])]
    rows = []
    for code in linear.sort_values("value", ascending=False).index.astype(str):
        cells: list[object] = []
        for _, home, table, decimals in shown:
            value, low, high = _read_cells(table, code, MODEL_COLUMNS[home])
            known = bool(table["separable"][code])
            name = f"{home}:{code}"
            cells += [
                Number(value, decimals, FigureReference(name, "value", value)) if known else None,
                Interval(low, high, decimals, name) if known else None,
            ]
        rows.append((subject.short_name(code), *cells, Number(_read_cells(linear, code, ["vif"])[0], 1)))
    heads = [it for name, *_ in shown for it in (f"report.column.{name}", "report.column.interval")]
    columns = (
        Column(make_text("report.column.factor"), "row"),
        *(Column(make_text(head)) for head in heads),
        Column(make_text("report.column.vif")),
    )
    note = make_text("report.drivers.note")
    return Table("table-drivers", make_text("report.table.drivers"), columns, tuple(rows), (note,))


def _show_shares(subject: Subject, first: Priority) -> list[Block]:
    """Draw what each factor contributes to R², and say which may be first."""
    shares = first.importance
    if shares is None:
        silent = first.reason == "no_signal"
        return [Paragraph(make_text("report.drivers.no_signal"), "lead")] if silent else []
    ordered = shares.frame.sort_values("value", ascending=False, kind="stable")
    apart = ordered["separable"].astype(bool)
    top, maybe = ordered.iloc[0], ordered.loc[apart & (ordered["rank_low"] == 1), "driver"]
    said = make_text(
        "report.drivers.most" if len(maybe) == 1 else "report.drivers.may_be_most",
        name=subject.short_name(top["driver"]),
        names=_join_names(subject, maybe),
        share=Number(100 * top["share"], 0),
        interval=Interval(100 * top["share_low"], 100 * top["share_high"], 0),
    )
    repeated = make_text("report.drivers.repeated", holds=Number(100 * shares.order_holds, 0))
    figure = _draw_shares(subject, shares, ordered)
    known = [] if np.isnan(shares.order_holds) else [Paragraph(repeated)]
    note = Paragraph(make_text("report.drivers.part"), "note")
    lead = [Paragraph(said, "lead")] if bool(apart.iloc[0]) else []
    return [*lead, *known, figure, note]


def _read_cells(
    table: pd.DataFrame, code: str, names: Sequence[str], times: float = 1
) -> list[float]:
    """Return some numbers of one row."""
    return [times * float(it) for it in table.loc[code, list(names)].to_numpy(dtype=float)]


def _draw_shares(subject: Subject, shares: Importance, ordered: pd.DataFrame) -> Picture:
    table = ordered.set_index("driver")
    lines = [
        (subject.short_name(code), _read_cells(table, code, SHARE, 100), f"share:{code}")
        for code in map(str, table.index)
    ]
    rows = tuple(
        (
            name,
            Number(it[0], 1, FigureReference(key, "value", it[0])),
            Interval(it[1], it[2], id=key),
        )
        for name, it, key in lines
    )
    parts = [make_text("report.alt.row", name=n, value=v, interval=i) for n, v, i in rows]

    def draw(language: Language) -> bytes:
        marks = [
            charts.IntervalRow(name.text(language), it[0], it[1], it[2]) for name, it, _ in lines
        ]
        return charts.draw_intervals(marks, language, axis="chart.share_of_r2", zero=True)

    caption = make_text("report.figure.importance", n=shares.n)
    alt = make_text("report.alt.importance", rows=Joined(parts))
    heads = ("report.column.share_of_r2", "report.column.interval")
    columns = (
        Column(make_text("report.column.factor"), "row"),
        *(Column(make_text(h)) for h in heads),
    )
    data = Table("table-importance", caption, columns, rows)
    return Picture("figure-importance", caption, alt, draw, data)


def _show_matrix(subject: Subject, first: Priority) -> list[Block]:
    """Draw the priority matrix under a sentence that says what to look at first."""
    shown = first.frame.dropna(subset=["percent", "share"])
    if shown.empty:
        return []
    cut = Number(first.cut_percent, 1)
    fix = _join_names(subject, first.list_factors("fix"))
    word = "fix" if fix.phrases else "no_fix"
    blocks: list[Block] = [
        Paragraph(make_text(f"report.priority.{word}", names=fix, cut=cut), "lead")
    ]
    matter = [code for code in first.list_factors("undecided") if code in first.important]
    open_ = [code for code in first.list_factors("undecided") if code not in matter]
    for word, codes in (("important", matter), ("undecided", open_)):
        if codes:
            said = make_text(f"report.priority.{word}", names=_join_names(subject, codes))
            blocks.append(Paragraph(said))
    own = [Paragraph(make_text("report.priority.unit"), "note")] if subject.unit else []
    return [*blocks, *own, _draw_matrix(subject, first, shown)]


def _draw_matrix(subject: Subject, first: Priority, shown: pd.DataFrame) -> Picture:
    table = shown.sort_values("share", ascending=False).set_index("driver")
    rows, marks = [], []
    for code in map(str, table.index):
        share, share_low, share_high = _read_cells(table, code, SHARE, 100)
        level, low, high = _read_cells(table, code, PERCENT)
        quadrant = str(table["quadrant"][code])
        key, own = f"share:{code}", subject.own_figures[code]
        rows.append(
            (
                subject.short_name(code),
                Number(share, 1, FigureReference(key, "value", share)),
                Interval(share_low, share_high, id=key),
                percent_cell(own),
                Interval(low, high, id=own.id),
                make_text(f"report.quadrant.{quadrant}"),
            )
        )
        marks.append((rows[-1][0], (level, low, high), (share, share_low, share_high), quadrant))

    def draw(language: Language) -> bytes:
        drawn = [
            charts.MatrixPoint(name.text(language), x, y, COLOURS.get(quadrant, charts.INK))
            for name, x, y, quadrant in marks
        ]
        cuts = (first.cut_percent, 100 * first.cut_share)
        return charts.draw_matrix(drawn, cuts, language, CORNERS)

    caption = make_text(
        "report.figure.priority",
        share=Number(100 * first.cut_share, 1),
        cut=Number(first.cut_percent, 2),
    )
    alt = make_text(
        "report.alt.priority",
        rows=Joined([make_text("report.alt.place", name=row[0], place=row[-1]) for row in rows]),
    )
    heads = ("share_of_r2", "interval", "percent", "interval")
    columns = (
        Column(make_text("report.column.factor"), "row"),
        *(Column(make_text(f"report.column.{it}")) for it in heads),
        Column(make_text("report.column.place"), "text"),
    )
    data = Table("table-priority", make_text("report.table.priority"), columns, tuple(rows))
    return Picture("figure-priority", caption, alt, draw, data)


def _show_gains(subject: Subject, first: Priority) -> list[Block]:
    """List the items whose rise to the best quarter of units would gain most."""
    gains = first.what_if[first.what_if["points"].round(2) > 0].head(MOST_ITEMS)
    if gains.empty:
        return []
    modelled = bool(gains["outcome"].notna().any())
    rows = []
    for item, _, _, target, points, outcome, low, high in gains.to_numpy():
        now = percent_cell(subject.own_figures[item])
        exact = [now, *(Number(it, 2) for it in (target, points))]
        model = [Number(outcome, 2), Interval(low, high, 2)] if modelled else []
        rows.append((subject.item_name(item), *exact, *model))
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
    heads = ("now", "best_quarter", "gain", *(("goes_with", "interval") if modelled else ()))
    columns = (
        Column(make_text("report.column.item"), "row"),
        *(Column(make_text(f"report.column.{it}")) for it in heads),
    )
    unsure = any(subject.pack.items[item].status != "sourced" for item in gains["item"])
    notes = (
        "report.what_if.note",
        *(("report.what_if.model",) if modelled else ()),
        *(("report.items.mark",) if unsure else ()),
    )
    said = tuple(make_text(note) for note in notes)
    table = Table("table-what-if", make_text("report.table.what_if"), columns, tuple(rows), said)
    return [Paragraph(lead), table]


def _name_asymmetric_items(subject: Subject) -> list[Block]:
    """Name the items at which a bad answer weighs more than a very good one, or the reverse."""
    table = subject.figures.penalties
    said: list[Block] = []
    for verdict in ("missed", "rewarded"):
        rows = table[table["verdict"] == verdict].sort_values("asymmetry", key=abs, ascending=False)
        if len(rows):
            names = Joined([subject.item_name(code) for code in rows["item"].head(MOST_NAMED)])
            said.append(Paragraph(make_text(f"report.penalty.{verdict}", items=names)))
    return said


def tabulate_penalties(subject: Subject) -> list[Block]:
    """Return penalty, reward and their difference of every item, as an annex (rule D6)."""
    table = subject.figures.penalties
    if table.empty:
        return []
    rows = []
    for _, row in table.iterrows():
        cells: list[object] = []
        for name in ("penalty", "reward", "asymmetry"):
            ends = Interval(row[f"{name}_low"], row[f"{name}_high"], 2)
            cells += [Number(row[name], 2), ends]
        rows.append(
            (subject.item_name(row["item"]), *cells, make_text(f"report.verdict.{row['verdict']}"))
        )
    heads = [it for name in ("penalty", "reward", "asymmetry") for it in (name, "interval")]
    columns = (
        Column(make_text("report.column.item"), "row"),
        *(Column(make_text(f"report.column.{it}")) for it in heads),
        Column(make_text("report.column.verdict"), "text"),
    )
    note = make_text("report.penalty.note")
    return [
        Table("table-penalty", make_text("report.table.penalty"), columns, tuple(rows), (note,))
    ]
