"""Trace a printed figure to the rows of the input: what was divided, left out and rounded."""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import ParameterError
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.messages import Language, number, say
from sipas_analysis.publish.chapters import check_unit
from sipas_analysis.publish.figures import figures_of, published
from sipas_analysis.publish.receipt import made_by

MOST = 12  # candidates that are named when a number stands for several figures


def trace(survey: Survey, asked: str, unit: str = "") -> pd.Series:
    """Return the figure that is meant by an id, or by a number as it is printed.

    Args:
        survey: What the figure was made from.
        asked: ``overall@so-ldtbxh``, ``94.59`` or ``94,59``.
        unit: Code of a unit, if a number is asked for.

    Returns:
        Its row of ``scores``, with ``id``.

    Raises:
        ParameterError: No figure is printed so, or several are; they are named.
        UnitError: A unit that is not in the list, or has no form.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> trace(survey, "94,59", unit="so-ldtbxh")["id"]
        'overall@so-ldtbxh'
    """
    if unit:
        check_unit(survey, unit)
    scores = figures_of(survey).scores
    table = scores.assign(id=[one.id for one in published(scores)])
    found = table[table["id"] == asked.partition("#")[0]]
    if found.empty:
        wanted = asked.replace(",", ".").removesuffix("%").strip()
        found = table[[_same(printed, wanted) for printed in table["printed"]]]
        found = found[found["unit"] == unit] if unit else found
    if len(found) != 1:
        names = ", ".join(found["id"].head(MOST)) or "–"
        which = "trace_several" if len(found) else "trace_none"
        raise ParameterError(which, found=asked, unit=unit or "–", names=names, n=len(found))
    return found.iloc[0]


def _same(printed: str, asked: str) -> bool:
    """Say whether two texts are one number: 100 is 100.00."""
    try:
        return Decimal(printed) == Decimal(asked)
    except InvalidOperation:
        return False


def told(survey: Survey, row: pd.Series, language: Language) -> Iterator[tuple[str, str]]:
    """Yield heading and text of everything that made a figure, in one language."""
    pack, wave = survey.instrument, survey.wave
    forms = _forms(survey, row)
    levels = dict(pack.rules())
    rule = levels.get(row["level"])
    name = say(language, "report.level.overall")
    name = name if row["variable"] == OVERALL else pack.label(row["variable"], language)
    names = dict(zip(survey.units["code"], survey.units[f"name_{language}"], strict=True))
    where = names.get(row["unit"]) or row["group"] or wave.title.text(language)

    def line(key: str, **fields: object) -> tuple[str, str]:
        return say(language, f"trace.head.{key}"), say(language, f"trace.{key}", **fields)

    exact = {key: number(_float(row[key]), language, 8) for key in ("value", "low", "high")}
    counts = {key: _plain(row[key], language) for key in ("numerator", "denominator")}
    shown = number(row["printed"] or None, language)
    yield line("figure", id=row["id"], name=name, where=where)
    yield line("printed", printed=shown, value=exact["value"], decimals=pack.index.decimals)
    yield line("division", **counts)
    yield line("interval", low=exact["low"], high=exact["high"], method=row["method"])
    yield line("forms", n=row["n"], n_valid=row["n_valid"], n_blank=row["n"] - row["n_valid"])
    dropped = survey.n_read - len(survey.frame)
    yield line("dropped", n=dropped, n_read=survey.n_read)
    status = say(language, f"status.{rule.status if rule else pack.status}")
    yield line("rule", rule=rule.rule if rule else row["level"], status=status, pack=pack.id)
    program = made_by()
    yield line("program", version=program["version"], commit=program["commit"] or "–")
    for file, rows in forms.groupby("file", sort=True)["row"]:
        yield line("rows", file=Path(str(file)).name, rows=_ranges(rows), n=len(rows))


def _forms(survey: Survey, row: pd.Series) -> pd.DataFrame:
    """Return the forms of a figure's unit or group, or all."""
    frame = survey.frame
    key = "unit" if row["unit"] else "group"
    return frame.loc[frame[key] == row[key]] if row[key] else frame


def _ranges(rows: "pd.Series[int]") -> str:
    """Return numbers as ``2–31, 40``."""
    ordered = rows.astype(int).sort_values()
    runs = ordered.groupby((ordered.diff() != 1).cumsum().to_numpy())
    ends = [(int(run.iloc[0]), int(run.iloc[-1])) for _, run in runs]
    return ", ".join(f"{low}" if low == high else f"{low}–{high}" for low, high in ends)


def _float(value: object) -> float | None:
    return None if pd.isna(value) else float(str(value))  # type: ignore[call-overload]


def _plain(value: object, language: Language) -> str:
    exact = _float(value)
    return number(exact, language, 0 if exact is None or exact == round(exact) else 4)
