"""Plant units whose truth is known: people answer 22 questions alike, in clusters or alone."""

from collections import namedtuple

import numpy as np
from scipy import stats

from sipas_analysis.infer.intervals import exact_interval
from sipas_analysis.measure.pooling import small_area

ITEMS, ALIKE = 22, 0.4  # questions, and correlation of two answers of one person


def beta(rng, mean, alike, shape=None):
    """Draw shares with that mean, so that two draws below one share correlate by ``alike``."""
    spread = (1 - alike) / alike
    return rng.beta(mean * spread + 1e-9, (1 - mean) * spread + 1e-9, shape)


def answers(rng, truth, people, items=ITEMS):
    """Return the percentage of satisfied answers of each person, shape (units, people)."""
    own = beta(rng, np.asarray(truth)[:, None], ALIKE, (len(truth), people))
    return 100 * rng.binomial(items, own) / items


def clustered(rng, truth, people, clusters, icc=0.05):
    """Return the same in clusters of equal size, averaged: shape (units, clusters)."""
    place = beta(rng, np.asarray(truth)[:, None], icc, (len(truth), clusters))
    own = beta(rng, place[..., None], ALIKE, (*place.shape, people // clusters))
    return (100 * rng.binomial(ITEMS, own) / ITEMS).mean(axis=2)


def estimated(shares, people):
    """Return value, error and degrees of freedom of each unit, at 100 % by its interval (R2)."""
    n = shares.shape[1]
    value, se = shares.mean(axis=1), shares.std(axis=1, ddof=1) / np.sqrt(n)
    effective = min(
        people, people * (stats.t.ppf(0.975, people - 1) / stats.t.ppf(0.975, n - 1)) ** 2
    )
    low = 100 * exact_interval(np.array([effective]), np.array([effective]))[0][0]
    scale = (100 - low) / stats.t.ppf(0.975, n - 1)
    return value, np.where((value >= 100) | (value <= 0), scale, se), n - 1


Pooling = namedtuple("Pooling", "covered pooled_error direct_error share_at_100")


def pool_units(units, low, high, rounds):
    """Pool units of ``low`` to ``high`` - 1 forms; shares of units, and roots of mean squares."""
    rng, covered, pooled, direct, at_100 = np.random.default_rng(units), [], [], [], []
    for _ in range(rounds):
        sizes, truth = rng.integers(low, high, units), beta(rng, 0.92, 0.03, units)
        parts = [answers(rng, truth[[unit]], n)[0] for unit, n in enumerate(sizes)]
        value = np.array([part.mean() for part in parts])
        variance = np.array([part.var(ddof=1) / len(part) for part in parts])
        estimates = small_area(value, variance, sizes=sizes).frame
        covered.append(estimates["low"].le(100 * truth) & estimates["high"].ge(100 * truth))
        pooled.append((estimates["value"] - 100 * truth) ** 2)
        direct.append((value - 100 * truth) ** 2)
        at_100.append(value == 100)
    errors = (float(np.mean(squares)) ** 0.5 for squares in (pooled, direct))
    return Pooling(np.mean(covered), *errors, np.mean(at_100))
