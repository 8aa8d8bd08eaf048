"""Forms joined to their dossiers, and the facts beside opinions as drivers (rule D7)."""

from dataclasses import fields, replace

import duckdb
import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.errors import ColumnError, FitError, ParameterError
from sipas_analysis.explain.fact_results import divide_estimates
from sipas_analysis.explain.facts import join_facts
from sipas_analysis.explain.record_views import compare_views
from sipas_analysis.infer.distributions import t_quantile
from sipas_analysis.records.office_records import Records


def name_officials(survey, at=1):
    factor = list(survey.instrument.factors)[at]
    pack = survey.instrument.model_copy(update={"officials_factor": factor})
    return replace(survey, instrument=pack)


def simulate_answers(n, seed, *, of_lateness=-0.15, on_whole=-0.1, of_attitude=0.5):
    """Lateness lowers the attitude score and the judgement of the whole; access is apart."""
    rng = np.random.default_rng(seed)
    late = np.where(rng.random(n) < 0.4, 1 + rng.poisson(3, n), 0)
    access = 4 + rng.normal(0, 0.7, n)
    attitude = 4 + of_lateness * late + rng.normal(0, 0.7, n)
    whole = of_attitude * attitude + 0.4 * access + on_whole * late + rng.normal(0, 0.6, n)
    office = rng.integers(0, 6, n)
    answers = {"A": access, "C": attitude, "W": whole}
    levels = {name: np.clip(np.round(10 * level), -90, 140) for name, level in answers.items()}
    codes = [f"H-{at}" for at in range(n)]
    forms = pd.DataFrame({**levels, "office": office.astype(str), "ma": codes})
    dossiers = pd.DataFrame({"dossier": codes, "unit": forms["office"], "contradiction": ""})
    facts = {"days_late": late.astype(float), "channel": "direct", "visits": np.nan}
    return forms, dossiers.assign(**facts)


def read_forms(forms, **arguments):
    survey = sipas.survey(
        forms,
        factors={"access": ["A"], "officials": ["C"]},
        overall="W",
        scale=(-90, 140),
        unit="office",
        dossier="ma",
        **arguments,
    )
    return name_officials(survey)


def make_records(dossiers, movements=None):
    parts = dict.fromkeys(part.name for part in fields(Records))
    return Records(**{**parts, "dossiers": dossiers, "movements": movements})


@pytest.fixture(scope="module")
def case():
    forms, dossiers = simulate_answers(400, 5)
    return read_forms(forms), make_records(dossiers)


# ── joined


def test_every_form_is_matched_or_has_a_reason():
    """By hand: six forms, one of each reason; capitals and spaces of a code do not matter."""
    forms = pd.DataFrame(
        {
            "q": [5, 4, 3, 2, 1, 5],
            "ma": ["h 01", "H02", None, "H99", "H03", "H04"],
            "u": list("aaabaa"),
        }
    )
    dossiers = pd.DataFrame(
        {
            "dossier": ["H\u00a001", "H02", "H03", "H04"],  # a space of another kind
            "unit": ["a", "a", "b", "a"],
            "contradiction": ["", "", "", "finished_before_received"],
            "days_late": [0.0, -1.0, 2.0, 4.0],
            "channel": ["online", "", "post", "direct"],
            "visits": [1, 2, 1, None],
        }
    )
    survey = sipas.survey(forms, ["q"], unit="u", dossier="ma")
    joined = join_facts(survey, make_records(dossiers))
    assert joined.facts["match"].tolist() == [
        *("matched", "matched", "no_code", "unknown", "other_unit", "contradictory")
    ]
    assert joined.facts["days_late"].dropna().tolist() == [0.0, 0.0]
    assert joined.facts["channel"].dropna().tolist() == ["online"]
    whole, office_a = joined.frame.iloc[0], joined.frame.iloc[1]
    counts = ["n", "matched", "no_code", "unknown", "other_unit", "contradictory"]
    assert whole[counts].tolist() == [6, 2, 1, 1, 1, 1]
    assert (office_a["n"], office_a["matched"], office_a["percent"]) == (5, 2, 40.0)
    assert joined.frame.iloc[2][["matched", "percent", "unknown"]].isna().all()  # one form (P2)
    shown = repr(joined) + joined._repr_html_() + joined.frame.to_csv()
    assert "h01" not in shown.lower()
    assert joined.difference.empty


def test_two_forms_of_one_dossier_are_said():
    """Both have its facts; the number stands above the table."""
    forms = pd.DataFrame({"q": [5, 4, 3], "ma": ["H1", "h1 ", "H2"]})
    dossiers = pd.DataFrame({"dossier": ["H1", "H2"], "unit": "", "contradiction": ""})
    dossiers = dossiers.assign(days_late=3.0, channel="direct", visits=1)
    joined = join_facts(sipas.survey(forms, ["q"], dossier="ma"), make_records(dossiers))
    assert joined.n_repeated == 2
    assert joined.facts["days_late"].tolist() == [3.0] * 3
    assert np.isnan(joined.late_percent)  # of three forms (P2)
    assert "2 forms are about a dossier that another form is about" in repr(joined)


def test_stays_without_a_gap_are_one_supplement():
    """A pause that an export splits in two is one loop; one that comes back later is another."""
    rows = [
        ("H1", 5, "2021-03-01", "2021-03-03"),
        ("H1", 5, "2021-03-03", "2021-03-05"),
        ("H1", 4, "2021-03-05", "2021-03-08"),
        ("H1", 5, "2021-03-08", None),
        ("H2", 6, "2021-03-01", "2021-03-02"),
    ]
    moves = pd.DataFrame(rows, columns=["dossier", "state", "start", "end"])  # noqa: F841
    relation = duckdb.connect().query(
        'SELECT dossier, state, "start"::TIMESTAMP AS "start", "end"::TIMESTAMP AS "end" FROM moves'
    )
    forms = pd.DataFrame({"q": [5, 4, 3], "ma": ["H1", "H2", "H3"]})
    dossiers = pd.DataFrame({"dossier": ["H1", "H2", "H3"], "unit": "", "contradiction": ""})
    dossiers = dossiers.assign(days_late=0.0, channel="", visits=np.nan)
    survey = sipas.survey(forms, ["q"], dossier="ma")
    loops = join_facts(survey, make_records(dossiers, relation)).facts["supplement_loops"]
    assert loops.tolist() == [2.0, 0.0, 0.0]
    assert join_facts(survey, make_records(dossiers)).facts["supplement_loops"].isna().all()


@pytest.mark.slow
def test_matched_forms_that_answer_otherwise_are_said():
    """Only the discontented gave their code: every result would be about them alone."""
    forms, dossiers = simulate_answers(400, 2)
    forms.loc[forms["C"] > forms["C"].median(), "ma"] = None
    joined = join_facts(read_forms(forms), make_records(dossiers))
    gap = joined.difference.set_index("variable")
    assert gap.loc["officials", "high"] < 0
    assert joined.differs
    assert "answer otherwise" in repr(joined)
    alike = simulate_answers(400, 2)[0]
    alike.loc[alike.index % 2 == 0, "ma"] = None
    assert not join_facts(read_forms(alike), make_records(dossiers)).differs


# ── drivers


def test_a_planted_effect_of_lateness_is_recovered(case):
    """Raw coefficients lie in their intervals around what was planted (scores are levels · 10)."""
    result = sipas.drivers(case[0], facts=case[1])
    rows = result.frame.set_index(["model", "variable"])
    planted = {
        ("with_facts", "officials"): 0.5,
        ("with_facts", "access"): 0.4,
        ("with_facts", "days_late"): -1.0,
        ("attitude", "days_late"): -1.5,
    }
    for at, truth in planted.items():
        assert rows.loc[at, "raw_low"] < truth < rows.loc[at, "raw_high"], at
    assert result.n == 400
    assert rows["n"].eq(400).all()
    late = 100 * (case[1].dossiers["days_late"] > 0).mean()
    assert result.joined.late_percent == pytest.approx(late)
    assert f"{late:.1f}% of these dossiers were late" in repr(result)
    assert rows.loc[("attitude", "days_late"), "high"] < 0
    row = result.select_vanished().iloc[0]
    assert row["verdict"] == "vanishes"
    without, with_facts = (rows.loc[(m, "officials"), "value"] for m in ("factors", "with_facts"))
    assert row["vanished_percent"] == pytest.approx(100 * (1 - with_facts / without))
    assert result.select_vanished("access").iloc[0]["verdict"] in ("stays", "grows")


def test_both_models_are_those_of_fit_on_the_same_forms(case):
    """Raw coefficients and errors equal ``sipas.fit`` of the joined columns."""
    survey, records = case
    result = sipas.drivers(survey, facts=records)
    forms = survey.frame[["A", "C", "W"]].set_axis(["access", "officials", "whole"], axis=1)
    forms = forms.assign(days=result.joined.facts["days_late"])
    fit = sipas.fit(sipas.Design(forms), "whole ~ access + officials + days")
    rows = result.frame[result.frame["model"] == "with_facts"]
    expected = fit.frame.set_index("variable").loc[["access", "officials", "days"]]
    assert rows["raw"].to_numpy() == pytest.approx(expected["value"].to_numpy(), rel=1e-10)
    assert rows["raw_low"].to_numpy() == pytest.approx(expected["low"].to_numpy(), rel=1e-10)


@pytest.mark.slow
def test_a_coefficient_that_may_be_0_has_no_part_that_vanishes():
    """Nothing of nothing: the verdict says so, and no figure is printed."""
    forms, dossiers = simulate_answers(200, 8, of_attitude=0.0, on_whole=0.0)
    result = sipas.drivers(read_forms(forms), facts=make_records(dossiers))
    row = result.select_vanished().iloc[0]
    assert row["verdict"] == "cannot_tell"
    assert np.isnan(row[["vanished_percent", "low", "high"]].to_numpy(dtype=float)).all()


def test_facts_that_cannot_be_used_are_named(case):
    """Visits and loops are blank, the channel is one: three facts are left out, and said."""
    result = sipas.drivers(case[0], facts=case[1])
    notes = {note.id: note.fields for note in result.notes}
    assert notes["facts_absent"] == {"names": "visits, supplement_loops, channel"}
    assert "confounders" in notes


@pytest.mark.slow
def test_channels_and_controls_stand_as_yes_and_no():
    """Channels are compared with the direct one; a channel of under five forms is blank (P2)."""
    forms, dossiers = simulate_answers(300, 3)
    kinds = np.array(["direct", "online", "post"])[np.arange(300) % 2]
    dossiers["channel"] = np.where(np.arange(300) < 3, "post", kinds)
    forms["sex"] = np.where(np.arange(300) % 3 == 0, "f", "m")
    survey = read_forms(forms, keys="sex")
    result = sipas.drivers(survey, facts=make_records(dossiers), controls=["sex"])
    rows = result.frame[result.frame["model"] == "with_facts"].set_index("variable")
    assert [*rows.index] == ["access", "officials", "days_late", "channel=online", "sex=m"]
    assert rows["kind"].tolist() == ["factor", "factor", "fact", "fact", "control"]
    assert (result.n, result.n_lost, result.lost["channel=online"]) == (297, 3, 3)


@pytest.mark.slow
def test_a_hard_procedure_behind_both_is_held_constant():
    """Hard procedures are late and disliked; the delay itself takes nothing from anybody."""
    forms, dossiers = simulate_answers(600, 6, of_lateness=0.0, on_whole=0.0)
    is_hard = np.arange(600) % 3 == 0
    late = np.where(is_hard, dossiers["days_late"] + 3, dossiers["days_late"])
    forms["W"] = np.clip(forms["W"] - 10 * is_hard, -90, 140)
    kinds = np.where(is_hard, "hard", "easy").astype(object)
    kinds[:3] = ["rare", "rarer", ""]
    records = make_records(dossiers.assign(days_late=late, procedure=kinds))
    survey = read_forms(forms)
    blamed = sipas.drivers(survey, facts=records).frame
    fair = sipas.drivers(survey, facts=records, controls=["procedure"])
    at = {"model": "with_facts", "variable": "days_late"}
    effects = [frame.set_index([*at]).loc[tuple(at.values())] for frame in (blamed, fair.frame)]
    assert effects[0]["high"] < 0
    assert effects[1]["low"] < 0 < effects[1]["high"]
    controls = fair.frame.loc[fair.frame["kind"] == "control", "variable"]
    assert {*controls} == {"procedure=hard", "procedure=other"}
    assert fair.n == 599
    with pytest.raises(ColumnError):
        sipas.drivers(survey, controls=["procedure"])


def test_units_that_differ_by_lateness_alone_are_alike_once_it_is_known():
    """The planted differences of the units go through the days late: little of them remains."""
    forms, dossiers = simulate_answers(600, 4, of_lateness=0.0)
    late = dossiers["days_late"] + 3 * forms["office"].astype(int)
    forms["C"] = np.clip(forms["C"] - 2.0 * late, -90, 140).round()
    result = sipas.drivers(read_forms(forms), facts=make_records(dossiers.assign(days_late=late)))
    row = result.units.iloc[0]
    assert row["units"] == 6
    assert row["remaining_percent"] < 10
    assert row["between"] > 50


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda forms, dossiers: (forms.assign(ma=None), dossiers), "few_forms"),
        (lambda forms, dossiers: (forms, dossiers.assign(days_late=0.0)), "no_facts"),
        (lambda forms, dossiers: (forms.assign(C=40), dossiers), "constant"),
        (lambda forms, dossiers: (forms.assign(A=forms["C"]), dossiers), "singular"),
    ],
)
def test_without_a_model_there_is_a_reason(change, reason):
    """The joined forms stand in the result in any case."""
    forms, dossiers = change(*simulate_answers(120, 1))
    result = sipas.drivers(read_forms(forms), facts=make_records(dossiers))
    assert result.reason == reason
    assert result.frame.empty
    assert result.n == 0
    assert len(result.joined.frame) == 7
    assert len(result.sentences()) == 2


def test_few_late_dossiers_give_no_part_that_vanishes():
    """With under twenty late forms the interval would be too narrow, however strong the effect."""
    forms, dossiers = simulate_answers(400, 5)
    days = dossiers["days_late"]
    late = days.where(days.gt(0).cumsum() <= 19, 0.0)
    result = sipas.drivers(read_forms(forms), facts=make_records(dossiers.assign(days_late=late)))
    assert result.vanished["verdict"].eq("cannot_tell").all()
    assert result.vanished[["vanished_percent", "low", "high"]].isna().all(axis=None)
    assert {note.id: note.fields for note in result.notes}["few_late"] == {"n": 19, "least": 20}


def test_a_survey_without_codes_says_how_to_declare_them(case):
    """No column of codes is another matter than codes that nobody knows."""
    bare = replace(case[0], dossiers=None)
    result = sipas.drivers(bare, facts=case[1])
    assert result.reason == "no_codes"
    assert "columns: {dossier: …}" in repr(result)


def test_other_records_are_refused(case):
    """A frame of dossiers has no clock."""
    with pytest.raises(ParameterError, match="read_records"):
        sipas.drivers(case[0], facts=case[1].dossiers)


@pytest.mark.parametrize("options", [{"by": "unit"}, {"missing": "impute"}])
def test_facts_need_the_same_complete_forms(case, options):
    """A model for each unit, or filled blanks, would not be on the same forms."""
    with pytest.raises(FitError, match="facts="):
        sipas.drivers(case[0], facts=case[1], **options)


# ── the ratio


def test_the_ends_of_a_ratio_solve_fiellers_equation():
    """(a − θb)² = t²·Var(a − θb) at both ends; without a divisor away from 0 there are none."""
    above, below = np.array([1.2, 0.5]), np.array([2.0, 0.1])
    covariance = np.array([[[0.05, 0.02], [0.02, 0.04]]] * 2)
    ratio = divide_estimates(above, below, covariance, 20)
    for end in (ratio.low[0], ratio.high[0]):
        variance = 0.05 - 2 * end * 0.02 + end**2 * 0.04
        assert (1.2 - end * 2.0) ** 2 == pytest.approx(t_quantile(0.975, 20) ** 2 * variance)
    assert ratio.low[0] < 0.6 < ratio.high[0]
    assert np.isnan([ratio.value[1], ratio.low[1], ratio.high[1]]).all()


# ── the demo


@pytest.fixture(scope="module")
def demo_records(demo_2021):
    return sipas.read_records(demo_2021)


@pytest.mark.slow
def test_lateness_takes_a_part_of_the_attitude_in_the_demo(demo_2021, demo_records):
    """Planted: the latest dossiers go with the lowest forms. Half of the forms name a dossier."""
    result = sipas.drivers(demo_2021, facts=demo_records, controls=["field"])
    whole = result.joined.frame.iloc[0]
    assert 45 < whole["percent"] < 55
    assert whole["no_code"] + whole["contradictory"] + whole["matched"] == len(demo_2021.frame)
    assert not result.joined.differs
    assert result.attitude == "civil-servants"
    assert result.select_vanished().iloc[0]["verdict"] == "vanishes"
    facts = result.frame[(result.frame["model"] == "attitude") & (result.frame["kind"] == "fact")]
    assert facts.set_index("variable").loc["days_late", "high"] < 0
    assert {*facts["variable"]} == {
        *("days_late", "visits", "supplement_loops", "channel=online", "channel=post")
    }
    written = "".join(map(str, (result, result.joined, result._repr_html_())))
    assert not [code for code in demo_2021.dossiers.dropna()[:50] if code in written]


@pytest.mark.slow
def test_people_and_clock_order_the_units_of_the_demo_alike(demo_2021, demo_records):
    """Planted: the tempo of a unit goes with the answers to B5; no unit is opposite."""
    views = compare_views(demo_2021, demo_records)
    assert views.item == "B5"
    assert views.low > 0
    assert "opposite" not in {*views.frame["verdict"]}
