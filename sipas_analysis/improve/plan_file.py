"""Read the plan that officers edited, as strictly as ``wave.yaml``.

What the program computed is computed again: a figure in a cell must be the one of the wave, and an
empty cell is filled. All mistakes of a file are listed together.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

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
from sipas_analysis.improve.actions import read_library
from sipas_analysis.improve.plan import (
    NUMBERS,
    PLAN_COLUMNS,
    SUPPRESS,
    SURVEY,
    Plan,
    compare_targets,
)
from sipas_analysis.improve.plan_cells import PlanCells, say_notice
from sipas_analysis.improve.plan_sheet import PlanSheet, read_plan_sheet
from sipas_analysis.improve.plan_words import PlanWords
from sipas_analysis.infer.sample_size import FUZZ
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.measure.scores import score_everyone
from sipas_analysis.measure.wave_breaks import link_units
from sipas_analysis.messages import LANGUAGES, format_number
from sipas_analysis.sheets.texts import fold_text

COMPUTED = {"baseline": 2, "low": 2, "high": 2, "detectable": 2, "n": 0}  # decimals in the file
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
        return [notice.text("en") for notice in self.notices]


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
    sheet = read_plan_sheet(Path(path))
    _refuse_together(sheet.errors)
    source = _find_source(sheet, survey)
    reader = PlanCells(sheet, PlanWords(source))
    records = [reader.read_line(row) for row in sheet.lines]
    _check_ids(sheet)
    frame = _add_figures(pd.DataFrame(records), source, scores)
    _check_figures(sheet, frame)
    _refuse_together(sheet.errors)
    order = {code: number for number, code in enumerate(["", *source.units["code"]])}
    frame = frame.sort_values("unit", key=lambda units: units.map(order), kind="stable")
    notices = [*_note_columns(sheet), *reader.notices, *_note_measures(sheet, records, source)]
    notices += _note_successors(frame, source, survey)
    frame[[*NUMBERS]] = frame[[*NUMBERS]].astype(float)
    return PlanOfFile(frame[[*PLAN_COLUMNS]].reset_index(drop=True), notices=tuple(notices))


def _refuse_together(errors: Sequence[SipasError]) -> None:
    """Raise the mistakes that were noted, if there are any."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise SeveralError(errors)


def _find_source(sheet: PlanSheet, survey: Survey) -> Survey:
    """Return the survey from which the plan was made: this one, or an earlier one it names.

    A new line may leave its wave empty, as all lines are of one wave.
    """
    waves = {row: cells["wave"] for row, cells in sheet.lines.items() if cells["wave"]}
    if not sheet.lines:
        raise PlanError("plan_no_lines", [sheet.place(sheet.header, "id", "")])
    if not waves:
        rows = [sheet.place(row, "wave") for row in sheet.lines]
        raise PlanError("plan_no_wave", rows, id=survey.wave.id)
    if {*waves.values()} == {survey.wave.id}:
        return survey
    paths = map(survey.wave.path_of, survey.wave.earlier)
    earlier = {wave.id: wave for wave in map(read_wave, paths)}
    first = next(iter(waves.values()))
    known = {survey.wave.id, *earlier}
    wrong = [row for row, wave in waves.items() if wave != first or wave not in known]
    if wrong:
        places = [sheet.place(row, "wave") for row in wrong]
        raise PlanError("plan_wave", places, id=survey.wave.id, known=", ".join(sorted(known)))
    return read_survey(earlier[first])


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

    A line that does not follow the survey, and one of a figure that is hidden, has none.
    """
    table = score_everyone(source) if scores is None else scores
    known = table[table["value"].notna() & (table["flag"] != SUPPRESS)]
    known = known[known["domain"].isin(["all", "unit"])]
    units = known["unit"].where(known["domain"] == "unit", "")
    known = known.assign(unit=units).set_index(["unit", "variable"])
    items = lines["item"].where(lines["indicator"] == SURVEY, "")
    figures = known.reindex(pd.MultiIndex.from_arrays([lines["unit"], items]))
    columns = {new: figures[name].to_numpy(dtype=float) for name, new in FIGURES.items()}
    compared = compare_targets(figures, lines["target"].to_numpy(dtype=float))
    written = [
        [word for word in text.split() if word not in ("target_inside_error", "not_visible")]
        for text in lines["note"]
    ]
    undecided = [[word for word in words if word == "undecided"] for words in written]
    remarks = [[word for word in words if word != "undecided"] for words in written]
    parts = zip(undecided, compared["note"], remarks, strict=True)
    return lines.assign(
        **columns,
        detectable=compared["detectable"].to_numpy(),
        n_needed=compared["n_needed"].to_numpy(),
        note=[" ".join(filter(None, [*first, word, *last])) for first, word, last in parts],
    )


def _check_figures(sheet: PlanSheet, lines: pd.DataFrame) -> None:
    """Refuse other figures than those of the wave; of lines without another mistake."""
    faulty = {place.row for error in sheet.errors for place in error.places}
    rows = {
        row: line
        for row, line in zip(sheet.lines, lines.to_dict("records"), strict=True)
        if row not in faulty
    }
    wrong = [
        (row, name)
        for row, line in rows.items()
        for name, decimals in COMPUTED.items()
        if (cell := sheet.lines[row].get(name, "")) and not _is_same(cell, line[name], decimals)
    ]
    if wrong:
        places = [sheet.place(row, name) for row, name in wrong]
        wanted = {
            language: ", ".join(
                f"{place.letter}{row}: {format_number(rows[row][name], language, COMPUTED[name])}"
                for place, (row, name) in zip(places[:SHOWN], wrong, strict=False)
            )
            for language in LANGUAGES
        }
        sheet.errors.append(PlanError("plan_figure", places, wanted=wanted))
    least = {row: round(line["baseline"], COMPUTED["baseline"]) for row, line in rows.items()}
    too_low = [row for row, line in rows.items() if line["target"] < least[row] - FUZZ]
    blank = [
        row
        for row, line in rows.items()
        if least[row] >= 0 and not sheet.lines[row]["target"] and line["status"] != "dropped"
    ]
    for message_id, wrong_rows in (("plan_target_below", too_low), ("plan_target_blank", blank)):
        if wrong_rows:
            places = [sheet.place(row, "target") for row in wrong_rows]
            sheet.errors.append(PlanError(message_id, places))


def _is_same(cell: str, figure: float, decimals: int) -> bool:
    """Return whether a cell shows a figure, rounded as it is written."""
    digits = cell.replace(",", ".")
    try:
        return abs(float(digits) - figure) <= 0.5 * 10.0**-decimals + 1e-6
    except ValueError:
        return False


def _note_columns(sheet: PlanSheet) -> list[Bilingual]:
    """Say which columns are not of a plan and were not read."""
    names = ", ".join(f"“{header}”" for header in sheet.ignored)
    return [say_notice("ignored", names=names)] if names else []


def _note_measures(
    sheet: PlanSheet, records: Sequence[Mapping[str, object]], source: Survey
) -> list[Bilingual]:
    """Say which measures do not act on the item of their line: perhaps some columns were sorted."""
    pack, library = source.instrument, read_library(source.wave).measures
    places = [
        sheet.place(row, "measure")
        for row, line in zip(sheet.lines, records, strict=True)
        if line["measure"] and line["item"] in pack.items
        if line["item"] not in library[str(line["measure"])].items.get(pack.id, ())
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
