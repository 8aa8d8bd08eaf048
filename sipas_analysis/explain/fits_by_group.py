"""Fit the same model in each group of a sample.

A group is a domain: the design stays whole (rule V1), as in R ``svyby`` and ``subset``. A group
without a model has the reason in its row.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from sipas_analysis.documents.model import Table
from sipas_analysis.errors import FitError
from sipas_analysis.explain.fitted import Fit
from sipas_analysis.explain.standard_errors import estimate_error_covariance
from sipas_analysis.explain.term_names import word_terms
from sipas_analysis.infer.design import Design, check_columns
from sipas_analysis.infer.domains import number_domains
from sipas_analysis.infer.printed_result import Printing, ResultPart
from sipas_analysis.infer.result_table import ResultTable
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import say

OF_THE_GROUP = {  # mistakes that other groups need not have
    "fit_constant",
    "fit_few_forms",
    "fit_outcome_constant",
    "fit_separated",
    "fit_tied",
    "fit_two_levels",
    "imputation_singular",
}


@dataclass(frozen=True, eq=False, repr=False)
class GroupedFits(ResultTable):
    """The fits of all groups.

    Attributes:
        frame: The key columns, then the columns of ``Fit.frame`` and ``reason``: why a group has no
            model (then it has one row without figures); empty where it has one.
        fits: The fit of each group by its key, or by the tuple of its keys.
        keys: Names of the key columns.
        n_blank: Forms with a blank key; they are in no group.
        design: The sample.
        reasons: Each reason of ``frame``, which has it in English, in both languages.
    """

    decimals = 4
    frame: pd.DataFrame
    fits: Mapping[object, Fit]
    keys: tuple[str, ...]
    n_blank: int
    design: Design = field(repr=False)
    reasons: Mapping[str, Bilingual] = field(default_factory=dict, repr=False)

    def _list_row_keys(self) -> list[str]:
        return [*self.keys]

    def _list_parts(self) -> list[ResultPart]:
        texts = {reason: text.text(self.language) for reason, text in self.reasons.items()}
        return [self._make_part("", self.frame.replace({"reason": texts}))]

    def _print_parts(self, printing: Printing, *others: Any, **more: Any) -> list[Table]:
        printing = word_terms(self.frame["variable"], printing)
        return super()._print_parts(printing, *others, **more)

    def sentences(self) -> list[str]:
        """Return how many forms are in no group, then the warnings of each group."""
        lines = [
            f"{_show_key(key)}: {note.text(self.language)}"
            for key, fit in self.fits.items()
            for note in fit.notes
        ]
        blank = [
            say(self.language, "estimates.blank_keys", n=self.n_blank, keys=", ".join(self.keys))
        ]
        return [*(blank if self.n_blank else []), *lines]

    def covariance(self) -> pd.DataFrame:
        """Return the covariance of all coefficients, labelled by keys and variable, shape (k, k).

        Groups that share clusters are not independent (V7).
        """
        columns, labels = [], []
        for key, fit in self.fits.items():
            fit.require_design_errors()
            whole = np.zeros((len(self.design.frame), len(fit.frame)))
            whole[fit.rows] = fit.influence
            columns.append(whole)
            labels += [f"{_show_key(key)}/{label}" for label in fit.labels()]
        again = [fit.replicate_fits for fit in self.fits.values() if fit.replicate_fits is not None]
        if again:
            params = np.concatenate([fit.params for fit in self.fits.values()])
            values = np.hstack([fits.params for fits in again])
            matrix = again[0].sample.covariance(values, params)
        else:
            rows = np.arange(len(self.design.frame))
            matrix = estimate_error_covariance(self.design, rows, np.hstack(columns)).matrix
        return pd.DataFrame(matrix, index=labels, columns=labels)


def _show_key(key: object) -> str:
    return "/".join(map(str, key)) if isinstance(key, tuple) else str(key)


def fit_groups(
    design: Design, by: Sequence[str], fit_group: Callable[[Design], Fit]
) -> GroupedFits:
    """Fit a model in each group that the keys make; see ``regression.fit``."""
    check_columns(by, design.frame.columns)
    number, table = number_domains(design.frame, design.domain, by)
    tables: list[pd.DataFrame] = []
    fits: dict[object, Fit] = {}
    reasons: dict[str, Bilingual] = {}
    for at, row in enumerate(table.itertuples(index=False, name=None)):
        part = design.subset(number == at)
        try:
            model = fit_group(part)
        except FitError as error:
            if error.message_id not in OF_THE_GROUP:
                raise
            reason = Bilingual(vi=error.text("vi"), en=error.text("en"))
            reasons[reason.en] = reason
            n = int((number == at).sum())
            rows = pd.DataFrame({"variable": ["–"], "n": n, "reason": reason.en})
        else:
            fits[row if len(by) > 1 else row[0]] = model
            rows = model.frame.assign(reason="")
        keys = table.iloc[[at] * len(rows)].reset_index(drop=True)
        tables.append(pd.concat([keys, rows], axis=1))
    columns = list(max(tables, key=lambda rows: len(rows.columns)).columns)
    frame = pd.concat(tables, ignore_index=True)[columns]
    n_blank = int(design.members.sum() - (number >= 0).sum())
    return GroupedFits(frame, fits, tuple(by), n_blank, design, reasons)
