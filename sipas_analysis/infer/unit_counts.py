"""Compare a count of each unit with the other units, which differ from one another by nature."""

import numpy as np

from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.distributions import beta_binomial_tail, t_tail

FEWEST_UNITS = 4
MARGIN = 1.5  # on the variance of drawing and of the fit
MARGIN_BETWEEN = 2.0  # on the variance between units: few units know it badly, and it is skew
ALIKE = 0.05  # correlation of two forms of a unit by which the fit weighs large and small units
NOT_RARE = 0.2  # from this p on, the slower of the two tests is left out


def compare_counts(x: Floats, n: Floats, covariate: Floats | None = None) -> tuple[Floats, Floats]:
    """Return, for each unit, the share expected by the other units and P(count ≥ x).

    The expected share is logistic in ``covariate`` (or constant), fitted without the unit. The
    count is beta-binomial with the correlation ρ of two forms of one other unit, margins, and the
    error of the fit. Few units know ρ badly: p is not smaller than that of Student's t on the
    arcsine of the share, with the degrees of freedom of the fit (tests/recovery).

    Args:
        x: Forms showing the fact, shape (U,).
        n: Forms, shape (U,).
        covariate: A number of the unit, or None.

    Returns:
        Expected share and upper-tail p, shape (U,); NaN with fewer than four units.
    """
    n_units = len(n)
    if n_units < FEWEST_UNITS:
        return np.full(n_units, np.nan), np.full(n_units, np.nan)
    others = 1.0 - np.eye(n_units)
    fitted, leverage = _fit_without_each(x, n, covariate, others)
    df = max(n_units - 1 - (1 if covariate is None else 2), 1)
    squared_errors = (x - n * fitted) ** 2 / (n * fitted * (1 - fitted))
    weight = others / (1 + ALIKE * n)
    excess = (weight * (squared_errors * (n_units - 1) / df - 1)).sum(axis=1)
    rho = np.maximum(excess / (weight * np.maximum(n - 1, 1)).sum(axis=1), 0)
    expected = np.diag(fitted)
    of_fit = n * expected * (1 - expected) * leverage
    of_fit *= (1 + (n.mean() - 1) * rho) / (1 + ALIKE * n.mean())
    phi = MARGIN * (1 + of_fit) + MARGIN_BETWEEN * (n - 1) * rho
    gap = np.arcsin(np.sqrt(np.maximum(x - 0.5, 0) / n)) - np.arcsin(np.sqrt(expected))
    p = t_tail(2 * gap * np.sqrt(n / phi), df)
    few = p < NOT_RARE
    alike = np.clip((phi - 1) / np.maximum(n - 1, 1), 1e-6, 0.9)[few]
    a, b = expected[few] * (1 / alike - 1), (1 - expected[few]) * (1 / alike - 1)
    p[few] = np.maximum(p[few], beta_binomial_tail(x[few], n[few], a, b))
    return expected, p


def _fit_without_each(
    x: Floats, n: Floats, covariate: Floats | None, others: Floats
) -> tuple[Floats, Floats]:
    """Fit logit π = a + b·covariate once without each unit.

    Half a form is added to both answers of each unit, so that a fit always exists.

    Returns:
        Shares, shape (U, U), row u fitted without unit u; and b'H⁻¹b of unit u in that fit, (U,).
    """
    share, weight = (x + 0.5) / (n + 1), others * (n + 1) / (1 + ALIKE * n)
    basis = np.ones((len(x), 1))
    if covariate is not None:
        centred = (covariate - covariate.mean()) / (covariate.std() or 1.0)
        basis = np.column_stack([basis, centred])
    n_parameters = basis.shape[1]
    products = (basis[:, :, None] * basis[:, None, :]).reshape(len(x), -1)
    beta = np.zeros((len(x), n_parameters))
    beta[:, 0] = np.log(share.mean() / (1 - share.mean()))
    for _ in range(25):
        fitted = 1 / (1 + np.exp(-np.clip(beta @ basis.T, -12, 12)))
        information = (weight * fitted * (1 - fitted)) @ products
        hessian = information.reshape(-1, n_parameters, n_parameters) + 1e-9 * np.eye(n_parameters)
        score = (weight * (share - fitted)) @ basis
        step = np.clip(np.linalg.solve(hessian, score[:, :, None])[:, :, 0], -2, 2)
        beta = beta + step
        if np.abs(step).max() < 1e-9:
            break
    spread = np.linalg.solve(hessian, basis[:, :, None])[:, :, 0]
    fitted = 1 / (1 + np.exp(-np.clip(beta @ basis.T, -12, 12)))
    return fitted, (basis * spread).sum(axis=1)
