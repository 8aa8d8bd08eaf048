"""Tables of estimates: what is asked for, checked; and the columns of the glossary, joined.

Means, totals, ratios, shares and variances make a ``Part`` for each variable; the parts are joined
domain by domain.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import sparse

from sipas_analysis.arguments import check_level, list_names
from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.estimates import COLUMNS, FIGURES, Estimates
from sipas_analysis.infer.ratio_means import Evaluated
from sipas_analysis.infer.sample_facts import Answer
from sipas_analysis.infer.totals import Block
from sipas_analysis.rounding import round_to_text

MIN_CELL = 5
NAMING = ("variable", "answer", "contrast")
Names = str | Sequence[str]


@dataclass(frozen=True)
class Part:
    """Estimates of one variable in each domain.

    Attributes:
        columns: Columns of the glossary, one value per domain or one for all.
        influence: Slope of each estimate, see ``Estimates``.
    """

    columns: dict[str, ArrayLike]
    influence: sparse.csr_array


def check_keys(by: Names) -> list[str]:
    """Return the keys of the domains; refuse the names of the columns of estimates."""
    keys = list_names(by, "by")
    taken = [key for key in keys if key in (*FIGURES, *NAMING)]
    if taken:
        raise DesignError("by_taken", key=taken[0])
    return keys


def check_request(names: Sequence[str], level: float) -> None:
    """Refuse a request without variables or with a wrong level."""
    if not names:
        raise DesignError("no_variable")
    check_level(level)


def build_columns(
    totals: Block,
    evaluated: Evaluated,
    ends: tuple[Floats, Floats],
    *,
    name: str,
    answer: Answer | None = None,
    **columns: ArrayLike,
) -> dict[str, ArrayLike]:
    """Return the columns of the glossary, one value per domain or one for all.

    Args:
        totals: D domains.
        evaluated: The estimate of each domain.
        ends: Ends of the intervals.
        name: Name of the variable, and its answer if it is text.
        answer: An answer of the variable.
        **columns: ``deff``, ``n_eff``, ``flag``; and columns that differ from the usual ones.
    """
    without_error = np.isnan(evaluated.variance)
    usual: dict[str, ArrayLike] = {
        "variable": name,
        "answer": np.array("" if answer is None else answer, dtype=object),
        "value": evaluated.value,
        "df": evaluated.df,
        "numerator": np.nan,
        "denominator": np.nan,
        "se": np.sqrt(evaluated.variance),
        "low": ends[0],
        "high": ends[1],
        "n": totals.people["n"].to_numpy(),
        "n_valid": evaluated.people.astype(int),
        "method": "t",
        "printed": [round_to_text(value) for value in evaluated.value.tolist()],
    }
    table = usual | columns
    table["method"] = np.where(without_error, "none", np.asarray(table["method"], dtype=object))
    table["n_eff"] = np.where(without_error, np.nan, table["n_eff"])
    return table


def join_parts(parts: Sequence[Part], totals: Block, keys: Sequence[str]) -> Estimates:
    """Join the estimates of several variables, domain by domain."""
    if not parts:  # a text variable without any answer
        return Estimates(pd.DataFrame(columns=[*keys, "variable", "answer", *COLUMNS]))
    d = len(totals.keys)
    with_answers = any(part.columns["answer"] != "" for part in parts)
    names = ["variable", *(["answer"] if with_answers else []), *COLUMNS]
    columns = {
        name: np.stack([np.broadcast_to(part.columns[name], d) for part in parts], 1).ravel()
        for name in names
    }
    domain = np.repeat(np.arange(d), len(parts))
    frame = totals.keys.iloc[domain].reset_index(drop=True).assign(**columns)
    influence = sparse.csr_array(sparse.vstack([part.influence for part in parts]))
    order = np.arange(len(frame)).reshape(len(parts), d).T.ravel()
    return Estimates(frame[[*keys, *names]], totals, influence[order])
