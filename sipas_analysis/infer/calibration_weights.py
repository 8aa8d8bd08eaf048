"""Find the weights nearest to those of a sample that meet known totals (rule W2)."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import sparse, special

from sipas_analysis.errors import DesignError
from sipas_analysis.infer.calibration import invert_gram
from sipas_analysis.infer.design import Floats

Method = Literal["linear", "raking", "logit"]
NEWTON_ROUNDS = 200
FAR_BELOW = 20  # R scales weights if all totals are so many times those of the sample


def check_bounds(bounds: tuple[float, float], method: str) -> tuple[float, float]:
    """Return the bounds of the factors as numbers."""
    try:
        low, high = (float(end) for end in bounds)
    except (TypeError, ValueError) as why:
        raise DesignError("calibrate_bounds", found=str(bounds)) from why
    around_one = low < 1 < high and np.isfinite([low, high]).all()
    if not low < high or (method == "logit" and not around_one):
        raise DesignError("calibrate_bounds", found=f"{low:g}, {high:g}")
    return low, high


@dataclass(frozen=True)
class Solver:
    """Newton's method for the weights w·F(xᵀη) that meet the totals.

    Attributes:
        known: x, shape (n, m).
        wanted: t, shape (m,).
        method: Kind of F.
        bounds: Ends of F.
        tolerance: Largest gap, as a share of 1 + |t|.
    """

    known: sparse.csr_array
    wanted: Floats
    method: Method
    bounds: tuple[float, float]
    tolerance: float

    def __call__(self, weight: Floats) -> Floats:
        """Return the calibrated weights."""
        start = weight * self._find_scale(weight)
        length = np.sqrt(self.known.power(2).T @ start)
        length = np.where(length > 0, length, 1.0)
        x, wanted = self.known.toarray() / length, self.wanted / length
        eta = np.zeros(len(wanted))
        factor, slope, gap = self._evaluate(x, eta, start, wanted)
        for _ in range(NEWTON_ROUNDS):
            step = invert_gram((x.T * (start * slope)) @ x) @ gap
            share, smaller = 1.0, False
            while share > 1e-8 and not smaller:
                trial = self._evaluate(x, eta + share * step, start, wanted)
                smaller = bool(np.isfinite(trial[0]).all() and _norm(trial[2]) < _norm(gap))
                share = share if smaller else share / 2
            if not smaller:
                break
            eta = eta + share * step
            factor, slope, gap = trial
        left = np.abs(gap * length) / (1 + np.abs(self.wanted))
        if not (left <= self.tolerance).all():
            raise DesignError("calibrate_gap", method=self.method, gap=f"{left.max():.4g}")
        return start * factor

    def _find_scale(self, weight: Floats) -> float:
        """Return the number by which R scales weights that are far below the population."""
        if self.method == "linear" and not np.isfinite(self.bounds).any():
            return 1.0
        sums = self.known.T @ weight
        with np.errstate(divide="ignore", invalid="ignore"):
            scales = self.wanted / sums
        return float(scales.mean()) if np.min(scales) > FAR_BELOW else 1.0

    def _evaluate(
        self, x: Floats, eta: Floats, start: Floats, wanted: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Return factors, their slopes, and the gaps of the totals."""
        low, high = self.bounds
        u = x @ eta
        with np.errstate(over="ignore", invalid="ignore"):
            if self.method == "logit":
                width = (high - low) / ((1 - low) * (high - 1))
                odds = np.log((1 - low) / (high - 1))
                factor = low + (high - low) * special.expit(width * u + odds)
                slope = (high - factor) * (factor - low) / ((1 - low) * (high - 1))
            else:
                free = 1 + u if self.method == "linear" else np.exp(u)
                factor = np.clip(free, low, high)
                inside = (free > low) & (free < high)
                slope = inside * (1.0 if self.method == "linear" else factor)
            gap = wanted - x.T @ (start * factor)
        return factor, np.where(np.isfinite(slope), slope, 0.0), gap


def _norm(gap: Floats) -> float:
    return float(np.sqrt(gap @ gap))
