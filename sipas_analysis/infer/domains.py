"""Parts of a sample that figures are about; the sample itself stays whole (rule V1).

A part is given by a condition (``Design.subset``) or by key columns (``by=``). A form outside of it
counts with 0 in the variance.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sipas_analysis.arguments import list_known
from sipas_analysis.errors import DesignError
from sipas_analysis.infer.row_numbers import Ints, number_rows

Members = NDArray[np.bool_]
Condition = str | ArrayLike | Callable[[pd.DataFrame], ArrayLike]


def find_members(frame: pd.DataFrame, members: Members, condition: Condition) -> Members:
    """Return which of the members, forms of a frame, fulfil a condition, shape (n,).

    Raises:
        DesignError: As ``Design.subset``.
    """
    if isinstance(condition, str):
        chosen: ArrayLike = _query_frame(frame, condition)
    else:
        chosen = condition(frame) if callable(condition) else condition
    chosen_members = _read_mask(chosen, frame) & members
    if not chosen_members.any():
        shown = condition if isinstance(condition, str) else "–"
        raise DesignError("subset_empty", n=int(members.sum()), condition=shown)
    return chosen_members


def _query_frame(frame: pd.DataFrame, condition: str) -> ArrayLike:
    """Return what a condition on columns is for each form."""
    try:
        chosen = frame.eval(condition)
        if isinstance(chosen, pd.DataFrame):
            raise SyntaxError("=, ==")
    except pd.errors.UndefinedVariableError as why:
        name = str(why).split("'")[1]
        known = list_known(name, frame.columns)
        raise DesignError("design_column", column=name, known=known) from why
    except Exception as why:  # pandas raises whatever the expression does
        reason = (str(why).splitlines() or [type(why).__name__])[0]
        raise DesignError("subset_condition", condition=condition, why=reason) from why
    return np.asarray(chosen)


def _read_mask(chosen: ArrayLike, frame: pd.DataFrame) -> Members:
    """Return yes/no for each form; a blank is no."""
    values = np.asarray(chosen)
    if values.shape != (len(frame),):
        found = str(len(values)) if values.ndim == 1 else type(chosen).__name__
        raise DesignError("subset_mask", found=found, n=len(frame))
    if isinstance(chosen, pd.Series) and not chosen.index.equals(frame.index):
        raise DesignError("subset_index")
    column = chosen if isinstance(chosen, pd.Series) else pd.Series(values)
    if pd.api.types.infer_dtype(column.dropna().astype(object)) not in ("boolean", "empty"):
        raise DesignError("subset_mask", found=str(column.dtype), n=len(frame))
    return np.asarray(column.eq(True).fillna(False), dtype=np.bool_)


def number_domains(
    frame: pd.DataFrame, members: Members | None, by: Sequence[str]
) -> tuple[Ints, pd.DataFrame]:
    """Number the domain of each form, -1 for a form of none; and return the table of domains.

    Args:
        frame: Forms.
        members: Which forms figures are about; all if none.
        by: Key columns; none makes one domain. A form with a blank key belongs to none.

    Returns:
        Numbers, shape (n,), in the sorted order of the keys; one row of keys per domain.
    """
    inside = frame if members is None else frame.loc[members, list(by)]
    if by:
        number, keys = number_rows(inside, by)
        keys = keys[list(by)]
    else:
        number, keys = np.zeros(len(inside), np.int64), pd.DataFrame(index=range(1))
    if members is None:
        return number, keys
    whole = np.full(len(frame), -1, np.int64)
    whole[members] = number
    return whole, keys
