"""What calibration explains of an estimate: the variance is that of the residuals (rule W1)."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import sparse

from sipas_analysis.infer.design import Calibration, Design, Floats
from sipas_analysis.infer.domains import number_domains
from sipas_analysis.infer.totals import Block, CalibrationTerms, Columns

RANK_TOLERANCE = 1e-11  # margins of one population are linearly dependent


def find_credit(
    totals: Block, design: Design, by: Sequence[str], columns: Columns
) -> CalibrationTerms:
    """Return what calibration explains of each cell's influence (W1).

    The regression of z on what each calibration knew of the forms, by the weights before it, first
    calibration first: the mean of z in its post-stratum, or the fit on all margins and numbers.
    What trimming changed since counts as part of z. (R ``rake`` leaves the weights before out,
    ``calibrate`` does not; they agree where these were equal.)
    """
    n, cell = len(design.frame), design.cells[0]
    cells = sparse.csr_array((np.ones(n), (cell, np.arange(n))), (int(cell.max()) + 1, n))
    made_columns = list(columns.make(design.frame))[: len(columns.names) - columns.n_fixed]
    domain = number_domains(design.frame, design.domain, by)[0]
    places = np.flatnonzero(domain >= 0)
    inside = sparse.csr_array(
        (design.weight[places], (domain[places], places)), (len(totals.keys), n)
    )
    weighted = [inside.multiply(np.asarray(x, dtype=np.float64)).tocsr() for x in made_columns]
    explained: list[sparse.csr_array] = []
    crosses: list[Floats] = []
    sweep = np.zeros((0, 0))
    for calibration in _list_calibrations(design):
        known, fitted = calibration.auxiliaries, calibration.fitted
        spread = invert_gram((known.T @ _scale_rows(known, calibration.base)).toarray())
        slopes = _scale_rows(known, _divide(calibration.base, fitted))
        crosses.append(np.stack([(x @ slopes).toarray() for x in weighted], axis=2))
        overlaps = [(slopes.T @ part).toarray() for part in explained]
        again = np.hstack([np.zeros((len(spread), 0)), *overlaps])
        zeros = np.zeros((len(sweep), len(spread)))
        sweep = np.block([[sweep, zeros], [-spread @ again @ sweep, spread]])
        explained.append(_scale_rows(known, fitted))
    margins = sparse.csr_array(cells @ sparse.hstack(explained, format="csr"))
    return CalibrationTerms(margins, np.concatenate(crosses, axis=1), sweep)


def invert_gram(gram: Floats) -> Floats:
    """Return the pseudo-inverse of a symmetric matrix of sums of products."""
    return np.asarray(np.linalg.pinv(gram, rcond=RANK_TOLERANCE, hermitian=True), np.float64)


def _list_calibrations(design: Design) -> Iterator[Calibration]:
    """Return the calibrations of a design, first one first."""
    chain, calibration = [], design.calibration
    while calibration is not None:
        chain.append(calibration)
        calibration = calibration.before
    return reversed(chain)


def _scale_rows(matrix: sparse.csr_array, factor: Floats) -> sparse.csr_array:
    return sparse.csr_array(matrix.multiply(factor[:, None]))


def _divide(top: Floats, bottom: Floats) -> Floats:
    """Return the quotients; 0 for a form of no weight."""
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom != 0)
