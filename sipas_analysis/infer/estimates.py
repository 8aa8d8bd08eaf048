"""Estimates with their error and denominator, and the glossary of their columns.

An estimate is never a bare float, and a rounded number is text (rule M6).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import sparse

from sipas_analysis.arguments import (
    check_level,
    check_mapping,
    check_number,
    check_word,
    list_known,
)
from sipas_analysis.errors import ColumnError
from sipas_analysis.infer.combinations import (
    ADJUSTMENTS,
    Combination,
    adjust_p_values,
    read_combination,
)
from sipas_analysis.infer.design import Floats, Ints
from sipas_analysis.infer.distributions import t_quantile, t_tail
from sipas_analysis.infer.intervals import t_interval
from sipas_analysis.infer.result_table import SUPPRESS, ResultTable
from sipas_analysis.infer.totals import Block
from sipas_analysis.infer.variance import count_joint_units, estimate_covariance
from sipas_analysis.messages import say
from sipas_analysis.rounding import round_to_text

COLUMNS = (
    "value",
    "se",
    "low",
    "high",
    "df",
    "n",
    "n_valid",
    "numerator",
    "denominator",
    "deff",
    "n_eff",
    "method",
    "flag",
    "printed",
)
FIGURES = (*COLUMNS, "p", "p_adjusted")
DESCRIPTIONS = ("unit_name", "group")  # columns that say what a key column says
CAUTION_UNDER = 30
FEW_DF = 8
WIDE = 0.3
FEW_PEOPLE = 10


@dataclass(frozen=True, eq=False, repr=False)
class Estimates(ResultTable):
    """A table of estimates: key columns, then the columns of the glossary (``COLUMNS``).

    Attributes:
        frame: One row per estimate.
        totals: The block behind the estimates, if the block was kept.
        influence: Slope of each estimate by each total, shape (E, D·p); under replicate weights
            the scaled deviation of each replicate, shape (E, K).
    """

    frame: pd.DataFrame
    totals: Block | None = field(default=None, repr=False)
    influence: sparse.csr_array | None = field(default=None, repr=False)

    def select(self, **keys: object) -> "Estimates":
        """Keep the rows in which each key has that value, or one of a list of values."""
        is_wanted = np.ones(len(self.frame), bool)
        for key, wanted in keys.items():
            if key not in self.frame:
                raise ColumnError("no_column", key=key, known=list_known(key, self.frame.columns))
            if isinstance(wanted, Iterable) and not isinstance(wanted, str):
                several = list(wanted)
            else:
                several = [wanted]
            has_value = self.frame[key].isin(several).to_numpy(dtype=bool)
            if len(self) and not has_value.any():
                self._refuse_value(key, several)
            is_wanted &= has_value
        return self.take(np.flatnonzero(is_wanted))

    def _refuse_value(self, key: str, wanted: Iterable[object]) -> None:
        shown = ", ".join(map(str, wanted))
        known = list_known(shown, self.frame[key].unique())
        raise ColumnError("no_such_value", key=key, wanted=shown, known=known)

    def take(self, rows: Ints) -> "Estimates":
        """Keep these rows, in this order."""
        influence = None if self.influence is None else self.influence[rows]
        frame = self.frame.iloc[rows].reset_index(drop=True)
        return Estimates(frame, self.totals, influence).print_like(self)

    def labels(self) -> list[str]:
        """Return a label for each row: keys, variable and answer, joined by ``/``."""
        columns = self._list_keys(("level",))  # which the variable implies
        if not columns:
            return [str(row) for row in range(len(self.frame))]
        rows = self.frame[columns].astype(str).to_numpy().tolist()
        return ["/".join(text for text in row if text) for row in rows]

    def _list_keys(self, implied: Sequence[str] = ()) -> list[str]:
        """Return the columns that name a row, without those that describe one of them."""
        asked = [] if self.totals is None else [*self.totals.keys]
        described = [name for name in (*DESCRIPTIONS, *implied) if name not in asked]
        return [str(name) for name in self.frame if name not in (*FIGURES, *described)]

    def confint(self, level: float = 0.95, df: float | None = None) -> pd.DataFrame:
        """Return value ± t·se of each row, as R ``confint``: columns ``low`` and ``high``.

        Args:
            level: Confidence.
            df: Degrees of freedom; those of the rows if none, infinite for normal quantiles.
        """
        check_level(level)
        if df is not None:
            check_number(df, "df")
        freedom = self.frame["df"].to_numpy(dtype=float) if df is None else np.float64(df)
        margin = t_quantile((1 + level) / 2, freedom) * self.frame["se"].to_numpy(dtype=float)
        value = self.frame["value"].to_numpy(dtype=float)
        ends = {"low": value - margin, "high": value + margin}
        return pd.DataFrame(ends, index=self.labels())

    def cv(self) -> "pd.Series[float]":
        """Return the coefficient of variation of each row: ``se / abs(value)``."""
        value = self.frame["value"].to_numpy(dtype=float)
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = self.frame["se"].to_numpy(dtype=float) / np.abs(value)
        return pd.Series(ratio, index=self.labels(), name="cv")

    def covariance(self) -> pd.DataFrame:
        """Return the covariance of all rows, in their order, with their labels (rule V7).

        A row without an error (V3) has NaN in its line and column.
        """
        labels = self.labels()
        return pd.DataFrame(self.covariance_matrix(), index=labels, columns=labels)

    def covariance_matrix(self) -> Floats:
        """Return ``covariance`` without labels, shape (E, E)."""
        if self.totals is None or self.influence is None:
            raise ColumnError("no_covariance")
        if self.totals.replicas is not None:
            matrix = np.asarray((self.influence @ self.influence.T).toarray())
        else:
            matrix = estimate_covariance(self.totals, self.influence)
        unknown = self.frame["se"].isna().to_numpy()
        matrix[unknown], matrix[:, unknown] = np.nan, np.nan
        return np.asarray(matrix)

    def difference(
        self,
        first: Mapping[str, object],
        second: Mapping[str, object],
        level: float = 0.95,
        adjust: str | None = None,
    ) -> "Estimates":
        """Return first minus second, with its error and p, for each estimate that both have.

        Args:
            first: Keys that select rows, such as ``{"unit": "so-y-te"}``.
            second: Keys that select the rows to subtract; rows are matched on all other keys.
            level: Confidence of the interval.
            adjust: Adjustment of p for the number of rows, a name of statsmodels'
                ``multipletests`` such as ``holm``; then there is ``p_adjusted``, too.

        Returns:
            One row per matched pair; units that share clusters are not taken as independent.
            ``p`` is of the t test that the difference is 0.
        """
        check_level(level)
        for role, selection in (("first", first), ("second", second)):
            check_mapping(selection, "keys", role)
        keys_shared = [name for name in self._list_keys() if name not in {*first, *second}]
        table = self.frame.assign(_row=np.arange(len(self.frame)))
        pair = [
            table.iloc[self._find_rows(selection)][[*keys_shared, "_row"]]
            for selection in (first, second)
        ]
        pairs = (
            pair[0].merge(pair[1], on=keys_shared)
            if keys_shared
            else pair[0].merge(pair[1], how="cross")
        )
        n = len(pairs)
        at = np.concatenate([pairs["_row_x"], pairs["_row_y"]]).astype(np.int64)
        signs = np.repeat([1.0, -1.0], n)
        weights = sparse.csr_array((signs, (np.tile(np.arange(n), 2), at)), (n, len(self.frame)))
        names = [" ".join(map(str, selection.values())) for selection in (first, second)]
        keys = pairs[keys_shared].assign(contrast=" − ".join(names))
        return self._combine_rows(weights, keys, level, adjust=adjust)

    def combine(
        self,
        how: Combination,
        level: float = 0.95,
        adjust: str | None = None,
        **keys: object,
    ) -> "Estimates":
        """Return a linear or smooth combination of the rows with its error (delta method) and p.

        Equal to R ``svycontrast``; ``labels()`` lists the labels of the rows.

        Args:
            how: Weights by label, ``{"api00": 1, "api99": -1}``; an expression of labels,
                ``"log(api00 / api99)"`` (labels that are no plain names between backticks); one
                weight for each row, shape (E,) or (K, E); or a smooth function of the values,
                shape (E,), that returns a number or K numbers.
            level: Confidence of the interval.
            adjust: Adjustment of p for the number of combinations, as in ``difference``.
            **keys: Key columns of the new rows, such as ``variable="api00/api99"``.

        Raises:
            ColumnError: A label is unknown, or the combination cannot be computed.

        Example:
            >>> import sipas_analysis as sipas
            >>> frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [2.0, 2.0, 5.0]})
            >>> both = sipas.mean(sipas.Design(frame), ["a", "b"])
            >>> both.combine("a / b", variable="a/b").frame["value"].round(4).item()
            0.6667
        """
        check_level(level)
        values = self.frame["value"].to_numpy(dtype=float)
        slope, value = read_combination(how, self.labels(), values)
        named = pd.DataFrame(dict(keys), index=range(len(value)))
        return self._combine_rows(sparse.csr_array(slope), named, level, value, adjust=adjust)

    def _find_rows(self, keys: Mapping[str, object]) -> Ints:
        unknown = [key for key in keys if key not in self.frame]
        if unknown or not keys:
            key = unknown[0] if unknown else ""
            raise ColumnError("no_column", key=key, known=list_known(key, self.frame.columns))
        for key, wanted in keys.items():
            if not (self.frame[key] == wanted).any():
                self._refuse_value(key, [wanted])
        is_wanted = np.logical_and.reduce(
            [self.frame[key] == wanted for key, wanted in keys.items()]
        )
        if not is_wanted.any():
            raise ColumnError(
                "no_such_rows",
                wanted=", ".join(f"{name}={wanted}" for name, wanted in keys.items()),
            )
        return np.flatnonzero(is_wanted)

    def _combine_rows(
        self,
        weights: sparse.csr_array,
        keys: pd.DataFrame,
        level: float,
        value: Floats | None = None,
        adjust: str | None = None,
    ) -> "Estimates":
        """Return combinations of the rows, shape (K, E), with names, values, errors and p."""
        check_word(adjust, (None, *ADJUSTMENTS), "adjust")
        if self.totals is None or self.influence is None:
            raise ColumnError("no_covariance")
        values = self.frame["value"].to_numpy(dtype=float)
        influence = sparse.csr_array(weights @ self.influence)
        if self.totals.replicas is not None:
            variance = np.asarray((influence.multiply(influence)).sum(axis=1), dtype=float)
            df = self.frame["df"].fillna(0.0).to_numpy(dtype=float)
            each = np.where(weights.toarray() != 0, df, np.inf).min(axis=1)
            units, strata = each + 1.0, np.ones(weights.shape[0])
        else:
            variance = np.maximum(estimate_covariance(self.totals, influence).diagonal(), 0.0)
            units, strata = count_joint_units(self.totals, influence)
        without_error = (units <= 1) | (units - strata <= 0)
        variance, df = (
            np.where(without_error, np.nan, variance),
            np.where(without_error, np.nan, units - strata),
        )
        value = np.asarray(weights @ values) if value is None else value
        low, high = t_interval(value, variance, df, level)
        n = abs(weights).sign() @ self.frame["n"].to_numpy(dtype=float)
        frame = keys.assign(
            value=value,
            se=np.sqrt(variance),
            low=low,
            high=high,
            df=df,
            p=_test_zero(value, np.sqrt(variance), df),
            n=n.astype(int),
            method=np.where(without_error, "none", "t"),
            printed=[round_to_text(number) for number in value],
        )
        if adjust is not None:
            adjusted = adjust_p_values(frame["p"].to_numpy(dtype=float), adjust)
            frame.insert(list(frame).index("p") + 1, "p_adjusted", adjusted)
        combined = Estimates(frame.reset_index(drop=True), self.totals, influence)
        return combined.print_like(self)

    def sentences(self) -> list[str]:
        """Return sentences above the table: how many forms have a blank key."""
        if self.totals is None or not self.totals.n_blank:
            return []
        keys = ", ".join(map(str, self.totals.keys.columns))
        return [say(self.language, "estimates.blank_keys", n=self.totals.n_blank, keys=keys)]

    def __len__(self) -> int:
        return len(self.frame)

    def _list_row_keys(self) -> list[str]:
        return self._list_keys(("level",))

    def _choose_decimals(self) -> int:
        values = self.frame["value"].abs()
        return 4 if len(values) and bool((values <= 1).all()) else 2  # shares need more


def _test_zero(value: Floats, se: Floats, df: Floats) -> Floats:
    """Return p of the t test that each value is 0; NaN without an error."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return 2 * t_tail(np.abs(value / se), df)


def flag_cells(
    people: Iterable[float],
    min_cell: int,
    df: Iterable[float] | None = None,
    n_eff: Iterable[float] | None = None,
    width: Iterable[float] | None = None,
) -> list[str]:
    """Return for each cell whether to publish: ``publish``, ``caution`` or ``suppress``.

    Fewer than ``min_cell`` people: suppress. Fewer than 30 people or effective people, fewer than 8
    degrees of freedom, or an interval 0.3 wide: caution (rule P2, after the NCHS standards of
    2017; cells that NCHS suppresses are published with caution here, see docs/decisions/0007).
    """
    n = np.asarray(list(people), dtype=float)
    doubts = n < CAUTION_UNDER
    for values, few in ((df, FEW_DF), (n_eff, CAUTION_UNDER)):
        if values is not None:
            doubts |= np.asarray(list(values), dtype=float) < few
    if width is not None:
        doubts |= np.asarray(list(width), dtype=float) >= WIDE
    words = np.where(n < min_cell, SUPPRESS, np.where(doubts, "caution", "publish"))
    return [str(word) for word in words]
