"""Estimates with their error and denominator, and the glossary of their columns.

A ``Mean`` is a weighted mean of ratios of totals; items, factors, pooled and averaged indices
and mean scores are all of this one kind, so one variance serves them (rule V1). An estimate
is never a bare float, and a rounded number is text (rule M6).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from sipas_analysis.infer.design import Block, Floats

COLUMNS = (
    "value", "se", "low", "high", "df", "n", "n_valid", "numerator", "denominator",
    "deff", "n_eff", "method", "flag", "printed",
)  # fmt: skip
CAUTION_UNDER = 30
FEW_PEOPLE = 10


@dataclass(frozen=True)
class Mean:
    """Σᵣ shareᵣ · (total·topᵣ)/(total·bottomᵣ): r ratios over the p columns of a block.

    Attributes:
        share: Weights of the ratios, shape (r,), adding up to 1.
        top: Columns of the numerators, shape (r, p).
        bottom: Columns of the denominators, shape (r, p).
        nest: Which ratios share the weight of one part, as labels of shape (r,); innermost parts
            first. The weight of an empty ratio goes to the others of its part.
    """

    share: Floats
    top: Floats
    bottom: Floats
    nest: tuple[NDArray[np.int64], ...] = ()


@dataclass(frozen=True)
class Estimates:
    """A table of estimates: key columns, then the columns of the glossary (``COLUMNS``)."""

    frame: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """Return the table as a pandas frame of one's own."""
        return self.frame.copy()

    def select(self, **keys: object) -> "Estimates":
        """Keep the rows in which each key has that value."""
        kept = np.logical_and.reduce([self.frame[key] == it for key, it in keys.items()])
        return Estimates(self.frame[kept].reset_index(drop=True))

    def __len__(self) -> int:
        return len(self.frame)

    def __str__(self) -> str:
        return self._short().to_string(index=False)

    def _repr_html_(self) -> str:
        return str(self._short().to_html(index=False, border=0, na_rep="–"))

    def _short(self) -> pd.DataFrame:
        hidden = ("deff", "n_eff", "df", "method", "numerator")
        return self.frame.drop(columns=[c for c in hidden if c in self.frame]).round(2)


def evaluate(totals: Block, mean: Mean) -> pd.DataFrame:
    """Return value, variance, numerator and denominator of a mean of ratios in each domain.

    R = N/D per ratio; influence z_i = Σᵣ shareᵣ (N_ir − Rᵣ D_ir)/Dᵣ; Var = n/(n−1) Σ z_i²,
    with n the forms of the whole sample. A ratio that nobody answered leaves the mean and the
    other shares of its part are scaled up, then those of the whole; if all are empty the value
    is NaN.

    Args:
        totals: D domains, p columns.
        mean: r ratios over the same p columns.

    Returns:
        Shape (D, 4) in the unit of the ratios; variance NaN where one form or none is left.

    Source: rule V1 in docs/method.md; Särndal, Swensson, Wretman (1992), section 5.6.

    Example:
        >>> from sipas_analysis.infer.design import Design, block
        >>> frame = pd.DataFrame({"s": [1.0, 1.0, 0.0, 0.0], "v": [1.0, 1.0, 1.0, 1.0]})
        >>> made = block(Design(frame), [], frame, frame > 0)
        >>> half = Mean(np.ones(1), np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]))
        >>> evaluate(made, half)["value"].tolist()
        [0.5]
    """
    top, bottom = totals.total @ mean.top.T, totals.total @ mean.bottom.T
    known = bottom > 0
    safe = np.where(known, bottom, 1.0)
    ratio = np.where(known, top / safe, 0.0)
    share = np.where(known, mean.share, 0.0)
    for labels in (*mean.nest, np.zeros(mean.share.size, np.int64)):
        share = _refilled(share, mean.share, labels)
    gradient = (share / safe) @ mean.top - (share * ratio / safe) @ mean.bottom
    used = np.flatnonzero(np.any(mean.top != 0, axis=0) | np.any(mean.bottom != 0, axis=0))
    moment = totals.moment[:, used[:, None], used]
    squares = np.einsum("dp,dpq,dq->d", gradient[:, used], moment, gradient[:, used])
    squares[squares < 1e-12 * (share * ratio).sum(axis=1) ** 2] = 0.0  # rounding noise
    n = totals.n_sample
    single = mean.share.size == 1
    return pd.DataFrame(
        {
            "value": np.where(share.sum(axis=1) > 0, (share * ratio).sum(axis=1), np.nan),
            "variance": np.maximum(squares, 0.0) * (n / (n - 1) if n > 1 else np.nan),
            "numerator": top[:, 0] if single else np.nan,
            "denominator": bottom.sum(axis=1),
        }
    )


def _refilled(share: Floats, wanted: Floats, labels: NDArray[np.int64]) -> Floats:
    """Scale shares (D, r) so that each label's add up to its wanted sum; 0 where all are empty."""
    inside = (labels[:, None] == np.unique(labels)).astype(np.float64)
    have = share @ inside
    factor = np.divide(wanted @ inside, have, out=np.zeros_like(have), where=have > 0)
    return np.asarray(share * (factor @ inside.T))


def exact_interval(satisfied: Floats, n: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return the Clopper–Pearson interval of a share, for counts or effective counts.

    low = B(α/2; k, n−k+1), high = B(1−α/2; k+1, n−k), so 30 of 30 gives 0.8843 to 1. NaN
    where n is 0. Source: rule I1 in docs/method.md; doi:10.1093/biomet/26.4.404.

    Example:
        >>> low, high = exact_interval(np.array([30.0]), np.array([30.0]))
        >>> print(round(low[0], 4), high[0])
        0.8843 1.0
    """
    tail = (1 - level) / 2
    k, rest = np.asarray(satisfied, float), np.asarray(n, float) - satisfied
    with np.errstate(invalid="ignore"):
        low = np.where(k > 0, stats.beta.ppf(tail, np.maximum(k, 1e-300), rest + 1), 0.0)
        high = np.where(rest > 0, stats.beta.ppf(1 - tail, k + 1, np.maximum(rest, 1e-300)), 1.0)
    unknown = ~(np.asarray(n, float) > 0)
    return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)


def effective_n(
    share: Floats, variance: Floats, *, people: Floats, df: Floats, cap: Floats, level: float = 0.95
) -> Floats:
    """Return the Korn–Graubard effective number of forms behind a share.

    n* = p(1−p)/Var · (t_{n−1}/t_df)², capped; at 0 % and 100 %, n* = people · (t_{n−1}/t_df)²,
    capped at the people. Shapes (D,). Source: rules I1 and I2 in docs/method.md; Korn and
    Graubard (1998), Survey Methodology 24(2).
    """
    tail = (1 - level) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = (stats.t.ppf(tail, people - 1) / stats.t.ppf(tail, df)) ** 2
        found = np.minimum(share * (1 - share) / variance * factor, cap)
        certain = np.minimum(people * factor, people)
    at_end = (share <= 0) | (share >= 1)
    return np.asarray(np.where(at_end, certain, found), dtype=float)


def printed(
    value: float, numerator: float = np.nan, denominator: float = np.nan, decimals: int = 2
) -> str:
    """Return a percentage as text, rounded half away from zero; ``""`` for NaN (rule M6).

    From the exact fraction 100·N/D where N and D are whole numbers, else from the decimal at ten
    significant digits.

    Example:
        >>> printed(100 * 87 / 160, 87, 160), printed(-0.125), printed(float("nan"))
        ('54.38', '-0.13', '')
    """
    if np.isnan(value):
        return ""
    if denominator > 0 and float(numerator).is_integer() and float(denominator).is_integer():
        n, d, scale = int(numerator), int(denominator), 100 * 10**decimals
        whole = (2 * scale * n + d) // (2 * d)
        return str(Decimal(whole).scaleb(-decimals))
    ten_digits = Decimal(f"{value:.9e}")
    return str(ten_digits.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP))


def flags(n_valid: Iterable[int], min_cell: int) -> list[str]:
    """Say of each cell whether it may be published: ``publish``, ``caution`` or ``suppress``.

    Fewer than ``min_cell`` people: suppress; fewer than 30: caution (rule P2).
    """
    limits = ((min_cell, "suppress"), (CAUTION_UNDER, "caution"))
    return [next((word for limit, word in limits if n < limit), "publish") for n in n_valid]


def holm(p: Floats) -> Floats:
    """Return Holm-adjusted p values; NaN stays NaN."""
    order = np.argsort(p)
    steps = (len(p) - np.arange(len(p))) * p[order]
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
