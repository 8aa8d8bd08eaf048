"""Picture of the coefficients of models, with intervals, several models beside each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from sipas_analysis.arguments import check_kind, refuse_kind
from sipas_analysis.documents.chart_intervals import LETTER_MARKS, IntervalRow
from sipas_analysis.errors import ParameterError
from sipas_analysis.explain.driver_results import MODELS, Drivers
from sipas_analysis.explain.fitted import Fit
from sipas_analysis.explain.term_names import name_term, read_variable
from sipas_analysis.infer.result_table import ResultTable
from sipas_analysis.messages import Language, say
from sipas_analysis.plot.colours import MARKERS
from sipas_analysis.plot.interval_marks import draw_row, place_zero
from sipas_analysis.plot.names import Labels, read_names
from sipas_analysis.plot.row_axes import Label, RowAxes, check_axes, open_axes
from sipas_analysis.plot.shown import refuse_empty

INTERCEPT = "Intercept"
ODDS = ("odds_ratio", "odds_low", "odds_high")
LINEAR = "linear"  # the model that is drawn if none is named
SCALES = {  # of coefficients, by the family of the model
    "gaussian": "linear",
    "poisson": "rates",
    **dict.fromkeys(("binomial", "ordinal", "multinomial"), "odds"),
}
RATES = ("rate_ratio", "rate_low", "rate_high")
SPREAD = 0.62  # rows over which the models of a variable are spread
Models = Drivers | Fit | Sequence[Fit] | Mapping[str, Fit]


@dataclass(frozen=True)
class _Series:
    """The coefficients of a model by variable: value, low and high; and their scale."""

    name: str
    ends: Mapping[str, tuple[float, float, float]]
    scale: str


def drivers(
    models: Models,
    which: str | Sequence[str] | None = None,
    *,
    ratios: bool = False,
    labels: Labels = None,
    ax: Axes | None = None,
    lang: Language = "en",
) -> Axes:
    """Draw coefficients as points with their intervals, one row for each variable.

    Args:
        models: Result of ``sipas.drivers``; a model of ``sipas.fit``; or several models, in a list
            or by name. Intercepts and cut points are left out.
        which: Models of ``sipas.drivers`` to draw: ``linear``, ``logit``, ``ordinal``. If left out,
            the linear one, in standard deviations; where it was not fitted, the others, in log
            odds: models of one scale. Models of both scales are drawn if they are named.
        ratios: Whether odds ratios (of counts, rate ratios) are drawn, on a logarithmic scale. Of
            ``sipas.drivers`` these are per level of the answers, coefficients per standard
            deviation of the factor; of ``sipas.fit`` both are per unit of the variable.
        labels: Names by code, a survey or a questionnaire that has them; those of the result if
            left out.
        ax: Axes to draw on; the current ones if left out, a new figure if these hold a picture.
        lang: ``en`` or ``vi``.

    Returns:
        The axes; coefficients are on the x axis, the first variable is at y = 0. Coefficients
        whose interval contains no effect are hollow.

    Raises:
        ParameterError: It is no model, more than six are given, or there is nothing to draw.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> ax = sipas.plot.drivers(sipas.drivers(survey), "linear")
        >>> len(ax.get_yticklabels())
        5
    """
    check_axes(ax, lang)
    series = _list_series(models, which, lang, ratios=ratios)
    names = read_names(labels, lang, None, _find_result(models))
    variables = list(dict.fromkeys(code for part in series for code in part.ends))
    refuse_empty(variables, "coefficients")
    if len(series) > len(LETTER_MARKS):
        raise ParameterError("plot_many", n=len(series), most=len(LETTER_MARKS))
    pen = open_axes(ax, lang)
    pen.place_rows(
        [Label(name_term(code, names.name_code, names.name_level, lang)) for code in variables]
    )
    place_zero(pen, 1.0 if ratios else 0.0)
    for place, part in enumerate(series):
        _draw_series(pen, part, _Band(place, len(series)), variables, 1.0 if ratios else 0.0)
    if ratios:
        pen.ax.set_xscale("log")
        pen.ax.xaxis.set_major_locator(LogLocator(10, (1.0, 2.0, 5.0)))
        pen.ax.xaxis.set_minor_formatter(NullFormatter())
        pen.format_values()
    if len(series) > 1:
        _write_key(pen, series)
    pen.notes += [say(lang, f"plot.key.{name}") for name in _list_notes(models, series, ratios)]
    return pen.finish(say(lang, f"plot.axis.{_name_axis(models, series, ratios=ratios)}"))


def _find_result(models: Models) -> ResultTable:
    """Return the result that names the variables: the first model."""
    if isinstance(models, Drivers | Fit):
        return models
    return next(iter(models.values() if isinstance(models, Mapping) else models))


def _name_axis(models: Models, series: Sequence[_Series], *, ratios: bool) -> str:
    """Return the message that names what the values are per what."""
    if not isinstance(models, Drivers):
        return "ratios" if ratios else "coefficients"
    if ratios:
        return "ratios_level"
    scales = {part.scale for part in series}
    return scales.pop() if len(scales) == 1 else "standardised"


def _list_notes(models: Models, series: Sequence[_Series], ratios: bool) -> list[str]:
    """Return the messages below the picture."""
    notes = ["coefficients"]
    if ratios and isinstance(models, Drivers):
        notes.append("per_level")
    if len({part.scale for part in series if part.ends}) > 1:
        notes.append("scales")
    return notes


def _list_series(
    models: Models, which: str | Sequence[str] | None, lang: Language, *, ratios: bool
) -> list[_Series]:
    """Return the coefficients of each model with its name."""
    if isinstance(models, Drivers):
        return _list_drivers(models, which, lang, ratios=ratios)
    named: dict[str, Fit] = {}
    if isinstance(models, Fit):
        named = {read_variable(models.outcome): models}
    elif isinstance(models, Mapping):
        named = {str(name): fit for name, fit in models.items()}
    elif isinstance(models, Sequence) and not isinstance(models, str):
        named = {
            f"({place}) {read_variable(getattr(fit, 'outcome', ''))}": fit
            for place, fit in enumerate(models, 1)
        }
    if not named:
        raise refuse_kind(models, "models", "models")
    for fit in named.values():
        check_kind(fit, Fit, "models", "models")
    columns = ("value", "low", "high")
    series = []
    for name, fit in named.items():
        frame = fit.frame.iloc[: len(fit.data.columns)] if fit.family == "ordinal" else fit.frame
        answers = ["answer"] if "answer" in frame else []
        for answer, part in frame.groupby(answers, sort=False) if answers else [((), frame)]:
            rows = _take_ends(part, columns, ratios=ratios)
            label, scale = " · ".join([name, *map(str, answer)]), SCALES[fit.family]
            series.append(_Series(label, rows, scale))
    return series


def _list_drivers(
    models: Drivers, which: str | Sequence[str] | None, lang: Language, *, ratios: bool
) -> list[_Series]:
    """Return the standardised coefficients of each model that was fitted, by its key."""
    frame = models.frame
    wanted = [which] if isinstance(which, str) else which
    for model in wanted or ():
        models.model_rows(model)  # refuses an unknown one
    frame = frame[frame["odds_ratio"].notna()] if ratios else frame
    if wanted is not None:
        frame = frame[frame["model"].isin(wanted)]
    elif (frame["model"] == LINEAR).any():
        frame = frame[frame["model"] == LINEAR]
    refuse_empty(frame, "models", why=" ".join(map(str, models.reason.values())) or "–")
    keys = [str(frame.columns[0]), "model"] if frame.columns[0] != "model" else ["model"]
    keys = [key for key in keys if key == "model" or len(set(frame[key])) > 1]
    series = []
    for key, part in frame.groupby(keys, sort=False):
        *first, model_name = key if isinstance(key, tuple) else (key,)
        name = " · ".join([*map(str, first), say(lang, f"plot.model.{model_name}")])
        ends = _take_ends(part, ("value", "low", "high"), ratios=ratios)
        series.append(_Series(name, ends, SCALES[MODELS[str(model_name)]]))
    return series


def _take_ends(
    frame: pd.DataFrame, columns: Sequence[str], *, ratios: bool
) -> dict[str, tuple[float, float, float]]:
    """Return value, low and high of each variable but the intercept."""
    if ratios:
        columns = next((names for names in (ODDS, RATES) if names[0] in frame), ())
        if not columns:
            return {}
    rows = frame[frame["variable"] != INTERCEPT]
    ends = rows[[*columns]].to_numpy(dtype=float).tolist()
    return {
        str(code): (value, low, high)
        for code, (value, low, high) in zip(rows["variable"], ends, strict=True)
        if not isnan(value)
    }


@dataclass(frozen=True)
class _Band:
    """Where in its row a model of several stands."""

    place: int
    n_models: int

    @property
    def shift(self) -> float:
        """Distance from the middle of the row, in rows."""
        return (self.place - (self.n_models - 1) / 2) * SPREAD / self.n_models


def _draw_series(
    pen: RowAxes, part: _Series, band: "_Band", variables: Sequence[str], none: float
) -> None:
    """Draw the coefficients of one model, each a little below those of the model before."""
    shape, colour = LETTER_MARKS[band.place]
    for y, code in enumerate(variables):
        value, low, high = part.ends.get(code, (nan, nan, nan))
        is_open = not isnan(low) and low <= none <= high
        row = IntervalRow(code, value, low, high, faint=is_open)
        draw_row(pen, row, y + band.shift, shape, colour)


def _write_key(pen: RowAxes, series: Sequence[_Series]) -> None:
    """Name the mark of each model above the rows."""
    handles = []
    for (shape, colour), part in zip(LETTER_MARKS, series, strict=False):
        shown = pen.colours.fit(colour)
        handles.append(
            Line2D([], [], color=shown, marker=MARKERS[shape], linewidth=1.8, label=part.name)
        )
    pen.write_key(handles)
