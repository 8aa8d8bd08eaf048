"""Count the forms of a file inside DuckDB where every answer is a whole number.

Σ w x by (domain, cell) is a sum of whole numbers, so SQL may add them on several threads in any
order. Weights are rounded to steps as in ``count_forms``, and sums are parted into the same folds,
so that they add to those of other files and pieces exactly (rules V8 and V9).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sipas_analysis.infer.design import Design
from sipas_analysis.infer.exact_sums import WeightRounding
from sipas_analysis.infer.form_files import FormFile, quote_name
from sipas_analysis.infer.totals import CELL_COLUMN, KEY_PREFIX, Columns, Sums

SIZES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
WHOLE_TYPES = {*SIZES, *(f"U{size}" for size in SIZES[:-1])}
LARGEST = 2.0**53  # of w x in steps: up to here, whole numbers are the same as floats
LARGEST_SUM = 2.0**63  # of whole numbers of 64 bits


def count_in_sql(
    file: FormFile, design: Design, by: Sequence[str], columns: Columns, scale: WeightRounding
) -> Sums | None:
    """Count the forms of one file in whole numbers, as ``count_forms`` does.

    Args:
        file: The file.
        design: The sample.
        by: Key columns.
        columns: Columns to total.
        scale: Rounding of the weights.

    Returns:
        The sums; None where SQL cannot make them exactly: single forms were drawn (second moments
        are needed), or an answer is no whole number.
    """
    folds = [
        [fold / scale.step for fold in scale.fold_steps(float(top), whole)]
        for top, whole in zip(columns.largest, columns.whole, strict=True)
    ]
    largest = columns.largest.max(initial=0.0) * (scale.largest / scale.step + 1)
    are_whole = all(fold[0] >= 1 and fold[-1] <= 1 for fold in folds)
    if not columns.whole_sql or not design.cluster_columns or not are_whole or largest >= LARGEST:
        return None
    types = file.read_types()
    if not {types[name] for name in columns.reads} <= WHOLE_TYPES:
        return None
    places = {name: f"k{at}" for at, name in enumerate(dict.fromkeys([*design.cell_columns, *by]))}
    groups = ", ".join(places.values())
    forms = _write_forms(file, design, columns, scale, places)
    in_parts = largest * scale.n >= LARGEST_SUM
    sums = _write_sums(columns, folds if in_parts else [[1.0]] * len(folds))
    file.cursor.execute(f"SELECT {groups}, {sums} FROM ({forms}) GROUP BY {groups}")  # noqa: S608
    return _arrange_sums(file.cursor.df(), design, by, places, folds, in_parts=in_parts)


def _write_forms(
    file: FormFile,
    design: Design,
    columns: Columns,
    scale: WeightRounding,
    places: Mapping[str, str],
) -> str:
    """Return the SQL of the forms: their keys, answers x0, x1, … and weight w in steps."""
    parts = [f"{quote_name(name)} AS {place}" for name, place in places.items()]
    parts += [f"{quote_name(name)}::BIGINT AS x{at}" for at, name in enumerate(columns.reads)]
    weight = "1"
    if design.weights is not None and not (scale.equal and scale.largest == 1):
        weight = f"floor({quote_name(design.weights)}::DOUBLE / {scale.step!r}::DOUBLE + 0.5)"
    return f"SELECT {', '.join(parts)}, {weight}::BIGINT AS w FROM {file.relation}"  # noqa: S608 (quoted)


def _write_sums(columns: Columns, folds: Sequence[Sequence[float]]) -> str:
    """Return the SQL of the sums: folds of each column, forms by flag, all forms.

    A sum of 128 bits is parted into folds here; one of 64 bits in memory, where this is faster.
    The weight comes first, so that DuckDB multiplies w x once for Σ w x and Σ w x x.
    """
    parts = []
    for column, (first, *second) in zip(columns.whole_sql, folds, strict=True):
        total = f"sum(w * {column})"
        parts.append(f"({total} // {int(first)})::BIGINT" if second else f"{total}::BIGINT")
        parts += [f"({total} % {int(first)})::BIGINT"] if second else []
    flags = [columns.whole_sql[columns.names.index(flag)] for flag in columns.flags]
    parts += [f"sum({flag} * (w > 0)::BIGINT)::BIGINT" for flag in flags]
    return ", ".join([*parts, "count(*)"])


def _arrange_sums(
    rows: pd.DataFrame,
    design: Design,
    by: Sequence[str],
    places: Mapping[str, str],
    folds: Sequence[Sequence[float]],
    *,
    in_parts: bool,
) -> Sums:
    """Return the sums of the rows of a query, where each sum is one column or is in parts."""
    table = rows[[places[name] for name in design.cell_columns]]
    table = table.set_axis(design.cell_columns, axis=1).assign(**{CELL_COLUMN: 0})
    for name in by:
        table[f"{KEY_PREFIX}{name}"] = rows[places[name]]
    counts = np.zeros((len(folds), 2, len(rows)), np.int64).transpose(2, 0, 1)
    at = len(places)
    for column, (first, *second) in enumerate(folds):
        parts = [
            rows.iloc[:, at + part].to_numpy(np.int64) for part in range(1 + in_parts * len(second))
        ]
        at += len(parts)
        if second:
            high, low = parts if in_parts else np.divmod(parts[0], int(first))
            parts = [high, low * int(1 / second[0])]
        for fold, part in enumerate(parts):
            counts[:, column, fold] = part
    people = rows.iloc[:, at:].fillna(0).to_numpy(dtype=np.int64)
    return Sums(table, counts, people, None)
