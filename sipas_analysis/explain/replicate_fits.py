"""Estimates of models fitted again under every replicate weight (rule V4).

As R ``svyglm`` on ``svrepdesign``: each replicate has its own coefficients, and their differences
are the error. Linearisation, which totals each form's influence under the replicate weights, is up
to a fifth smaller with few clusters.
"""

from dataclasses import dataclass, field

import numpy as np

from sipas_analysis.explain.coefficients import SolvedModel, solve_again
from sipas_analysis.explain.standard_errors import ErrorCovariance, estimate_error_covariance
from sipas_analysis.infer.design import Design, Floats, Ints
from sipas_analysis.infer.replicates import FormReplicates, weigh_forms


@dataclass(frozen=True)
class ReplicateFits:
    """Coefficients under each replicate.

    Attributes:
        params: Coefficients, shape (K, k); NaN where a replicate has no maximum.
        weights: Replicate weights of the forms used, shape (n, K).
        sample: Replicate weights of all forms, with the factor of each square.
    """

    params: Floats
    weights: Floats = field(repr=False)
    sample: FormReplicates = field(repr=False)

    @property
    def n_failed(self) -> int:
        """Replicates that have no maximum; as in R they are left out."""
        return int(np.isnan(self.params).any(axis=1).sum())


def refit_replicates(design: Design, model: SolvedModel) -> ReplicateFits:
    """Fit a model again under every replicate weight of its design."""
    sample = weigh_forms(design)
    weights = sample.weights[model.rows]
    return ReplicateFits(solve_again(model, weights), weights, sample)


def spread_replicates(
    design: Design, rows: Ints, sample: FormReplicates, values: Floats, estimate: Floats
) -> ErrorCovariance:
    """Return the covariance of estimates from their values under each replicate.

    Args:
        design: The sample.
        rows: Forms used, shape (n,).
        sample: Replicate weights of all forms.
        values: Estimates under each replicate, shape (K, k).
        estimate: Estimates of the sample, shape (k,).

    Returns:
        Degrees of freedom are the rank of the replicate weights less 1; NaN where that is 0.
    """
    clusters = len(np.unique(design.stages[0].unit[design.cells[0][rows]]))
    if not sample.df > 0:
        return ErrorCovariance(np.full((len(estimate),) * 2, np.nan), np.nan, clusters)
    return ErrorCovariance(sample.covariance(values, estimate), sample.df, clusters)


def estimate_model_errors(
    design: Design, model: SolvedModel, *, refit: bool
) -> tuple[ErrorCovariance, ReplicateFits | None]:
    """Return the covariance of a model's coefficients, and its fits under each replicate.

    Args:
        design: The sample.
        model: A solved model.
        refit: Whether the model is fitted again under replicate weights, if there are any.
    """
    if not refit or design.declared_replicates is None:
        return estimate_error_covariance(design, model.rows, model.influence), None
    again = refit_replicates(design, model)
    error = spread_replicates(design, model.rows, again.sample, again.params, model.params)
    return error, again
