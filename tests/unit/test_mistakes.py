"""Typical mistakes at the entry points: each gets one sentence with its cure, none from inside.

A case is a call and the parts that its English sentence must hold: what must be, what was given
or the nearest name, and what to write. The Vietnamese sentence exists and keeps the same names.
"""

from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.arguments import find_nearest, list_known
from sipas_analysis.errors import SipasError
from sipas_analysis.infer.design import Replicates

WAVE = "data/an-giang-2021/wave.yaml"


@cache
def make():
    """Return one small frame, its design and survey, and what is estimated from them."""
    rng = np.random.default_rng(18)
    n = 90
    frame = pd.DataFrame(
        {
            **{item: rng.integers(1, 6, n) for item in ("A", "B", "C", "whole")},
            "office": np.repeat(["north", "south", "west"], n // 3),
            "sex": np.tile(["f", "m"], n // 2),
            "hamlet": np.repeat(np.arange(18), n // 18),
            "w": rng.uniform(1, 2, n),
            "age": rng.normal(40, 9, n),
            "late": rng.integers(0, 2, n),
            "code": [str(level) for level in rng.integers(1, 5, n)],
            "day": pd.date_range("2024-01-01", periods=n),
        }
    )
    design = sipas.Design(frame, weights="w", clusters="hamlet")
    survey = sipas.survey(frame, {"A": "Wait", "B": "Staff", "C": "Fees"}, unit="office")
    scores = sipas.score(survey, by="unit")
    return SimpleNamespace(
        frame=frame,
        design=design,
        survey=survey,
        scores=scores,
        ranked=sipas.rank(scores, min_forms=5),
        means=sipas.mean(design, "age", by="office"),
        fit=sipas.fit(design, "age ~ A + sex"),
        ordinal=sipas.fit(design, "A ~ age", "ordinal"),
    )


def design(**changes):
    """Return the design of the frame with other columns."""
    return sipas.Design(make().frame.assign(**changes))


MISTAKES = {
    # a wrong kind of thing in the first place
    "a frame for a design": (
        lambda m: sipas.mean(m.frame, "age"),
        ["`design` must be a sample", "DataFrame", "sipas.Design(frame, weights=…"],
    ),
    "a method that was not called": (
        lambda m: sipas.mean(m.survey.design, "age"),
        ["Survey.design, not called", "write () behind"],
    ),
    "the class for a design": (lambda m: sipas.mean(sipas.Design, "age"), ["Design, not called"]),
    "nothing for a design": (lambda m: sipas.total(None, "age"), ["None", "sipas.Design(frame"]),
    "a file for a design": (lambda m: sipas.ratio("a.csv", "A", "B"), ["'a.csv'", "sipas.Design("]),
    "scores for a design": (lambda m: sipas.proportion(m.scores, "late"), ["Scores"]),
    "a wave for a design": (
        lambda m: sipas.mean(sipas.read_wave(WAVE), "A1"),
        ["Wave", "sipas.read_survey(wave)"],
    ),
    "a fit of a frame": (
        lambda m: sipas.fit(m.frame, "age ~ A"),
        ["`design` must be", "sipas.Design(frame, weights=…"],
    ),
    "importance of a frame": (lambda m: sipas.importance(m.frame, "A", ["B", "C"]), ["DataFrame"]),
    "a quantile of a frame": (lambda m: sipas.quantile(m.frame, "age"), ["DataFrame"]),
    "a table of a frame": (lambda m: sipas.cross_table(m.frame, "sex", "late"), ["DataFrame"]),
    "the score of a frame": (
        lambda m: sipas.score(m.frame),
        ["`survey` must be a survey", "DataFrame", "sipas.survey(frame, items=…)"],
    ),
    "the score of a design": (
        lambda m: sipas.score(m.design),
        ["Design", "sipas.mean, proportion and fit"],
    ),
    "the score of a wave": (
        lambda m: sipas.score(sipas.read_wave(WAVE)),
        ["Wave", "sipas.read_survey(wave)"],
    ),
    "the score of a path": (
        lambda m: sipas.score(WAVE),
        ["sipas.read_survey(sipas.read_wave('data/an-giang-2021/wave.yaml'))"],
    ),
    "drivers of scores": (lambda m: sipas.drivers(m.scores), ["the survey that was scored"]),
    "a report on a frame": (lambda m: sipas.report(m.frame), ["sipas.survey(frame, items=…)"]),
    "a check of scores": (lambda m: sipas.check(m.scores), ["the survey that was scored"]),
    "priorities of a design": (lambda m: sipas.priority(m.design), ["must be a survey", "Design"]),
    "the rank of a survey": (
        lambda m: sipas.rank(m.survey),
        ["`scores` must be estimates by unit", "Survey", 'sipas.score(survey, by="unit")'],
    ),
    "the rank of the whole": (
        lambda m: sipas.rank(sipas.score(m.survey)),
        ['sipas.score(survey, by="unit")'],
    ),
    "a wave that is a path": (
        lambda m: sipas.read_survey(WAVE),
        ["`wave` must be a wave", "sipas.read_wave"],
    ),
    "a survey read again": (lambda m: sipas.read_survey(m.survey), ["use it as it is"]),
    "a wave of no path": (lambda m: sipas.read_wave(None), ["the path of a file", "None"]),
    "surveys in a list": (
        lambda m: sipas.compare([m.survey, m.survey]),
        ["sipas.compare(first, second)"],
    ),
    "a survey compared with itself": (
        lambda m: sipas.compare(m.survey, m.survey),
        ["different ids", "“survey”", 'id="2023"'],
    ),
    "a plan of figures that are not a table": (
        lambda m: sipas.plan(m.survey, scores=m.scores),
        ["DataFrame", "scores.frame"],
    ),
    "the case mix of a design": (
        lambda m: sipas.case_mix(m.design, unit="office", items="A", adjusters="age"),
        ["DataFrame", "design.frame"],
    ),
    "text in small areas": (lambda m: sipas.small_area(["a", "b"], [1, 2]), ["must be numbers"]),
    # a sample
    "a design of nothing": (lambda m: sipas.Design(None), ["None", "pandas.read_csv"]),
    "a design of a survey": (lambda m: sipas.Design(m.survey), ["survey.design()"]),
    "a design of a dict": (lambda m: sipas.Design({"y": [1]}), ["dict", "pandas.DataFrame"]),
    "a design of an array": (lambda m: sipas.Design(np.ones((2, 2))), ["columns=[", "ndarray"]),
    "a Series of weights": (
        lambda m: sipas.Design(m.frame, weights=m.frame["w"]),
        ["`weights` must be the name of a column", "Series", "frame.assign(my_weights=…)"],
    ),
    "weights longer than the frame": (
        lambda m: sipas.Design(m.frame, weights=np.ones(100)),
        ["`weights` must be the name of a column", "ndarray"],
    ),
    "a weight for all": (lambda m: sipas.Design(m.frame, weights=2.0), ["given: 2.0"]),
    "negative weights": (
        lambda m: sipas.Design(m.frame.assign(w=-1), "w"),
        ["0 or more", "'-1.0'"],
    ),
    "blank weights": (
        lambda m: sipas.Design(m.frame.assign(w=np.nan), "w"),
        ["'nan'", "rows 1–90"],
    ),
    "weights misspelt": (lambda m: sipas.Design(m.frame, weights="W"), ["“W”", "nearest: w"]),
    "strata in a list": (lambda m: sipas.Design(m.frame, strata=["sex"]), ["one name as text"]),
    "a population for fpc": (lambda m: sipas.Design(m.frame, fpc=1000), ["`fpc` must", "1000"]),
    "text for fpc": (
        lambda m: sipas.Design(m.frame, fpc="sex"),
        ["must be a number", "holds text", 'pandas.to_numeric(frame["sex"])'],
    ),
    "columns for replicates": (
        lambda m: sipas.Design(m.frame, replicates=["w"]),
        ["`replicates` must be", "Replicates(kind, columns=[…])"],
    ),
    "a kind of replicates misspelt": (lambda m: sipas.Design(m.frame, replicates="jkn"), ["JKn"]),
    "a remedy misspelt": (lambda m: sipas.Design(m.frame, lonely="remove"), ["“remove”", "adjust"]),
    "two rows of column names": (
        lambda m: sipas.Design(pd.concat({"a": m.frame}, axis=1)),
        ["one row of column names", "has 2", "join"],
    ),
    "a column twice": (
        lambda m: sipas.mean(sipas.Design(pd.concat([m.frame, m.frame[["age"]]], axis=1)), "age"),
        ["age stands twice", "Rename"],
    ),
    "numbers for column names": (
        lambda m: sipas.mean(sipas.Design(pd.DataFrame(np.ones((3, 2)))), 0),
        ["given: 0", "frame.rename(columns=str)"],
    ),
    # a part of it
    "a part of nobody": (
        lambda m: m.design.subset("office == 'east'"),
        ["at least one form", "office == 'east'", "spelling"],
    ),
    "a part by a column misspelt": (
        lambda m: m.design.subset("ofice == 'west'"),
        ["“ofice”", "nearest: office"],
    ),
    "a mask of another length": (lambda m: m.design.subset([True, False]), ["yes/no", "90 forms"]),
    "a part given as a frame": (
        lambda m: m.survey.subset(m.frame[m.frame["sex"] == "f"]),
        ["yes/no", "DataFrame"],
    ),
    # variables, domains, level, method
    "a variable misspelt": (
        lambda m: sipas.mean(m.design, "agee"),
        ["“agee”", "nearest: age", "Correct the name"],
    ),
    "a variable in capitals": (lambda m: sipas.total(m.design, "AGE"), ["nearest: age"]),
    "the column for its name": (
        lambda m: sipas.mean(m.design, m.frame["age"]),
        ["`variables` must be the name of a column", "Series"],
    ),
    "no variable": (lambda m: sipas.mean(m.design, None), ["At least one variable"]),
    "a mean of days": (lambda m: sipas.mean(m.design, "day"), ["day holds days", ".dt.days"]),
    "a share of a measure": (
        lambda m: sipas.proportion(m.design, "age"),
        ["proportion", "age", "mean"],
    ),
    "a ratio of texts": (
        lambda m: sipas.ratio(m.design, "sex", "A"),
        ["needs numbers", "holds text"],
    ),
    "a quantile of text": (lambda m: sipas.quantile(m.design, "sex"), ["sex", "text"]),
    "a quantile in percent": (lambda m: sipas.quantile(m.design, "age", 50), ["50", "0.5"]),
    "a mask in by": (
        lambda m: sipas.mean(m.design, "age", by=m.frame["age"] > 60),
        ["`by` must be the name of a column", "mask", "subset(mask)"],
    ),
    "a column in by": (
        lambda m: sipas.mean(m.design, "age", by=m.frame["sex"]),
        ["`by` must be the name", 'by="unit"'],
    ),
    "by misspelt": (lambda m: sipas.score(m.survey, by="ofice"), ["“ofice”", "nearest: office"]),
    "by a number": (lambda m: sipas.score(m.survey, by=3), ["`by` must", "given: 3"]),
    "by lists": (
        lambda m: sipas.mean(design(g=[[1]] * 90), "age", by="g"),
        ["plain values", "lists"],
    ),
    "level in percent": (lambda m: sipas.mean(m.design, "age", level=95), ["it is 95", "0.95"]),
    "level as text": (lambda m: sipas.total(m.design, "age", level="0.95"), ["'0.95'", "0.95"]),
    "a method misspelt": (
        lambda m: sipas.proportion(m.design, "late", method="wilsn"),
        ["`method` must be one of these", "nearest: wilson", "'wilsn'"],
    ),
    "an empty margin": (
        lambda m: sipas.cross_table(design(sex=None), "sex", "late"),
        ["sex"],
    ),
    "a test of three groups": (
        lambda m: sipas.t_test(m.design, "age", "office"),
        ["office", "two"],
    ),
    "the level of a margin without a form": (
        lambda m: sipas.post_stratify(m.design, "sex", {"f": 5, "m": 5, "x": 2}),
        ["sex", "x", "have none"],
    ),
    "totals in a list": (
        lambda m: sipas.rake(m.design, ["sex"]),
        ["`margins` must be population totals", '{"f": 5200, "m": 4800}'],
    ),
    "a total of a text": (lambda m: sipas.calibrate(m.design, {"sex": 90.0}), ["level by level"]),
    "an end as text": (lambda m: sipas.trim(m.design, upper="3"), ["`upper` must be a number"]),
    # results
    "a key misspelt": (
        lambda m: m.scores.select(variabel="overall"),
        ["“variabel”", "nearest: variable"],
    ),
    "a value misspelt": (
        lambda m: m.scores.select(variable="overal"),
        ["variable = “overal”", "nearest: overall"],
    ),
    "a difference of two names": (
        lambda m: m.means.difference("north", "south"),
        ["`first` must be columns and their values", '{"unit": "so-y-te"}'],
    ),
    "a difference with nobody": (
        lambda m: m.means.difference({"office": "nort"}, {"office": "west"}),
        ["nearest: north"],
    ),
    "too few weights": (lambda m: m.means.combine([1, -1]), ["one weight for each row"]),
    "a label that no row has": (
        lambda m: m.means.combine("nort - west"),
        ["“nort” is none", "north/age"],
    ),
    "a combination of words": (lambda m: m.means.combine(["a", "b", "c"]), ["[1, -1]"]),
    "an unknown group of units": (lambda m: m.ranked.pairs("departmnts"), ["departmnts"]),
    "a chapter misspelt": (
        lambda m: sipas.report(m.survey).chapter("result"),
        ["nearest: results", "'result'"],
    ),
    "an unknown language": (lambda m: sipas.report(m.survey, "fr"), ["vi or en", "“fr”"]),
    "an unknown unit": (lambda m: sipas.report(m.survey, unit="nort"), ["“nort”", "north"]),
    "a unit as a number": (lambda m: sipas.report(m.survey, unit=7), ["`unit` must", "as text"]),
    # models
    "a formula of two lists": (
        lambda m: sipas.fit(m.design, ["age", "A"]),
        ["`formula` must be a formula", '"outcome ~ a + b"'],
    ),
    "a formula without a tilde": (
        lambda m: sipas.fit(m.design, "age = A"),
        ["outcome ~ predictors"],
    ),
    "a predictor misspelt": (lambda m: sipas.fit(m.design, "age ~ AA"), ["AA"]),
    "an outcome misspelt": (lambda m: sipas.fit(m.design, "agee ~ A"), ["agee"]),
    "a text outcome of three levels": (
        lambda m: sipas.fit(m.design, "office ~ age", "binomial"),
        ["office", "a text of two levels"],
    ),
    "a cut of a linear model": (lambda m: m.fit.margins(at=3), ["`at`", "gaussian", "Leave"]),
    "a term misspelt": (lambda m: m.fit.test("sexx"), ["“sexx”", "nearest: sex"]),
    "a coefficient misspelt": (lambda m: m.fit.combine({"AA": 1}), ["“AA”", "nearest: A"]),
    "forms without a variable": (lambda m: m.fit.predict(m.frame[["A"]]), ["“sex” is missing"]),
    "an offset as in R": (
        lambda m: sipas.fit(m.design, "late ~ A + offset(log(age))", "poisson"),
        ["beside the formula", 'offset="log(days)"'],
    ),
    "a Series of offsets": (
        lambda m: sipas.fit(m.design, "late ~ A", "poisson", offset=m.frame["age"]),
        ["`offset` must be the name"],
    ),
    "one fit to pool": (lambda m: sipas.pool_fits([m.fit]), ["at least two", "pool_fits([first"]),
    "a family of another program": (
        lambda m: sipas.fit(m.design, "late ~ age", "binomal"),
        ["`family` must be one of these", "nearest: binomial"],
    ),
    "a level that is no level": (
        lambda m: m.ordinal.margins(at=9),
        ["`at` must be one of these (2, 3, 4, 5)", "9"],
    ),
    "a level never seen": (
        lambda m: m.fit.predict(m.frame.head(2).assign(sex="x")),
        ["sex", "x"],
    ),
    "a driver misspelt": (
        lambda m: sipas.importance(m.design, "A", ["B", "Cc"]),
        ["Cc", "nearest: C"],
    ),
    "a method of importance misspelt": (
        lambda m: sipas.importance(m.design, "A", ["B", "C"], method="lgm"),
        ["nearest: lmg"],
    ),
    "a model of drivers misspelt": (
        lambda m: sipas.drivers(m.survey, "logitt"),
        ["nearest: logit"],
    ),
    # surveys of frames
    "an item that the frame lacks": (
        lambda m: sipas.survey(m.frame, ["A", "Bb"]),
        ["“Bb”", "nearest: B"],
    ),
    "no items": (lambda m: sipas.survey(m.frame), ["needs its items", "items=["]),
    "answers that are no level": (
        lambda m: sipas.survey(m.frame, ["A", "sex"]),
        ["“sex”", "labels="],
    ),
    "two scales in one factor": (
        lambda m: sipas.survey(
            m.frame, factors={"f": ["A", "B"]}, scale={"A": (1, 5), "B": (1, 7)}
        ),
        ["one scale", "A: 1–5, B: 1–7"],
    ),
    "a scale as text": (lambda m: sipas.survey(m.frame, ["A"], scale="1-5"), ["'1-5'", "(1, 7)"]),
    "an empty frame": (lambda m: sipas.survey(m.frame.head(0), ["A"]), ["form"]),
    "a rule misspelt": (
        lambda m: sipas.compare_rules(m.survey, "poled"),
        ["`rules` must be one of these", "nearest: pooled"],
    ),
    "a pack misspelt": (lambda m: sipas.read_instrument("qd-2640"), ["qd-2640-2017"]),
    # numbers of plans and draws
    "a margin in points": (lambda m: sipas.sample_size(1000, 5), ["margin", "it is 5", "0.05"]),
    "a margin as text": (lambda m: sipas.sample_size(1000, "5%"), ["`margin` must be a number"]),
    "a number as text": (
        lambda m: sipas.draw(m.frame, "5", ids="day", seed=1),
        ["`n` must be a whole number", "'5'"],
    ),
    "more than there are": (
        lambda m: sipas.draw(m.frame, 100, ids="day", seed=1),
        ["100 are asked of 90"],
    ),
    "a seed as text": (lambda m: sipas.rank(m.scores, seed="a"), ["`seed` must be a whole number"]),
    "no forms at all": (lambda m: sipas.reliability(m.frame.head(0), ["A", "B"]), ["0"]),
    "a factor that nobody answered whole": (
        lambda m: sipas.reliability(
            m.frame.assign(late=np.nan), ["A", "B"], factors={"f": ["A", "B", "late"]}
        ),
        ["10 forms", "on 0 complete"],
    ),
    "errors of more units than values": (
        lambda m: sipas.rank_sets(pd.Series({"a": 1, "b": 2}), pd.Series({"b": 1, "a": 1, "c": 1})),
        ["`errors` must have each label", "“c”"],
    ),
    "values as text": (
        lambda m: sipas.rank_sets(["high", "low"], [1, 1]),
        ["`values` must be numbers", 'scores.frame["value"]'],
    ),
    "items given as a mask": (
        lambda m: sipas.reliability(m.frame, m.frame["A"] > 3),
        ["`items` must be the name", "mask"],
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
@pytest.mark.quick_cases(1)
def test_a_mistake_gets_one_sentence_with_its_cure(name):
    """English says it, Vietnamese too, with the same names; nothing comes from inside."""
    call, parts = MISTAKES[name]
    with pytest.raises(SipasError) as caught:
        call(make())
    english, vietnamese = caught.value.text("en"), caught.value.text("vi")
    assert [part for part in parts if part not in english] == []
    assert vietnamese != english
    assert "{" not in english.replace('{"', "")
    assert len(english) < 700


def test_what_is_no_mistake_works():
    """A survey stands for its design; odd indices and kinds of columns are read."""
    m = make()
    assert sipas.mean(m.survey, "age").frame["value"].item() == pytest.approx(
        sipas.mean(m.survey.design(), "age").frame["value"].item(), rel=1e-15
    )
    odd = m.frame.set_index(np.zeros(len(m.frame), int))
    odd["A"], odd["late"] = odd["A"].astype("Int64"), odd["late"].astype("boolean")
    assert sipas.mean(sipas.Design(odd, "w"), "A", by=None).frame["value"].item() == pytest.approx(
        np.average(m.frame["A"], weights=m.frame["w"]), rel=1e-14
    )
    assert sipas.proportion(sipas.Design(odd), "late").frame["n"].item() == 90
    replicates = Replicates("JK1", columns=["w"])
    assert sipas.Design(m.frame, "w", replicates=replicates).declared_replicates is replicates
    one, two = sipas.compare_rules(m.survey, "pooled"), sipas.compare_rules(m.survey, ["pooled"])
    pd.testing.assert_frame_equal(one.frame, two.frame)


def test_the_nearest_name_has_one_helper():
    """Capitals do not count; nothing near is proposed; no other module searches for itself."""
    assert find_nearest("Overal", ["overall", "unit"]) == "overall"
    assert find_nearest("age", ["overall", "unit"]) == ""
    assert find_nearest("zzz", ["overall"], least=0) == "overall"
    assert list_known("unt", ["unit", "group"])["vi"] == "unit, group; gần nhất: unit"
    assert list_known("q", map(str, range(20)))["en"].endswith("11, …")
    package = Path(sipas.__file__).parent
    searching = [
        path.name
        for path in sorted(package.rglob("*.py"))
        if "import difflib" in path.read_text("utf-8")
    ]
    assert searching == ["arguments.py"]
