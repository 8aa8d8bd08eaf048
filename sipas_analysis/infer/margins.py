"""Known tables and totals of a population, checked against the forms of a sample (rule W1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from sipas_analysis.arguments import check_mapping, list_known
from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import Design, Floats, Ints, check_columns

Totals = Mapping[str | tuple[str, ...], float | Mapping[object, float]]
INTERCEPTS = ("(Intercept)", "Intercept")


@dataclass(frozen=True)
class Margin:
    """One known table or total of the population.

    Attributes:
        name: Column, or columns joined by ×.
        level: Number of the level of each form, -1 for none, shape (n,).
        values: Value of each form, shape (n,): 1 for a level.
        levels: Names of the levels.
        wanted: Population of each level, shape (m,).
    """

    name: str
    level: Ints
    values: Floats
    levels: list[object]
    wanted: Floats

    def add_up(self, weight: Floats) -> Floats:
        """Return the weighted sum of each level, shape (m,)."""
        inside = self.level >= 0
        added = (weight * self.values)[inside]
        sums = np.bincount(self.level[inside], weights=added, minlength=len(self.levels))
        return np.asarray(sums, dtype=np.float64)

    def fit(self, weight: Floats) -> Floats:
        """Return the weights scaled so that each level has its population."""
        sums = self.add_up(weight)
        factor = np.divide(self.wanted, sums, out=np.zeros_like(sums), where=sums != 0)
        return np.asarray(weight * np.append(factor, 1.0)[self.level])


def check_memory(design: Design) -> None:
    """Refuse forms in files."""
    if design.on_files:
        raise DesignError("calibrate_files")


def read_margin(
    design: Design,
    columns: Sequence[str],
    totals: Mapping[object, float],
    *,
    partial: bool = False,
) -> Margin:
    """Return the level of each form, the levels, and the population of each."""
    check_memory(design)
    check_mapping(totals, "totals", "totals")
    check_columns(columns, design.frame.columns)
    members, frame = design.members, design.frame[list(columns)]
    name = " × ".join(columns)
    blank = frame.isna().to_numpy().any(axis=1) & members
    if blank.any():
        raise DesignError("margin_blank", margin=name, n=int(blank.sum()))
    key = frame[columns[0]] if len(columns) == 1 else pd.MultiIndex.from_frame(frame)
    counted = members & (design.weight > 0)
    codes, all_levels = pd.factorize(key[counted], sort=True)
    levels, wanted_by_level = list(all_levels), dict(totals.items())  # a Series of counts, too
    lacking = [level for level in levels if level not in wanted_by_level]
    idle = [level for level in wanted_by_level if level not in levels] if not partial else []
    for message, wrong in (("margin_no_total", lacking), ("margin_no_form", idle)):
        if wrong:
            raise DesignError(message, margin=name, levels=list_known("", wrong))
    number = np.full(len(frame), -1, np.int64)
    number[counted] = codes
    try:
        wanted = np.array([float(wanted_by_level[level]) for level in levels])
    except (TypeError, ValueError) as why:
        raise DesignError("margin_total", margin=name) from why
    if not (np.isfinite(wanted) & (wanted > 0)).all():
        raise DesignError("margin_total", margin=name)
    return Margin(name, number, np.ones(len(frame)), levels, wanted)


def read_totals(design: Design, totals: Totals) -> list[Margin]:
    """Return the known totals of numeric columns, levels and tables."""
    check_memory(design)
    margins = []
    for key, wanted in totals.items():
        if isinstance(wanted, Mapping | pd.Series):
            columns = [key] if isinstance(key, str) else list(key)
            margins.append(read_margin(design, columns, wanted))
            continue
        values = _read_values(design, str(key))
        members = design.members
        if np.isnan(values[members]).any():
            n = int(np.isnan(values[members]).sum())
            raise DesignError("calibrate_blank", column=str(key), n=n)
        try:
            number = float(wanted)
        except (TypeError, ValueError):
            number = np.nan
        if not np.isfinite(number):
            raise DesignError("calibrate_total", column=str(key), found=str(wanted))
        level = np.where(members, 0, -1)
        values = np.where(members, values, 0.0)
        margins.append(Margin(str(key), level, values, [""], np.array([number])))
    return margins


def _read_values(design: Design, key: str) -> Floats:
    """Return a column, ones for the intercept, 0/1 of a level (``sexm``), or products (``a:b``)."""
    frame = design.frame
    if key in INTERCEPTS:
        return np.ones(len(frame))
    if key in frame:
        if not pd.api.types.is_numeric_dtype(frame[key]):
            raise DesignError("calibrate_text", column=key)
        return np.asarray(frame[key].to_numpy(dtype=float, na_value=np.nan))
    for column in sorted((str(name) for name in frame if key.startswith(str(name))), reverse=True):
        level = key[len(column) :].removeprefix("[T.").removeprefix("[").removesuffix("]")
        text = frame[column].astype(str)
        if (text == level).any():
            return np.where(frame[column].isna(), np.nan, text == level)
    if ":" in key:
        return np.asarray(np.prod([_read_values(design, part) for part in key.split(":")], axis=0))
    known = list_known(key, [*INTERCEPTS[:1], *frame.columns])
    raise DesignError("design_column", column=key, known=known)


def stack_margins(margins: Sequence[Margin]) -> sparse.csr_array:
    """Return what calibration knows of each form: a column for each level or number."""
    parts = []
    for margin in margins:
        rows = np.flatnonzero(margin.level >= 0)
        shape = (len(margin.level), len(margin.levels))
        parts.append(
            sparse.csr_array((margin.values[rows], (rows, margin.level[rows])), shape=shape)
        )
    return sparse.csr_array(sparse.hstack(parts, format="csr"))
