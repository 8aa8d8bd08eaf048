"""Trace a printed figure to the rows of the input: what was divided, left out and rounded."""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pandas as pd

from sipas_analysis.collect.survey import Survey, check_unit
from sipas_analysis.errors import ParameterError
from sipas_analysis.figures.published import figures_of, list_figures
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.measure.rules import COMPREHENSIVE, MEAN_100, MEAN_SCORE
from sipas_analysis.messages import Language, format_number, say
from sipas_analysis.proof.program import describe_program
from sipas_analysis.proof.receipt import list_figures

BESIDE = (COMPREHENSIVE, MEAN_SCORE, MEAN_100)
MOST = 12  # candidates that are named when a number stands for several figures


def trace(survey: Survey, asked: str, unit: str = "") -> pd.Series:
    """Return the figure that is meant by an id, or by a number as it is printed.

    Args:
        survey: What the figure was made from.
        asked: ``overall@so-ldtbxh``, ``pair:so-a~so-b``, ``94.59`` or ``94,59``.
        unit: Code of a unit, if a number is asked for.

    Returns:
        Its row of ``figures`` (``id``, ``value``, …), with that of ``scores`` if it has one.

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
    figures = figures_of(survey)
    places = figures.scores[["variable", "unit", "group", "level", "method"]]
    places = places.assign(id=[one.id for one in list_figures(figures.scores)])
    table = figures.by_id.merge(places, on="id", how="left")
    found = table[table["id"] == asked.partition("#")[0]]
    if found.empty:
        wanted = asked.replace(",", ".").removesuffix("%").strip()
        found = table[[_is_same_number(printed, wanted) for printed in table["printed"]]]
        found = found[found["unit"] == unit] if unit else found
    if len(found) != 1:
        names = ", ".join(found["id"].head(MOST)) or "–"
        which = "trace_several" if len(found) else "trace_none"
        raise ParameterError(which, found=asked, unit=unit or "–", names=names, n=len(found))
    return found.iloc[0]


def _is_same_number(printed: object, asked: str) -> bool:
    """Say whether two texts are one number: 100 is 100.00."""
    try:
        return Decimal(str(printed)) == Decimal(asked)
    except InvalidOperation:
        return False


def explain_figure(
    survey: Survey, row: pd.Series, language: Language, receipt: Mapping[str, Any] | None = None
) -> Iterator[tuple[str, str]]:
    """Yield heading and text of everything that made a figure, in one language.

    Args:
        survey: What the figure was made from.
        row: What ``trace`` returned.
        language: Of the texts.
        receipt: Of the run that published it, if there is one: its program, its value.
    """

    def line(key: str, text: str = "", **fields: object) -> tuple[str, str]:
        return say(language, f"trace.head.{key}"), say(language, f"trace.{text or key}", **fields)

    is_score = isinstance(row["variable"], str)
    exact = {
        key: format_number(_to_float(row[key]), language, 8) for key in ("value", "low", "high")
    }
    yield line("figure", id=row["id"], **_name_figure(survey, row, language))
    if is_score:
        decimals, shown = (
            survey.instrument.index.decimals,
            format_number(row["printed"] or None, language),
        )
        yield line("printed", printed=shown, value=exact["value"], decimals=decimals)
        counts = {key: _print_count(row[key], language) for key in ("numerator", "denominator")}
        divided = "" if pd.notna(row["numerator"]) else "division_none"
        yield line("division", divided, **counts, rule=row["rule"])
        yield line("interval", low=exact["low"], high=exact["high"], method=row["method"])
    else:
        yield line("printed", "printed_free", value=exact["value"])
        yield line("interval", "ends", low=exact["low"], high=exact["high"])
    yield from _explain_forms(survey, row, line)
    pack = survey.instrument
    rule = dict(pack.rules_by_level()).get(row["level"])
    status = say(language, f"status.{rule.status if rule else pack.status}")
    yield (
        line("rule", rule=row["rule"], status=status, pack=pack.id)
        if is_score
        else line("rule", "model_rule", rule=row["rule"])
    )
    here = describe_program()
    by = receipt["program"] if receipt else here
    said = "program_receipt" if by["sha256"] == here["sha256"] else "program_other"
    yield line(
        "program", said if receipt else "", version=here["version"], commit=by["commit"] or "–"
    )
    for one in receipt["figures"] if receipt else ():
        if one.get("id") == row["id"]:
            same = one.get("value") == list_figures(row[["id", "value"]].to_frame().T)[0].get(
                "value"
            )
            value = format_number(one.get("value"), language, 8)
            yield line("receipt", "receipt_same" if same else "receipt_other", value=value)


def _name_figure(survey: Survey, row: pd.Series, language: Language) -> dict[str, str]:
    """Say what a figure is and of whom."""
    pack, variable = survey.instrument, row["variable"]
    if not isinstance(variable, str):
        kind, _, own = row["id"].partition(":")
        return {"name": kind, "where": own}
    known = "report.level.overall" if variable == OVERALL else ""
    known = f"report.beside.{variable}" if variable in BESIDE else known
    name = say(language, known) if known else pack.label_of(variable, language)
    names = dict(zip(survey.units["code"], survey.units[f"name_{language}"], strict=True))
    where = names.get(row["unit"]) or row["group"] or survey.wave.title.text(language)
    return {"name": name, "where": where}


def _explain_forms(survey: Survey, row: pd.Series, line: Any) -> Iterator[tuple[str, str]]:
    """Say which forms count, which hold no answer that counts, and which were dropped."""
    forms = _select_forms(survey, row)
    pack, variable = survey.instrument, row["variable"]
    is_score = isinstance(variable, str)
    n_valid = int(row["n_valid"]) if is_score else len(forms)
    yield line("forms", n=len(forms), n_valid=n_valid)
    is_part = is_score and variable not in forms.columns
    own = (pack.items_of(variable) or [*pack.items]) if is_part else [variable]
    blank = forms[forms[own].isna().all(axis=1)] if is_score else forms.iloc[:0]
    if len(blank):
        yield line("blank", n=len(blank), rows=_list_rows(blank))
    dropped = survey.ledger[survey.ledger["reason"] == "form_dropped"]
    n = survey.n_read - len(survey.frame)
    yield line("dropped", n=n, n_read=survey.n_read, rows=_list_rows(dropped) if n else "–")
    for file, one in forms.groupby("file", sort=True):
        yield line("rows", file=Path(str(file)).name, rows=_list_ranges(one["row"]), n=len(one))


def _select_forms(survey: Survey, row: pd.Series) -> pd.DataFrame:
    """Return the forms of a figure's unit or group, of both units of a pair, or all."""
    frame = survey.frame
    if row["id"].startswith("pair:"):
        return frame[frame["unit"].isin(row["id"].removeprefix("pair:").split("~"))]
    if not isinstance(row["variable"], str):
        return frame
    key = "unit" if row["unit"] else "group"
    return frame[frame[key] == row[key]] if row[key] else frame


def _list_rows(forms: pd.DataFrame) -> str:
    """Return rows as ``answers.csv: 2–31, 40``, file by file."""
    by_file = forms.groupby("file", sort=True)["row"]
    return "; ".join(f"{Path(str(file)).name}: {_list_ranges(rows)}" for file, rows in by_file)


def _list_ranges(rows: "pd.Series[int]") -> str:
    """Return numbers as ``2–31, 40``."""
    ordered = rows.astype(int).sort_values()
    runs = ordered.groupby((ordered.diff() != 1).cumsum().to_numpy())
    ends = [(int(run.iloc[0]), int(run.iloc[-1])) for _, run in runs]
    return ", ".join(f"{low}" if low == high else f"{low}–{high}" for low, high in ends)


def _to_float(value: object) -> float | None:
    return None if pd.isna(value) else float(str(value))  # type: ignore[call-overload]


def _print_count(value: object, language: Language) -> str:
    exact = _to_float(value)
    return format_number(exact, language, 0 if exact is None or exact == round(exact) else 4)
