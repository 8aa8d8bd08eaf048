"""Divide R² of complete forms: the value of each player, and each form's influence on it."""

from collections.abc import Mapping
from contextlib import suppress
from itertools import chain, compress

import numpy as np
import pandas as pd

from sipas_analysis.errors import FitError
from sipas_analysis.explain.collinearity import find_tied_columns
from sipas_analysis.explain.likelihoods import maximise_likelihood
from sipas_analysis.explain.players import SharingRequest
from sipas_analysis.explain.shapley import (
    differentiate_johnson,
    johnson_weights,
    list_coalitions,
    owen_values,
    shapley_values,
)
from sipas_analysis.infer.design import Floats
from sipas_analysis.progress import watch

MOST_FITS = 4096


def share_out_forms(
    x: pd.DataFrame, y: Floats, w: Floats, request: SharingRequest, columns: Mapping[str, list[int]]
) -> tuple[Floats, Floats]:
    """Return the value of each player, and each form's influence if errors are requested."""
    scaled = _standardise_columns(np.column_stack([x.to_numpy(), y]), w)
    if request.family == "gaussian":
        return _share_variance(scaled, w, request, columns)
    return _share_likelihood(scaled[:, :-1], y, w, request, columns)


def share_again(
    x: pd.DataFrame,
    y: Floats,
    weights: Floats,
    request: SharingRequest,
    columns: Mapping[str, list[int]],
) -> Floats:
    """Return the values under each replicate weight, shape (K, m); NaN where there are none."""
    values = np.full((weights.shape[1], len(request.players)), np.nan)
    for k, weight in enumerate(watch([*weights.T])):
        used = weight > 0
        with np.errstate(invalid="ignore", divide="ignore"), suppress(FitError):
            values[k] = share_out_forms(x[used], y[used], weight[used], request, columns)[0]
    return values


def _standardise_columns(x: Floats, w: Floats) -> Floats:
    """Return columns of weighted mean 0 and variance 1."""
    share = w / w.sum()
    centred = x - share @ x
    return np.asarray(centred / np.sqrt(share @ centred**2))


def _share_variance(
    scaled: Floats, w: Floats, request: SharingRequest, columns: Mapping[str, list[int]]
) -> tuple[Floats, Floats]:
    """Return values from the covariance, and each form's influence: xᵀGx − tr(GS), over Σw."""
    s = (scaled * (w / w.sum())[:, None]).T @ scaled
    if request.method == "johnson":
        if find_tied_columns(s[:-1, :-1], request.drivers):
            raise FitError("importance_johnson")
        value, slope = johnson_weights(s), differentiate_johnson(s)
    else:
        groups, order = request.list_players(columns), request.order_players()
        if len(groups) == 1:
            value, slope = shapley_values(s, groups[0], slopes=request.errors)
        else:
            value, slope = owen_values(s, groups, slopes=request.errors)
        value, slope = value[order], slope[..., order]
    if not request.errors:
        return value, np.zeros((len(scaled), 0))
    influence = [
        ((scaled @ g) * scaled).sum(axis=1) - np.sum(g * s) for g in np.moveaxis(slope, 2, 0)
    ]
    return value, np.stack(influence, axis=1) / w.sum()


def _share_likelihood(
    x: Floats, y: Floats, w: Floats, request: SharingRequest, columns: Mapping[str, list[int]]
) -> tuple[Floats, Floats]:
    """Return values of McFadden's R² = 1 − ℓ/ℓ₀ over all coalitions, and each form's influence.

    By the envelope theorem a form's influence on ℓ of a coalition is its own log-likelihood.
    """
    share, groups = w / w.sum(), request.list_players(columns)
    cache: dict[tuple[int, ...], tuple[float, Floats]] = {}

    def maximise(inside: tuple[int, ...]) -> tuple[float, Floats]:
        if inside not in cache:
            predictors = x[:, list(inside)]
            if request.family != "ordinal":
                predictors = np.column_stack([np.ones(len(y)), predictors])
            maximum = maximise_likelihood(request.family, predictors, y, w / w.mean())
            if maximum is None:
                raise FitError("fit_separated", family=request.family)
            cache[inside] = float(share @ maximum.log_likelihood), maximum.log_likelihood
        return cache[inside]

    null, null_by_form = maximise(())
    values, influences = [], []
    for g, players in enumerate(groups):
        others = [
            [column for player in group for column in player]
            for k, group in enumerate(groups)
            if k != g
        ]
        n_players = len(others) + len(players)
        if 2**n_players > MOST_FITS:
            raise FitError("importance_many", found=n_players, most=int(np.log2(MOST_FITS)))
        value, influence = np.zeros(len(players)), np.zeros((len(y), len(players)))
        for is_in, weight in watch([*list_coalitions(len(others), len(players))]):
            joined = compress((*others, *players), is_in)
            total, by_form = maximise(tuple(sorted(chain.from_iterable(joined))))
            value += weight * (1 - total / null)
            change = (total / null * (null_by_form - null) - (by_form - total)) / null
            influence += change[:, None] * weight
        values.append(value)
        influences.append(influence)
    order = request.order_players()
    return np.concatenate(values)[order], np.hstack(influences)[:, order] / w.sum()
