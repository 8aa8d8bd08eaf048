"""Read the plan that officers edited, as strictly as ``wave.yaml``.

What the program computed is computed again: a figure in a cell must be the one of the wave, and an
empty cell is filled. All mistakes of a file are listed together.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_kind, check_path
from sipas_analysis.collect.survey import Survey, read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.errors import (
    PlanError,
    SeveralError,
    SipasError,
    group_places,
    list_places,
)
from sipas_analysis.improve.actions import SURVEY, read_library
from sipas_analysis.improve.plan import (
    NUMBERS,
    PLAN_COLUMNS,
    Plan,
    compare_targets,
)
from sipas_analysis.improve.plan_cells import PlanCells, say_notice
from sipas_analysis.improve.plan_sheet import COMPUTED, PlanSheet, read_plan_sheet
from sipas_analysis.improve.plan_words import PlanWords
from sipas_analysis.infer.sample_size import FUZZ
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.measure.scores import check_scores, score_everyone, select_shown
from sipas_analysis.measure.wave_breaks import link_units
from sipas_analysis.messages import LANGUAGES, format_number
from sipas_analysis.records.indicators import INDICATORS, LOWER_IS_BETTER, find_baselines
from sipas_analysis.records.office_records import read_records
from sipas_analysis.sheets.texts import fold_text

FIGURES = {"value": "baseline", "low": "low", "high": "high", "n_valid": "n"}
SHOWN = 3  # right figures that a refusal names


@dataclass(frozen=True, eq=False, repr=False)
class PlanOfFile(Plan):
    """A plan as it was read from a file.

    Attributes:
        notices: What was read in another way than it is written.
    """

    notices: tuple[Bilingual, ...] = ()

    def sentences(self) -> list[str]:
        """Say what was read in another way than it is written."""
        return [notice.text(self.language) for notice in self.notices]


def read_plan(
    path: str | PathLike[str], survey: Survey, *, scores: pd.DataFrame | None = None
) -> PlanOfFile:
    """Read a plan that officers edited, checked to its last cell.

    Columns may stand in any order under their machine, Vietnamese or English names, with columns of
    others between them. A formula counts by its result. Figures of the wave are computed again and
    must be those of the file, to two decimals; where the cell is empty, they are filled in.

    Args:
        path: ``plan.xlsx`` or ``plan.csv``, as ``sipas plan`` writes them.
        survey: The wave from which the plan was made, or a later one that names it under
            ``earlier:``.
        scores: Figures of the wave from which the plan was made, as for ``plan``.

    Returns:
        The plan, whose ``unit`` is the code of the unit when the plan was made; ``notices`` says
        what was read in another way than it is written, and which units have another code since.

    Raises:
        ColumnError: ``scores`` lacks columns that figures have.
        FileError: The file is missing, damaged, empty, or locked by a password.
        PlanError: A column is missing, doubled or renamed; the plan is of another wave; a cell is
            not what its column asks for. Several such mistakes make a ``SeveralError``.

    Source: rule G3 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2020/wave.yaml"))
        >>> sipas.read_plan("data/an-giang-2020/plan.xlsx", survey).frame["wave"].iloc[0]
        'an-giang-2020'
    """
    check_path(path)
    check_kind(survey, Survey, "survey")
    if scores is not None:
        check_scores(scores)
    sheet = read_plan_sheet(Path(path))
    source = _find_source(sheet, survey)
    lines = fill_plan(sheet, source, scores)
    notices = (*lines.notices, *_note_successors(lines.frame, source, survey))
    return replace(lines, notices=notices)


def fill_plan(sheet: PlanSheet, source: Survey, scores: pd.DataFrame | None = None) -> PlanOfFile:
    """Read the lines of a sheet, and fill in the figures of the wave from which they were made.

    Raises:
        PlanError, SeveralError: As ``read_plan``.
    """
    reader = PlanCells(sheet, PlanWords(source))
    written = pd.DataFrame([reader.read_line(row) for row in sheet.lines], [*sheet.lines])
    _check_ids(sheet)
    frame = _add_figures(written, source, scores)
    rows = _list_right_rows(sheet)
    _check_figures(sheet, written.loc[rows], frame)
    _check_targets(sheet, frame.loc[rows])
    _refuse_together(sheet.errors)
    order = {code: number for number, code in enumerate(["", *source.units["code"]])}
    frame = frame.sort_values("unit", key=lambda units: units.map(order), kind="stable")
    notices = [*_note_columns(sheet), *reader.notices, *_note_measures(sheet, written, source)]
    frame[[*NUMBERS]] = frame[[*NUMBERS]].astype(float)
    table = frame[[*PLAN_COLUMNS]].reset_index(drop=True)
    return PlanOfFile(table, notices=tuple(notices), wording=source.wording)


def _refuse_together(errors: Sequence[SipasError]) -> None:
    """Raise the mistakes that were noted, if there are any."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise SeveralError(errors)


def _find_source(sheet: PlanSheet, survey: Survey) -> Survey:
    """Return the survey from which the plan was made: this one, or an earlier one it names."""
    if {cells["wave"] for cells in sheet.lines.values()} - {""} == {survey.wave.id}:
        _refuse_together(sheet.errors)
        return survey
    paths = map(survey.wave.path_of, survey.wave.earlier)
    earlier = {wave.id: wave for wave in map(read_wave, paths)}
    return read_survey(earlier[find_wave_id(sheet, [*earlier, survey.wave.id])])


def find_wave_id(sheet: PlanSheet, known: Sequence[str]) -> str:
    """Return the id of the wave from which a plan was made.

    A new line may leave its wave empty, as all lines are of one wave.

    Args:
        sheet: The sheet of the plan.
        known: Ids of the waves from which it may be; the last is the wave that reads it.

    Raises:
        PlanError: The sheet has mistakes or no line, or its lines are of no wave, of one that is
            not known, or of several.
    """
    _refuse_together(sheet.errors)
    waves = {row: cells["wave"] for row, cells in sheet.lines.items() if cells["wave"]}
    if not sheet.lines:
        raise PlanError("plan_no_lines", [sheet.place(sheet.header, "id", "")])
    if not waves:
        rows = [sheet.place(row, "wave") for row in sheet.lines]
        raise PlanError("plan_no_wave", rows, id=known[-1])
    first = next(iter(waves.values()))
    wrong = [row for row, wave in waves.items() if wave != first or wave not in known]
    if wrong:
        places = [sheet.place(row, "wave") for row in wrong]
        raise PlanError("plan_wave", places, id=known[-1], known=", ".join(sorted(known)))
    return first


def _check_ids(sheet: PlanSheet) -> None:
    """Refuse every line whose id another line has too."""
    counts = Counter(fold_text(cells["id"]) for cells in sheet.lines.values())
    doubled = [
        sheet.place(row, "id")
        for row, cells in sheet.lines.items()
        if cells["id"] and counts[fold_text(cells["id"])] > 1
    ]
    if doubled:
        sheet.errors.append(PlanError("plan_id_twice", doubled))


def _add_figures(lines: pd.DataFrame, source: Survey, scores: pd.DataFrame | None) -> pd.DataFrame:
    """Return lines with the figures of the wave, and notes on their targets, as ``plan`` has them.

    A line that follows an indicator of the records has its percentage and the number of records.
    A line that follows neither, and one of a figure that is hidden, has none.
    """
    table = score_everyone(source) if scores is None else scores
    known = select_shown(table).set_index(["unit", "variable"])
    items = lines["item"].where(lines["indicator"] == SURVEY, "")
    figures = known.reindex(pd.MultiIndex.from_arrays([lines["unit"], items]))
    columns = {new: figures[name].to_numpy(dtype=float) for name, new in FIGURES.items()}
    if source.wave.records and lines["indicator"].isin([*INDICATORS]).any():
        pairs = zip(lines["indicator"], lines["unit"], strict=True)
        of_records = find_baselines(read_records(source), pairs, source.wave.min_cell)
        for name, numbers in zip(("baseline", "n"), np.array(of_records).T, strict=True):
            columns[name] = np.where(np.isnan(numbers), columns[name], numbers)
    compared = compare_targets(figures, lines["target"].to_numpy(dtype=float))
    undecided = np.where(lines["note"].str.contains("undecided"), "undecided", "")
    notes = zip(undecided, compared["note"], strict=True)
    return lines.assign(
        **columns,
        detectable=compared["detectable"].to_numpy(),
        n_needed=compared["n_needed"].to_numpy(),
        note=[" ".join(filter(None, pair)) for pair in notes],
    )


def _check_figures(sheet: PlanSheet, written: pd.DataFrame, lines: pd.DataFrame) -> None:
    """Refuse other figures than those of the wave, to the decimals of the file."""
    wrong = [
        (row, name)
        for row in written.index
        for name, decimals in COMPUTED.items()
        if pd.notna(written.loc[row, name])
        if not abs(written.loc[row, name] - lines.loc[row, name]) <= 0.5 * 10.0**-decimals + FUZZ
    ]
    if not wrong:
        return
    places = [sheet.place(row, name) for row, name in wrong]
    wanted = {
        language: ", ".join(
            f"{place.letter}{row}: {format_number(lines.loc[row, name], language, COMPUTED[name])}"
            for place, (row, name) in zip(places[:SHOWN], wrong, strict=False)
        )
        for language in LANGUAGES
    }
    sheet.errors.append(PlanError("plan_figure", places, wanted=wanted))


def _check_targets(sheet: PlanSheet, lines: pd.DataFrame) -> None:
    """Refuse a target worse than the baseline, and a line of the survey without a target."""
    least, should_fall = (
        lines["baseline"].round(COMPUTED["baseline"]),
        lines["indicator"].isin(LOWER_IS_BETTER),
    )
    is_followed = least.notna() & (lines["indicator"] == SURVEY) & (lines["status"] != "dropped")
    is_blank = is_followed & lines["target"].isna()
    mistakes = {
        "plan_target_below": ~should_fall & (lines["target"] < least - FUZZ),
        "plan_target_above": should_fall & (lines["target"] > least + FUZZ),
        "plan_target_blank": is_blank,
    }
    for message_id, is_wrong in mistakes.items():
        if places := [sheet.place(row, "target") for row in lines.index[is_wrong]]:
            sheet.errors.append(PlanError(message_id, places))


def _list_right_rows(sheet: PlanSheet) -> list[int]:
    """Return the rows of lines without a mistake so far."""
    wrong = {place.row for error in sheet.errors for place in error.places}
    return [row for row in sheet.lines if row not in wrong]


def _note_columns(sheet: PlanSheet) -> list[Bilingual]:
    """Say which columns are not of a plan and were not read."""
    names = ", ".join(f"“{header}”" for header in sheet.ignored)
    return [say_notice("ignored", names=names)] if names else []


def _note_measures(sheet: PlanSheet, lines: pd.DataFrame, source: Survey) -> list[Bilingual]:
    """Say which measures do not act on the item of their line: perhaps some columns were sorted."""
    pack, library = source.instrument, read_library(source.wave).measures
    places = [
        sheet.place(row, "measure")
        for row, item, measure in lines[["item", "measure"]].itertuples()
        if measure and item in pack.items
        if item not in library[measure].items.get(pack.id, ())
    ]
    if not places:
        return []
    groups = group_places(places, are_names=True)
    texts = {language: list_places(groups, language) for language in LANGUAGES}
    return [say_notice("measure", places=Bilingual(**texts))]


def _note_successors(lines: pd.DataFrame, source: Survey, survey: Survey) -> list[Bilingual]:
    """Say which units of a plan have another code in a later wave, or were split since."""
    if source is survey:
        return []
    links, units = link_units(source, survey), [unit for unit in lines["unit"].unique() if unit]
    later = {unit: links.successors.get(unit, unit) for unit in units}
    moved = [f"{unit} → {code}" for unit, code in later.items() if code != unit]
    parts = {unit: [code for code in links.split if unit in links.split[code]] for unit in units}
    split = [f"{unit} → {', '.join(codes)}" for unit, codes in parts.items() if codes]
    notices = (("successor", moved), ("split", split))
    return [say_notice(name, units="; ".join(names)) for name, names in notices if names]
