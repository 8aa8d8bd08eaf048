"""Trace a printed figure to the rows of the input, with division, rounding and left-out rows."""

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path

import pandas as pd

from sipas_analysis.arguments import find_nearest
from sipas_analysis.collect.survey import DROP_REASONS, Survey, find_unit
from sipas_analysis.collect.units import list_groups
from sipas_analysis.collect.wave import Wave
from sipas_analysis.documents.model import render_text
from sipas_analysis.errors import ParameterError
from sipas_analysis.figures.identified import make_id
from sipas_analysis.figures.published import figures_of, list_figures
from sipas_analysis.figures.record_rows import RecordRow
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.measure.rules import COMPREHENSIVE, MEAN_100, MEAN_SCORE
from sipas_analysis.messages import LANGUAGES, Language, format_number, read_catalogue, say
from sipas_analysis.proof.kept_forms import explain_kept_forms, list_reasons
from sipas_analysis.proof.program import Facts, describe_program
from sipas_analysis.proof.receipt import round_figures
from sipas_analysis.records.office_records import Records
from sipas_analysis.reports.chapters.opening import name_rule
from sipas_analysis.reports.record_cells import name_column, name_row
from sipas_analysis.reports.subject import Subject
from sipas_analysis.sheets.texts import fold_text

BESIDE = (COMPREHENSIVE, MEAN_SCORE, MEAN_100)
MOST = 12  # candidates that are named when several figures have the number
Line = tuple[str, str]  # heading and text
_COUNT = re.compile(r"\d{1,3}(?:[.,\s]\d{3})*|\d+")  # 17920, or as printed: 17.920


def trace(survey: Survey, figure: str, unit: str = "") -> pd.Series:
    """Find a figure by its id, by names, or by its printed number.

    Args:
        survey: Survey behind the figure.
        figure: ``overall@so-ldtbxh``, ``pair:so-a~so-b``, ``94.59`` or ``94,59``. The parts of an
            id may be names: the text of a question, and after ``@`` the name of a unit.
        unit: Code, name or alias of a unit, if ``figure`` names none.

    Returns:
        Its row of ``figures`` (``id``, ``value``, …), with that of ``scores`` if it has one.

    Raises:
        ParameterError: No figure has this id or number (the nearest is named), or several have.
        UnitError: A unit that is not in the list, or has no form.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> trace(survey, "94,59", unit="so-ldtbxh")["id"]
        'overall@so-ldtbxh'
    """
    unit = find_unit(survey, unit) if unit else ""
    figures = figures_of(survey)
    scores = figures.scores[["variable", "unit", "group", "level", "method"]]
    scores = scores.assign(id=[score.id for score in list_figures(figures.scores)])
    table = figures.by_id.merge(scores, on="id", how="left")
    figure_id = _make_id_of_names(survey, figure.partition("#")[0], unit, table)
    rows = table[table["id"] == figure_id]
    if rows.empty:
        rows = _find_number(figure, unit, table)
    if len(rows) != 1:
        raise _refuse(survey, figure, unit, rows, find_nearest(figure_id, table["id"]))
    return rows.iloc[0]


def _find_number(figure: str, unit: str, table: pd.DataFrame) -> pd.DataFrame:
    """Return the figures that are printed as a number: those of the index, else any other.

    A number without a sign is also a change whose direction is told in words ("fell by 1.34"); a
    whole number is also a count, with or without a point between its thousands.
    """
    wanted = figure.replace(",", ".").replace("−", "-").removesuffix("%").strip()
    number = re.fullmatch(r"([+-]?)(\d+(?:\.(\d+))?)", wanted)
    if not number:
        return table.iloc[:0]
    sign, digits, decimals = number[1].removeprefix("+"), number[2], len(number[3] or "")
    if unit:
        table = table[table["id"].str.contains(rf"[@:~]{re.escape(unit)}(?:~|$)")]
    rows = table[[_is_same_number(printed, sign + digits) for printed in table["printed"]]]
    if rows.empty and decimals:
        columns = [table["value"], table["before"]]
        values = columns if number[1] else [*columns, table["fall"]]
        texts = [column.map(lambda v: _round(v, decimals)) for column in values]
        rows = table[pd.concat(texts, axis=1).isin([sign + digits]).any(axis=1)]
    whole = re.sub(r"[.,\s]", "", figure)
    if rows.empty and _COUNT.fullmatch(figure.strip()):
        rows = table[table["value"] == float(whole)]
    published = rows[rows["variable"].notna()]
    return rows if published.empty else published


def _round(value: object, decimals: int) -> str:
    """Return a value as it is printed with these decimals, with a plain sign."""
    return format_number(_to_float(value), "en", decimals).replace("−", "-").replace(",", "")


def _refuse(
    survey: Survey, figure: str, unit: str, rows: pd.DataFrame, near: str
) -> ParameterError:
    """Return why there is not one figure of a name or number, with those that may be meant."""
    shown = [row for _, row in rows.head(MOST).iterrows()]
    names, where, close = dict[str, str](), dict[str, str](), dict[str, str]()
    for language in LANGUAGES:
        found = (
            say(language, "trace.figure", id=row["id"], **_name_figure(survey, row, language))
            for row in shown
        )
        names[language] = "; ".join([*found, *["…"] * (len(rows) > MOST)])
        where[language] = say(language, "trace.of_unit", unit=unit) if unit else ""
        close[language] = say(language, "trace.near", name=near) if near else ""
    message_id = "trace_several" if shown else "trace_none"
    return ParameterError(
        message_id, found=figure, where=where, names=names, near=close, n=len(rows)
    )


def _make_id_of_names(survey: Survey, figure: str, unit: str, table: pd.DataFrame) -> str:
    """Return the id of a figure whose parts are codes or names; ``unit`` if it names no place."""
    name, _, place = figure.partition("@")
    codes = {
        fold_text(_name_variable(survey, code, language)): code
        for code in table["variable"].dropna().unique()
        for language in LANGUAGES
    }
    code = codes.get(fold_text(name), name)
    if place and table["id"].str.endswith(f"@{place}").any():
        return f"{code}@{place}"
    return make_id(code, "", find_unit(survey, place) if place else unit)


def _is_same_number(printed: object, wanted: str) -> bool:
    """Return whether two texts are the same number, such as 100 and 100.00."""
    try:
        return Decimal(str(printed)) == Decimal(wanted)
    except InvalidOperation:
        return False


def explain_figure(
    survey: Survey,
    row: pd.Series,
    language: Language,
    receipt: Facts | None = None,
    without: str = "",
) -> Iterator[Line]:
    """Yield heading and text of everything that a figure was computed from, in one language.

    Args:
        survey: Survey behind the figure.
        row: Result of ``trace``.
        language: Language of the texts.
        receipt: Receipt of the run that published the figure, with program and value, if any.
        without: Reason for which forms were dropped, such as ``form_dropped``: what the figure is
            with these forms, and nothing else.

    Raises:
        ParameterError: No form was dropped for this reason.
    """
    line = partial(_make_line, language)
    if without:
        list_reasons(survey, without)  # refused before anything is printed
    yield line("figure", id=row["id"], **_name_figure(survey, row, language))
    yield from _explain_value(survey, row, language)
    if without:
        yield from explain_kept_forms(survey, row, language, without)
        return
    yield from _explain_forms(survey, row, language)
    yield from explain_kept_forms(survey, row, language)
    if row["rule"]:
        yield _explain_rule(survey, row, language)
    here = describe_program()
    program = receipt["program"] if receipt else here
    is_same = program["sha256"] == here["sha256"]
    text = ("program_receipt" if is_same else "program_other") if receipt else "program"
    yield line("program", text, version=here["version"], commit=program["commit"] or "–")
    for figure in receipt["figures"] if receipt else ():
        if figure.get("id") == row["id"]:
            computed = round_figures(row[["id", "value"]].to_frame().T)[0].get("value")
            text = "receipt_same" if figure.get("value") == computed else "receipt_other"
            yield line("receipt", text, value=format_number(figure.get("value"), language, 8))


def _make_line(language: Language, key: str, text: str = "", **fields: object) -> Line:
    """Return the heading of a line and its text; ``text`` names the text if not ``key``."""
    return say(language, f"trace.head.{key}"), say(language, f"trace.{text or key}", **fields)


def _is_score(row: pd.Series) -> bool:
    """Return whether a figure is a score; the others are pairs and figures of a model."""
    return isinstance(row["variable"], str)


def _explain_value(survey: Survey, row: pd.Series, language: Language) -> Iterator[Line]:
    """Yield the printed and the exact value, the division and the interval."""
    line = partial(_make_line, language)
    exact = {
        key: format_number(number, language, 0 if number is not None and number.is_integer() else 8)
        for key in ("value", "low", "high")
        for number in [_to_float(row[key])]
    }
    if not _is_score(row):
        yield line("printed", "printed_free", value=exact["value"])
        if pd.notna(row["numerator"]) and pd.notna(row["denominator"]):
            counts = {key: _print_count(row[key], language) for key in ("numerator", "denominator")}
            is_count = row["id"].startswith(("people:", "incident:", "quality:"))
            text = "division_people" if is_count else "division"
            text = "division_records" if row["id"].startswith("record:") else text
            yield line("division", text, **counts, rule=row["rule"])
        if pd.notna(row["low"]):
            yield line("interval", "ends", low=exact["low"], high=exact["high"])
            yield from _explain_rounding(survey, row, language)
        if pd.notna(row["before"]):
            before = format_number(_to_float(row["before"]), language, 8)
            earlier = _find_wave_before(survey, row)
            yield line("before", value=before, title=earlier.title.text(language))
        return
    printed = format_number(row["printed"] or None, language)
    decimals = survey.instrument.index.decimals
    yield line("printed", printed=printed, value=exact["value"], decimals=decimals)
    counts = {key: _print_count(row[key], language) for key in ("numerator", "denominator")}
    text = "division" if pd.notna(row["numerator"]) else "division_none"
    yield line("division", text, **counts, rule=row["rule"])
    method = say(language, f"trace.method.{row['method']}")
    yield line("interval", low=exact["low"], high=exact["high"], method=method)
    yield from _explain_rounding(survey, row, language)


def _explain_rounding(survey: Survey, row: pd.Series, language: Language) -> Iterator[Line]:
    """Say that the interval of a figure is of whole points, and why (rule P4)."""
    if figures_of(survey).is_rounded(str(row["id"])):
        yield _make_line(language, "interval", "rounded")


def _explain_rule(survey: Survey, row: pd.Series, language: Language) -> Line:
    """Return the rule of a figure and how reliable its source is."""
    if not _is_score(row):
        return _make_line(language, "rule", "model_rule", rule=row["rule"])
    pack = survey.instrument
    rule = dict(pack.rules_by_level()).get(row["level"])
    status = say(language, f"status.{rule.status if rule else pack.status}")
    if rule:
        name = name_rule(Subject(figures_of(survey)), row["level"]).text(language)
    else:
        name = _name_variable(survey, row["variable"], language)
    return _make_line(language, "rule", name=name, rule=row["rule"], status=status, pack=pack.id)


def _name_figure(survey: Survey, row: pd.Series, language: Language) -> dict[str, str]:
    """Return the name of a figure, and of its unit, group or survey."""
    if found := _find_record(survey, row):
        record, column = found
        parts = [name_column(record.table, column), *name_row(Subject(figures_of(survey)), record)]
        head, *places = [render_text(part, language) for part in parts]
        return {"name": head, "where": "; ".join(filter(None, places))}
    if not _is_score(row):
        kind = row["id"].partition(":")[0] if ":" in row["id"] else ""
        words = [_name_code(survey, code, language) for code in _list_codes(survey, row["id"])]
        name = say(language, f"trace.kind.{kind}") if kind else words.pop(0)
        return {"name": name, "where": "; ".join(words) or survey.wave.title.text(language)}
    names = dict(zip(survey.units["code"], survey.units[f"name_{language}"], strict=True))
    where = names.get(row["unit"]) or row["group"] or survey.wave.title.text(language)
    return {"name": _name_variable(survey, row["variable"], language), "where": where}


def _find_record(survey: Survey, row: pd.Series) -> tuple[RecordRow, str] | None:
    """Return the row and column of a figure of the office's records; None for other figures."""
    records = figures_of(survey).records if row["id"].startswith("record:") else None
    return records.find_row(row["id"]) if records else None


def _list_codes(survey: Survey, figure_id: str) -> list[str]:
    """Return the codes in the id of a figure, without its kind; of a line its unit and item too."""
    kind, _, key = figure_id.partition(":")
    codes = [code for code in re.split("[~@:]", key or figure_id) if code]
    part = kind.partition(".")[0]
    if part in ("plan", "verdict"):
        figures, is_plan = figures_of(survey), part == "plan"
        lines = figures.plan.frame if is_plan else pd.DataFrame(figures.verdicts)
        of_line = lines.loc[lines["id" if is_plan else "key"] == key, ["unit", "item"]]
        codes += [code for code in of_line.to_numpy().ravel() if code and code not in codes]
    return codes


def _find_wave_before(survey: Survey, row: pd.Series) -> Wave:
    """Return the earlier wave of a change: of a verdict that of the plan, else the latest."""
    earlier = [figures.survey.wave for figures in figures_of(survey).earlier]
    codes = _list_codes(survey, row["id"])
    return next((wave for wave in earlier if wave.id in codes[:1]), earlier[-1])


def _name_code(survey: Survey, code: str, language: Language) -> str:
    """Return the name of a code in an id: a unit, a group, a question with a label, a reason."""
    key, _, label = code.partition("=")
    indicator = survey.instrument.indicators.get(key)
    if label:
        labels = indicator.levels if indicator else {}
        shown = labels[label].text(language) if label in labels else label
        return f"{survey.instrument.label_of(key, language)}: {shown}"
    names = dict(zip(survey.units["code"], survey.units[f"name_{language}"], strict=True))
    names |= {wave.id: wave.title.text(language) for wave in _list_waves(survey)}
    groups, reason = list_groups(survey.wave), f"ledger.{code}"
    if code in groups:
        return groups[code].text(language)
    if reason in read_catalogue(language):
        return say(language, reason)
    return names.get(code) or _name_variable(survey, code, language)


def _name_variable(survey: Survey, variable: str, language: Language) -> str:
    """Return the name of an index, factor, question or figure beside them."""
    if variable == OVERALL:
        return say(language, "report.level.overall")
    if variable in BESIDE:
        return say(language, f"report.beside.{variable}")
    return survey.instrument.label_of(variable, language)


def _explain_forms(survey: Survey, row: pd.Series, language: Language) -> Iterator[Line]:
    """Yield which forms count, which have no answer that counts, and which were dropped."""
    if row["id"].startswith(("setting:", "wording:")):  # counted without any form
        return
    line = partial(_make_line, language)
    records = figures_of(survey).records
    if records and row["id"].startswith("record:"):
        yield _explain_records(records.source.records, language)
        return
    survey, folder = _find_survey(survey, row)
    forms = _select_forms(survey, row)
    if not _is_score(row):
        yield line("forms", n=len(forms), n_valid=len(forms))
    elif pd.notna(row["n_valid"]):  # else the figure is hidden (P2)
        yield line("forms", n=len(forms), n_valid=int(row["n_valid"]))
    blank = _select_blank(survey, row, forms)
    if len(blank):
        yield line("blank", n=len(blank), rows=_list_rows(blank))
    dropped = survey.ledger[survey.ledger["reason"].isin(DROP_REASONS)]
    n = survey.n_read - len(survey.frame)
    reasons = [
        f"{say(language, f'ledger.{reason}')} ({len(rows)}; {_list_rows(rows)})"
        for reason, rows in dropped.groupby("reason")
    ]
    yield line("dropped", n=n, n_read=survey.n_read, reasons="; ".join(reasons) or "–")
    for file, forms_of_file in forms.groupby("file", sort=True):
        ranges = _list_ranges(forms_of_file["row"])
        yield line("rows", file=folder + Path(str(file)).name, rows=ranges, n=len(forms_of_file))


def _explain_records(records: Records, language: Language) -> Line:
    """Return which files of the office stand behind a figure, and how many dossiers are apart."""
    files = sorted(f"{file.file} ({file.sha256[:16]})" for file in records.inputs.values())
    n_apart = int((records.dossiers["contradiction"] != "").sum())
    named = "; ".join(files)
    return _make_line(language, "records", files=named, n=len(records.dossiers), n_apart=n_apart)


def _list_waves(survey: Survey) -> list[Wave]:
    """Return this wave and the earlier ones that it names."""
    return [survey.wave, *(earlier.survey.wave for earlier in figures_of(survey).earlier)]


def _find_survey(survey: Survey, row: pd.Series) -> tuple[Survey, str]:
    """Return the survey whose forms a figure counts, and the folder of an earlier one."""
    for earlier in figures_of(survey).earlier:
        if row["id"] == f"trend:{earlier.survey.wave.id}":
            return earlier.survey, f"{earlier.survey.wave.path.absolute().parent.name}/"
    return survey, ""


def _select_blank(survey: Survey, row: pd.Series, forms: pd.DataFrame) -> pd.DataFrame:
    """Return the forms that left every item of a score blank."""
    if not _is_score(row):
        return forms.iloc[:0]
    pack, variable = survey.instrument, row["variable"]
    is_item = variable in forms.columns
    items = [variable] if is_item else pack.items_of(variable) or [*pack.items]
    return forms[forms[items].isna().all(axis=1)]


def _select_forms(survey: Survey, row: pd.Series) -> pd.DataFrame:
    """Return the forms of a figure's unit or group, of both units of a pair, or all."""
    frame = survey.frame
    if not _is_score(row):
        units = {*_list_codes(survey, row["id"])} & {*survey.units["code"]}
        return frame[frame["unit"].isin(units)] if units else frame
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
