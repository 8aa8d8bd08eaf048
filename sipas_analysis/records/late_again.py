"""Look for officials in whose hands files are late again and again: a finding, no accusation (T6).

An official with hard files must not look worse than others. Each stay is compared with stays of
other officials in the same step of the same procedure, in the same section, by the same channel,
with as much of the legal limit used up when the dossier arrived. Files that are harder than others
of their procedure are not seen; where they may be the reason, the word is ``cannot_tell``. A row is
a reason to look at the files. The table names officials by code and belongs in a restricted file,
never in a public archive.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import special

from sipas_analysis.errors import RecordsError
from sipas_analysis.instrument.pack import Status
from sipas_analysis.instrument.strict_yaml import Strict, read_model
from sipas_analysis.records.late_effects import MIX, OFFICIAL, WEEKS, expect_late
from sipas_analysis.records.steps import run_query
from sipas_analysis.sheets.texts import plain_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

CELLS = """
WITH timed AS (
    SELECT dossier, step, section, handler, reason, unit, start, "end",
        working_seconds(start) AS begun, working_seconds("end") AS ended,
        coalesce(state, 0) IN (0, 2, 4) AS works, coalesce(state, 0) IN (5, 6, 8) AS pauses
    FROM movements
), ordered AS (
    SELECT *, coalesce("end", lead(start) OVER way) AS left_at,
        coalesce(ended, lead(begun) OVER way) - begun AS seconds
    FROM timed WINDOW way AS (PARTITION BY dossier ORDER BY start, "end", step)
), spans AS (
    SELECT *, max(CASE WHEN pauses THEN begun + seconds END) OVER before AS paused_to
    FROM ordered WINDOW before AS (PARTITION BY dossier ORDER BY start, "end", step
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), stays AS (
    SELECT *, coalesce(sum(CASE WHEN pauses
        THEN greatest(begun + seconds - greatest(begun, coalesce(paused_to, begun)), 0) END)
            OVER before, 0) - greatest(coalesce(paused_to, begun) - begun, 0) AS paused_before
    FROM spans WINDOW before AS (PARTITION BY dossier ORDER BY start, "end", step
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), limits AS (
    SELECT *, working_seconds(due) - started - coalesce(paused_seconds, 0)::BIGINT AS limit_seconds
    FROM (
        SELECT dossier, procedure, channel, due, status, paused_seconds, unit AS its_unit,
            working_seconds(start) AS started
        FROM clock WHERE due IS NOT NULL AND status <> 'contradictory'
    )
), compared AS (
    SELECT * REPLACE (coalesce(nullif(unit::VARCHAR, ''), its_unit::VARCHAR, '') AS unit),
        start < due AS in_time,
        start < due AND CASE WHEN left_at IS NULL THEN status = 'overdue' ELSE left_at > due END
            AS is_late,
        (begun - started - paused_before) / limit_seconds AS share_used
    FROM stays JOIN limits USING (dossier)
    WHERE works AND limit_seconds > 0 AND coalesce(handler::VARCHAR, '') <> ''
)
SELECT unit, handler::VARCHAR AS handler, coalesce(step::VARCHAR, '') AS step,
    coalesce(section::VARCHAR, '') AS section, coalesce(procedure::VARCHAR, '') AS procedure,
    coalesce(channel::VARCHAR, '') AS channel, {used} AS used,
    strftime(date_trunc('week', start), '%Y-%m-%d') AS arrived,
    strftime(date_trunc('week', compared.due), '%Y-%m-%d') AS due,
    CASE WHEN is_late THEN strftime(compared.due, '%Y-%m') ELSE '' END AS month,
    CASE WHEN is_late THEN coalesce(reason::VARCHAR, '') ELSE '' END AS reason,
    count(*) FILTER (in_time) AS n, count(*) FILTER (is_late) AS late,
    count(*) FILTER (NOT in_time) AS arrived_late
FROM compared GROUP BY ALL ORDER BY ALL"""
CELL = [*OFFICIAL, "step", "section", "procedure", "channel", "used", *WEEKS]
NEEDED = ("dossier", "step", "section", "handler", "state", "start", "end", "reason", "unit")
COUNTED = ("n", "late", "expected", "chance", "variance", "in_worst_week")
NAMED = ("worst_week", "look_at")
VERDICTS = ("look_closer", "one_time", "cannot_tell", "usual", "too_few", "not_comparable")


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
        first) and ``verdict``: ``look_closer`` (more late stays than the funnel allows, also
        without the worst week, in at least three months), ``one_time`` (more, but by one week or in
        fewer months), ``cannot_tell`` (more than chance gives, not more than files that no column
        tells may make: look at the files), ``usual``, ``too_few`` or ``not_comparable`` (nobody
        else does this work).

    Raises:
        RecordsError: A column is missing.

    Source: rule T6 in docs/method.md.
    """
    missing = [name for name in NEEDED if name not in movements.columns]
    if missing:
        known = ", ".join([*movements.columns])
        raise RecordsError("records_columns", columns=", ".join(missing), known=known)
    rules = read_late_rules()
    classes = " + ".join(f"(share_used >= {end})::INTEGER" for end in rules.used.value)
    stays = run_query(movements, CELLS.format(used=classes), dossiers)
    cells = stays.groupby(CELL, as_index=False)[["n", "late"]].sum()
    table = compare_officials(cells[cells["n"] > 0], rules)
    late = stays[stays["late"] > 0]
    months = late.groupby(OFFICIAL)["month"].nunique().rename("months_late")
    arrived = stays.groupby(OFFICIAL)["arrived_late"].sum()
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
    beta-binomial with mean E_i and variance V + ω²Q + V²(margin·τ² + var m_i) + that of the
    procedures; V = Σv, Q = Σv², v = Σ np(1 − p) of a week; ω² is the variance between weeks of one
    official (of arrival or due, the larger), τ² that between officials of a section.
    ``high_percent`` holds for all m officials with enough stays at once (tail 0.05/m), so do
    ``low_percent`` and ``chance_percent``, the upper limit without τ². Cells whose procedure in the
    step has under two other officials or 20 of their stays do not count.

    Args:
        cells: One row per official and cell: ``unit handler step section procedure channel used
            arrived due n late``.
        rules: Numbers of the rule.

    Returns:
        One row per official: ``unit handler n late not_comparable expected rate_percent
        expected_percent ratio low_percent high_percent chance_percent steady_percent`` (the rate
        with the worst week as late as the others) and, for the person who looks, ``worst_week
        look_at`` (``expect_late``); NaN where nothing can be compared.

    Source: rule T6 in docs/method.md; funnel limits and variance between: Spiegelhalter (2005),
    doi:10.1002/sim.1970; Paule and Mandel (1982), doi:10.6028/jres.087.022.
    """
    cells = cells.reset_index(drop=True)
    is_comparable = _find_comparable(cells, rules)
    lost = cells["n"].where(~is_comparable, 0).groupby([cells[key] for key in OFFICIAL]).sum()
    used = cells[is_comparable].reset_index(drop=True)
    table = pd.DataFrame(index=lost.index, columns=[*COUNTED], dtype=float)
    table = table.assign(**dict.fromkeys(NAMED, ""))
    if len(used):
        table = expect_late(used, rules.margin.value).reindex(lost.index)
    table = table.fillna({"n": 0, "late": 0, **dict.fromkeys(NAMED, "")})
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


def _set_limits(table: pd.DataFrame, rules: LateRules) -> pd.DataFrame:
    """Return the table with rates and the limits of the funnel for all judged officials at once."""
    n, late, expected, chance, variance, in_worst_week = (
        table[name].to_numpy(dtype=float) for name in COUNTED
    )
    is_judged = n >= rules.least_stays.value
    low, high, by_chance = np.full((3, len(n)), np.nan)
    tail = (1 - rules.level.value) / max(int(is_judged.sum()), 1)
    for at in np.flatnonzero(is_judged):
        low[at], high[at] = find_limits(n[at], expected[at], variance[at], tail)
        by_chance[at] = find_limits(n[at], expected[at], chance[at], tail)[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = {
            "rate_percent": 100 * late / n,
            "expected_percent": 100 * expected / n,
            "ratio": late / expected,
            "low_percent": 100 * low / n,
            "high_percent": 100 * high / n,
            "chance_percent": 100 * by_chance / n,
            "steady_percent": 100 * (late - in_worst_week) / n,
        }
    counts = ["n", "late", "not_comparable", "expected"]
    return table[[*OFFICIAL, *counts, *NAMED]].assign(**shares)


def find_limits(n: float, expected: float, variance: float, tail: float) -> tuple[float, float]:
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
    counts = late.assign(code=late["reason"].map(codes)).groupby([*OFFICIAL, "code"])["late"].sum()
    table = counts.reset_index().sort_values(
        [*OFFICIAL, "late", "code"], ascending=[True, True, False, True], kind="stable"
    )
    table["text"] = table["code"].astype(str) + " " + table["late"].astype(str)
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
    is_steady = table["steady_percent"] > table["high_percent"]
    is_repeated = is_steady & (table["months_late"] >= rules.least_months.value)
    is_unsure = table["steady_percent"] > table["chance_percent"]
    tests = [is_alone, is_few, is_high & is_repeated, is_high, is_unsure]
    words = ["not_comparable", "too_few", "look_closer", "one_time", "cannot_tell"]
    return [str(word) for word in np.select(tests, words, "usual")]
