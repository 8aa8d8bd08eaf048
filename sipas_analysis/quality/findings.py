"""Look for units whose forms may come from a few people only: findings, never accusations.

Each unit is compared with the other units of the wave: the forms with one answer to all items (Q1),
forms that look like another form of the unit (Q2), the hours at which forms were filled in (Q3),
the forms satisfied with everything (Q5), forms with a repeated pattern (Q6). Operators are compared
within a unit (Q4). Counts are modelled as beta-binomial, because units differ. P values are
adjusted over units and over the facts of a rule (Holm), so that a correct wave has a finding of
one rule in at most 5 % of cases; docs/coverage.md has the rates. A wave of one unit cannot be
judged by Q1, Q2, Q3 and Q5.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import gammainc

from sipas_analysis.arguments import check_kind
from sipas_analysis.collect.near_copies import (
    Flags,
    Levels,
    find_common_levels,
    find_near_copies,
    is_half_answered,
    read_ticks,
)
from sipas_analysis.collect.survey import Survey
from sipas_analysis.infer.combinations import adjust_p_values
from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.intervals import exact_interval
from sipas_analysis.infer.result_table import ResultTable
from sipas_analysis.infer.unit_counts import compare_counts
from sipas_analysis.instrument.pack import Instrument
from sipas_analysis.memory import return_memory
from sipas_analysis.messages import Language, say
from sipas_analysis.progress import show_progress
from sipas_analysis.quality.form_patterns import (
    Twins,
    compare_operators,
    count_largest_groups,
    count_times,
    find_longest_runs,
    find_periodic_forms,
    find_straight_answers,
    find_twins,
)

ALARM = 0.05
MANY_STRAIGHT = (
    25.0  # percent of forms with one answer throughout, above which they are named first
)
RULES = {
    "straight": "Q1",
    "twins": "Q2",
    "night": "Q3",
    "close": "Q3",
    "batch": "Q3",
    "satisfied": "Q5",
    "identical": "Q5",
    "pattern": "Q6",
}
FLAGGING_RULES = ("Q1", "Q2", "Q5")  # a unit with such a finding needs a second look before a rank
HETEROGENEITY = 1.5  # power of the other units' ratio of twins to chance (rule Q2)
N_TIME_FACTS = 3
MIN_ANSWERS = 100  # to a scale before it is said that levels were never used
SHOWN_CODES = 10


@dataclass(frozen=True)
class UnusedLevels:
    """A scale of which no item ever has the lowest or the highest levels.

    Attributes:
        codes: Items of the scale.
        ends: Its lowest and highest level.
        used: The lowest and highest level that was given.
    """

    codes: tuple[str, ...]
    ends: tuple[int, int]
    used: tuple[int, int]

    def text(self, language: Language) -> str:
        """Return the levels as a sentence that asks whether the scale is right."""
        (low, high), (first, last) = self.ends, self.used
        levels = [str(level) for level in range(low, high + 1) if not first <= level <= last]
        codes = [*self.codes[:SHOWN_CODES], *["…"] * (len(self.codes) > SHOWN_CODES)]
        return say(
            language,
            "quality.unused_levels",
            levels=", ".join(levels),
            codes=", ".join(codes),
            low=low,
            high=high,
            first=first,
            last=last,
        )


def find_unused_levels(survey: Survey) -> tuple[UnusedLevels, ...]:
    """Return the scales whose lowest or highest levels no answer has, of at least 100 answers.

    Answers to reversed questions count as they were given.
    """
    pack = survey.instrument
    codes_of: dict[tuple[int, int], list[str]] = {}
    for code in pack.rated_codes:
        scale = pack.scale_of(code)
        codes_of.setdefault((scale.low, scale.high), []).append(code)
    unused = []
    for (low, high), codes in codes_of.items():
        given = survey.frame[codes].astype(float)
        turned = [code for code in codes if pack.find_question(code).reverse]
        given[turned] = low + high - given[turned]
        n_answers = int(given.notna().to_numpy().sum())
        used = (int(given.min().min()), int(given.max().max())) if n_answers else (low, high)
        if n_answers >= MIN_ANSWERS and used != (low, high) and used[0] < used[1]:
            unused.append(UnusedLevels(tuple(codes), (low, high), used))
    return tuple(unused)


@dataclass(frozen=True, eq=False, repr=False)
class Findings(ResultTable):
    """One row per rule, fact and unit, worst first; all units for Q1, else those with the fact.

    Columns: ``rule``, ``fact`` (docs/method.md), ``unit``, ``unit_name``, ``n``, ``count`` (forms
    with the fact), ``share_percent``, ``expected_percent`` (by the other units or operators, or by
    chance), ``low`` (lower end of the 95 % interval of the share of people satisfied with
    everything), ``longest_run`` (median number of equal answers in a row), ``operator`` (rule Q4),
    ``p``, ``p_holm``, ``finding``.

    ``copies`` has one row per form that looks like another form of its unit and like no other form:
    ``unit``, ``file``, ``row``, ``other_file``, ``other_row``, ``n_equal``, ``n_items``.
    ``repeats`` has the same columns, one row per pair of forms that are more alike in answers and
    particulars than chance explains, whether or not their unit has a finding.
    """

    decimals = 3
    main_columns = (
        *("rule", "fact", "unit_name", "operator", "n", "count", "share_percent"),
        *("expected_percent", "p_holm", "finding"),
    )
    frame: pd.DataFrame
    straight_percent: float
    copies: pd.DataFrame
    repeats: pd.DataFrame
    unused: tuple[UnusedLevels, ...] = ()

    @property
    def has_many_straight(self) -> bool:
        """Whether over a quarter of the forms give one answer to all items: say it first."""
        return self.straight_percent > MANY_STRAIGHT

    @cached_property
    def flagged_units(self) -> set[str]:
        """Codes of the units with a finding of rule Q1, Q2 or Q5."""
        noticed = self.noticed()
        return set(noticed.loc[noticed["rule"].isin(FLAGGING_RULES), "unit"])

    def facts_of(self, unit: str) -> list[str]:
        """Return what is noticed of a unit, most unlikely first: each fact once."""
        noticed = self.noticed()
        return [*dict.fromkeys(noticed.loc[noticed["unit"] == unit, "fact"])]

    def noticed(self) -> pd.DataFrame:
        """Return the rows that are unlikely to be chance."""
        return self.frame[self.frame["finding"]].reset_index(drop=True)

    def sentences(self) -> list[str]:
        """Say first that many forms give one answer to all items, and which levels nobody used."""
        share = f"{self.straight_percent:.0f}"
        straight = [say(self.language, "cli.said.many_straight", share=share)]
        unused = [levels.text(self.language) for levels in self.unused]
        return straight * self.has_many_straight + unused


def check(survey: Survey) -> Findings:
    """Compare each unit's forms with those of the other units.

    Q1: forms with one answer to all items, compared with units of the same mean. Q2: forms that
    look like another form of their unit and like no other. Q3: the hours of the forms. Q4:
    operators of a unit, compared with one another. Q5: units in which every answer is satisfied, or
    every form is the same, with their lower bound. Q6: forms with a repeated pattern.

    Args:
        survey: The validated forms of a wave.

    Returns:
        Findings, smallest adjusted p first; p is NaN where fewer than four units can be compared.

    Source: rules Q1 to Q6 in docs/method.md; Holm (1979), doi:10.2307/4615733.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> sipas.check(survey).noticed()["unit"].tolist()
        ['tp-long-xuyen']
    """
    check_kind(survey, Survey, "survey")
    with show_progress(3) as advance:

        def finish_part() -> None:
            return_memory()  # the next part needs it
            advance(1)

        return_memory()
        return _compare_units(survey, finish_part)


def _compare_units(survey: Survey, finish_part: Callable[[], None]) -> Findings:
    """Return the findings of ``check``; ``finish_part`` is called after each of its three parts."""
    repeats = _find_repeats(survey)
    finish_part()
    forms, ticks = _list_forms(survey)
    units = _count_by_unit(forms, ticks, survey.instrument)
    rows, is_row = forms, ~forms["repeated"].to_numpy()
    if not is_row.all():
        rows, ticks = forms[is_row].reset_index(drop=True), ticks[is_row]
    finish_part()
    twins = find_twins(ticks, rows["unit"].to_numpy(), len(units))
    finish_part()
    parts = [
        *_judge_answers(units),
        _judge_twins(twins, units),
        *(_judge_times(rows, units) if "time" in forms else ()),
        *(_judge_operators(forms, units) if "operator" in forms else ()),
    ]
    table = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)
    table.insert(3, "unit_name", table["unit"].map(survey.unit_names))
    ordered = table.sort_values(["p_holm", "rule", "unit"], na_position="last")
    straight_percent = 100 * float(forms["straight"].mean())
    pairs = pd.DataFrame({"form": twins.form, "other": twins.twin, "n_equal": twins.n_equal})
    copies = _place_pairs(pairs.assign(n_items=ticks.shape[1]), rows)
    return Findings(
        ordered.reset_index(drop=True),
        straight_percent,
        copies,
        repeats,
        find_unused_levels(survey),
        wording=survey.wording,
    )


def find_open_units(survey: Survey) -> set[str]:
    """Return the units with a finding of Q1, Q2 or Q5 whose forms the wave does not accept (M9)."""
    return check(survey).flagged_units - {*survey.wave.accepted}


def _list_forms(survey: Survey) -> tuple[pd.DataFrame, Levels]:
    """Return the forms that answer an item, with a number and facts, and their ticks."""
    pack, ticks = survey.instrument, read_ticks(survey.frame, survey.instrument)
    is_answered, frame = np.asarray(ticks.any(axis=1)), survey.frame
    if not is_answered.all():
        frame, ticks = frame.loc[is_answered], ticks[is_answered]
    columns = ["file", "row", "time", "operator", "cluster"]
    forms = frame[[name for name in columns if name in frame]].reset_index(drop=True)
    is_repeated = np.zeros(len(frame), dtype=bool)  # a pattern that a frequency stands for
    if survey.wave.columns.count:
        is_repeated = frame.duplicated(["file", "row"]).to_numpy()
    facts = {
        "code": frame["unit"].to_numpy(),
        "unit": frame["unit"].factorize(sort=True)[0],
        "repeated": is_repeated,
        "straight": find_straight_answers(ticks),
        "satisfied": is_half_answered(ticks) & _are_content(frame, pack),
    }
    return forms.assign(**facts), ticks


def _are_content(forms: pd.DataFrame, pack: Instrument) -> Flags:
    """Return which forms have no answer below satisfied."""
    is_content = np.ones(len(forms), dtype=bool)
    for code in pack.items:
        is_content &= ~(forms[code].to_numpy(dtype=float) < pack.scale_of(code).satisfied_from)
    return is_content


def find_straight_lines(survey: Survey) -> Flags:
    """Return which forms give one answer to all items, half of them answered (rule Q1), (n,)."""
    return find_straight_answers(read_ticks(survey.frame, survey.instrument))


def _count_by_unit(forms: pd.DataFrame, ticks: Levels, pack: Instrument) -> pd.DataFrame:
    """Return, per unit: its forms and those with each fact, log odds of its mean, longest run."""
    unit, is_repeated = (forms[name].to_numpy() for name in ("unit", "repeated"))
    n_answered, n_points = (
        np.bincount(unit, by_form)
        for by_form in (np.count_nonzero(ticks, axis=1), ticks.sum(axis=1, dtype=np.int64))
    )
    counts = pd.DataFrame(
        {
            "n": np.bincount(unit).astype(float),
            "straight": np.bincount(unit, forms["straight"]),
            "satisfied": np.bincount(unit, forms["satisfied"]),
            "pattern": np.bincount(unit, find_periodic_forms(ticks) & ~is_repeated),
            "above": n_points - n_answered,
            "below": len(find_common_levels(pack)) * n_answered - n_points,
        }
    ).rename_axis("unit")
    runs = pd.Series(find_longest_runs(ticks)).groupby(forms["unit"]).median()
    return counts.assign(
        odds=np.log((counts["above"] + 0.5) / (counts["below"] + 0.5)),
        code=forms.groupby("unit")["code"].first(),
        identical=count_largest_groups(ticks, forms["unit"].to_numpy()),
        longest_run=runs,
    )


def _judge_answers(units: pd.DataFrame) -> list[pd.DataFrame]:
    """Judge straight lines, repeated patterns, units at 100 % and of equal forms (Q1, Q5, Q6)."""
    n, identical = units["n"], units["identical"]
    is_satisfied = units["satisfied"] == n
    is_identical = ~is_satisfied & (identical == n) & (n > 1)
    return [
        _compare_fact("straight", units, units["odds"].to_numpy()),
        _compare_fact("satisfied", units)[is_satisfied.to_numpy()],
        _compare_fact("identical", units)[is_identical.to_numpy()],
        _compare_fact("pattern", units)[units["pattern"].to_numpy() > 0],
    ]


def _judge_times(forms: pd.DataFrame, units: pd.DataFrame) -> list[pd.DataFrame]:
    """Judge forms filled in at night, within a minute of another, or in one hour (rule Q3).

    The more forms a day, the closer they are: units are compared with units of as many a day.
    """
    timed = count_times(forms).join(units[["code", "longest_run"]])
    days = timed.assign(n=timed["n_batch"])
    parts = [
        _compare_fact("night", timed, n_facts=N_TIME_FACTS),
        _compare_fact("close", timed, np.log(timed["day"].to_numpy()), n_facts=N_TIME_FACTS),
        _compare_fact("batch", days, np.log(days["n"].to_numpy()), n_facts=N_TIME_FACTS),
    ]
    return [part[part["share_percent"] > part["expected_percent"]] for part in parts]


def _judge_twins(twins: Twins, units: pd.DataFrame) -> pd.DataFrame:
    """Judge forms that look like another form of their unit and like no other form (rule Q2).

    Twins come in pairs, so that half their number is taken as Poisson. Forms of one unit are more
    alike than those of two units; the other units show by how much.
    """
    count, chance = twins.count, twins.expected
    ratio = (count.sum() - count + 1) / (chance.sum() - chance + 1)
    expected = chance * np.maximum(ratio, 1) ** HETEROGENEITY
    p = np.where(count > 0, gammainc(np.maximum(count, 1) / 2, np.maximum(expected, 1e-12) / 2), 1)
    rows = _list_rows("twins", units.assign(twins=count), expected / units["n"].to_numpy(), p)
    return rows[count > 0]


def _judge_operators(forms: pd.DataFrame, units: pd.DataFrame) -> list[pd.DataFrame]:
    """Judge the forms of each operator; of each unit and fact the operator that stands out most."""
    table = compare_operators(forms).join(units[["code", "longest_run"]], on="unit")
    rows = _list_rows("count", table, table["expected"].to_numpy(), table["p"].to_numpy())
    names = {name: table[name].to_numpy() for name in ("fact", "operator")}
    worst = rows.assign(rule="Q4", **names).sort_values("p", kind="stable")
    return [worst.drop_duplicates(["unit", "fact"])]


def _compare_fact(
    fact: str, units: pd.DataFrame, covariate: Floats | None = None, *, n_facts: int = 1
) -> pd.DataFrame:
    """Compare the count of a fact in each unit with the other units."""
    counts = units[fact].to_numpy(dtype=float), units["n"].to_numpy(dtype=float)
    return _list_rows(fact, units, *compare_counts(*counts, covariate), n_facts=n_facts)


def _list_rows(
    fact: str, units: pd.DataFrame, expected: Floats, p: Floats, *, n_facts: int = 1
) -> pd.DataFrame:
    """Return one row per unit, with Holm's adjustment over units and over the facts of the rule."""
    n, count = (units[name].to_numpy(dtype=float) for name in ("n", fact))
    adjusted = np.minimum(n_facts * adjust_p_values(p), 1)
    return pd.DataFrame(
        {
            "rule": RULES.get(fact, ""),
            "fact": fact,
            "unit": units["code"].to_numpy(),
            "n": n.astype(int),
            "count": count.astype(int),
            "share_percent": 100 * count / n,
            "expected_percent": 100 * expected,
            "low": 100 * exact_interval(count, n)[0] if fact == "satisfied" else np.nan,
            "longest_run": units["longest_run"].to_numpy(),
            "operator": "",
            "p": p,
            "p_holm": adjusted,
            "finding": adjusted < ALARM,
        }
    )


def _find_repeats(survey: Survey) -> pd.DataFrame:
    """Return the places of pairs that chance does not explain; none in a table of frequencies."""
    forms = survey.frame.assign(code=survey.frame["unit"])
    questions = [*survey.instrument.indicators, *survey.wave.key_codes]
    pairs = find_near_copies(forms, survey.instrument, questions)
    return _place_pairs(pairs.iloc[:0] if survey.wave.columns.count else pairs, forms)


def _place_pairs(pairs: pd.DataFrame, forms: pd.DataFrame) -> pd.DataFrame:
    """Return the places of forms that look alike, without their answers."""
    first, second = (forms.iloc[pairs[name]] for name in ("form", "other"))
    places = first.assign(unit=first["code"]).reindex(columns=["unit", "file", "row"])
    others = second.reindex(columns=["file", "row"]).add_prefix("other_")
    parts = [places, others, pairs[["n_equal", "n_items"]]]
    return pd.concat([part.reset_index(drop=True) for part in parts], axis=1)
