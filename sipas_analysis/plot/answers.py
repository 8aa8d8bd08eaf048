"""Picture of answers: a bar for each item, split by the levels of its scale."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sipas_analysis.arguments import check_kind, list_known, list_names
from sipas_analysis.collect.survey import Survey
from sipas_analysis.documents.chart_answers import AnswerRow, shade_levels
from sipas_analysis.errors import ColumnError, ParameterError
from sipas_analysis.instrument.pack import Scale
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.instrument.wording import name_codes
from sipas_analysis.measure.rules import item_codes
from sipas_analysis.measure.scores import score
from sipas_analysis.messages import Language, say
from sipas_analysis.plot.names import Names, read_names
from sipas_analysis.plot.row_axes import Label, RowAxes, TextColumn, check_axes, open_axes
from sipas_analysis.plot.shown import note_hidden, refuse_empty, take_shown
from sipas_analysis.reports.picture_rows import list_level_shares, make_answer_row
from sipas_analysis.reports.subject import name_measure

BAR, BORDER = 0.62, 0.4  # rows: height of a bar; half the height of the line between the levels
LEVEL, LINE = "sipas.plot.level", "sipas.plot.border"


def likert(
    survey: Survey,
    items: str | Sequence[str] | None = None,
    by: str | None = None,
    *,
    ax: Axes | None = None,
    lang: Language = "en",
) -> Axes:
    """Draw how people answered: a bar for each item, split by the levels of the scale.

    A line in each bar parts the answers that count as satisfied. Shares are of those who answered,
    weighted as the survey is.

    Args:
        survey: Validated forms.
        items: Codes of items of one scale; if left out those with the scale of the first item, the
            least satisfied first, and a note below names the others.
        by: Key column, such as ``unit`` or ``sex``: a bar for each of its values.
        ax: Axes to draw on; the current ones if left out.
        lang: ``en`` or ``vi``.

    Returns:
        The axes; shares in percent are on the x axis, the first bar is at y = 0. Bars of too few
        people are not drawn but counted below.

    Raises:
        ParameterError: It is no survey, the items have several scales, or nothing can be drawn.
        ColumnError: The survey has no such item or key.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> ax = sipas.plot.likert(survey, ["A1", "A4"], by="group", lang="vi")
        >>> len(ax.get_yticklabels())  # two items, each with its head and two groups
        6
    """
    check_kind(survey, Survey, "survey")
    check_axes(ax, lang)
    codes = _list_codes(survey, items)
    names = read_names(None, lang, survey, None)
    figures = score(survey, [by] if by else []).frame
    figures = figures[figures["variable"].isin(codes)]
    shown, n_hidden = take_shown(figures)
    refuse_empty(shown, "values", n=n_hidden)
    scale = survey.instrument.scale_of(codes[0])
    is_score = bool(survey.instrument.index.points or scale.points)
    n_bad = None if is_score else scale.satisfied_from - scale.low
    if items is None and not by:
        codes = [str(code) for code in shown.sort_values("value", kind="stable")["variable"]]
    if by == "unit":
        shown = shown.sort_values("value", kind="stable")
    bars = _Bars(survey, shown, by, scale, n_bad, names)
    parts = [(code, bars.list_rows(code)) for code in codes]
    pen = open_axes(ax, lang)
    _draw_parts(pen, [(names.name_code(code), rows) for code, rows in parts if rows], bars)
    note_hidden(pen, n_hidden)
    left_out = [code for code in survey.instrument.items if items is None and code not in codes]
    _note_other_scales(pen, left_out)
    return pen.finish(say(lang, "chart.head.answers"))


def _note_other_scales(pen: RowAxes, codes: Sequence[str]) -> None:
    """State below the picture which items it leaves out: all bars have the levels of one scale."""
    if codes:
        names = name_codes(codes, pen.language)
        pen.notes.append(say(pen.language, "plot.other_scales", n=len(codes), items=names))


def _list_codes(survey: Survey, items: str | Sequence[str] | None) -> list[str]:
    """Return the items to draw, or refuse unknown ones and several scales."""
    pack = survey.instrument
    known = item_codes(pack)
    if items is None:
        first = next(iter(pack.items))
        return [code for code in pack.items if pack.scale_of(code) == pack.scale_of(first)]
    codes = list(dict.fromkeys(list_names(items, "items")))
    for code in codes:
        if code not in known:
            raise ColumnError(
                "no_such_value", key="items", wanted=code, known=list_known(code, known)
            )
    other = next(
        (c for c in codes if pack.scale_of(c).levels != pack.scale_of(codes[0]).levels), ""
    )
    if other:
        raise ParameterError("plot_scales", first=codes[0], second=other)
    refuse_empty(codes, "items")
    return codes


@dataclass(frozen=True)
class _Bars:
    """The bars of a picture: what is shown of each item, for each value of a key."""

    survey: Survey
    shown: pd.DataFrame
    by: str | None
    scale: Scale
    n_bad: int | None
    names: Names

    def list_rows(self, code: str) -> list[AnswerRow]:
        """Return the bars of an item."""
        figures = self.shown[self.shown["variable"] == code]
        keys = figures[self.by] if self.by else [""] * len(figures)
        rows = []
        for key, value in zip(keys, figures["value"], strict=True):
            label = self._name_key(str(key)) if self.by else self.names.name_code(code)
            shares = self._share_levels(code, str(key))
            row = make_answer_row(label, shares, float(value), self.n_bad, self.names.language)
            rows.append(row)
        return rows

    def _name_key(self, key: str) -> str:
        assert self.by is not None
        return self.names.name_level(self.by, key)

    def _share_levels(self, code: str, key: str) -> list[float]:
        """Return the share in percent of each level of an item, of the forms with a key."""
        frame = self.survey.frame
        if self.by:
            frame = frame[self.survey.has_choice(self.by, key).fillna(False).to_numpy(dtype=bool)]
        weight = frame["weight"] if "weight" in frame else pd.Series(1.0, frame.index)
        answered = frame[code].notna()
        answers = frame.loc[answered, code].astype(int)
        counts = weight[answered].groupby(answers).sum().rename_axis("answer")
        return list_level_shares(counts.rename("weight").reset_index(), self.scale.levels)

    def name_levels(self) -> list[str]:
        """Return the names of the levels, worst first."""
        labels = self.scale.labels
        return [
            labels.get(level, Bilingual(vi=str(level))).text(self.names.language)
            for level in self.scale.levels
        ]


def _draw_parts(pen: RowAxes, parts: Sequence[tuple[str, list[AnswerRow]]], bars: _Bars) -> None:
    """Draw the bars of each item below each other; with a key each item has a head."""
    has_heads = bars.by is not None and len(parts) > 1
    labels: list[Label] = []
    rows: list[AnswerRow | None] = []
    for head, part_rows in parts:
        if has_heads:
            labels.append(Label(head, is_head=True))
            rows.append(None)
        labels += [Label(row.label) for row in part_rows]
        rows += part_rows
    lang = pen.language
    measure = name_measure(bars.survey.instrument, "head").text(lang)
    bad_head = "" if bars.n_bad is None else say(lang, "chart.head.not_satisfied")
    columns = [
        TextColumn(head, ["" if row is None else getattr(row, side) for row in rows])
        for head, side in ((bad_head, "left"), (measure, "right"))
    ]
    pen.place_rows(labels, columns)
    _draw_bars(pen, rows, bars)
    pen.ax.set_xlim(0, 100)
    _write_key(pen, bars, parts[0][0] if len(parts) == 1 and bars.by else "")


def _draw_bars(pen: RowAxes, rows: Sequence[AnswerRow | None], bars: _Bars) -> None:
    """Draw the part of each level, and the line before those that count as satisfied."""
    places = [y for y, row in enumerate(rows) if row is not None]
    shares = np.array([row.shares for row in rows if row is not None], dtype=float)
    starts = np.cumsum(shares, axis=1) - shares
    for level, colour in enumerate(_list_colours(bars)):
        drawn = pen.ax.barh(places, shares[:, level], BAR, starts[:, level], color=colour)
        for box in drawn:
            box.set(gid=LEVEL, edgecolor=pen.colours.background, linewidth=0.4)
    if bars.n_bad is None:
        return
    for y, bad in zip(places, starts[:, bars.n_bad], strict=True):
        for colour, width in ((pen.colours.background, 4.0), (pen.colours.ink, 1.8)):
            (line,) = pen.ax.plot([bad, bad], [y - BORDER, y + BORDER], color=colour)
            line.set(linewidth=width, gid=LINE, clip_on=False, solid_capstyle="butt", zorder=3)


def _list_colours(bars: _Bars) -> list[str]:
    """Return the colour of each level, worst first."""
    n_levels = len(bars.scale.levels)
    return shade_levels(n_levels, n_levels // 2 if bars.n_bad is None else bars.n_bad)


def _write_key(pen: RowAxes, bars: _Bars, title: str) -> None:
    """Name the levels and the line above the bars."""
    handles: list[Patch | Line2D] = [
        Patch(facecolor=colour, edgecolor=pen.colours.soft, linewidth=0.5, label=name)
        for name, colour in zip(bars.name_levels(), _list_colours(bars), strict=True)
    ]
    if bars.n_bad is not None:
        label = say(pen.language, "chart.key.border")
        handles.append(
            Line2D(
                [], [], color=pen.colours.ink, marker="|", linestyle="", ms=11, mew=1.8, label=label
            )
        )
    pen.write_key(handles, title)
