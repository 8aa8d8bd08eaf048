"""Test both directions of all pairs of units at once, step by step, with draws of their errors.

A pair has two hypotheses: θᵤ ≤ θᵥ and θᵥ ≤ θᵤ. All of them form the family of the simultaneous
sets, those with unit u that of its marginal set. Step: the critical value is the quantile of the
largest ratio of the family in draws from N(0, Σ); what exceeds the critical value is rejected and
leaves the family, while the opposite hypothesis stays. End: nothing more is rejected (R2).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sipas_analysis.infer.design import Floats, Ints
from sipas_analysis.infer.distributions import normal_quantile, normal_tail, t_quantile, t_tail
from sipas_analysis.measure.largest_ratios import (
    Float32s,
    find_largest_ratios,
    search_largest_ratios,
    square_ratios,
)

Kind = Literal["simultaneous", "marginal"]
PairFlags = NDArray[np.bool_]
CHUNK = 512  # draws at a time: a chunk of all units fits into the processor's cache
DRAWS, MOST_DRAWS = 10_000, 50_000
MOST_RATIOS = 1e8  # ratios of pairs in all draws: a quarter of a second
SURE = 3.0  # Monte-Carlo errors of a critical value: what lies farther away does not move
MANY_UNITS = 500  # from here on the root of a covariance that is only rounding costs seconds
ROUNDING = 1e-16  # of the covariance of units that share no cluster, as part of a variance
LOW, MIDDLE, HIGH = range(3)  # the critical value less and plus these errors


@dataclass(frozen=True)
class Pairs:
    """Standard error, degrees of freedom and |z| of each difference, shape (p, p) each."""

    se: Floats
    df: Floats
    z: Floats


@dataclass(frozen=True)
class Separation:
    """Result of the steps; a row is about the set of its unit.

    Attributes:
        separated: Whether one direction of the pair is rejected, shape (p, p).
        sensitive: Whether that may depend on the seed, shape (p, p).
        last_bar: Critical value of the last step, as a z value, shape (p,).
        first_bar: Critical value of the first step, where nothing is rejected yet, shape (p,).
    """

    separated: PairFlags
    sensitive: PairFlags
    last_bar: Floats
    first_bar: Floats


def find_critical_values(bar: Floats, df: Floats) -> Floats:
    """Return critical z values as t values at the degrees of freedom of pairs; NaN without any."""
    with np.errstate(invalid="ignore"):
        df = np.where(df > 0, df, np.nan)
        return np.where(np.isinf(df), bar, -t_quantile(normal_tail(bar), df))


def compare_pairs(value: Floats, sigma: Floats, df: Floats) -> Pairs:
    """Return error, Satterthwaite's df and |z| of each difference of p values."""
    variances = np.diagonal(sigma)
    gap = value[:, None] - value
    gap = np.where(np.abs(gap) < 1e-9 * np.maximum(1, np.abs(value)), 0.0, gap)
    total = variances[:, None] + variances
    variance = total - sigma - sigma.T
    variance = np.where(variance > 1e-12 * total, variance, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        terms = variances**2 / df
        freedom = np.where(total > 0, total**2 / (terms[:, None] + terms), np.inf)
        t = np.where(gap == 0, 0.0, np.abs(gap) / np.sqrt(variance))
    return Pairs(np.sqrt(variance), freedom, _find_z(t, freedom))


def _find_z(t: Floats, df: Floats) -> Floats:
    """Return |t| as z at the degrees of freedom of each pair; both halves are the same."""
    z, upper = t.copy(), np.triu_indices(len(t), 1)
    t, df = t[upper], df[upper]
    with np.errstate(invalid="ignore", divide="ignore"):
        tail = np.log(t_tail(t, np.where(df > 0, df, 1.0)))
    z[upper] = np.where(np.isinf(df) | np.isinf(t), t, -normal_quantile(np.exp(tail)))
    z[upper[1], upper[0]] = z[upper]
    return z


def separate_pairs(
    pairs: Pairs, sigma: Floats, level: float, kind: Kind, *, draws: int | None, seed: int
) -> Separation:
    """Return which pairs of units differ; the units are in the order of their values.

    Args:
        pairs: Differences of the p units, worst first.
        sigma: Covariance of the values, shape (p, p).
        level: Confidence.
        kind: ``simultaneous`` or ``marginal``.
        draws: Number of draws; if None, 10,000, and up to 50,000 where a pair depends on the seed.
        seed: Seed of the draws.
    """
    for n_draws in _plan_draws(len(sigma)) if draws is None else (draws,):
        noise = draw_noise(sigma, n_draws, seed)
        separation = _separate_by_draws(pairs, np.diagonal(sigma), noise, level, kind)
        if not separation.sensitive.any():
            break
    return separation


def _plan_draws(p: int) -> Sequence[int]:
    """Return how many draws to try first, and how many if a pair depends on the seed."""
    most = int(min(MOST_DRAWS, MOST_RATIOS / max(p, 1) ** 2))
    return (DRAWS, most) if most > 2 * DRAWS else (DRAWS,)


def draw_noise(sigma: Floats, draws: int, seed: int) -> Float32s:
    """Draw from N(0, Σ), shape (p, draws), in single precision, which is enough."""
    p = len(sigma)
    plain = np.random.default_rng(seed).standard_normal((p, draws), dtype=np.float32)
    rounding = ROUNDING * np.diagonal(sigma).max(initial=0.0) if p > MANY_UNITS else 0.0
    if np.abs(sigma - np.diag(np.diagonal(sigma))).max(initial=0.0) <= rounding:
        plain *= np.sqrt(np.diagonal(sigma))[:, None].astype(np.float32)
        return plain
    values, vectors = np.linalg.eigh(sigma)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return np.asarray(root.astype(np.float32) @ plain)


def _separate_by_draws(
    pairs: Pairs, variances: Floats, noise: Float32s, level: float, kind: Kind
) -> Separation:
    p, root = len(pairs.z), np.sqrt(variances).astype(np.float32)
    weight = np.divide(1.0, pairs.se, out=np.zeros_like(pairs.se), where=pairs.se > 0)
    np.fill_diagonal(weight, 0.0)
    reach = _Reach.measure(noise, root)
    widest = (variances[:, None] + variances) * weight**2
    separated, sensitive = np.zeros((2, p, p), bool)
    last_bar, first_bar = np.zeros((2, p))
    for unit in (None,) if kind == "simultaneous" else range(p):
        rows = slice(None) if unit is None else slice(unit, unit + 1)
        top = widest[rows].max(initial=0.0)
        bound, draws = reach.bound_ratios(unit, top), _Draws(noise, root, top)
        family = _Family(pairs.z[rows], _sign(weight[rows], unit), draws, level, unit, bound)
        none = np.zeros(family.z.shape, bool)
        surely, _ = family.step_down(HIGH, none)
        separated[rows], last_bar[rows] = family.step_down(MIDDLE, surely)
        perhaps, _ = family.step_down(LOW, separated[rows])
        sensitive[rows] = surely != perhaps
        first_bar[rows] = family.find_critical(none, bound)[0][MIDDLE]
    return Separation(separated | np.isinf(pairs.z), sensitive, last_bar, first_bar)


def _sign(weight: Floats, unit: int | None) -> Float32s:
    """Return weights, negative where the one ``unit`` is the better one of the pair."""
    signed = weight.astype(np.float32)
    if unit is not None:
        signed[:, :unit] *= -1
    return signed


@dataclass(frozen=True)
class _Reach:
    """The largest and second largest (Z/σ)² of each draw, and whose the largest is.

    |Z_u − Z_v| ≤ √(σ_u² + σ_v²)·√((Z_u/σ_u)² + (Z_v/σ_v)²), so few draws can be in the upper tail.
    """

    noise: Float32s
    root: Float32s
    first: Float32s
    second: Float32s
    place: Ints

    @classmethod
    def measure(cls, noise: Float32s, root: Float32s) -> "_Reach":
        """Find them in chunks of draws."""
        n_draws = noise.shape[1]
        first, second = np.zeros((2, n_draws), np.float32)
        place = np.zeros(n_draws, np.int64)
        for start in range(0, n_draws if len(noise) else 0, CHUNK):
            chunk = slice(start, start + CHUNK)
            squares = square_ratios(noise[:, chunk], root[:, None])
            place[chunk], columns = squares.argmax(axis=0), np.arange(squares.shape[1])
            first[chunk] = squares[place[chunk], columns]
            squares[place[chunk], columns] = 0
            second[chunk] = squares.max(axis=0)
        return cls(noise, root, first, second, place)

    def bound_ratios(self, unit: int | None, widest: float) -> Float32s:
        """Return an upper bound of all ratios of each draw, or of those of the pairs of a unit.

        ``widest`` is the largest (σ_u² + σ_v²)/se_uv² of these pairs, 1 without covariance.
        """
        if unit is None:
            squares = self.first + self.second
        else:
            other = np.where(self.place == unit, self.second, self.first)
            squares = square_ratios(self.noise[unit], self.root[unit]) + other
        return np.asarray(np.sqrt(squares * np.float32(1.0001 * widest)))


@dataclass(frozen=True)
class _Draws:
    """Draws from N(0, Σ), shape (p, draws), with σ of each unit and what bounds the ratios."""

    noise: Float32s
    root: Float32s
    widest: float

    def find_largest(
        self, chunk: Ints, weight: Float32s, unit: int | None, opposite: Float32s | None = None
    ) -> Float32s:
        """Return the largest ratio of some draws, of all pairs or of those of one unit."""
        noise = np.ascontiguousarray(self.noise[:, chunk])
        if unit is None:
            return search_largest_ratios(noise, weight, self.root, self.widest, opposite)
        return find_largest_ratios(noise, weight, unit, opposite)


@dataclass
class _Family:
    """Hypotheses of all pairs, or of the pairs of one ``unit``, with the ratios of their draws.

    ``z`` is of the directions that the estimates contradict, the only ones that can be rejected;
    ``bound`` is at least the largest ratio of each draw. ``opposite`` is the largest ratio of the
    other directions, which stay in the family; 0 in draws that were not evaluated.
    """

    z: Floats
    weight: Float32s
    draws: _Draws
    level: float
    unit: int | None
    bound: Float32s
    opposite: Float32s = field(init=False)
    is_evaluated: PairFlags = field(init=False)
    steps: dict[bytes, tuple[list[float], Float32s]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.opposite = np.zeros_like(self.bound)
        self.is_evaluated = np.zeros(len(self.bound), bool)

    def step_down(self, which: int, rejected: PairFlags) -> tuple[PairFlags, float]:
        """Return the rejected directions and the last critical value, less or plus its error.

        The steps may begin with what a higher critical value rejects: the end is the same.
        """
        bound = self.bound
        while True:
            critical, bound = self.find_critical(rejected, bound)
            more = rejected | (self.z > critical[which])
            if (more == rejected).all():
                return rejected, critical[which]
            rejected = more

    def find_critical(self, rejected: PairFlags, bound: Float32s) -> tuple[list[float], Float32s]:
        """Return the critical values of what is not rejected, and the largest ratio of each draw.

        The largest ratio of a draw can only decrease when hypotheses leave (``bound``), and not
        below that of the opposite ones. So draws are evaluated in the order of their bound, until
        no other draw can be in the upper tail; these keep their bound.
        """
        key = rejected.tobytes()
        if key not in self.steps:
            largest = self._evaluate_tail(rejected, bound)
            self.steps[key] = self._cut_tail(largest), largest
        return self.steps[key]

    def _evaluate_tail(self, rejected: PairFlags, bound: Float32s) -> Float32s:
        weight = np.where(rejected, np.float32(0), self.weight)
        deepest, largest = self._tail_ranks()[LOW], bound.copy()
        in_tail = np.partition(self.opposite, -deepest)[-deepest]
        candidates = np.flatnonzero(bound >= in_tail)
        order = candidates[np.argsort(-bound[candidates])]
        for start in range(0, len(order), CHUNK):
            chunk, done = order[start : start + CHUNK], order[:start]
            if start > deepest:
                in_tail = np.partition(largest[done], -deepest)[-deepest]
            if bound[chunk[0]] < in_tail:
                break
            largest[chunk] = self._evaluate_draws(chunk, weight)
        return largest

    def _evaluate_draws(self, chunk: Ints, weight: Float32s) -> Float32s:
        """Return the largest ratio of each draw: of what is left, and of the opposite ones."""
        if self.is_evaluated[chunk].all():
            ratio = self.draws.find_largest(chunk, weight, self.unit)
        else:
            opposite = np.zeros(len(chunk), np.float32)
            ratio = self.draws.find_largest(chunk, self.weight, self.unit, opposite)
            self.opposite[chunk], self.is_evaluated[chunk] = opposite, True
            if (weight != self.weight).any():
                ratio = self.draws.find_largest(chunk, weight, self.unit)
        return np.maximum(ratio, self.opposite[chunk])

    def _cut_tail(self, largest: Float32s) -> list[float]:
        at = [-rank for rank in self._tail_ranks()]
        return [round(float(ratio), 4) for ratio in np.partition(largest, at)[at]]

    def _tail_ranks(self) -> list[int]:
        """Return the places, from the largest, of the quantile less, without and plus its error."""
        n_draws = len(self.bound)
        spread = SURE * (n_draws * self.level * (1 - self.level)) ** 0.5
        tail = n_draws * (1 - self.level)
        return [
            min(max(round(rank), 0), n_draws - 1) + 1
            for rank in (tail + spread, tail, tail - spread)
        ]
