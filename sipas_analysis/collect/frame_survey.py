"""Make a survey from a data frame in memory, with the readers and the ledger of files.

What a column is, an argument says; nothing is guessed. Answers are read as those of files, so that
the figures are the same: each change is in the ledger, and a wrong answer stops the whole.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_string_dtype

from sipas_analysis.arguments import (
    SHOWN_NAMES,
    check_kind,
    check_mapping,
    list_known,
    list_names,
)
from sipas_analysis.collect.cells import Cells
from sipas_analysis.collect.columns import PlacedColumns, is_personal, place_columns
from sipas_analysis.collect.file_cells import list_cell_errors
from sipas_analysis.collect.placed_cells import read_placed_columns
from sipas_analysis.collect.readings import fold_answer
from sipas_analysis.collect.responses import ROLES, Columns
from sipas_analysis.collect.survey import Survey, drop_short_forms, join_ledgers
from sipas_analysis.collect.tables import Table
from sipas_analysis.collect.units import GROUPS, NO_GROUP, PLANNED, UNIT_COLUMNS
from sipas_analysis.collect.wave import Wave, make_wave
from sipas_analysis.errors import (
    ColumnError,
    ConfigError,
    DesignError,
    FormError,
    SeveralError,
    UnitError,
)
from sipas_analysis.files import FileContent
from sipas_analysis.infer.design import Design, Kind, Lonely, Replicates
from sipas_analysis.instrument.column_pack import Ends, Satisfied, Scales, make_pack
from sipas_analysis.instrument.pack import RESERVED, Instrument, read_instrument
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import LANGUAGES, say
from sipas_analysis.sheets.data_files import write_cell
from sipas_analysis.sheets.reader import Sheet
from sipas_analysis.sheets.texts import fold_text, tidy_text

FRAME = "data frame"  # the file of an answer in the ledger and in errors
MEMORY = Path("data frame in memory")
OWN_SENTENCES = ("answer", "unit_missing")  # of mistakes whose cure is another one than in files
Items = Mapping[str, str] | Sequence[str] | None
Names = str | Sequence[str] | None


def survey(
    frame: pd.DataFrame | Design,
    items: Items = None,
    *,
    pack: str | Path | Instrument | None = None,
    scale: Scales | None = None,
    satisfied: Satisfied = None,
    factors: Mapping[str, Sequence[str]] | None = None,
    overall: str | None = None,
    overall_scale: Ends | None = None,
    reverse: Names = None,
    labels: Mapping[str, int] | None = None,
    blank: object = (),
    unit: str | None = None,
    group: str | None = None,
    keys: Names = None,
    weights: str | None = None,
    strata: str | None = None,
    clusters: Names = None,
    fpc: Names = None,
    replicates: Replicates | Kind | None = None,
    nested: bool = True,
    lonely: Lonely = "fail",
    id: str = "survey",  # noqa: A002 (the word of wave.yaml)
    title: str = "",
    year: int | None = None,
    seed: int = 1,
) -> Survey:
    """Make a survey of a data frame: one row per form, one column per item.

    It is the same ``Survey`` as from files: score, rank, drivers, priority, compare, reliability
    and report work on it. All other columns of the frame stay in ``survey.frame`` for ``by=``,
    ``controls=`` and ``subset``; columns of personal data are dropped (rule P1).

    Args:
        frame: The forms; or a ``Design`` of them, calibrated or with replicate weights.
        items: Columns of the items: names, or a dict of column and label (with ``pack``: of
            column and code in the pack). All columns of ``factors`` if left out.
        pack: The questionnaire and its index rules: id, path or Instrument, in place of ``items``,
            ``scale``, ``satisfied``, ``factors``. Columns are known by their code or wording.
        scale: Lowest and highest level, (1, 5) if left out; or a dict by column or factor.
        satisfied: Lowest level that counts as satisfied; a number, or a dict by column or factor.
            The second best if left out: 4 of 1–5, 6 of 1–7, 9 of 0–10 (rule M1).
        factors: Columns of each factor: ``{"Access": ["A1", "A2"], …}``. An item without a factor
            counts in the overall index only.
        overall: Column of the question on satisfaction as a whole, the outcome of ``drivers``.
            A column called ``overall`` becomes ``overall_item``.
        overall_scale: Its lowest and highest level, if they differ from ``scale``.
        reverse: Columns whose highest level is the worst; they are turned.
        labels: Level of each text answer: ``{"Very satisfied": 5, …}``, in capitals or not.
        blank: Values that mean no answer, such as ``9`` or ``["N/A", 99]``.
        unit: Column of the units that are measured and ranked; without it the whole is one unit.
            In the survey the column is called ``unit``.
        group: Column of the group in which a unit is ranked; all in one if left out.
        keys: Columns on people that a report shows, such as ``["sex", "age"]``.
        weights: Column of weights, as in ``Design``.
        strata: Column of strata, as in ``Design``.
        clusters: Columns of clusters, one for each stage, as in ``Design``.
        fpc: Columns of finite populations, one for each stage, as in ``Design``.
        replicates: Replicate weights, as in ``Design``.
        nested: Cluster ids are read within their stratum, as in ``Design``.
        lonely: Treatment of a stratum of one cluster, as in ``Design``.
        id: Id of the survey, in ``compare`` and reports.
        title: Title of a report.
        year: Year of the survey; the present one if left out.
        seed: Seed of random numbers.

    Returns:
        The survey, with a ledger of what was read differently. Forms without any answer are left
        out of ``survey.frame``; a sample that was declared stays whole, so that errors are those
        of R ``subset(design, …)`` (V1).

    Raises:
        ColumnError: The frame lacks a column that an argument names, or has it twice.
        AnswerError: Answers are neither a level, a label nor blank; all are listed.
        ConfigError: A scale, a satisfied level, a factor or a label is wrong.
        UnitError: A form has no unit, or a unit two groups.
        FormError: No form answers any item.
        DesignError: A weight, fraction or stratum is invalid.

    Source: rules M1 to M3 and V1 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> answers = {"A1": [7, 6, 5, None], "A2": [7, 2, 6, 7]}
        >>> forms = pd.DataFrame({"office": list("aabb"), **answers})
        >>> survey = sipas.survey(forms, ["A1", "A2"], scale=(1, 7), unit="office")
        >>> sipas.score(survey, by="unit").select(variable="overall").frame["printed"].tolist()
        ['75.00', '66.67']
    """
    sampling = (weights, strata, clusters, fpc, replicates)
    sample = _take_sample(frame, sampling, nested=nested, lonely=lonely)
    forms, key_names = sample.frame, list_names(keys, "keys")
    if forms.empty:
        raise FormError("frame_empty")
    named = {"unit": unit, "group": group, "keys": keys, "overall": overall, "reverse": reverse}
    for role, names in named.items():
        _check_columns(role, list_names(names, role), forms)
    asked = _Asked(items, factors, overall, scale, overall_scale, satisfied, reverse)
    taken = {*sample.design_columns, *key_names, unit, group}
    instrument, placed = asked.find_items(forms, pack, taken)
    placed.roles.update({"unit": unit} if unit else {})
    placed.keys.update({name: name for name in key_names if is_string_dtype(forms[name])})
    facts = {
        "id": id,
        "title": {language: title or say(language, "frame.title") for language in LANGUAGES},
        "year": date.today().year if year is None else year,
        "seed": seed,
        "languages": ["en", "vi"],
        "responses": [{"file": FRAME, "blank": _write_values(blank)}],
        "design": {"lonely": sample.lonely, "nested": str(sample.nested).lower()},
    }
    words: dict[str, object] = {"labels": _check_labels(labels, _write_values(blank), instrument)}
    words["unit"], words["keys"] = unit or "", {name: name for name in key_names}
    wave = make_wave(facts, instrument, Columns().model_copy(update=words), MEMORY / FRAME)
    units, groups = _list_units(forms, unit, group, wave)
    wave = wave.model_copy(update={"groups": groups})
    cells = _read_cells(forms, placed, wave, units)
    read = _join_columns(cells, placed, wave, sample)
    made = _make_survey(read, cells, wave, units, sample)
    if isinstance(frame, Design) or any(name is not None for name in sampling):
        return made.with_design(sample)
    return replace(made, frame=made.frame.reset_index(drop=True))


@dataclass(frozen=True)
class _Asked:
    """What the arguments say about the questions; see ``survey``."""

    items: Items
    factors: Mapping[str, Sequence[str]] | None
    overall: str | None
    scale: Scales | None
    overall_scale: Ends | None
    satisfied: Satisfied
    reverse: Names

    def find_items(
        self, forms: pd.DataFrame, pack: str | Path | Instrument | None, taken: set[str | None]
    ) -> tuple[Instrument, PlacedColumns]:
        """Return the instrument, and the column of each of its questions.

        ``taken`` are columns that an argument uses for something else.
        """
        if pack is None:
            instrument = self._describe_columns(forms)
            columns = [*instrument.items, *([self.overall] if self.overall else [])]
            placed = PlacedColumns(dict(zip(instrument.rated_codes, columns, strict=True)))
        else:
            instrument, placed = self._match_pack(forms, pack, taken)
        twice = [column for column in placed.items.values() if column in taken]
        if twice:
            raise ColumnError("frame_two_roles", column=twice[0])
        return instrument, placed

    def _describe_columns(self, forms: pd.DataFrame) -> Instrument:
        """Return the instrument that the arguments describe."""
        check_mapping(self.factors or {}, "factors", "factors")
        factors = {
            str(factor): list_names(columns, "factors")
            for factor, columns in (self.factors or {}).items()
        }
        of_factors = [column for columns in factors.values() for column in columns]
        items = self.items if self.items is not None else list(dict.fromkeys(of_factors))
        names = items if isinstance(items, Mapping) else list_names(items, "items")
        labels = dict(names) if isinstance(names, Mapping) else dict.fromkeys(names, "")
        if not labels:
            raise ColumnError("frame_no_items")
        _check_columns("items", [*labels], forms)
        if self.overall in labels:
            raise ConfigError("frame_overall", column=self.overall)
        return make_pack(
            labels,
            factors,
            {self.overall: ""} if self.overall else {},
            scale=(1, 5) if self.scale is None else self.scale,
            overall_scale=self.overall_scale,
            satisfied=self.satisfied,
            reverse=list_names(self.reverse, "reverse"),
        )

    def _match_pack(
        self, forms: pd.DataFrame, name: str | Path | Instrument, taken: set[str | None]
    ) -> tuple[Instrument, PlacedColumns]:
        """Return a pack, and its columns by their code or wording, or as ``items`` says."""
        described = ("factors", "scale", "overall_scale", "satisfied", "reverse")
        if given := [word for word in described if getattr(self, word) is not None]:
            raise ConfigError("frame_pack_too", names=", ".join(f"{word}=" for word in given))
        pack = name if isinstance(name, Instrument) else read_instrument(name)
        items = self.items if isinstance(self.items, Mapping) else {}
        code_of = dict(items) or {column: column for column in list_names(self.items, "items")}
        if self.overall and pack.overall_item:
            code_of[self.overall] = pack.overall_item.code
        _check_columns("items", [*code_of], forms)
        for code in code_of.values():
            if code not in pack.rated_codes:
                known = list_known(code, pack.rated_codes)
                raise ConfigError("frame_pack_code", pack=pack.id, code=code, known=known)
        named = {"items": {code: column for column, code in code_of.items()}}
        headers = [str(header) for header in forms if header not in taken]
        placed = place_columns(headers, Columns().model_copy(update=named), pack)
        for code, columns in placed.twice.items():
            listed = ", ".join(columns)
            raise ColumnError("frame_pack_twice", pack=pack.id, code=code, columns=listed)
        missing = [code for code in pack.items if code not in placed.items]
        if missing:
            known = list_known(missing[0], placed.unknown)
            listed, first = ", ".join(missing), missing[0]
            raise ColumnError(
                "frame_pack_items", pack=pack.id, codes=listed, first=first, known=known
            )
        return pack, PlacedColumns(placed.items, placed.indicators)


def _take_sample(
    frame: pd.DataFrame | Design, sampling: tuple[Any, ...], *, nested: bool, lonely: Lonely
) -> Design:
    """Return the design of the frame, its columns named by text and its rows numbered from 0."""
    if isinstance(frame, Design):
        if frame.on_files or any(names is not None for names in sampling):
            raise DesignError("frame_files" if frame.on_files else "frame_design_twice")
        return replace(frame, frame=_name_columns(frame.frame))
    check_kind(frame, pd.DataFrame, "frame", "frame")
    weights, strata, clusters, fpc, replicates = sampling
    named = _name_columns(frame)
    return Design(named, weights, strata, clusters, fpc, replicates, nested, lonely)


def _name_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with names of text and rows numbered from 0; refuse a name that repeats."""
    names = pd.Index([str(name) for name in frame.columns])
    if names.has_duplicates:
        raise ColumnError("frame_twice", column=names[names.duplicated()][0])
    return frame.set_axis(names, axis=1).reset_index(drop=True)


def _check_columns(role: str, names: Sequence[str], frame: pd.DataFrame) -> None:
    """Refuse names of an argument that the frame lacks."""
    missing = [name for name in names if name not in frame]
    if missing:
        listed = ", ".join(f"“{name}”" for name in missing[:SHOWN_NAMES])
        known = list_known(missing[0], frame.columns)
        raise ColumnError("frame_columns", role=role, columns=listed, known=known)


def _write_values(values: object) -> list[str]:
    """Return a value, or each of several, as the text that a file would have."""
    several = values if isinstance(values, list | tuple | set) else [values]
    return [write_cell(value) for value in several]


def _write_column(column: pd.Series) -> pd.Series:
    """Return a column as texts, each distinct value written once: blank is ``""``, True is 1."""
    number, distinct = pd.factorize(column.astype(float) if is_bool_dtype(column) else column)
    texts = np.array([*map(write_cell, distinct), ""], dtype=object)
    return pd.Series(texts[number], index=column.index)


def _check_labels(
    labels: Mapping[str, int] | None, blank: Sequence[str], pack: Instrument
) -> dict[str, int]:
    """Return the level of each label as text; refuse one without a level, or that means blank."""
    check_mapping(labels or {}, "labels", "labels")
    levels = {level for code in pack.rated_codes for level in pack.scale_of(code).levels}
    level_of = {write_cell(label): level for label, level in dict(labels or {}).items()}
    blanks = {fold_answer(text) for text in blank}
    for label, level in level_of.items():
        if level not in levels or fold_answer(label) in blanks:
            ends: dict[str, Any] = {"low": min(levels), "high": max(levels)}
            message = "frame_label_blank" if level in levels else "frame_label"
            raise ConfigError(message, (), (), label=label, level=level, **ends)
    return level_of


def _list_units(
    forms: pd.DataFrame, unit: str | None, group: str | None, wave: Wave
) -> tuple[pd.DataFrame, dict[str, Bilingual]]:
    """Return the list of units as from files, and the names of groups that are not the usual."""
    rows = pd.DataFrame({"code": wave.id, "group": NO_GROUP}, forms.index)
    if unit:
        rows["code"] = _write_column(forms[unit]).map(tidy_text)
    if group:
        rows["group"] = _write_column(forms[group]).map(tidy_text)
    rows = rows[rows["code"] != ""].drop_duplicates().sort_values("code")
    folded = rows["code"].map(fold_text)
    for code in rows["code"][folded.duplicated(keep=False)]:
        alike = rows[folded == fold_text(code)]
        names, in_groups = (
            ", ".join(f"“{text}”" for text in dict.fromkeys(alike[role])) for role in rows
        )
        message = "frame_unit_spelling" if len({*alike["code"]}) > 1 else "frame_unit_groups"
        raise UnitError(message, names=names, groups=in_groups, unit=unit)
    units = rows.reset_index(drop=True).reindex(columns=[*UNIT_COLUMNS, PLANNED])
    name = units["code"] if unit else [wave.title.text("vi")]
    units = units.assign(name_vi=name, name_en=name, parent="", aliases="")
    empty = dict.fromkeys(("valid_from", "valid_to"), None)
    groups = {text: Bilingual(vi=text, en=text) for text in units["group"] if text not in GROUPS}
    whole = {NO_GROUP: Bilingual(vi=say("vi", "frame.group"), en=say("en", "frame.group"))}
    return units.assign(**empty), {**groups, **(whole if NO_GROUP in groups else {})}


def _read_cells(
    forms: pd.DataFrame, placed: PlacedColumns, wave: Wave, units: pd.DataFrame
) -> Cells:
    """Read the placed columns as those of a file; every wrong cell is refused, in one error."""
    parts = (placed.items, placed.indicators, placed.roles, placed.keys)
    headers = dict.fromkeys(header for part in parts for header in part.values())
    texts = pd.DataFrame({header: _write_column(forms[header]) for header in headers})
    texts.index = pd.RangeIndex(1, len(forms) + 1)
    cells, entry = Cells(Table(Sheet(FRAME, "", []), (), texts, {}), texts), wave.responses[0]
    index = {fold_text(code): code for code in units["code"]}
    read_placed_columns(cells, placed, entry, wave, index if placed.roles else {"": wave.id})
    cells.wrong = {
        f"frame_{kind}" if kind.split()[0] in OWN_SENTENCES else kind: places
        for kind, places in cells.wrong.items()
    }
    errors = list_cell_errors(cells, placed, wave.read_pack(), index)
    if errors:
        raise errors[0] if len(errors) == 1 else SeveralError(errors)
    return cells


def _join_columns(cells: Cells, placed: PlacedColumns, wave: Wave, sample: Design) -> pd.DataFrame:
    """Return what was read, with the other columns of the frame as they are.

    Columns of personal data and those with the name of a role are left out, with an entry in the
    ledger; a key that is no text keeps its kind.
    """
    read, forms = cells.frame, sample.frame
    blanks = {fold_answer(text) for text in wave.responses[0].blank}
    given = sample.declared_replicates.columns if sample.declared_replicates else ()
    questions = {*placed.items.values(), *placed.indicators.values()}
    others = {}
    for name in forms.columns.difference([*read, *questions, *given], sort=False):
        if is_personal(name) or name in {*RESERVED, *ROLES}:
            if name not in sample.design_columns:
                cells.note_column(name, "personal" if is_personal(name) else "ignored")
            continue
        others[name] = forms[name]
        if name in wave.key_codes:
            texts = _write_column(forms[name]).map(fold_answer)
            others[name] = forms[name].mask(texts.isin(blanks))
    return pd.concat([read, pd.DataFrame(others, index=forms.index)], axis=1)


def _make_survey(
    read: pd.DataFrame, cells: Cells, wave: Wave, units: pd.DataFrame, sample: Design
) -> Survey:
    """Return the survey of the forms with an answer, by the rows of the whole sample."""
    pack = wave.read_pack()
    group_of = dict(zip(units["code"], units["group"], strict=True))
    valid, dropped = drop_short_forms(read.assign(group=read["unit"].map(group_of)), wave, pack)
    valid = valid[sample.members[valid.index]]
    if valid.empty:
        raise FormError("frame_no_answer", n=len(read), items=", ".join(pack.items))
    inputs = {MEMORY.absolute(): _describe_content(cells.raw, sample)}
    ledger = join_ledgers([*cells.ledger, dropped])
    return Survey(wave, pack, units, valid, ledger, len(read), inputs)


def _describe_content(texts: pd.DataFrame, sample: Design) -> FileContent:
    """Return the hash of what was read of a frame: names and texts of columns, in their order."""
    design = sample.frame[sample.design_columns].apply(_write_column)
    columns = {**texts.to_dict("series"), **design.to_dict("series")}
    values = b"".join(pd.util.hash_array(text.to_numpy()).tobytes() for text in columns.values())
    content = "\0".join(columns).encode() + values
    return FileContent(str(MEMORY), hashlib.sha256(content).hexdigest(), len(content))
