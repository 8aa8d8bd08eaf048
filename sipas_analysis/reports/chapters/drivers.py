"""What goes together with overall satisfaction: effects in points, and how sure they are.

A sentence that a leader understands stands above one table and one picture. Where the factors
cannot be separated, a sentence states this and no number of a factor is shown (rule D2). Models,
coefficients and warnings are in the annex.
"""

import pandas as pd

from sipas_analysis.documents.model import (
    Block,
    FigureReference,
    Interval,
    Number,
    Paragraph,
    Table,
    Text,
    make_text,
)
from sipas_analysis.explain.driver_results import Drivers
from sipas_analysis.reports.answer_pictures import draw_priority_picture
from sipas_analysis.reports.chapters.driver_tables import (
    join_names,
    make_columns,
    read_cells,
    word_heads,
)
from sipas_analysis.reports.chapters.record_summary import explain_attitude
from sipas_analysis.reports.figure_tables import percent_cell
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.pictures import can_tell_shares_apart, draw_importance_picture
from sipas_analysis.reports.subject import Subject

USUAL_ALPHA = 0.7  # from here items are usually taken to measure the same, as the annex says
POINTS = ["points", "points_low", "points_high"]


def describe_drivers(subject: Subject) -> list[Block]:
    """State which factors go together with overall satisfaction, or why this is unknown."""
    if not subject.pack.factors:
        return [Paragraph(make_text("report.drivers.reason.no_factors"), "note")]
    models = subject.figures.drivers
    if "linear" in models.reason:
        return [Paragraph(make_text(f"report.drivers.reason.{models.reason['linear']}"), "note")]
    outcome = subject.short_name(models.outcome)
    words = Paragraph(make_text("report.drivers.words", outcome=outcome))
    if not models.any_separable:
        names = join_names(subject, [*subject.pack.factors])
        inseparable = make_text("report.drivers.inseparable", names=names)
        return [words, Paragraph(inseparable, "lead")]
    inconsistent = [Paragraph(text, "warning") for text in _name_inconsistent(subject)]
    blocks: list[Block] = [words, *_name_drivers(subject, models), *inconsistent]
    blocks += [_tabulate_effects(subject, models)] if "logit" in models.fits else []
    if not can_tell_shares_apart(subject):
        blocks.append(Paragraph(make_text("report.drivers.no_order")))
    blocks += [Paragraph(text) for text in explain_attitude(subject)]
    picture = draw_priority_picture(subject) or draw_importance_picture(subject)
    return [*blocks, picture] if picture else blocks


def _name_inconsistent(subject: Subject) -> list[Text]:
    """State of which factors the items do not measure the same, so that the factor hides them.

    These are factors with an item that goes against the others, or whose alpha surely is below
    ``USUAL_ALPHA``.
    """
    opposed = {subject.pack.items[code].factor for code in subject.figures.opposed_items["item"]}
    alphas = subject.figures.alphas
    low = {*alphas.loc[alphas["high"] < USUAL_ALPHA, "variable"]}
    codes = [
        code
        for code in subject.pack.factors
        if code in opposed | low and subject.figures.find(f"alpha:{code}")
    ]
    names = join_names(subject, codes)
    return [make_text("report.drivers.inconsistent", names=names)] if codes else []


def list_sure_factors(models: Drivers, sign: int = 1) -> list[str]:
    """Return the factors that surely go together with satisfaction, or against it (``sign`` −1).

    They can be named after the adjustment for several factors (rule D1), and the interval of
    their points, where there are points, is on the same side of 0.
    """
    named = models.list_significant(sign)
    if "logit" not in models.fits:
        return named
    points = models.model_rows("logit").set_index("variable")
    end = "points_low" if sign > 0 else "points_high"
    return [code for code in named if sign * read_cells(points, code, [end])[0] > 0]


def _name_drivers(subject: Subject, models: Drivers) -> list[Block]:
    """Name the factors that surely go together with satisfaction, and those tied to each other."""
    named = {sign: join_names(subject, list_sure_factors(models, sign)) for sign in (1, -1)}
    texts = [
        make_text(f"report.drivers.{word}", names=named[sign])
        for word, sign in (("found", 1), ("opposite", -1))
        if named[sign].phrases
    ]
    is_tied = ~models.collinearity["separable"].astype(bool)
    tied = join_names(subject, models.collinearity.loc[is_tied, "variable"])
    blocks: list[Block] = [
        Paragraph(text, "lead") for text in texts or [make_text("report.drivers.nothing")]
    ]
    if tied.phrases:
        blocks.append(Paragraph(make_text("report.drivers.tied", names=tied)))
    return blocks


def _tabulate_effects(subject: Subject, models: Drivers) -> Table:
    """List for each factor how much more satisfied people are who rate it one level higher."""
    effects = models.model_rows("logit").set_index("variable")
    order = effects["points"].where(effects["separable"].astype(bool)).sort_values(ascending=False)
    rows = tuple(
        (
            subject.short_name(code),
            percent_cell(subject.own_figures[code]),
            *_describe_effect(models, effects, code),
        )
        for code in map(str, order.index)
    )
    heads = [subject.measure_name, *word_heads("effect", "interval")]
    columns = make_columns("factor", heads, "verdict")
    caption = make_text("report.table.effects")
    notes = [make_text("report.drivers.effects_note", n=number_of(subject, "fit:forms"))]
    if any(row[-1] == make_text("report.certainty.sign") for row in rows):
        notes.append(make_text("report.drivers.sign_note"))
    return Table("table-effects", caption, columns, rows, tuple(notes))


def _describe_effect(
    models: Drivers, effects: pd.DataFrame, code: str
) -> tuple[object, object, object]:
    """Return the points of a factor, their interval, and how sure they are in words.

    A sign: either only the factor can be named, or only its own interval is on one side of 0.
    """
    if not effects["separable"][code]:
        return None, None, make_text("report.certainty.tied")
    points, low, high = read_cells(effects, code, POINTS)
    is_sure = code in (*list_sure_factors(models), *list_sure_factors(models, -1))
    is_named = code in (*models.list_significant(1), *models.list_significant(-1))
    word = "sure" if is_sure else "sign" if is_named or low > 0 or high < 0 else "open"
    name = f"logit.points:{code}"
    number = Number(points, 1, FigureReference(name, "value", points))
    return number, Interval(low, high, id=name), make_text(f"report.certainty.{word}")
