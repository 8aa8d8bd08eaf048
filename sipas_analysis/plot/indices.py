"""Pictures of indices: with their intervals, and in order with what is known of their ranks."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
from matplotlib.axes import Axes

from sipas_analysis.arguments import check_kind, check_word, list_known, list_names
from sipas_analysis.documents.chart_intervals import IntervalRow
from sipas_analysis.errors import ColumnError
from sipas_analysis.figures.published import list_figures
from sipas_analysis.infer.estimates import FIGURES, Estimates
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.measure.ranking import Ranking
from sipas_analysis.measure.scores import Scores
from sipas_analysis.messages import Language, say
from sipas_analysis.plot.interval_marks import Part, draw_parts, note_marks, spread_texts
from sipas_analysis.plot.names import Labels, Names, read_names
from sipas_analysis.plot.row_axes import TextColumn, check_axes, open_axes
from sipas_analysis.plot.shown import note_hidden, refuse_empty, take_shown
from sipas_analysis.reports.picture_rows import (
    has_several_letters,
    make_point_row,
    make_ranked_row,
)
from sipas_analysis.reports.subject import name_measure

DESCRIBED = ("level", "unit_name", "variable")  # columns that are no key of a domain
ORDERS = ("value", "table")
FACTORS = ("factor", OVERALL)  # levels drawn of a whole survey


def index(
    scores: Estimates,
    variables: str | Sequence[str] | None = None,
    *,
    order: str | None = None,
    targets: Sequence[float] | None = None,
    labels: Labels = None,
    ax: Axes | None = None,
    lang: Language = "en",
) -> Axes:
    """Draw indices as points with their intervals, one row for each unit, group or factor.

    Args:
        scores: Estimates, as ``sipas.score`` returns them; of ``sipas.mean`` and the like, too.
        variables: Codes of the indices drawn; if left out the overall index of each unit or group,
            of a whole survey its factors and the overall index.
        order: ``value`` (best first) or ``table``; if left out units by value, factors as in the
            table.
        targets: Values of dashed lines; the targets of the wave if left out, none if empty.
        labels: Names by code, a survey or a questionnaire that has them; those of the result if
            left out.
        ax: Axes to draw on; the current ones if left out, a new figure if these hold a picture.
        lang: ``en`` or ``vi``.

    Returns:
        The axes; values are on the x axis, the first row is at y = 0. Figures of too few people
        are not drawn but counted below.

    Raises:
        ParameterError: It is no table of estimates, or there is nothing to draw.
        ColumnError: A code of ``variables`` is not in the table.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> ax = sipas.plot.index(sipas.score(survey), lang="vi")
        >>> [label.get_text() for label in ax.get_yticklabels()][-1]
        'Chỉ số chung'
    """
    check_kind(scores, Estimates, "scores")
    check_word(order, (None, *ORDERS), "order")
    survey = scores.survey if isinstance(scores, Scores) else None
    check_axes(ax, lang)
    names = read_names(labels, lang, survey, scores)
    keys = [str(name) for name in scores.frame if name not in (*FIGURES, *DESCRIBED, "group")]
    keys = keys or [name for name in ("group",) if name in scores.frame]
    table = _choose_variables(scores.frame, variables, has_keys=bool(keys))
    shown, n_hidden = take_shown(table)
    refuse_empty(shown, "values", n=n_hidden)
    if order == "value" or (order is None and "unit" in keys):
        shown = shown.sort_values("value", ascending=False, kind="stable")
    parts = _part_rows(shown, keys, names)
    if targets is None:
        targets = survey.wave.targets if survey is not None else ()
    texts = spread_texts(parts, [row.text for _, rows in parts for row in rows])
    pen = open_axes(ax, lang)
    is_percent = "level" in scores.frame
    draw_parts(
        pen,
        parts,
        [TextColumn("", texts)],
        targets=targets,
        ends=(0.0, 100.0) if is_percent else None,
    )
    note_hidden(pen, n_hidden)
    pack = survey.instrument if survey is not None else names.pack
    measure = name_measure(pack, "head").text(lang) if pack else say(lang, "plot.axis.value")
    return pen.finish(say(lang, "chart.interval_of", measure=measure))


def _choose_variables(
    frame: pd.DataFrame, variables: str | Sequence[str] | None, *, has_keys: bool
) -> pd.DataFrame:
    """Return the rows of the indices that are drawn."""
    if variables is not None:
        codes = list_names(variables, "variables")
        for code in codes:
            if code not in [*frame["variable"]]:
                known = list_known(code, frame["variable"].unique())
                raise ColumnError("no_such_value", key="variable", wanted=code, known=known)
        return frame[frame["variable"].isin(codes)]
    if "level" not in frame or len(set(frame["variable"])) == 1:
        return frame
    if has_keys:
        return frame[frame["level"] == OVERALL]
    chosen = frame[frame["level"].isin(FACTORS)]
    return chosen if len(chosen) > 1 else frame[frame["level"].isin(["item", OVERALL])]


def _part_rows(frame: pd.DataFrame, keys: Sequence[str], names: Names) -> list[Part]:
    """Return the rows; of several indices of several units a part for each index."""
    several = len(set(frame["variable"])) > 1
    if keys and several:
        return [
            (names.name_code(str(code)), _make_rows(rows, keys, names))
            for code, rows in frame.groupby("variable", sort=False)
        ]
    return [("", _make_rows(frame, keys, names))]


def _make_rows(frame: pd.DataFrame, keys: Sequence[str], names: Names) -> list[IntervalRow]:
    """Return a row for each figure, named by its keys, else by its index."""
    figures = list_figures(frame)
    by_key = [[str(key) for key in row] for row in frame[[*keys]].to_numpy().tolist()]
    labels = [
        " · ".join(names.name_level(name, key) for name, key in zip(keys, row, strict=True))
        if keys
        else names.name_code(figure.variable)
        for row, figure in zip(by_key, figures, strict=True)
    ]
    return [
        replace(
            make_point_row(figure, label, names.language),
            marked=not keys and figure.variable == OVERALL and len(figures) > 1,
        )
        for figure, label in zip(figures, labels, strict=True)
    ]


def ranking(
    ranked: Ranking,
    group: str | None = None,
    *,
    targets: Sequence[float] | None = None,
    labels: Labels = None,
    ax: Axes | None = None,
    lang: Language = "en",
) -> Axes:
    """Draw units in their order: index, interval, possible ranks, and letters.

    Units of which none is surely better share a letter and a mark. Units without a rank are hollow
    and hatched.

    Args:
        ranked: Result of ``sipas.rank``.
        group: Draw the units of this group only; all groups, each with its head, if left out.
        targets: Values of dashed lines, such as those of the wave, ``wave.targets``.
        labels: Names by code, a survey or a questionnaire that has them; those of the result if
            left out.
        ax: Axes to draw on; the current ones if left out, a new figure if these hold a picture.
        lang: ``en`` or ``vi``.

    Returns:
        The axes, as ``index`` does.

    Raises:
        ParameterError: It is no ranking, or there is nothing to draw.
        ColumnError: There is no such group.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> ranked = sipas.rank(sipas.score(survey, by="unit"))
        >>> ax = sipas.plot.ranking(ranked, "districts")
        >>> len(ax.get_yticklabels())
        11
    """
    check_kind(ranked, Ranking, "ranking", "ranked")
    table = ranked.frame
    if group is not None and group not in [*table["group"]]:
        known = list_known(group, table["group"].unique())
        raise ColumnError("no_rank_group", group=group, known=known)
    check_axes(ax, lang)
    names = read_names(labels, lang, None, ranked)
    chosen = table if group is None else table[table["group"] == group]
    shown, n_hidden = take_shown(chosen)
    refuse_empty(shown, "values", n=n_hidden)
    groups = [*dict.fromkeys(shown["group"])]
    parts = [
        (
            names.name_level("group", str(code)) if len(groups) > 1 else "",
            _rank_rows(shown[shown["group"] == code], names),
        )
        for code in groups
    ]
    if targets is None:
        targets = names.survey.wave.targets if names.survey is not None else ()
    pen = open_axes(ax, lang)
    draw_parts(pen, parts, _rank_columns(ranked, shown, parts, lang), targets=targets)
    note_marks(pen, parts)
    note_hidden(pen, n_hidden)
    measure = name_measure(names.pack, "head").text(lang) if names.pack else ""
    measure = measure or say(lang, "plot.index.overall")
    return pen.finish(say(lang, "chart.interval_of", measure=measure))


def _rank_rows(frame: pd.DataFrame, names: Names) -> list[IntervalRow]:
    """Return the rows of a group; a letter that all units have is left out."""
    figures = list_figures(frame)
    rows = [
        make_ranked_row(figure, names.name_level("unit", figure.unit), names.language)
        for figure in figures
    ]
    return rows if has_several_letters(figures) else [replace(row, letter="") for row in rows]


def _rank_columns(
    ranked: Ranking, shown: pd.DataFrame, parts: Sequence[Part], lang: Language
) -> list[TextColumn]:
    """Return the texts at the right: index, possible ranks, letter."""
    ranges = pd.Series(ranked.range_texts(), ranked.frame.index)[shown.index]
    rows = [row for _, part_rows in parts for row in part_rows]
    names = ("report.column.index", "report.column.places", "result.column.letter")
    heads = [say(lang, name) for name in names]
    texts = ([row.text for row in rows], [*ranges], [row.letter for row in rows])
    return [
        TextColumn(head, spread_texts(parts, column))
        for head, column in zip(heads, texts, strict=True)
    ]
