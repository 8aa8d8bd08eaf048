"""Read a wave's files into a survey, with a ledger of everything changed or dropped.

Every file is checked to its end. If an answer is neither a level of the scale nor blank, or a form
belongs to no listed unit, the run stops with the full list of mistakes.
"""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_kind, list_known
from sipas_analysis.collect.cells import list_places, write_texts
from sipas_analysis.collect.duplicates import find_same_files, settle_copies
from sipas_analysis.collect.file_cells import read_files
from sipas_analysis.collect.responses import ROLES
from sipas_analysis.collect.row_rules import (
    check_sample,
    drop_short_forms,
    find_absent_names,
    part_dossiers,
    repeat_forms,
)
from sipas_analysis.collect.units import (
    check_unit_days,
    find_unit_code,
    index_units,
    list_groups,
    name_nearest_unit,
    read_units,
)
from sipas_analysis.collect.wave import Wave, check_printed_texts
from sipas_analysis.errors import (
    SHOWN_PLACES,
    AnswerError,
    ColumnError,
    ConfigError,
    DesignError,
    FileError,
    FormError,
    Place,
    SeveralError,
    SipasError,
    UnitError,
)
from sipas_analysis.files import FileContent, refuse_changed
from sipas_analysis.infer.design import Design
from sipas_analysis.infer.domains import Condition
from sipas_analysis.input_copies import copy_inputs, find_changed, hold_files, release_files
from sipas_analysis.instrument.pack import RESERVED, Instrument, Scale
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.instrument.wording import IN_PLACE, list_wording, say_scales
from sipas_analysis.memory import return_memory
from sipas_analysis.messages import LANGUAGES, say

DROP_REASONS = ("form_dropped", "copy", "only", "leave_out")  # of forms that were read
LEDGER_COLUMNS = ("file", "row", "column", "found", "became", "reason", "code")


@dataclass(frozen=True, repr=False)
class Survey:
    """The validated forms of a wave.

    Attributes:
        wave: The facts of the year.
        instrument: The questionnaire and its index rules.
        units: The unit list, one row per unit.
        frame: One row per form: file, row, form, unit, group, keys, and one column per item (a
            level, or NaN for blank).
        ledger: Every changed value and every dropped column and form: file, row, column, found,
            became, reason and, of a cell, the code of its question or role.
        n_read: Forms read, before any was dropped.
        inputs: Every file that was read, by its absolute path, with the content that was read;
            empty if an earlier wave that the wave names cannot be read.
        sample: The whole sample, of which ``frame`` holds the forms of one index; None where the
            roles of the columns of ``frame`` say how its forms were drawn.
        dossiers: Code of the dossier that each form is about, by the index of ``frame``; None
            without a column of that role. Kept apart from ``frame``, so that no table, key or log
            holds a code (rules D7 and P3).
    """

    wave: Wave
    instrument: Instrument
    units: pd.DataFrame
    frame: pd.DataFrame
    ledger: pd.DataFrame
    n_read: int
    inputs: Mapping[Path, FileContent]
    sample: Design | None = None
    dossiers: "pd.Series[str] | None" = None

    @property
    def fingerprint(self) -> str:
        """Hash of all inputs, by name and content; empty if they are not known."""
        contents = [f"{file.file}\0{file.sha256}" for file in self.inputs.values()]
        return hashlib.sha256("".join(contents).encode()).hexdigest() if contents else ""

    @property
    def input_hashes(self) -> dict[str, str]:
        """Hash of each input by its absolute path, for ``hold_files``."""
        return {str(path): file.sha256 for path, file in self.inputs.items()}

    @property
    def keys(self) -> list[str]:
        """Columns by which figures may be split."""
        questions = [*self.instrument.indicators, *self.wave.key_codes]
        listed = dict.fromkeys(("unit", "group", "mode", *questions, *self.frame))
        no_keys = {*RESERVED, *ROLES, *self.instrument.rated_codes} - {"unit", "group", "mode"}
        return [key for key in listed if key in self.frame and key not in no_keys]

    @property
    def unit_names(self) -> dict[str, str]:
        """Vietnamese name by unit code."""
        return dict(zip(self.units["code"], self.units["name_vi"], strict=True))

    @cached_property
    def wording(self) -> dict[str, Bilingual]:
        """Text of each code; of units and groups under ``unit:<code>`` and ``group:<code>``."""
        columns = ["code", "name_vi", "name_en"]
        units = self.units.reindex(columns=columns, fill_value="").to_numpy().tolist()
        names = {f"unit:{code}": Bilingual(vi=vi, en=en) for code, vi, en in units}
        groups = {f"group:{code}": name for code, name in list_groups(self.wave).items()}
        heads = {
            f"{IN_PLACE}{key}": Bilingual(
                **{language: say(language, f"result.column.{column}") for language in LANGUAGES}
            )
            for key, column in (("unit", "unit_name"), ("group", "group"))
        }
        return heads | list_wording(self.instrument) | names | groups

    def design(self, frame: pd.DataFrame | None = None) -> Design:
        """Return how the forms were drawn; of the forms of ``frame``, if given.

        Forms of the sample that are not in the frame count with 0 in every variance (V1).
        """
        forms = self.frame if frame is None else frame
        if self.sample is not None:
            return _place_forms(forms, self.sample)
        roles = {role: role for role in ("weight", "stratum", "cluster", "fpc") if role in forms}
        return Design(
            forms,
            roles.get("weight"),
            roles.get("stratum"),
            roles.get("cluster"),
            roles.get("fpc"),
            nested=self.wave.design.nested == "true",
            lonely=self.wave.design.lonely,
        )

    def subset(self, condition: Condition) -> "Survey":
        """Return the survey of a part of its forms; the sample stays whole.

        Figures have the errors of R ``subset(design, …)``: forms outside the part count with 0.

        Args:
            condition: A condition on columns of ``frame`` as ``DataFrame.query`` reads it
                (``"sex == 'f' and age >= 60"``), yes/no for each form (a Series also for forms
                that were left out, by its index), or a function of the frame that returns it. A
                blank is no.

        Raises:
            DesignError: The condition cannot be read, is not yes/no for each form, or holds for
                none of them.

        Source: rule V1 in docs/method.md.

        Example:
            >>> import sipas_analysis as sipas
            >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
            >>> women = survey.subset("sex == 'female'")
            >>> len(women.frame), len(women.design().frame)
            (397, 870)
        """
        if isinstance(condition, pd.Series) and condition.index.is_unique:
            is_known = self.frame.index.isin(condition.index).all()
            condition = condition.reindex(self.frame.index) if is_known else condition
        members = Design(self.frame).subset(condition).members
        return replace(self, frame=self.frame[members], sample=_keep_sample(self.design()))

    def assign(self, **columns: Any) -> "Survey":
        """Return the survey with further columns, as ``DataFrame.assign``; ``by=`` may name them.

        Args:
            **columns: Values, one for each form, or a function of ``frame`` that returns them.

        Raises:
            ColumnError: A column with a role, such as ``unit``, or of the design.
            AnswerError: New answers to an item are neither blank nor a level of its scale.

        Example:
            >>> import sipas_analysis as sipas
            >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
            >>> late = survey.assign(again=lambda forms: forms["visits"].isin(["2", "3"]))
            >>> sipas.score(late, by="again").frame["again"].unique().tolist()
            [False, True]
        """
        of_sample = () if self.sample is None else self.sample.design_columns
        for name in columns:
            if name in {*RESERVED, *ROLES, *of_sample}:
                raise ColumnError("assign_role", column=name)
        frame = self.frame.assign(**columns)
        for code in self.instrument.rated_codes:
            if code in columns:
                check_levels(frame, code, self.instrument.scale_of(code))
        return replace(self, frame=frame)

    def with_design(self, design: Design) -> "Survey":
        """Return the survey with another design of the same forms: calibrated, with replicates.

        Args:
            design: Made from ``survey.design()``, such as ``sipas.rake(survey.design(), …)``; or
                of a frame with the same index as ``survey.frame``.

        Raises:
            DesignError: It has not the forms of the survey, or is on files.

        Source: rule W1 in docs/method.md.

        Example:
            >>> import sipas_analysis as sipas
            >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
            >>> people = {"sex": {"female": 960_000, "male": 950_000}}
            >>> survey = survey.with_design(sipas.rake(survey.design(), people))
            >>> round(survey.design().weight.sum())
            1910000
        """
        check_kind(design, Design, "design", "design")
        if design.on_files or not self.frame.index.isin(design.frame.index).all():
            found = "–" if design.on_files else len(design.frame)
            raise DesignError("design_forms", found=found, n=len(self.frame))
        forms = self.frame[design.members[design.frame.index.get_indexer(self.frame.index)]]
        return replace(self, frame=add_roles(forms, design), sample=_keep_sample(design))

    def is_many(self, key: str) -> bool:
        """Return whether a form may have several choices of a key."""
        indicator = self.instrument.indicators.get(key)
        return indicator is not None and indicator.kind == "many"

    def has_choice(self, key: str, choice: str) -> "pd.Series[bool]":
        """Return which forms made that choice, alone or among others."""
        if not self.is_many(key):
            return self.frame[key] == choice
        number, answers = pd.factorize(self.frame[key])  # few answers differ; a blank has -1
        is_made = np.array([choice in str(answer).split(";") for answer in answers] + [False])
        return pd.Series(is_made[number], self.frame.index, name=key)

    def __repr__(self) -> str:
        pack, best = self.instrument, self.frame.max(numeric_only=True)  # no form of one (rule P3)
        satisfied_from = {code: pack.scale_of(code).satisfied_from for code in pack.rated_codes}
        codes_of: dict[str, list[str]] = {}
        for code in pack.items:
            codes_of.setdefault(_describe_scale(pack.scale_of(code)), []).append(code)
        parts = [(f"{len(codes)} items of {text}", codes) for text, codes in codes_of.items()]
        if pack.overall_item:
            code = pack.overall_item.code
            text = _describe_scale(pack.scale_of(code))
            parts.append((f"{code} of {text}", [code]))
        texts = [
            text + " (no answer is)" * all(best[code] < satisfied_from[code] for code in codes)
            for text, codes in parts
        ]
        turned = [code for code in pack.rated_codes if pack.find_question(code).reverse]
        lines = [say("en", "view.survey.reversed", codes=", ".join(turned))] if turned else []
        lines += filter(None, ["; ".join(self.design().describe_roles())])
        lines += say_scales(pack, pack.items, "en")
        n_units = self.frame["unit"].nunique()
        head = f"{self.wave.id}: {len(self.frame)} forms of {self.n_read} read, {n_units} units"
        return "\n".join([f"{head}, {'; '.join(texts)}", *lines])


def refuse_key(survey: Survey, key: str) -> ColumnError:
    """Return the error of a column that figures cannot be split by, with the reason if known."""
    if key == survey.wave.columns.unit and key not in survey.keys:
        return ColumnError("key_unit", key=key)
    of_column = survey.ledger[(survey.ledger["column"] == key) & survey.ledger["row"].isna()]
    why = next((name for name in of_column["reason"] if name in ("personal", "ignored")), "")
    if why and key not in survey.keys:
        return ColumnError(f"key_{why}", key=key)
    is_many = survey.is_many(key)  # a key, but one form may have several values
    usable = [name for name in survey.keys if not (is_many and survey.is_many(name))]
    return ColumnError("no_key", key=key, known=list_known(key, usable))


def _describe_scale(scale: Scale) -> str:
    """Return the ends of a scale and its lowest satisfied level."""
    return f"{scale.low} to {scale.high}, satisfied from {scale.satisfied_from}"


def _keep_sample(design: Design) -> Design:
    """Return a design with the columns on how forms were drawn, without answers."""
    return replace(design, frame=design.frame[design.design_columns])


def _place_forms(forms: pd.DataFrame, sample: Design) -> Design:
    """Return the design of a sample with the columns of some of its forms, by their index."""
    whole = sample.frame
    answers = forms.drop(columns=whole.columns, errors="ignore").reindex(whole.index)
    design = sample.assign(**{str(name): answers[name] for name in answers})
    members = whole.index.isin(forms.index)
    return design if members.all() else design.subset(members)


def add_roles(forms: pd.DataFrame, sample: Design) -> pd.DataFrame:
    """Return forms with the weight, stratum and first cluster of each, under the names of roles."""
    places = sample.frame.index.get_indexer(forms.index)
    named = {"stratum": sample.strata, "cluster": next(iter(sample.cluster_columns), None)}
    roles = {role: sample.frame[name].array[places] for role, name in named.items() if name}
    roles |= {"weight": sample.weight[places]} if sample.weights else {}
    return forms.assign(**roles)


def check_levels(frame: pd.DataFrame, code: str, scale: Scale) -> None:
    """Refuse answers to a question that are neither blank nor a level."""
    is_wrong = frame[code].notna() & ~frame[code].isin(scale.levels)
    if is_wrong.any():
        places = list_places(frame[is_wrong], code, code)
        raise AnswerError("frame_answer", places, low=scale.low, high=scale.high)


_KEPT_SURVEYS: list[Survey] = []  # of one wave at most


def keep_survey(survey: Survey) -> None:
    """Let ``read_survey`` return this survey again as long as its files have the same bytes.

    The process that makes reports of one wave calls this, so that they do not read it again.
    """
    _KEPT_SURVEYS[:] = [survey] if survey.inputs else []


def find_changed_inputs(survey: Survey) -> list[Path]:
    """Return the inputs of a survey that are no longer what was read, or that came since."""
    changed = find_changed(survey.input_hashes)
    with release_files(), suppress(SipasError, OSError):
        here = [path.absolute() for path in survey.wave.name_files() if path.is_file()]
        changed += [path for path in here if path not in survey.inputs]
    return changed


def _copy_inputs(wave: Wave) -> dict[Path, FileContent]:
    """Copy every input, or give the copies that are held; nothing if one cannot be named."""
    try:
        names = wave.name_files()
    except (SipasError, OSError):
        return {}
    return copy_inputs(names)


def read_survey(wave: Wave) -> Survey:
    """Read all answers of a wave.

    Args:
        wave: The facts of the year, from ``read_wave``.

    Returns:
        The survey with its ledger.

    Raises:
        DesignError: Strata and clusters contradict their declaration, or a stratum has one cluster.
        FileError: A file or sheet is missing, empty or unreadable.
        ColumnError: A column is missing, doubled or unknown.
        ConfigError: An adjuster is not a question with a single answer.
        AnswerError: Answers that are neither blank nor a level; all are listed.
        UnitError: A unit that is not in the list.
        FormError: Form ids repeat, or no form is left.
        SeveralError: More than one of these.
        ChangedError: A file changed since the wave was read, or while it is read.

    Example:
        >>> import sipas_analysis as sipas
        >>> print(sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml")))
        an-giang-2021: 870 forms of 874 read, 29 units, 22 items of 1 to 5, satisfied from 4; \
OVERALL of 1 to 5, satisfied from 4
    """
    check_kind(wave, Wave, "wave")
    inputs = _copy_inputs(wave)
    here = inputs.get(wave.path.absolute())
    refuse_changed([wave.path] if here and wave.sha256 not in ("", here.sha256) else [])
    with hold_files({str(path): file.sha256 for path, file in inputs.items()}):
        for survey in _KEPT_SURVEYS:
            if survey.inputs == inputs and survey.wave == wave:
                return survey
        return _read_all(wave, inputs)


def _read_all(wave: Wave, inputs: Mapping[Path, FileContent]) -> Survey:
    """Read all answers of a wave whose inputs have the content given."""
    pack, units = wave.read_pack(), read_units(wave)
    check_printed_texts(wave)
    frame, ledgers, n_read = _read_files(wave, index_units(units))
    error = check_unit_days(units, {*frame["unit"].unique()}, wave.collected.end, wave.units)
    error = error or _check_form_days(frame, wave)
    if error:
        raise error
    rows, (frame, uncounted) = len(frame), repeat_forms(frame, wave)
    n_read += len(frame) - rows
    forms, dropped = drop_short_forms(frame, wave, pack)
    if forms.empty:
        raise FormError("no_form_left", n_read=n_read, least=wave.min_answered)
    group = forms["unit"].map(dict(zip(units["code"], units["group"], strict=True)))
    ledger = join_ledgers([*ledgers, uncounted, dropped])
    forms = forms.reset_index(drop=True).assign(group=group.to_numpy())
    forms, dossiers = part_dossiers(forms)
    survey = Survey(wave, pack, units, forms, ledger, n_read, inputs, dossiers=dossiers)
    check_sample(forms, wave)
    survey.design()  # refuses a sample that contradicts its declaration
    _check_adjusters(survey)
    for code in wave.accepted:
        if code not in survey.unit_names:
            close = name_nearest_unit(units, code)
            raise ConfigError("wave_accepted", [Place(wave.path.name)], code=code, close=close)
    return_memory()
    return survey


def _read_files(
    wave: Wave, index: Mapping[str, str]
) -> tuple[pd.DataFrame, list[pd.DataFrame], int]:
    """Return the forms without copies, the ledgers of all files and the number of forms read.

    Mistakes of all files are refused in one list.
    """
    same_files = find_same_files(wave)
    files, file_errors = read_files(wave, index)
    errors: list[SipasError] = [*same_files, *file_errors]
    n_left_out = sum(cells.n_left_out for cells in files)
    read = [cells for cells in files if cells.columns and len(cells.raw)]
    frames = [cells.frame if len(read) > 1 else cells.numbered_frame for cells in read]
    if not frames and not errors:
        errors.append(FormError("no_form_left", n_read=n_left_out, least=wave.min_answered))
    if frames and not same_files:
        all_forms = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
        frame, copies, copy_errors = settle_copies(all_forms, wave, wave.read_pack())
        errors += copy_errors
    names = {name for cells in files for name in cells.names}
    is_read = not any(isinstance(error, FileError) for error in errors)
    absent = find_absent_names(wave, names) if is_read else None
    errors += [absent] if absent else []
    if errors:
        raise errors[0] if len(errors) == 1 else SeveralError(errors)
    ledgers = [ledger for cells in files for ledger in cells.ledger]
    n_read = len(all_forms) + n_left_out
    del files, read, frames, all_forms  # their memory is needed for the texts
    return_memory()
    return write_texts(frame), [*ledgers, copies], n_read


def _check_form_days(frame: pd.DataFrame, wave: Wave) -> SipasError | None:
    """Return an error for days outside the fieldwork, or outside the year and the next year."""
    if "date" not in frame:
        return None
    start = wave.collected.start or date(wave.year, 1, 1)
    end = wave.collected.end or date(wave.year + 1, 12, 31)
    days = frame["date"].dropna()
    outside = days[(days < start.isoformat()) | (days > end.isoformat())]
    places = list_places(frame.loc[outside.index], wave.columns.date, "date")
    named = ", ".join(f'"{day}"' for day in sorted({*outside})[:SHOWN_PLACES])
    fields = {"start": start, "end": end, "leave_out": f"leave_out: {{date: [{named}]}}"}
    return AnswerError("day_outside", places, **fields) if places else None


def join_ledgers(ledgers: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return one ledger with the columns of every ledger."""
    empty = pd.DataFrame(columns=[*LEDGER_COLUMNS])
    ledger = pd.concat(ledgers or [empty], ignore_index=True)
    ledger = ledger.reindex(columns=[*LEDGER_COLUMNS], fill_value="").astype({"row": "Int64"})
    ledger["code"] = ledger["code"].fillna("")
    return ledger


def _check_adjusters(survey: Survey) -> None:
    """Refuse an adjuster that is not a key of the survey, or that allows several choices."""
    keys = [key for key in survey.keys if not survey.is_many(key)]
    for adjuster in survey.wave.adjusters:
        if adjuster not in keys:
            places = [Place(survey.wave.path.name)]
            raise ConfigError("wave_adjuster", places, key=adjuster, known=", ".join(keys))


def find_unit(survey: Survey, unit: str) -> str:
    """Return the code of a unit with forms, asked for by its code, its name or an alias.

    Raises:
        UnitError: The unit is unknown, or no form belongs to it.
    """
    code = find_unit_code(survey.units, unit)
    if not (survey.frame["unit"] == code).any():
        raise UnitError("unit_empty", unit=unit)
    return code
