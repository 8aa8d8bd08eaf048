"""Lines of a plan and verdicts on them as records, for chapters that print one after the other."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Literal

import pandas as pd

DECIDED = ("approved", "in_progress", "done")
MAY_LACK = ("due", "is_met", "first_met")  # None where there is none


@dataclass(frozen=True)
class PlanLine:
    """A line of the coming plan, as it may be published; see ``sipas.plan``."""

    id: str
    unit: str
    item: str
    measure: str
    task: str
    indicator: str
    baseline: float
    target: float
    detectable: float
    owner: str
    due: date | None
    status: str
    note: str

    @property
    def is_visible(self) -> bool:
        """Whether the next survey could show a rise from the baseline to the target."""
        return not {"target_inside_error", "not_visible"} & {*self.note.split()}

    @property
    def is_undecided(self) -> bool:
        """Whether the forms do not show that the item is a weak one."""
        return "undecided" in self.note.split()

    @property
    def is_decided(self) -> bool:
        """Whether it is more than a proposal: approved, begun or done."""
        return self.status in DECIDED


@dataclass(frozen=True)
class Judged:
    """A verdict on a line of an earlier plan, or on a measure of several units (rule G4)."""

    key: str
    kind: str
    before: str
    after: str
    id: str
    unit: str
    unit_then: str
    item: str
    measure: str
    task: str
    value: float
    verdict: str
    reason: str
    is_met: bool | None
    first_met: int | None
    due: date | None
    status: str
    year: int

    @property
    def is_compared(self) -> bool:
        """Whether the change could be set beside the change expected without the measure."""
        return not math.isnan(self.value)

    @property
    def is_running(self) -> bool:
        """Whether it was decided and is not finished."""
        return self.status in DECIDED and self.status != "done"


def name_kind(lines: Iterable[PlanLine]) -> Literal["plan", "proposal"]:
    """Return ``plan``, or ``proposal`` where nobody has decided on a line."""
    return "plan" if any(line.is_decided for line in lines) else "proposal"


def list_plan_lines(frame: pd.DataFrame) -> list[PlanLine]:
    """Return every line of a plan, in its order."""
    return [PlanLine(*cells) for cells in _list_cells(frame, PlanLine)]


def list_verdicts(verdicts: pd.DataFrame, waves: Sequence[str]) -> list[Judged]:
    """Return the verdicts on earlier plans by every later wave, latest plan and wave first.

    Args:
        verdicts: See ``judge_plans``.
        waves: Ids of the waves, oldest first.
    """
    judged = [Judged(*cells) for cells in _list_cells(verdicts, Judged)]
    order = {wave: -position for position, wave in enumerate(waves)}
    return sorted(judged, key=lambda row: (order[row.before], order[row.after]))


def _list_cells(frame: pd.DataFrame, record: type[PlanLine | Judged]) -> list[list[Any]]:
    """Return the cells of each record."""
    names = [column.name for column in fields(record)]
    columns = [
        [None if name in MAY_LACK and pd.isna(cell) else cell for cell in frame[name]]
        for name in names
    ]
    return [list(cells) for cells in zip(*columns, strict=True)]
