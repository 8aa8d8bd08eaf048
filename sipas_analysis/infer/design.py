"""Declare a sample once, then reduce its forms to totals that add.

Every estimate of this package is a smooth function of additive totals. A ``Block`` holds, for
each domain, the sums and the second moments of the columns asked for; nothing later reads a
form again (rule V8). In this version each form is its own cluster; strata, clusters and
replicates join here, behind the same two names. Do not use it for medians: they are not smooth.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Design:
    """A sample: one row per form, with the name of its weight column if it has one."""

    frame: pd.DataFrame
    weights: str | None = None

    @property
    def weight(self) -> Floats:
        """Weights of the forms, shape (n,); ones if none were declared."""
        if self.weights is None:
            return np.ones(len(self.frame))
        return self.frame[self.weights].to_numpy(dtype=float)


@dataclass(frozen=True)
class Block:
    """Totals of p columns in each of D domains (rule V8, one cluster per form).

    Attributes:
        keys: One row per domain, sorted; one column per key.
        columns: Names of the p columns.
        total: Weighted sums, shape (D, p).
        moment: Σ w² x xᵀ, shape (D, p, p).
        people: Unweighted counts of forms by flag, shape (D,) each; ``n`` is all forms.
        n_sample: Forms of the whole sample.
        weighted: Whether the weights of the sample differ; equal ones are no weights.
    """

    keys: pd.DataFrame
    columns: pd.Index
    total: Floats
    moment: Floats
    people: pd.DataFrame
    n_sample: int
    weighted: bool


def block(design: Design, by: Sequence[str], values: pd.DataFrame, flags: pd.DataFrame) -> Block:
    """Reduce forms to totals by domain.

    Σ w x, Σ w² x xᵀ and counts of flags over the forms of each domain. A form whose key is
    missing belongs to no domain but still counts in ``n_sample``.

    Args:
        design: The sample, n forms.
        by: Names of key columns of ``design.frame``; none makes one domain of all forms.
        values: Columns to total, shape (n, p), no NaN.
        flags: Yes/no facts of each form, shape (n, q).

    Returns:
        The block; no domain if there is no form.

    Source: rules V1 and V8 in docs/method.md.

    Example:
        >>> frame = pd.DataFrame({"unit": ["a", "b", "a"]})
        >>> values = pd.DataFrame({"s": [1.0, 1.0, 0.0]})
        >>> block(Design(frame), ["unit"], values, values > 0).total.ravel().tolist()
        [1.0, 1.0]
    """
    keys, domain = _domains(design.frame, by)
    order = np.argsort(domain, kind="stable")
    order = order[np.searchsorted(domain[order], 0) :]
    starts = np.searchsorted(domain[order], np.arange(len(keys)))
    weight = design.weight[order]
    x = values.to_numpy(dtype=float)[order] * weight[:, None]
    marks = flags.assign(n=True).to_numpy(dtype=np.int64)[order]
    empty = len(keys) == 0
    ends = np.append(starts[1:], len(order))[: len(starts)]
    hot = sparse.csr_array(x)  # mostly zeros; and one thread, so any machine adds in one order
    parts = [hot[start:end] for start, end in zip(starts, ends, strict=True)]
    p = x.shape[1]
    return Block(
        keys=keys,
        columns=values.columns,
        total=np.empty((0, p)) if empty else np.add.reduceat(x, starts, axis=0),
        moment=np.array([(part.T @ part).toarray() for part in parts]).reshape(len(keys), p, p),
        people=pd.DataFrame(
            marks[:0] if empty else np.add.reduceat(marks, starts, axis=0),
            columns=[*flags.columns, "n"],
        ),
        n_sample=len(design.frame),
        weighted=bool((design.weight != design.weight[:1]).any()),
    )


def _domains(frame: pd.DataFrame, by: Sequence[str]) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Return the sorted keys and, for each form, the number of its domain (-1: none)."""
    if not by:
        some = 1 if len(frame) else 0
        return pd.DataFrame(index=range(some)), np.zeros(len(frame), np.int64)
    grouped = frame.groupby(list(by), sort=True, dropna=True, observed=True)
    number = np.asarray(grouped.ngroup().fillna(-1), dtype=np.int64)
    keys = frame[list(by)].assign(_number=number).query("_number >= 0")
    keys = keys.drop_duplicates("_number").sort_values("_number").drop(columns="_number")
    return keys.reset_index(drop=True), number
