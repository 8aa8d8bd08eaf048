"""Join the forms of a survey to the dossiers that they are about (rule D7).

A form may carry the code of its dossier. What the office recorded of that dossier, such as the days
beyond the deadline, then stands beside the answers. A contradictory dossier is joined to no form.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_kind
from sipas_analysis.collect.survey import Survey
from sipas_analysis.explain.factor_scores import design_with_scores, find_outcome
from sipas_analysis.infer.combinations import adjust_p_values
from sipas_analysis.infer.design import Design
from sipas_analysis.infer.group_tests import t_test
from sipas_analysis.infer.intervals import exact_interval
from sipas_analysis.infer.printed_result import ResultPart
from sipas_analysis.infer.result_table import ResultTable
from sipas_analysis.messages import format_number, say
from sipas_analysis.records.office_records import Records
from sipas_analysis.records.steps import run_query
from sipas_analysis.sheets.texts import fold_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

MATCHED = "matched"
REASONS = ("no_code", "unknown", "other_unit", "contradictory")  # why a form has no facts
KINDS = ("field", "procedure", "applicant")  # columns of a dossier that a model may hold constant
SIGNIFICANCE = 0.05
MARK = "\0matched"  # no column of a frame is called so

# State 5: the applicant is asked for further papers. Stays in a row in that state are one.
LOOPS = """
SELECT dossier, count(*) FILTER (state = 5 AND before IS DISTINCT FROM 5) AS loops
FROM (
    SELECT dossier, state, lag(state) OVER stays AS before
    FROM movements
    WHERE dossier IN (SELECT dossier FROM movements WHERE state = 5)
    WINDOW stays AS (PARTITION BY dossier ORDER BY "start", "end", state)
)
GROUP BY dossier
"""


@dataclass(frozen=True, eq=False, repr=False)
class JoinedFacts(ResultTable):
    """How many forms have the facts of their dossier, and whether these forms are different.

    Attributes:
        frame: One row per unit and one for all (``unit`` is ``""``): ``unit``, ``n`` (forms),
            ``matched``, ``percent`` with ``low`` and ``high`` (exact), and why the others are not:
            ``no_code`` (the form names no dossier), ``unknown`` (no export has it), ``other_unit``
            (the dossier is of another unit than the form), ``contradictory`` (its stamps are).
            Counts and shares of fewer than ``min_cell`` forms are blank (P2).
        difference: One row per factor, and for the outcome: ``variable``, ``value`` (mean level of
            the matched forms less that of the others), ``se``, ``low``, ``high``, ``p``,
            ``p_adjusted`` (Holm); empty unless both groups have ``min_cell`` forms.
        n_repeated: Matched forms about a dossier that another form is about, too.
        late_percent: Share of the matched forms whose dossier was late, of those with a deadline;
            NaN where these are fewer than ``min_cell``.
        facts: One row per form, by the index of ``survey.frame``: ``match``, ``days_late`` (working
            days, 0 if not late), ``is_late``, ``visits``, ``channel``, ``supplement_loops``, and
            ``field``, ``procedure`` and ``applicant`` of the dossier; not for publication (P3).
        has_codes: Whether the survey has a column of codes.
    """

    decimals = 3
    frame: pd.DataFrame
    difference: pd.DataFrame
    n_repeated: int
    late_percent: float
    facts: pd.DataFrame = field(repr=False)
    has_codes: bool

    @property
    def n_matched(self) -> int:
        """Number of forms with the facts of their dossier."""
        return int((self.facts["match"] == MATCHED).sum())

    @property
    def differs(self) -> bool:
        """Whether the matched forms surely answer otherwise than the others (Holm, 5 %)."""
        return bool((self.difference["p_adjusted"] < SIGNIFICANCE).any())

    def _list_parts(self) -> list[ResultPart]:
        return [*super()._list_parts(), self._make_part("difference", self.difference)]

    def sentences(self) -> list[str]:
        """Return how many forms were matched, and whether they differ."""
        n, share = len(self.facts), 100 * self.n_matched / max(len(self.facts), 1)
        late = format_number(float(self.late_percent), self.language, 1)
        fields = {"percent": format_number(share, self.language, 1), "late": late}
        text = say(self.language, "explain.joined", n=self.n_matched, n_all=n, **fields)
        other = [say(self.language, "explain.joined_differ")] if self.differs else []
        again = (
            [say(self.language, "explain.joined_again", n=self.n_repeated)]
            if self.n_repeated > 0
            else []
        )
        return [text, *again, *other]


def join_facts(survey: Survey, records: Records) -> JoinedFacts:
    """Join each form to the dossier whose code the form names.

    Codes are compared without regard to capitals and spaces. Two forms about one dossier both have
    its facts, and are counted.

    Args:
        survey: Validated forms; ``columns: {dossier: …}`` of its wave names the column of codes.
        records: Dossiers with the clock's columns, and their movements if there are any.

    Returns:
        See ``JoinedFacts``.

    Source: rules D7 and P2 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> joined = join_facts(survey, sipas.read_records(survey))
        >>> joined.frame.loc[0, ["n", "unknown", "other_unit"]].tolist()
        [870.0, 0.0, 0.0]
    """
    check_kind(survey, Survey, "survey")
    check_kind(records, Records, "records")
    codes = _fold_codes(survey)
    dossiers = _find_dossiers(codes, records.dossiers)
    facts = _list_facts(codes, dossiers, survey.frame["unit"], records.movements)
    is_matched = facts["match"] == MATCHED
    repeated = codes[is_matched].duplicated(keep=False)
    is_late = facts["is_late"].dropna()
    is_shown = len(is_late) >= survey.wave.min_cell
    return JoinedFacts(
        wording=survey.wording,
        frame=_count_matches(survey, facts["match"]),
        difference=_compare_matched(survey, is_matched),
        n_repeated=int(repeated.sum()),
        late_percent=100 * float(is_late.mean()) if is_shown else np.nan,
        facts=facts,
        has_codes=survey.dossiers is not None,
    )


def _fold_codes(survey: Survey) -> "pd.Series[str]":
    """Return the folded code of the dossier of each form; ``""`` without one."""
    index = survey.frame.index
    given = survey.dossiers
    codes = pd.Series("", index) if given is None else given.reindex(index).fillna("")
    return codes.map(_fold_code)


def _fold_code(code: str) -> str:
    """Return a code for comparison, without spaces or difference of case."""
    return fold_text(code).replace(" ", "")


def _find_dossiers(codes: "pd.Series[str]", dossiers: pd.DataFrame) -> pd.DataFrame:
    """Return the dossiers that the forms name, with their folded codes as index."""
    folded = dossiers["dossier"].astype(str).map(_fold_code)
    named = dossiers[folded.isin({*codes} - {""}).to_numpy()]
    return named.set_axis(folded[named.index].to_numpy(), axis=0)


def _list_facts(
    codes: "pd.Series[str]",
    dossiers: pd.DataFrame,
    units: "pd.Series[str]",
    movements: "DuckDBPyRelation | None",
) -> pd.DataFrame:
    """Return for each form whether it is matched, or why not, and the facts of its dossier."""
    known = dossiers[~dossiers.index.duplicated()]
    of_form = known.reindex(codes.to_numpy()).set_axis(codes.index, axis=0)
    is_known = codes.isin(known.index)
    unit = of_form["unit"].astype(object).fillna("")
    is_contradictory = of_form["contradiction"].astype(object).fillna("") != ""
    match = np.select(
        [codes == "", ~is_known, (unit != "") & (unit != units.astype(object)), is_contradictory],
        REASONS,
        MATCHED,
    )
    days = pd.to_numeric(of_form["days_late"], errors="coerce").astype(float)
    words = {
        name: of_form[name].astype(object).replace("", None)
        for name in ("channel", *KINDS)
        if name in of_form
    }
    columns = {
        "days_late": days.clip(lower=0),
        "is_late": (days > 0).where(days.notna()).astype(float),
        "visits": pd.to_numeric(of_form["visits"], errors="coerce").astype(float),
        "supplement_loops": _count_loops(codes, known, movements),
        **words,
    }
    facts = pd.DataFrame(columns, codes.index).where(pd.Series(match == MATCHED, codes.index))
    facts.insert(0, "match", match)
    return facts


def _count_loops(
    codes: "pd.Series[str]", known: pd.DataFrame, movements: "DuckDBPyRelation | None"
) -> "pd.Series[float]":
    """Return how often the applicant of each form was asked for papers; NaN without movements."""
    if movements is None:
        return pd.Series(np.nan, codes.index)
    counts = run_query(movements, LOOPS).set_index("dossier")["loops"]
    by_code = counts.reindex(known["dossier"].astype(str)).fillna(0).to_numpy(dtype=float)
    return codes.map(dict(zip(known.index, by_code, strict=True))).astype(float)


def _count_matches(survey: Survey, match: "pd.Series[str]") -> pd.DataFrame:
    """Return how many forms are matched, and why the others are not: all, and each unit."""
    kinds = pd.get_dummies(match).reindex(columns=[MATCHED, *REASONS], fill_value=False)
    by_unit = kinds.groupby(survey.frame["unit"].astype(str)).sum()
    sizes = survey.frame["unit"].astype(str).value_counts().reindex(by_unit.index)
    whole = kinds.sum().to_frame("").T
    table = pd.concat([whole, by_unit]).astype(float)
    table.insert(0, "n", [float(len(match)), *sizes])
    low, high = exact_interval(table[MATCHED].to_numpy(), table["n"].to_numpy())
    table.insert(2, "percent", 100 * table[MATCHED] / table["n"])
    table.insert(3, "low", 100 * low)
    table.insert(4, "high", 100 * high)
    table.loc[table["n"] < survey.wave.min_cell, table.columns != "n"] = np.nan
    return table.rename_axis("unit").reset_index()


def _compare_matched(survey: Survey, is_matched: "pd.Series[bool]") -> pd.DataFrame:
    """Return how the matched forms answer, against the others (design-based t test)."""
    columns = ["variable", "value", "se", "low", "high", "p", "p_adjusted"]
    if min(is_matched.sum(), (~is_matched).sum()) < survey.wave.min_cell:
        return pd.DataFrame(columns=columns)
    rows = [*_test_answers(survey, is_matched)]
    table = pd.DataFrame(rows, columns=columns[:-1])
    return table.assign(p_adjusted=adjust_p_values(table["p"].to_numpy(dtype=float)))


def _test_answers(survey: Survey, is_matched: "pd.Series[bool]") -> Iterator[list[object]]:
    """Yield for each factor and the outcome the difference of the matched forms, with its error."""
    whole: Design = design_with_scores(survey)
    design = whole.assign(**{MARK: is_matched.reindex(whole.frame.index).astype(float)})
    outcome = find_outcome(survey)
    for name in [*survey.instrument.factors, *([outcome] if outcome else [])]:
        answered = design.frame.loc[design.members & design.frame[name].notna(), [name, MARK]]
        if answered[MARK].value_counts().reindex([0.0, 1.0], fill_value=0).min() < 2:
            continue
        row = t_test(design, name, MARK).frame.iloc[0]
        yield [name, *(float(row[part]) for part in ("value", "se", "low", "high", "p"))]
