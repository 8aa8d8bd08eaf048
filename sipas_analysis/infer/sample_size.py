"""Plan how many people to ask, and how precise the results will be (rules S1, S2).

``infer.sample_draw`` draws these people.
"""

from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from sipas_analysis.arguments import check_number, check_word, read_numbers
from sipas_analysis.errors import ParameterError, UnitError
from sipas_analysis.infer.design import Floats, Ints
from sipas_analysis.infer.distributions import normal_quantile

Method = Literal["yamane", "cochran"]
Allocation = Literal["equal", "proportional", "neyman", "power"]
FUZZ = 1e-9  # a count above a whole number by rounding error only is that number
ROUNDING = 1e-12  # the same for large counts, as a share


def sample_size(
    population: ArrayLike,
    margin: float,
    deff: float = 1.0,
    *,
    method: Method = "cochran",
    share: float = 0.5,
    level: float = 0.95,
) -> Ints:
    """Return how many people to ask, so that a share has a given margin of error.

    Cochran: n = N·v/(v + (N−1)·e²), v = z²·p(1−p)·deff; that is n₀/(1 + (n₀−1)/N) of the n₀ = v/e²
    of many people. Yamane: n = N·deff/(deff + N·e²), with deff 1 N/(1 + N·e²). Rounded up. The
    design effect comes before the finite population, so a census is N at any design effect.
    ``expected_margin`` is the inverse: it gives at most e for this n.

    Args:
        population: N, people on the list; any shape, 1 or more; infinite for many.
        margin: e, half the width of the interval, as a share (0.05 is 5 points); 0 asks all.
        deff: Expected variance over that of a simple random sample.
        method: ``cochran``, or ``yamane`` (about Cochran at z = 2 and p = 0.5).
        share: p, the share expected (Cochran only); 0.5 is the most cautious.
        level: Confidence of the interval (Cochran only).

    Returns:
        Whole numbers, shape of ``population``.

    Raises:
        UnitError: A population is under 1.
        ParameterError: Another number is outside its range; Yamane with another share or level.

    Source: rule S1 in docs/method.md; Cochran (1977), 4.4; Yamane (1967).

    Example:
        >>> sample_size([500, 20], 0.05).tolist()
        [218, 20]
        >>> int(sample_size(500, 0.05, method="yamane"))
        223
    """
    check_number(margin, "margin")
    people = _check_population(population)
    if not 0 <= margin < 1 or (margin == 0 and np.isinf(people).any()):
        raise ParameterError("sample_between", name="margin", found=margin)
    variance, fewer = _find_unit_variance(method, share, deff, level)
    plain = variance / (variance / people + (1 - fewer / people) * margin**2)
    least = np.ceil(plain - np.maximum(FUZZ, plain * ROUNDING))
    return np.clip(least, 1, people).astype(np.int64)


def expected_margin(
    n: ArrayLike,
    population: ArrayLike,
    share: float = 0.5,
    deff: float = 1.0,
    level: float = 0.95,
    *,
    method: Method = "cochran",
) -> Floats:
    """Return half the width of the interval that n forms will give, as a share.

    Cochran: e = z·√(deff · p(1−p)/n · (N−n)/(N−1)). Yamane: e = √(deff · (1/n − 1/N)). 0 where all
    are asked, NaN where nobody is. The inverse of ``sample_size`` with the same arguments:
    ``sample_size(N, expected_margin(n, N)) == n``.

    Args:
        n: Forms, any shape.
        population: N, people on the list, 1 or more; infinite for many.
        share: p, the share expected (Cochran only).
        deff: Expected variance over that of a simple random sample.
        level: Confidence of the interval (Cochran only).
        method: ``cochran`` or ``yamane``.

    Example:
        >>> round(100 * float(expected_margin(223, 500)), 2)
        4.89
        >>> int(sample_size(500, float(expected_margin(223, 500))))
        223

    Source: rule S1 in docs/method.md; the inverse of Cochran's n.
    """
    people, forms = _check_population(population), np.asarray(n, dtype=np.float64)
    variance, fewer = _find_unit_variance(method, share, deff, level)
    with np.errstate(invalid="ignore"):
        left = np.where(np.isinf(people), 1.0, (people - forms) / np.maximum(people - fewer, 1))
    safe = np.where(forms > 0, forms, np.nan)
    return np.asarray(np.sqrt(variance / safe * np.clip(left, 0, 1)))


def _find_unit_variance(
    method: str, share: float, deff: float, level: float
) -> tuple[float, float]:
    """Return z²·p(1−p)·deff of a method, and the number it takes from N (1 or 0)."""
    _check_between(share=share, level=level)
    _check_above(0, deff=deff)
    check_word(method, get_args(Method), "method")
    if method == "cochran":
        return _find_quantile(level) ** 2 * share * (1 - share) * deff, 1.0
    if (share, level) != (0.5, 0.95):
        raise ParameterError("sample_yamane", share=share, level=level)
    return deff, 0.0


def detectable_difference(
    n: ArrayLike,
    share: float,
    *,
    items: int = 1,
    within: float = 1.0,
    deff: float = 1.0,
    level: float = 0.95,
    power: float = 0.8,
) -> Floats:
    """Return the smallest true difference that two units of n forms each can detect.

    d = (z₁₋α/₂ + z_power)·√(2·deff·V/n), V = p(1−p)·(1 + (k−1)·r)/k for an index that pools k
    items. There is no finite population correction: n is taken as small among clients.

    Args:
        n: Forms per unit, any shape.
        share: p, the share expected in both units.
        items: k, items pooled in the index; 1 for a single question.
        within: r, correlation of a person's answers; 1 (the most cautious) counts people only.
        deff: Expected design effect.
        level: One minus the two-sided risk of a false alarm.
        power: Chance that a true difference of this size is found.

    Returns:
        Differences as shares, shape of ``n``.

    Source: rule S1 in docs/method.md; Cohen (1988), 6.

    Example:
        >>> round(100 * float(detectable_difference(223, 0.5)), 2)
        13.27
    """
    return np.asarray(
        _find_reach(share, items=items, within=within, deff=deff, level=level, power=power)
        / np.sqrt(n)
    )


def forms_to_tell(
    high_percent: float,
    low_percent: float,
    *,
    items: int = 1,
    within: float = 1.0,
    deff: float = 1.0,
    level: float = 0.95,
    power: float = 0.8,
) -> int:
    """Return the forms that each of two units needs to show that their indices differ.

    The inverse of ``detectable_difference``, at the share nearer to one half (more cautious):
    n = (z₁₋α/₂ + z_power)²·2·deff·V/d², rounded up.

    Raises:
        ParameterError: The percentages are not 0 to 100 with the first above the second.

    Source: rule S1 in docs/method.md.

    Example:
        >>> forms_to_tell(94.81, 94.59, items=22, within=0.4)
        70916
    """
    difference = (high_percent - low_percent) / 100
    if not (0 <= low_percent < high_percent <= 100):
        raise ParameterError("sample_tell", high=high_percent, low=low_percent)
    share = min(high_percent, low_percent, key=lambda percent: abs(percent - 50)) / 100
    reach = _find_reach(share, items=items, within=within, deff=deff, level=level, power=power)
    return int(np.ceil((reach / difference) ** 2 - FUZZ))


def _find_reach(
    share: float, *, items: int, within: float, deff: float, level: float, power: float
) -> float:
    """Return (z₁₋α/₂ + z_power)·√(2·deff·V), the difference that one form would show."""
    _check_between(share=share, level=level, power=power)
    _check_above(0, deff=deff, items=items)
    if not 0 <= within <= 1:
        raise ParameterError("sample_within", found=within)
    variance = share * (1 - share) * (1 + (items - 1) * within) / items
    return float((_find_quantile(level) + normal_quantile(power)) * np.sqrt(2 * deff * variance))


def allocate(
    sizes: "pd.Series[Any]",
    total: int,
    how: Allocation = "proportional",
    *,
    standard_deviation: "pd.Series[Any] | None" = None,
    power: float = 0.5,
    least: int = 0,
) -> "pd.Series[Any]":
    """Divide a total among units, in whole numbers that add up to the total.

    n_u = λ·w_u within [min(least, N_u), N_u], λ such that they add up; w = 1 (``equal``), N
    (``proportional``), N·S (``neyman``) or N^a (``power``). The parts are rounded by largest
    remainder; a tie goes to the name that sorts first, in any order of rows.

    Args:
        sizes: N by unit name.
        total: Forms to divide.
        how: Which weights.
        standard_deviation: S by unit name (``neyman``): of an answer.
        power: a (``power``): 0 is equal, 1 is proportional.
        least: Fewest forms of a unit.

    Returns:
        n by unit name, in the order of ``sizes``.

    Raises:
        UnitError: A size is under 1, or a standard deviation is missing or not above zero.
        ParameterError: The total is under the sum of the minimums or above that of the sizes;
            unknown ``how``.

    Source: rule S2 in docs/method.md; Neyman (1934); Bankier (1988).

    Example:
        >>> allocate(pd.Series({"a": 900, "b": 90, "c": 10}), 100, least=8).to_dict()
        {'a': 84, 'b': 8, 'c': 8}
    """
    from scipy.optimize import brentq  # takes a quarter of a second to import

    people = _check_population(sizes)
    least_each, weight = (
        np.minimum(least, people),
        _weigh_units(sizes, how, standard_deviation, power),
    )
    if not least_each.sum() <= total <= people.sum():
        raise ParameterError(
            "sample_total", total=total, low=int(least_each.sum()), high=int(people.sum())
        )

    def share(scale: float) -> Floats:
        return np.clip(scale * weight, least_each, people)

    top = float((people / weight).max()) * (1 + FUZZ)
    scale = brentq(lambda factor: share(factor).sum() - total, 0, top, xtol=1e-300, rtol=1e-15)
    exact = share(scale)
    whole = np.floor(exact + FUZZ)
    table = pd.DataFrame({"name": sizes.index.astype(str), "rest": (whole - exact).round(9)})
    ranked = table[whole < people].sort_values(["rest", "name"], kind="stable").index
    whole[ranked[: int(total - whole.sum())]] += 1
    return pd.Series(whole.astype(np.int64), index=sizes.index, name="n")


def _weigh_units(
    sizes: "pd.Series[Any]", how: str, standard_deviation: "pd.Series[Any] | None", power: float
) -> Floats:
    people = sizes.to_numpy(dtype=np.float64)
    check_word(how, get_args(Allocation), "how")
    if how == "neyman":
        deviation = (
            pd.Series(dtype=float) if standard_deviation is None else standard_deviation
        ).reindex(sizes.index)
        wrong = sizes.index[~(deviation > 0)]
        if len(wrong):
            raise UnitError("sample_spread", names=", ".join(map(str, wrong)))
        return np.asarray(people * deviation.to_numpy(dtype=np.float64))
    exponent = {"equal": 0.0, "proportional": 1.0, "power": power}
    return np.asarray(people ** exponent[how])


def _check_population(population: ArrayLike) -> Floats:
    many = read_numbers(population, "population")
    if not np.all(many >= 1):
        raise UnitError("sample_population", found=float(many[~(many >= 1)].flat[0]))
    return many


def _check_between(**given: float) -> None:
    for name, value in given.items():
        check_number(value, name)
        if not 0 < value < 1:
            raise ParameterError("sample_between", name=name, found=value)


def _check_above(low: float, **given: float) -> None:
    for name, value in given.items():
        check_number(value, name)
        if not low < value < np.inf:
            raise ParameterError("sample_above", name=name, low=low, found=value)


def _find_quantile(level: float) -> float:
    return float(normal_quantile((1 + level) / 2))
