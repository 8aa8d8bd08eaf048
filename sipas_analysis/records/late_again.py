"""Look for officials in whose hands files are late again and again: a finding, no accusation (T6).

An official with hard files must not look worse than others. Each stay is compared with stays of
other officials in the same step of the same procedure, in the same section, by the same channel,
with as much of the legal limit used up when the dossier arrived. The table names officials by
code and belongs in a restricted file, never in a public archive.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from sipas_analysis.errors import RecordsError
from sipas_analysis.infer.design import Floats
from sipas_analysis.instrument.pack import Status
from sipas_analysis.instrument.strict_yaml import Strict, read_model
from sipas_analysis.records.steps import run_query
from sipas_analysis.sheets.texts import plain_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

Integers = NDArray[np.int64]

OFFICIAL = ["unit", "handler"]
SECTION = ["unit", "section"]
MIX = (["step", "used"], ["step", "procedure"], ["channel"])
# Of the effects of used, procedure, channel and official: 1 over the variance they are drawn to.
PENALTIES = (0.05, 0.25, 1.0, 1.0)
CYCLES = 60  # of the fit, at most
CONVERGED = 1e-5
LEAST_RATE, LEAST_VARIANCE = 1e-6, 1e-9
STAYS = """
WITH ordered AS (
    SELECT dossier, step, section, handler, reason, start, state, unit,
        coalesce(state, 4) IN (2, 4) AS works,
        coalesce("end", lead(start) OVER way) AS ended
    FROM movements WINDOW way AS (PARTITION BY dossier ORDER BY start, "end", step)
), timed AS (
    SELECT *, coalesce(sum(CASE WHEN coalesce(state, 4) IN (5, 6, 8)
            THEN working_seconds(ended) - working_seconds(start) END) OVER (
                PARTITION BY dossier ORDER BY start, ended, step
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS paused_before
    FROM ordered
), limits AS (
    SELECT dossier, procedure::VARCHAR AS procedure, channel::VARCHAR AS channel, start AS started,
        due, unit::VARCHAR AS its_unit, status = 'overdue' AS is_overdue,
        working_seconds(due) - working_seconds(start) - coalesce(paused_seconds, 0)::BIGINT
            AS limit_seconds
    FROM clock WHERE due IS NOT NULL AND status <> 'contradictory'
), stays AS (
    SELECT coalesce(nullif(unit::VARCHAR, ''), its_unit, '') AS unit, handler::VARCHAR AS handler,
        coalesce(step::VARCHAR, '') AS step, coalesce(section::VARCHAR, '') AS section,
        coalesce(procedure, '') AS procedure, coalesce(channel, '') AS channel,
        coalesce(reason::VARCHAR, '') AS reason, strftime(due, '%Y-%m') AS month,
        start < due AS in_time,
        start < due AND CASE WHEN ended IS NULL THEN is_overdue ELSE ended > due END AS is_late,
        (working_seconds(start) - working_seconds(started) - paused_before)
            / limit_seconds AS used
    FROM timed JOIN limits USING (dossier)
    WHERE works AND limit_seconds > 0 AND coalesce(handler::VARCHAR, '') <> ''
)"""
CELLS = """
SELECT unit, handler, step, section, procedure, channel, ({used}) AS used,
    count(*) FILTER (in_time) AS n, count(*) FILTER (is_late) AS late,
    count(*) FILTER (NOT in_time) AS arrived_late
FROM stays GROUP BY ALL ORDER BY ALL"""
REASONS = """
SELECT unit, handler, month, reason, count(*) AS n
FROM stays WHERE is_late GROUP BY ALL ORDER BY ALL"""
NEEDED = ("dossier", "step", "section", "handler", "state", "start", "end", "reason", "unit")
VERDICTS = ("look_closer", "one_time", "usual", "too_few", "not_comparable")


class Number(Strict):
    """A number of the rule, how sure it is, and why it is there."""

    value: float
    status: Status
    why: str = ""


class Ends(Strict):
    """Ends of classes, how sure they are, and why they are there."""

    value: tuple[float, ...]
    status: Status
    why: str = ""


class Reason(Strict):
    """A reason for lateness in two languages, and the words of exports that mean it."""

    vi: str
    en: str
    words: tuple[str, ...] = ()


class LateRules(Strict):
    """The content of ``late_again.yaml``."""

    level: Number
    least_stays: Number
    least_other_officials: Number
    least_other_stays: Number
    least_months: Number
    margin: Number
    used: Ends
    reasons: Mapping[str, Reason]


@cache
def read_late_rules() -> LateRules:
    """Return the rules of T6 that come with the program."""
    return read_model(Path(__file__).with_suffix(".yaml"), LateRules)


def find_late_again(movements: "DuckDBPyRelation", dossiers: pd.DataFrame) -> pd.DataFrame:
    """Compare the late stays of each official with those expected from the mix of files.

    A stay at work counts if the dossier reached the official before its due time; it is late if
    the due time passed while it was there. Dossiers without a limit and contradictory ones do not
    count.

    Args:
        movements: One row per stay: ``dossier step section handler state start end reason unit``.
        dossiers: One row per dossier with the clock: ``dossier procedure channel unit start due
            paused_seconds status``.

    Returns:
        One row per official, ``look_closer`` first, then by ``ratio``: the columns of
        ``compare_officials``, ``months_late``, ``arrived_late`` (stays that came after the due
        time and do not count), ``reasons`` (codes of late stays with their numbers, most frequent
        first) and ``verdict``: ``look_closer`` (more late stays than the funnel allows, in at least
        three months), ``one_time`` (more, in fewer months), ``usual``, ``too_few`` or
        ``not_comparable`` (nobody else does this work).

    Raises:
        RecordsError: A column is missing.

    Source: rule T6 in docs/method.md.
    """
    missing = [name for name in NEEDED if name not in movements.columns]
    if missing:
        known = ", ".join([*movements.columns])
        raise RecordsError("records_columns", columns=", ".join(missing), known=known)
    rules = read_late_rules()
    classes = " + ".join(f"(used >= {end})::INTEGER" for end in rules.used.value)
    cells = run_query(movements, STAYS + CELLS.format(used=classes), dossiers)
    late = run_query(movements, STAYS + REASONS, dossiers)
    table = compare_officials(cells, rules)
    months = late.groupby(OFFICIAL)["month"].nunique().rename("months_late")
    arrived = cells.groupby(OFFICIAL)["arrived_late"].sum()
    table = table.join(months, on=OFFICIAL).join(arrived, on=OFFICIAL)
    table = table.join(_name_reasons(late, rules), on=OFFICIAL)
    table["months_late"] = table["months_late"].fillna(0).astype(np.int64)
    table["reasons"] = table["reasons"].fillna("")
    table["verdict"] = _judge(table, rules)
    rank = table["verdict"].map({word: at for at, word in enumerate(VERDICTS)})
    ordered = table.assign(rank=rank).sort_values(
        ["rank", "ratio", *OFFICIAL], ascending=[True, False, True, True], kind="stable"
    )
    return ordered.drop(columns="rank").reset_index(drop=True)


def compare_officials(cells: pd.DataFrame, rules: LateRules) -> pd.DataFrame:
    """Compare officials by cells of like stays.

    Log odds of a late stay = class of limit used in the step + procedure in the step + channel +
    official, by penalised likelihood. So a procedure is hard if the officials who do it are later
    with it than with their other files. Official i is expected to be as late as colleagues: m_i is
    the mean of the effects of the others of the section, drawn towards that of all others, and E_i
    the sum of the rates with m_i in place of the effect of i. The number of late stays is
    beta-binomial with mean E_i and variance V + V²(margin·τ² + var m_i) + that of the procedures,
    V = Σ np(1 − p); τ² is the variance between officials of a section, by moments from the other
    sections. ``high_percent`` holds for all m officials with enough stays at once (tail 0.05/m), so
    does ``low_percent``. Cells whose procedure in the step has under two other officials or 20 of
    their stays do not count.

    Args:
        cells: One row per official and cell: ``unit handler step section procedure channel used n
            late``.
        rules: Numbers of the rule.

    Returns:
        One row per official: ``unit handler n late not_comparable expected rate_percent
        expected_percent ratio low_percent high_percent``; NaN where nothing can be compared.

    Source: rule T6 in docs/method.md; funnel limits and variance between: Spiegelhalter (2005),
    doi:10.1002/sim.1970; moments: DerSimonian and Laird (1986), doi:10.1016/0197-2456(86)90046-2.
    """
    cells = cells[cells["n"] > 0].reset_index(drop=True)
    is_comparable = _find_comparable(cells, rules)
    lost = cells["n"].where(~is_comparable, 0).groupby([cells[key] for key in OFFICIAL]).sum()
    table = expect_late(cells[is_comparable].reset_index(drop=True), rules.margin.value)
    table = table.reindex(lost.index).fillna({"n": 0, "late": 0})
    table = table.assign(not_comparable=lost).reset_index()
    whole = ["n", "late", "not_comparable"]
    return _set_limits(table.astype(dict.fromkeys(whole, np.int64)), rules)


def _find_comparable(cells: pd.DataFrame, rules: LateRules) -> "pd.Series[bool]":
    """Return which cells others know: their step × procedure by enough officials and stays."""
    keys = MIX[1]
    by_official = cells.groupby([*keys, *OFFICIAL])["n"].transform("sum")
    n_others = cells.groupby(keys)["n"].transform("sum") - by_official
    codes = cells.groupby(OFFICIAL).ngroup()
    n_officials = codes.groupby([cells[key] for key in keys]).transform("nunique") - 1
    enough = n_officials >= rules.least_other_officials.value
    return enough & (n_others >= rules.least_other_stays.value)


def expect_late(cells: pd.DataFrame, margin: float) -> pd.DataFrame:
    """Return ``n late expected variance`` of late stays by official (rule T6).

    Args:
        cells: Comparable cells.
        margin: Factor on the variance between officials.
    """
    n, late = (cells[name].to_numpy(dtype=float) for name in ("n", "late"))
    codes = [cells.groupby(keys).ngroup().to_numpy() for keys in (*MIX, OFFICIAL)]
    effects, odds = _fit_effects(n, late, codes)
    official, own = codes[-1], effects[-1]
    spread = _sum_by(official, n * _find_variance(odds))
    home = cells.assign(official=official, section=cells.groupby(SECTION).ngroup(), n=n)
    home = home.groupby(["official", "section"], as_index=False)["n"].sum()
    home = home.sort_values(["official", "n"], kind="stable").drop_duplicates(
        "official", keep="last"
    )
    section = np.unique(home["section"], return_inverse=True)[1]
    mean, error, between = _predict_effects(own, 1 / (spread + PENALTIES[-1]), section)
    odds = odds + (mean - own)[official]
    rate = 1 / (1 + np.exp(-odds))
    variance = _sum_by(official, n * rate * (1 - rate))
    unknown = variance**2 * (margin * between + error)
    table = cells[[*OFFICIAL]].assign(n=n, late=late, expected=n * rate)
    table = table.groupby(OFFICIAL)[["n", "late", "expected"]].sum()
    of_procedures = _measure_procedures(n * rate * (1 - rate), codes[1], official)
    return table.assign(variance=variance + unknown + of_procedures)


def _fit_effects(n: Floats, late: Floats, codes: Sequence[Integers]) -> tuple[list[Floats], Floats]:
    """Return the effects of each factor on the log odds, and the log odds of each cell.

    Newton steps for one factor after another, each effect drawn to 0 by its penalty.
    """
    overall = np.clip(late.sum() / max(n.sum(), 1), LEAST_RATE, 1 - LEAST_RATE)
    odds = np.full(len(n), np.log(overall / (1 - overall)))
    effects = [np.zeros(int(code.max(initial=-1)) + 1) for code in codes]
    for _ in range(CYCLES):
        largest = 0.0
        for at, (code, penalty) in enumerate(zip(codes, PENALTIES, strict=True)):
            rate = 1 / (1 + np.exp(-odds))
            score = _sum_by(code, late - n * rate) - penalty * effects[at]
            step = np.clip(score / (_sum_by(code, n * rate * (1 - rate)) + penalty), -1, 1)
            effects[at], odds = effects[at] + step, odds + step[code]
            largest = max(largest, float(np.abs(step).max(initial=0)))
        if largest < CONVERGED:
            break
    return effects, odds


def _predict_effects(
    effect: Floats, variance: Floats, section: Integers
) -> tuple[Floats, Floats, Floats]:
    """Return, for each official, the effect expected by the others, its variance, and τ².

    Args:
        effect: Effects of the officials, shape (J,).
        variance: Their variances, shape (J,).
        section: Number of the section of each, shape (J,).
    """
    weight = 1 / variance
    of_section = [_sum_by(section, part) for part in (weight, weight * effect, weight**2)]
    apart = weight * (effect - (of_section[1] / of_section[0])[section]) ** 2
    size = _sum_by(section, np.ones(len(effect)))
    excess = _sum_by(section, apart) - (size - 1)
    scale = of_section[0] - of_section[2] / of_section[0]
    between = _divide_others(excess, scale)[section]
    centre = _divide_others_of(weight, weight * effect)
    total = weight * (effect - (weight * effect).sum() / weight.sum()) ** 2
    whole = (total.sum() - len(effect) + 1) / (weight.sum() - (weight**2).sum() / weight.sum())
    of_sections = np.maximum(whole - between, LEAST_VARIANCE)
    pooled = 1 / (variance + between)
    near = (_sum_by(section, pooled)[section] - pooled) + 1 / of_sections
    sums = _sum_by(section, pooled * effect)[section] - pooled * effect
    return (sums + centre / of_sections) / near, 1 / near, between


def _divide_others(excess: Floats, scale: Floats) -> Floats:
    """Return, for each section, the ratio of the sums over the others, at least 0.

    With one section only, that of the section.
    """
    if len(excess) < 2:
        return np.maximum(excess / np.maximum(scale, LEAST_VARIANCE), 0)
    others = np.maximum(scale.sum() - scale, LEAST_VARIANCE)
    return np.maximum((excess.sum() - excess) / others, 0)


def _divide_others_of(weight: Floats, weighted: Floats) -> Floats:
    """Return, for each official, the weighted mean of all others."""
    others = np.maximum(weight.sum() - weight, LEAST_VARIANCE)
    return (weighted.sum() - weighted) / others


def _measure_procedures(information: Floats, procedure: Integers, official: Integers) -> Floats:
    """Return the variance of E of each official that comes from the effects of procedures."""
    parts = pd.DataFrame({"procedure": procedure, "official": official, "part": information})
    parts = parts.groupby(["official", "procedure"], as_index=False)["part"].sum()
    others = parts.groupby("procedure")["part"].transform("sum") - parts["part"] + PENALTIES[1]
    return _sum_by(parts["official"].to_numpy(), (parts["part"] ** 2 / others).to_numpy())


def _sum_by(codes: Integers, values: Floats) -> Floats:
    """Return the sum of values by code."""
    return np.bincount(codes, weights=values, minlength=int(codes.max(initial=-1)) + 1)


def _find_variance(odds: Floats) -> Floats:
    """Return p(1 − p) by the log odds."""
    rate = 1 / (1 + np.exp(-odds))
    return np.asarray(rate * (1 - rate))


def _set_limits(table: pd.DataFrame, rules: LateRules) -> pd.DataFrame:
    """Return the table with rates and the limits of the funnel for all judged officials at once."""
    n, late, expected, variance = (
        table[name].to_numpy(dtype=float) for name in ("n", "late", "expected", "variance")
    )
    is_judged = n >= rules.least_stays.value
    low, high = np.full((2, len(n)), np.nan)
    tail = (1 - rules.level.value) / max(int(is_judged.sum()), 1)
    for at in np.flatnonzero(is_judged):
        low[at], high[at] = _find_limits(n[at], expected[at], variance[at], tail)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = {
            "rate_percent": 100 * late / n,
            "expected_percent": 100 * expected / n,
            "ratio": late / expected,
            "low_percent": 100 * low / n,
            "high_percent": 100 * high / n,
        }
    counts = ["n", "late", "not_comparable", "expected"]
    return table[[*OFFICIAL, *counts]].assign(**shares)


def _find_limits(n: float, expected: float, variance: float, tail: float) -> tuple[float, float]:
    """Return the least and the largest count of late stays that are not below either tail."""
    mean = expected / n
    inflation = variance / (n * mean * (1 - mean))
    alike = np.clip((inflation - 1) / max(n - 1, 1), 1e-6, 0.9)
    a, b = mean * (1 / alike - 1), (1 - mean) * (1 / alike - 1)
    k = np.arange(n + 1)
    ways = -np.log(n + 1) - special.betaln(n - k + 1, k + 1)
    chance = np.exp(ways + special.betaln(k + a, n - k + b) - special.betaln(a, b))
    below, above = np.cumsum(chance), np.cumsum(chance[::-1])[::-1]
    return float(np.flatnonzero(below > tail)[0]), float(np.flatnonzero(above > tail)[-1])


def _name_reasons(late: pd.DataFrame, rules: LateRules) -> "pd.Series[str]":
    """Return the codes of the reasons of each official's late stays with their numbers."""
    codes = {text: find_reason(text, rules) for text in late["reason"].unique()}
    counts = late.assign(code=late["reason"].map(codes)).groupby([*OFFICIAL, "code"])["n"].sum()
    table = counts.reset_index().sort_values(
        [*OFFICIAL, "n", "code"], ascending=[True, True, False, True], kind="stable"
    )
    table["text"] = table["code"].astype(str) + " " + table["n"].astype(str)
    return table.groupby(OFFICIAL)["text"].agg("; ".join).rename("reasons")


def find_reason(text: str, rules: LateRules) -> str:
    """Return the code of a reason as an export words it; the text itself goes nowhere."""
    if text in rules.reasons:
        return text
    words = plain_text(text)
    fitting = [
        code
        for code, reason in rules.reasons.items()
        if any(f" {part} " in f" {words} " for part in reason.words)
    ]
    return (fitting or ["other" if words else "none_given"])[0]


def _judge(table: pd.DataFrame, rules: LateRules) -> list[str]:
    """Return the verdict word of each official."""
    is_few = table["n"] < rules.least_stays.value
    is_alone = is_few & (table["n"] + table["not_comparable"] >= rules.least_stays.value)
    is_high = table["rate_percent"] > table["high_percent"]
    is_repeated = table["months_late"] >= rules.least_months.value
    tests = [is_alone, is_few, is_high & is_repeated, is_high]
    words = ["not_comparable", "too_few", "look_closer", "one_time"]
    return np.select(tests, words, "usual").tolist()
