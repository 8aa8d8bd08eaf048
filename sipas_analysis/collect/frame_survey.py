"""Make a survey from a data frame in memory, with the readers and the ledger of files.

What a column is, an argument says; nothing is guessed. Answers are read as those of files, so that
the figures are the same: each change is in the ledger, and a wrong answer stops the whole.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any, Never

import pandas as pd
from pandas.api.types import is_string_dtype

from sipas_analysis.arguments import (
    check_kind,
    list_names,
)
from sipas_analysis.collect.cells import Cells
from sipas_analysis.collect.columns import PlacedColumns, is_personal
from sipas_analysis.collect.file_cells import list_cell_errors
from sipas_analysis.collect.frame_columns import (
    Days,
    Items,
    Names,
    Overall,
    Questions,
    check_blanks,
    check_columns,
    check_labels,
    describe_origin,
    holds_contacts,
    refuse_unknown,
    write_column,
    write_values,
)
from sipas_analysis.collect.placed_cells import read_placed_columns
from sipas_analysis.collect.readings import fold_answer
from sipas_analysis.collect.responses import ROLES, Columns
from sipas_analysis.collect.row_rules import drop_short_forms, part_dossiers
from sipas_analysis.collect.survey import Survey, join_ledgers
from sipas_analysis.collect.tables import Table
from sipas_analysis.collect.units import GROUPS, NO_GROUP, PLANNED, UNIT_COLUMNS
from sipas_analysis.collect.wave import Wave, make_wave
from sipas_analysis.errors import (
    ColumnError,
    DesignError,
    FormError,
    SeveralError,
    SipasError,
    UnitError,
)
from sipas_analysis.files import FileContent
from sipas_analysis.infer.design import Design, Kind, Lonely, Replicates
from sipas_analysis.instrument.column_pack import (
    PACK_ID,
    Ends,
    Factors,
    Label,
    Satisfied,
    Scales,
    read_title,
)
from sipas_analysis.instrument.pack import RESERVED, Instrument
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import say
from sipas_analysis.sheets.reader import Sheet
from sipas_analysis.sheets.texts import fold_text, tidy_text

FRAME = "data frame"  # the file of an answer in the ledger and in errors
MEMORY = Path("data frame in memory")
OWN_SENTENCES = ("answer", "unit_missing")  # of mistakes whose cure is another one than in files


def survey(
    frame: pd.DataFrame | Design,
    items: Items = None,
    *,
    pack: str | Path | Instrument | None = None,
    scale: Scales | None = None,
    satisfied: Satisfied = None,
    factors: Factors | None = None,
    overall: Overall = None,
    overall_scale: Ends | None = None,
    reverse: Names = None,
    labels: Mapping[str, int] | None = None,
    blank: object = (),
    unit: str | None = None,
    group: str | None = None,
    dossier: str | None = None,
    keys: Names = None,
    weights: str | None = None,
    strata: str | None = None,
    clusters: Names = None,
    fpc: Names = None,
    replicates: Replicates | Kind | None = None,
    nested: bool = True,
    lonely: Lonely = "fail",
    id: str = "survey",  # noqa: A002 (the word of wave.yaml)
    title: Label = "",
    year: int | None = None,
    province: Label = "",
    publisher: Label = "",
    collected: Days = None,
    seed: int = 1,
    **unknown: Never,
) -> Survey:
    """Make a survey of a data frame: one row per form, one column per item.

    It is the same ``Survey`` as from files: score, rank, drivers, priority, compare, reliability
    and report work on it. All other columns of the frame stay in ``survey.frame`` for ``by=``,
    ``controls=`` and ``subset``; columns of personal data are dropped (rule P1), and of other names
    those that hold telephone numbers or e-mail addresses, unless an argument names them.

    Args:
        frame: The forms; or a ``Design`` of them, calibrated or with replicate weights.
        items: Columns of the items: names, or a dict of column and wording, a text or ``{"vi": …,
            "en": …}`` (with ``pack``: of column and code in the pack). All columns of ``factors``
            if left out.
        pack: The questionnaire and its index rules: id, path or Instrument, in place of ``items``,
            ``scale``, ``satisfied``, ``factors``. Columns are known by their code or wording.
        scale: Lowest and highest level, (1, 5) if left out; or a dict by column or factor of those
            that differ.
        satisfied: Lowest level that counts as satisfied; a number for the items of one scale, or a
            dict by column or factor. The second best if left out: 4 of 1–5, 6 of 1–7, 9 of 0–10
            (rule M1); so, too, for ``overall`` on a scale of its own that the dict does not name.
        factors: Columns of each factor: ``{"Access": ["A1", "A2"], …}``; with names in two
            languages ``{"access": {"vi": …, "en": …, "items": ["A1", "A2"]}}``. An item without a
            factor counts in the overall index only.
        overall: Column of the question on satisfaction as a whole, the outcome of ``drivers``; or
            a dict of this column and its wording. A column called ``overall`` becomes
            ``overall_item``.
        overall_scale: Its lowest and highest level, if they differ from ``scale``.
        reverse: Columns whose highest level is the worst; they are turned.
        labels: Level of each text answer: ``{"Very satisfied": 5, …}``, in capitals or not.
        blank: Values that mean no answer, such as ``9`` or ``["N/A", 99]``; none may be a level.
        unit: Column of the units that are measured and ranked; without it the whole is one unit.
            In the survey the column is called ``unit``.
        group: Column of the group in which a unit is ranked; all in one if left out.
        dossier: Column of the code of the dossier that a form is about, for ``sipas.drivers(…,
            facts=…)``. Kept in ``survey.dossiers``, never in ``survey.frame`` or a table.
        keys: Columns on people that a report shows, such as ``["sex", "age"]``.
        weights: Column of weights, as in ``Design``.
        strata: Column of strata, as in ``Design``.
        clusters: Columns of clusters, one for each stage, as in ``Design``.
        fpc: Columns of finite populations, one for each stage, as in ``Design``.
        replicates: Replicate weights, as in ``Design``.
        nested: Cluster ids are read within their stratum, as in ``Design``.
        lonely: Treatment of a stratum of one cluster, as in ``Design``.
        id: Id of the survey, in ``compare`` and reports.
        title: Title of a report, and of the questionnaire that it names: a text, or ``{"vi": …,
            "en": …}``.
        year: Year of the survey; a report names none if it is left out.
        province: Place that the survey is about, such as the province: head of a report.
        publisher: Who publishes it: head of a report.
        collected: First and last day of fieldwork, ``("2026-05-04", "2026-05-29")``, or a single
            day; a report says when people were asked, and has the last day as its date.
        unknown: Other arguments are refused, with the nearest one that there is.
        seed: Seed of random numbers.

    Returns:
        The survey, with a ledger of what was read differently. Forms without any answer are left
        out of ``survey.frame``; a sample that was declared stays whole, so that errors are those
        of R ``subset(design, …)`` (V1).

    Raises:
        ColumnError: The frame lacks a column that an argument names, or has it twice; or it has a
            column ``unit`` and ``unit=`` is left out.
        AnswerError: Answers are neither a level, a label nor blank; all are listed.
        ConfigError: A scale, a satisfied level, a factor or a label is wrong.
        UnitError: A form has no unit, or a unit two groups.
        FormError: No form answers any item.
        DesignError: A weight, fraction or stratum is invalid.
        ParameterError: An argument is unknown, or ``collected`` is no day or pair of days.

    Source: rules M1 to M3 and V1 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> answers = {"A1": [7, 6, 5, None], "A2": [7, 2, 6, 7]}
        >>> forms = pd.DataFrame({"office": list("aabb"), **answers})
        >>> survey = sipas.survey(forms, ["A1", "A2"], scale=(1, 7), unit="office")
        >>> sipas.score(survey, by="unit").select(variable="overall").frame["printed"].tolist()
        ['75.00', '66.67']
    """
    refuse_unknown(unknown, signature(survey).parameters)
    errors: list[SipasError] = []
    is_declared = any(role is not None for role in (weights, strata, clusters, fpc, replicates))
    if isinstance(frame, Design):
        sample, is_declared = _take_design(frame, is_declared=is_declared), True
    else:
        declared = (weights, strata, clusters, fpc, replicates, nested, lonely)
        sample = _declare_sample(_name_columns(frame), declared, errors)
    forms, key_names = sample.frame, list_names(keys, "keys")
    if forms.empty:
        raise FormError("frame_empty")
    named = {"unit": unit, "group": group, "keys": keys, "overall": overall, "reverse": reverse}
    _check_named_columns(forms, {**named, "dossier": dossier})
    questions = Questions(items, factors, overall, scale, overall_scale, satisfied, reverse, title)
    taken = {*sample.design_columns, *key_names, unit, group, dossier}
    instrument, placed = questions.find_items(forms, pack, taken)
    roles = {"unit": unit, "dossier": dossier}
    placed.roles.update({role: name for role, name in roles.items() if name})
    placed.keys.update({name: name for name in key_names if _is_text(forms[name])})
    facts = {
        "id": id,
        "title": read_title(title, "frame.title"),
        **describe_origin(province, publisher, collected),
        "seed": seed,
        "languages": ["en", "vi"],
        "responses": [{"file": FRAME, "blank": write_values(blank)}],
        "design": {"lonely": sample.lonely, "nested": str(sample.nested).lower()},
        **({} if year is None else {"year": year}),
    }
    check_blanks(write_values(blank), placed, instrument)
    words: dict[str, object] = {"labels": check_labels(labels, write_values(blank), instrument)}
    words |= {"unit": unit or "", "dossier": dossier or ""}
    words["keys"] = {name: name for name in key_names}
    wave = make_wave(facts, instrument, Columns().model_copy(update=words), MEMORY / FRAME)
    units, groups = _list_units(forms, unit, group, wave, errors)
    wave = wave.model_copy(update={"groups": groups})
    cells = _read_cells(forms, placed, wave, units, errors)
    read = _join_columns(cells, placed, wave, sample)
    whole = _make_survey(read, cells, wave, units, sample)
    return whole.with_design(sample) if is_declared else whole


def _declare_sample(
    forms: pd.DataFrame, declared: tuple[Any, ...], errors: list[SipasError]
) -> Design:
    """Return the design of the forms; if it is wrong, note why, and return none of its roles."""
    try:
        sample = Design(forms, *declared)
        _ = sample.cells if sample.design_columns else ()  # refuses blank strata and clusters
    except DesignError as error:
        errors.append(error)
        return Design(forms)
    return sample


def _take_design(design: Design, *, is_declared: bool) -> Design:
    """Return a design with its columns named by text."""
    if design.on_files or is_declared:
        raise DesignError("frame_files" if design.on_files else "frame_design_twice")
    return replace(design, frame=_name_columns(design.frame))


def _check_named_columns(forms: pd.DataFrame, named: Mapping[str, Names | Overall]) -> None:
    """Refuse columns that the frame lacks, a ``unit`` that none names, and personal keys."""
    for role, names in named.items():
        check_columns(role, list_names(names, role), forms)
    if named["unit"] is None and "unit" in forms:
        raise ColumnError("frame_unit_unnamed")
    if personal := [name for name in list_names(named["keys"], "keys") if is_personal(name)]:
        listed = ", ".join(f"“{name}”" for name in personal)
        raise ColumnError("frame_key_personal", columns=listed)


def _is_text(column: pd.Series) -> bool:
    """Return whether a column holds texts; categories keep their order."""
    return is_string_dtype(column) and not isinstance(column.dtype, pd.CategoricalDtype)


def _name_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose columns are named by text, its rows by its index or from 0."""
    check_kind(frame, pd.DataFrame, "frame", "frame")
    names = pd.Index([str(name) for name in frame.columns])
    if names.has_duplicates:
        raise ColumnError("frame_twice", column=names[names.duplicated()][0])
    named = frame.set_axis(names, axis=1)
    tells_apart = frame.index.is_unique and frame.index.nlevels == 1
    return named if tells_apart else named.reset_index(drop=True)


def _list_units(
    forms: pd.DataFrame,
    unit: str | None,
    group: str | None,
    wave: Wave,
    errors: list[SipasError],
) -> tuple[pd.DataFrame, dict[str, Bilingual]]:
    """Return the list of units as from files, and the names of groups that are not the usual."""
    rows = pd.DataFrame({"code": wave.id, "group": NO_GROUP}, forms.index)
    if unit:
        rows["code"] = write_column(forms[unit]).map(tidy_text)
    if group:
        rows["group"] = write_column(forms[group]).map(tidy_text)
    rows = rows[rows["code"] != ""].drop_duplicates().sort_values("code")
    folded = rows["code"].map(fold_text)
    for code in rows["code"][folded.duplicated(keep=False)] if unit else ():
        alike = rows[folded == fold_text(code)]
        if len({*alike["code"]}) > 1:
            errors.append(_refuse_spelling(forms[str(unit)], {*folded[folded.duplicated()]}))
            break
        names, in_groups = (
            ", ".join(f"“{text}”" for text in dict.fromkeys(alike[role])) for role in rows
        )
        errors.append(UnitError("frame_unit_groups", names=names, groups=in_groups, unit=unit))
        break
    units = rows.reset_index(drop=True).reindex(columns=[*UNIT_COLUMNS, PLANNED])
    vi, en = (units["code"] if unit else [wave.title.text(language)] for language in ("vi", "en"))
    units = units.assign(name_vi=vi, name_en=en, parent="", aliases="")
    empty = dict.fromkeys(("valid_from", "valid_to"), None)
    groups = {text: Bilingual(vi=text, en=text) for text in units["group"] if text not in GROUPS}
    whole = {NO_GROUP: Bilingual(vi=say("vi", "frame.group"), en=say("en", "frame.group"))}
    return units.assign(**empty), {**groups, **(whole if NO_GROUP in groups else {})}


def _refuse_spelling(column: pd.Series, folded: Collection[str]) -> UnitError:
    """Return the error of units that are written in several ways, with the text of each cell.

    The remedy writes each unit as most of its forms have it.
    """
    counts = column[column.notna()].astype(str).value_counts()
    usual: dict[str, str] = {}
    pairs: dict[str, str] = {}
    names = []
    for text in map(str, counts.index):
        if fold_text(text) in folded:
            target = usual.setdefault(fold_text(text), tidy_text(text))
            names.append(f"“{text}”")
            if tidy_text(text) != target:
                pairs[text] = target
    listed = ", ".join(sorted(names))
    return UnitError("frame_unit_spelling", names=listed, unit=column.name, pairs=repr(pairs))


def _read_cells(
    forms: pd.DataFrame,
    placed: PlacedColumns,
    wave: Wave,
    units: pd.DataFrame,
    earlier: Sequence[SipasError],
) -> Cells:
    """Read the placed columns as those of a file; every wrong cell is refused, in one error.

    Errors that were found earlier, of weights and units, are in it, too.
    """
    parts = (placed.items, placed.indicators, placed.roles, placed.keys)
    headers = dict.fromkeys(header for part in parts for header in part.values())
    texts = pd.DataFrame({header: write_column(forms[header]) for header in headers})
    texts.index = pd.RangeIndex(1, len(forms) + 1)
    cells, entry = Cells(Table(Sheet(FRAME, "", []), (), texts, {}), texts), wave.responses[0]
    index = {fold_text(code): code for code in units["code"]}
    is_one = "unit" not in placed.roles
    read_placed_columns(cells, placed, entry, wave, {"": wave.id} if is_one else index)
    cells.wrong = {
        f"frame_{kind}" if kind.split()[0] in OWN_SENTENCES else kind: places
        for kind, places in cells.wrong.items()
    }
    _set_overall_apart(cells, placed, wave.read_pack())
    errors = [*earlier, *list_cell_errors(cells, placed, wave.read_pack(), index)]
    if errors:
        raise errors[0] if len(errors) == 1 else SeveralError(errors)
    return cells


def _set_overall_apart(cells: Cells, placed: PlacedColumns, pack: Instrument) -> None:
    """Give wrong answers to the question on the whole a message that names its scale."""
    if pack.id != PACK_ID or pack.overall_item is None:
        return
    column = placed.items[pack.overall_item.code]
    for kind, places in [*cells.wrong.items()]:
        if kind.startswith("frame_answer "):
            apart = [place for place in places if place.column == column]
            cells.wrong[kind] = [place for place in places if place.column != column]
            cells.wrong[kind.replace("frame_answer", "frame_answer_overall", 1)] = apart


def _join_columns(cells: Cells, placed: PlacedColumns, wave: Wave, sample: Design) -> pd.DataFrame:
    """Return what was read, with the other columns of the frame as they are.

    Columns of personal data and those with the name of a role are left out, with an entry in the
    ledger; a key that is no text keeps its kind.
    """
    forms = sample.frame
    read = cells.frame.set_axis(forms.index, axis=0)
    blanks = {fold_answer(text) for text in wave.responses[0].blank}
    given = sample.declared_replicates.columns if sample.declared_replicates else ()
    questions = {*placed.items.values(), *placed.indicators.values(), placed.roles.get("dossier")}
    others = {}
    for name in forms.columns.difference([*read, *questions, *given], sort=False):
        is_named = name in {*wave.key_codes, *sample.design_columns, wave.columns.unit}
        is_private = is_personal(name) or (not is_named and holds_contacts(forms[name]))
        if is_private or name in {*RESERVED, *ROLES}:
            if name not in sample.design_columns:
                cells.note_column(name, "personal" if is_private else "ignored")
            continue
        others[name] = forms[name]
        if name in wave.key_codes:
            texts = write_column(forms[name]).map(fold_answer)
            others[name] = forms[name].mask(texts.isin(blanks))
    return pd.concat([read, pd.DataFrame(others, index=forms.index)], axis=1)


def _make_survey(
    read: pd.DataFrame, cells: Cells, wave: Wave, units: pd.DataFrame, sample: Design
) -> Survey:
    """Return the survey of the forms with an answer, by the rows of the whole sample."""
    pack = wave.read_pack()
    group_of = dict(zip(units["code"], units["group"], strict=True))
    valid, dropped = drop_short_forms(read.assign(group=read["unit"].map(group_of)), wave, pack)
    valid = valid[valid.index.isin(read.index[sample.members])]
    if valid.empty:
        raise FormError("frame_no_answer", n=len(read), items=", ".join(pack.items))
    inputs = {MEMORY.absolute(): _describe_content(cells.raw, sample)}
    ledger = join_ledgers([*cells.ledger, dropped])
    valid, dossiers = part_dossiers(valid)
    return Survey(wave, pack, units, valid, ledger, len(read), inputs, dossiers=dossiers)


def _describe_content(texts: pd.DataFrame, sample: Design) -> FileContent:
    """Return the hash of what was read of a frame: names and texts of columns, in their order."""
    design = sample.frame[sample.design_columns].apply(write_column)
    columns = {**texts.to_dict("series"), **design.to_dict("series")}
    values = b"".join(pd.util.hash_array(text.to_numpy()).tobytes() for text in columns.values())
    content = "\0".join(columns).encode() + values
    return FileContent(str(MEMORY), hashlib.sha256(content).hexdigest(), len(content))
