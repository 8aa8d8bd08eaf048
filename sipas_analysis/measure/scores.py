"""Turn answers into percentages of satisfied people, by item, factor, block and overall.

SIPAS publishes the share of people who chose one of the two best levels. A mean score (M5)
and the share satisfied with everything (M4) may be shown with that share, never instead of it.
How parts make the whole is read from the instrument's ``index:`` block (M2, M3).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from sipas_analysis.arguments import check_kind, list_names
from sipas_analysis.collect.frame_columns import check_columns
from sipas_analysis.collect.survey import Survey, refuse_key
from sipas_analysis.errors import ColumnError, DesignError
from sipas_analysis.infer.design import Floats, Ints
from sipas_analysis.infer.distributions import t_quantile
from sipas_analysis.infer.estimates import COLUMNS, FEW_PEOPLE, Estimates, flag_cells
from sipas_analysis.infer.intervals import (
    cap_effective_n,
    effective_n,
    exact_interval,
    simple_interval,
)
from sipas_analysis.infer.ratio_means import MeanEstimate, average_ratios, evaluate_mean
from sipas_analysis.infer.result_table import SUPPRESS
from sipas_analysis.infer.stages import CENSUS
from sipas_analysis.infer.totals import Block
from sipas_analysis.infer.totals_from_files import build_block, build_blocks
from sipas_analysis.infer.variance import sampling_fraction, whole_strata
from sipas_analysis.instrument.pack import (
    OVERALL,
    Index,
)
from sipas_analysis.instrument.wording import say_scales
from sipas_analysis.measure.rules import (
    Target,
    item_codes,
    list_columns,
    list_targets,
    people_key,
)
from sipas_analysis.rounding import round_to_text

KEY_COLUMNS = ("domain", "group", "unit", "variable", "flag")
SCORE_COLUMNS = (*KEY_COLUMNS, "value", "se", "low", "high", "n_valid")


@dataclass(frozen=True, eq=False, repr=False)
class Scores(Estimates):
    """Indices of a survey; ``rank`` asks the survey which units need a second look."""

    survey: Survey | None = None

    def take(self, rows: Ints) -> "Scores":
        """Keep these rows, in this order."""
        kept_rows = super().take(rows)
        return replace(self, frame=kept_rows.frame, influence=kept_rows.influence)

    def sentences(self) -> list[str]:
        """Return how many forms have a blank key, and whether items have different scales."""
        shown = self.frame["variable"].unique() if self.survey is not None else ()
        pack = self.survey.instrument if self.survey is not None else None
        scales = say_scales(pack, map(str, shown), self.language) if pack is not None else []
        return [*super().sentences(), *scales]


def list_further_keys(table: pd.DataFrame) -> list[str]:
    """Return the columns that name a row of scores, beside unit, group and figure."""
    before = takewhile(lambda name: name not in ("variable", "value"), map(str, table.columns))
    return [name for name in before if name not in ("level", "group", "unit", "unit_name")]


def check_units(scores: Estimates) -> None:
    """Refuse scores that cannot be ranked: not by unit, or with several rows of a unit."""
    keys = list_further_keys(scores.frame)
    if "unit" not in scores.frame:
        survey = scores.survey if isinstance(scores, Scores) else None
        name = "" if survey is None else survey.wave.columns.unit
        message = "rank_unit_name" if name in keys else "rank_no_unit"
        raise ColumnError(message, keys=", ".join(keys) or "–", name=name)
    overall = scores.frame[scores.frame["level"] == OVERALL]
    if overall["unit"].duplicated().any():
        values = {key: overall[key].unique().tolist() for key in keys}
        chosen = {key: several[0] for key, several in values.items() if len(several) > 1}
        pairs = ", ".join(f"{key!r}: {value!r}" for key, value in chosen.items())
        raise ColumnError("rank_keys", keys=", ".join(chosen), pairs=f"{{{pairs}}}")


def score(survey: Survey, by: str | Sequence[str] = (), index: Index | None = None) -> Scores:
    """Estimate every index of the instrument in each domain.

    Item I_j = 100·Σ wᵢsᵢⱼ / Σ wᵢvᵢⱼ; factor, block and overall by the rules of the index.

    Args:
        survey: Validated forms.
        by: Key columns: ``unit``, ``group``, ``mode`` or any profile column; none for the whole.
        index: Rules to use in place of the instrument's own.

    Returns:
        One row per domain and figure with the glossary's columns, in percent. A domain with
        one form has no error (V3); without forms there is no row.

    Raises:
        ColumnError: ``by`` names no key column of the survey.

    Source: rules M1–M6, I1, I2, V1 and V3 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> labour = sipas.score(survey, by="unit").select(unit="so-ldtbxh", variable="overall")
        >>> labour.frame["printed"].item()
        '94.59'
    """
    if index is not None:
        check_kind(index, Index, "index")
    check_kind(survey, Survey, "survey")
    targets = list_targets(survey.instrument, index or survey.instrument.index)
    (scores,) = score_targets(survey, by, [targets])
    return Scores(scores.frame, scores.totals, scores.influence, survey, wording=survey.wording)


def score_domains(survey: Survey, keys: Sequence[str | Sequence[str]]) -> list[Scores]:
    """Estimate every index by each of some keys, as ``score`` does for each.

    The forms are counted once: a unit is of one group, so that totals of units give the others.
    """
    targets = list_targets(survey.instrument, survey.instrument.index)
    columns = list_columns(survey.instrument, targets)
    by = [_check_keys(survey, key) for key in keys]
    blocks = build_blocks(survey.design(), by, columns)
    estimates = (
        _estimate_targets(survey, *part, targets)
        for part in zip(by, [[b] for b in blocks], strict=True)
    )
    return [Scores(part.frame, part.totals, part.influence, survey) for part in estimates]


def score_everyone(survey: Survey, whole: Estimates | None = None) -> pd.DataFrame:
    """Return the figures of the whole (if not known) and of each unit, told apart by ``domain``."""
    whole = score(survey) if whole is None else whole
    parts = {"all": whole.frame, "unit": score(survey, "unit").frame}
    return pd.concat(
        [frame.assign(domain=domain) for domain, frame in parts.items()], ignore_index=True
    )


def check_scores(scores: pd.DataFrame) -> None:
    """Refuse what is no table of figures as ``score_everyone`` returns it."""
    check_kind(scores, pd.DataFrame, "frame", "scores")
    check_columns("scores", SCORE_COLUMNS, scores)


def select_shown(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the figures of the whole and of units that may be shown; the whole is unit ""."""
    is_shown = scores["value"].notna() & (scores["flag"] != SUPPRESS)
    shown = scores[is_shown & scores["domain"].isin(["all", "unit"])]
    return shown.assign(unit=shown["unit"].where(shown["domain"] == "unit", ""))


def score_targets(
    survey: Survey, by: str | Sequence[str], target_lists: Sequence[Sequence[Target]]
) -> list[Estimates]:
    """Estimate several lists of figures; the forms are read once for all of them."""
    keys = _check_keys(survey, by)
    every_target = [target for targets in target_lists for target in targets]
    blocks = list(_make_blocks(survey, keys, every_target))
    return [_estimate_targets(survey, keys, blocks, targets) for targets in target_lists]


def _check_keys(survey: Survey, by: str | Sequence[str]) -> list[str]:
    """Return the key columns, units with their group, or refuse an unknown key."""
    keys = list_names(by, "by")
    unknown = [key for key in keys if key not in survey.keys]
    if unknown:
        raise refuse_key(survey, unknown[0])
    taken = [key for key in keys if key in (*COLUMNS, "level", "unit_name", "variable")]
    if taken:
        raise DesignError("by_taken", key=taken[0])
    return ["group", *keys] if "unit" in keys and "group" not in keys else keys


def _estimate_targets(
    survey: Survey, keys: list[str], blocks: Sequence[Block], targets: Sequence[Target]
) -> Estimates:
    """Estimate figures in each domain of the blocks, one below the other."""
    parts = [[_estimate_target(totals, target, survey) for target in targets] for totals in blocks]
    frames = [_stack_parts(*block_parts) for block_parts in zip(blocks, parts, strict=True)]
    table = pd.concat(frames, ignore_index=True)
    if "unit" in keys:
        table["unit_name"] = table["unit"].map(survey.unit_names)
    key_columns = ["level", "group", "unit", "unit_name", *keys, "variable"]
    first = dict.fromkeys(name for name in key_columns if name in table)
    table = table[[*first, *COLUMNS]]
    if len(blocks) > 1:  # choices overlap: the domains of several blocks have no covariance
        return Estimates(table)
    influence = sparse.csr_array(sparse.vstack([part.influence for part in parts[0]]))
    return Estimates(table, blocks[0], influence)


def overall_by_rule(survey: Survey, indexes: Mapping[str, Index]) -> pd.DataFrame:
    """Return the overall index of each unit under several rules, without errors.

    Args:
        survey: Validated forms.
        indexes: Rules by name.

    Returns:
        One row per unit (the index), one column per rule, in percent.
    """
    pack = survey.instrument
    columns = list_columns(pack, [], with_errors=False)
    totals = build_block(survey.design(), ["unit"], columns)
    values = {
        name: average_ratios(totals.total, target.mean)[0]
        for name, index in indexes.items()
        for target in list_targets(pack, index)
        if target.level == OVERALL
    }
    return pd.DataFrame(values, index=pd.Index(totals.keys["unit"], name="unit"))


def count_answers(survey: Survey, by: Sequence[str] = ()) -> pd.DataFrame:
    """Count the forms at each level of each item: keys, ``item``, ``answer``, ``n``, ``weight``."""
    codes = item_codes(survey.instrument)
    weights = survey.frame.get("weight", 1.0)
    answers = survey.frame[[*by, *codes]].assign(_w=weights)
    answers = answers.melt([*by, "_w"], var_name="item", value_name="answer")
    answers = answers.dropna(subset="answer")
    counts = answers.groupby([*by, "item", "answer"], sort=True)["_w"].agg(n="size", weight="sum")
    return counts.reset_index().astype({"answer": int})


def _make_blocks(survey: Survey, keys: list[str], targets: Sequence[Target]) -> Iterator[Block]:
    """Total the forms once; a multi-choice key makes one block per choice (choices overlap)."""
    columns = list_columns(survey.instrument, targets)
    multi_choice = [key for key in keys if survey.is_many(key)]
    if not multi_choice:
        yield build_block(survey.design(), keys, columns)
        return
    key = multi_choice[0]
    for choice in survey.instrument.indicators[key].levels:
        labels = survey.has_choice(key, choice).map({True: choice})
        yield build_block(survey.design(survey.frame.assign(**{key: labels})), keys, columns)


@dataclass(frozen=True)
class _Part:
    """One figure in each domain of a block: columns of the glossary, and its influence."""

    columns: Mapping[str, ArrayLike]
    influence: sparse.csr_array


def _estimate_target(totals: Block, target: Target, survey: Survey) -> _Part:
    """Return one figure in each domain of a block, with interval and text."""
    estimate = evaluate_mean(totals, target.mean, f"{people_key(target)}.people")
    estimate = _settle_ends(estimate, target)
    has_no_error = np.isnan(estimate.variance)
    is_single_ratio = target.mean.share.size == 1 and target.kind != "score"
    unknown = np.full(len(estimate.value), np.nan)
    numerator = estimate.numerator / 100 if is_single_ratio else unknown
    interval = _find_interval(totals, target, estimate)
    columns: dict[str, ArrayLike] = {
        "level": target.level,
        "variable": target.variable,
        "value": estimate.value,
        "se": np.sqrt(estimate.variance),
        "low": np.where(has_no_error, np.nan, interval.low),
        "high": np.where(has_no_error, np.nan, interval.high),
        "df": estimate.df,
        "n": totals.people["n"].to_numpy(),
        "n_valid": estimate.people.astype(int),
        "numerator": numerator,
        "denominator": estimate.denominator,
        "deff": _design_effect(estimate, target),
        "n_eff": np.where(has_no_error, np.nan, interval.n_eff),
        "method": np.where(has_no_error, "none", interval.method),
        "flag": _flag_domains(estimate, target, interval, survey.wave.min_cell),
        "printed": _print_values(
            estimate,
            unknown if totals.weighted else numerator,
            survey.instrument.index.decimals,
        ),
    }
    return _Part(columns, estimate.influence)


def _stack_parts(totals: Block, parts: Sequence[_Part]) -> pd.DataFrame:
    """Return one row per figure and domain: all domains of the first figure, then of the next."""
    d = len(totals.keys)
    columns = {
        name: np.concatenate([np.broadcast_to(np.asarray(part.columns[name]), d) for part in parts])
        for name in parts[0].columns
    }
    keys = totals.keys.iloc[np.tile(np.arange(d), len(parts))].reset_index(drop=True)
    return keys.assign(**columns)


@dataclass(frozen=True)
class _Interval:
    """Ends in percent or points, effective number of people and method, shape (D,) each."""

    low: Floats
    high: Floats
    n_eff: Floats
    method: NDArray[np.object_]


def _design_effect(estimate: MeanEstimate, target: Target) -> Floats:
    """Return the variance over that of as many people drawn singly with replacement (V6)."""
    value, variance, people = estimate.value, estimate.variance, estimate.people
    n_drawn = np.where((people > 1) & (target.kind != "score"), people - 1, np.nan)
    simple = value * (100 - value) / n_drawn  # with replacement, as svymean(deff = "replace")
    no_effect = np.full(len(value), np.nan)
    return np.asarray(np.divide(variance, simple, out=no_effect, where=simple > 0))


def _flag_domains(
    estimate: MeanEstimate, target: Target, interval: _Interval, min_cell: int
) -> list[str]:
    """Return for each domain whether the figure may be published (P2)."""
    people, df = estimate.people, estimate.df
    if target.kind == "score":
        return flag_cells(people, min_cell, df=df)
    width = (interval.high - interval.low) / 100
    return flag_cells(people, min_cell, df=df, n_eff=interval.n_eff, width=width)


def _print_values(estimate: MeanEstimate, numerator: Floats, decimals: int) -> list[str]:
    """Return the printed text of each domain, from the exact fraction where it is known (M6)."""
    columns = (estimate.value, numerator, estimate.denominator)
    cells = zip(*(column.tolist() for column in columns), strict=True)
    return [round_to_text(value, top, bottom, decimals) for value, top, bottom in cells]


def _settle_ends(estimate: MeanEstimate, target: Target) -> MeanEstimate:
    """Set a percentage that float sums keep just off 0 or 100 to that end, without error."""
    if target.kind == "score":
        return estimate
    value, variance = estimate.value, estimate.variance
    is_end = np.isin(value.round(9), [0.0, 100.0])
    return replace(
        estimate,
        value=np.where(is_end, value.round(), value),
        variance=np.where(is_end & ~np.isnan(variance), 0.0, variance),
    )


def _find_interval(totals: Block, target: Target, estimate: MeanEstimate) -> _Interval:
    """Return the interval of each domain: I1 for people, I2 for answers, t for scores."""
    value, variance, df, people = estimate.value, estimate.variance, estimate.df, estimate.people
    method = np.full(len(value), "t", dtype=object)
    if target.kind == "score":
        return _Interval(*_score_interval(target, estimate), people, method)
    share = np.clip(value / 100, 0.0, 1.0)
    fraction = sampling_fraction(totals)
    cap = cap_effective_n(_most_effective(totals, target, share, people), fraction)
    n_eff = effective_n(share, variance / 1e4, people=people, df=df, cap=cap)
    low, high = exact_interval(share * n_eff, n_eff)
    method[:] = "korn-graubard"
    if target.kind == "people":
        is_simple, size = totals.simple, whole_strata(totals, people)
        simple_low, simple_high = simple_interval(share, people, size)
        low, high = np.where(is_simple, simple_low, low), np.where(is_simple, simple_high, high)
        n_eff, method[is_simple] = np.where(is_simple, people, n_eff), "clopper-pearson"
        method[~np.isnan(size)] = "hypergeometric"
    is_census = fraction >= CENSUS  # everybody was asked: no sampling error
    low, high = np.where(is_census, share, low), np.where(is_census, share, high)
    return _Interval(100 * low, 100 * high, n_eff, method)


def _most_effective(totals: Block, target: Target, share: Floats, people: Floats) -> Floats:
    """Return the largest effective n: the answers, or the people where few decide (I2)."""
    if target.kind != "answers":
        return people
    answers, satisfied, unsatisfied = (
        totals.people[f"{people_key(target)}.{fact}"].to_numpy()
        for fact in ("answers", "satisfied", "unsatisfied")
    )
    rarer = np.where(share >= 0.5, unsatisfied, satisfied)
    return np.where(rarer < FEW_PEOPLE, people, answers).astype(np.float64)


def _score_interval(target: Target, estimate: MeanEstimate) -> tuple[Floats, Floats]:
    """Return the t interval of a mean score, within its scale.

    Where everyone chose the best or the worst level the exact interval of a share is used, so
    that thirty fives have an error. Where everyone chose another level there is no interval.
    """
    value, variance, df, people = estimate.value, estimate.variance, estimate.df, estimate.people
    level_values = target.mean.top[target.mean.bottom > 0]
    floor, ceiling = level_values.min(), level_values.max()
    half = t_quantile(0.975, df) * np.sqrt(np.where(variance > 0, variance, np.nan))
    low, high = np.maximum(value - half, floor), np.minimum(value + half, ceiling)
    reach = ceiling - floor
    share = (value - floor) / reach
    is_end = np.isclose(share, 0.0) | np.isclose(share, 1.0)
    exact = exact_interval(np.rint(np.where(is_end, share, 0.0) * people), people)
    low_at_end, high_at_end = (floor + reach * end for end in exact)
    return np.where(is_end, low_at_end, low), np.where(is_end, high_at_end, high)
