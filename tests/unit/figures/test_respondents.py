"""Groups of respondents: index, difference from the whole, and what is not shown (I7, P2)."""

import math
from itertools import product

import numpy as np
import pytest
from scipy.stats import t

from sipas_analysis.figures.counts import count_people
from sipas_analysis.figures.published import figures_of
from sipas_analysis.figures.rare_labels import merge_rare_labels
from sipas_analysis.figures.respondents import compare_respondents
from sipas_analysis.measure.scores import score

HEAD = "unit,A1,A2,D1,sex,vulnerable\n"


@pytest.fixture(scope="module")
def compared(demo_2021):
    """The groups of the demo wave, compared once."""
    return compare_respondents(demo_2021)


def read_groups(read_answers, men, women, blank="", **facts):
    """Compare respondents: answers of men and women in two units, then of people without a sex."""
    rows = [f"so-{'ab'[at % 2]},{answer},male,HN" for at, answer in enumerate(men)]
    rows += [f"so-{'ab'[at % 2]},{answer},female," for at, answer in enumerate(women)]
    survey = read_answers(HEAD + "\n".join([*rows, *([blank] if blank else [])]) + "\n", **facts)
    return compare_respondents(merge_rare_labels(survey))


@pytest.mark.slow
def test_a_group_has_the_index_of_score_and_its_difference_from_the_whole(demo_2021, compared):
    """Half of the interval by hand: n/N of that of the other sex, at the 26 comparisons."""
    table = compared
    n_tests = sum(1 if n == 2 else n for n in table.groupby("key").size())
    men, women = (table[table["label"] == sex].iloc[0] for sex in ("male", "female"))
    scores = score(demo_2021, "sex").select(variable="overall")
    own = scores.select(sex="male").frame.iloc[0]
    assert [men[name] for name in ("printed", "low", "n_valid")] == [
        own[name] for name in ("printed", "low", "n_valid")
    ]
    score_whole = score(demo_2021).select(variable="overall").frame.iloc[0]
    whole = score_whole["value"]
    assert men["difference"] == pytest.approx(own["value"] - whole)
    gap = scores.difference({"sex": "male"}, {"sex": "female"}).frame.iloc[0]
    share = men["difference"] / gap["value"]  # of women among the answers
    half = t.ppf(1 - 0.025 / n_tests, gap["df"]) * gap["se"] * share
    assert men["difference_high"] - men["difference"] == pytest.approx(half, rel=0.02)
    assert (men["verdict"], women["verdict"]) == ("open", "open")
    is_inside = (table["low"] <= whole) & (table["high"] >= whole)
    assert table.loc[is_inside, "verdict"].isin(["open", ""]).all()
    urban = table[table["label"] == "urban"].iloc[0]  # by its own error it would be sure
    usual = scores.frame["n_valid"].sum() ** 0.5 * score_whole["se"] / urban["n_valid"] ** 0.5
    usual = (usual**2 - score_whole["se"] ** 2) ** 0.5
    half = t.ppf(1 - 0.025 / n_tests, score_whole["df"]) * usual
    assert urban["difference_high"] - urban["difference"] == pytest.approx(half)
    assert urban["verdict"] == "open"


@pytest.mark.slow
def test_choices_of_several_are_compared_with_the_whole(demo_2021, compared):
    """249 people chose at least one; the whole is all 870."""
    poor = compared[compared["unit"] == "vulnerable=HN"].iloc[0]
    whole = score(demo_2021).select(variable="overall").frame["value"].item()
    assert poor["difference"] == pytest.approx(poor["value"] - whole)


def test_a_group_of_few_people_has_no_verdict(read_answers):
    """Twelve people have an index with caution, and no comparison; those left have neither."""
    men, women = ["5,5,5"] * 60, ["1,1,1"] * 12
    table = read_groups(read_answers, men, women).set_index("unit")
    assert table.loc["sex=female", ["flag", "verdict"]].tolist() == ["caution", ""]
    assert table.loc["sex=male", "verdict"] == "above"


@pytest.mark.slow
def test_where_nobody_of_a_group_differs_the_exact_interval_decides(read_answers):
    """40 of 40 satisfied beside 66 of 70: no variance in one part is not certainty."""
    women = ["5,5,5"] * 66 + ["1,1,1"] * 4
    table = read_groups(read_answers, ["5,5,5"] * 40, women).set_index("unit")
    assert table.loc["sex=male", "verdict"] == "open"


@pytest.mark.slow
def test_a_hidden_group_does_not_follow_from_the_whole_and_the_others(read_answers):
    """Three women: the men's number would give theirs, as those who answered are counted."""
    men = ["5,4,3"] * 40
    hidden = read_groups(read_answers, men, ["1,1,1"] * 3).set_index("unit")
    assert hidden.loc["sex=male", "flag"] == "suppress"
    assert hidden.loc["vulnerable=HN", "flag"] == "suppress"
    assert hidden["value"].isna().all()
    assert hidden["difference"].isna().all()
    assert hidden["n"].isna().all()
    blank = "\n".join(["so-a,1,2,3,,"] * 9)
    with_blanks = read_groups(read_answers, men, ["1,1,1"] * 3, blank).set_index("unit")
    assert with_blanks.loc["sex=male", "flag"] == "suppress"


@pytest.mark.slow  # the figures of whole waves are computed and audited
def test_a_key_made_of_whole_units_is_not_shown_where_a_unit_is_hidden(read_answers):
    """A label that all of a unit gave, and nobody else, would show the unit's index."""
    for slip in ([], ["so-a,5,4,3,female,"], ["so-a,5,4,3,female,"] * 4):
        rows = ["so-a,5,4,3,male,"] * 40 + ["so-b,5,4,3,female,"] * 30 + slip
        survey = read_answers(HEAD + "\n".join(rows) + "\n")
        assert {*compare_respondents(survey)["key"]} == {"sex"}
        assert compare_respondents(survey, hidden_units={"so-b"}).empty
        assert [*count_people(survey, hidden_units={"so-b"})["id"]] == ["people:vulnerable"]
        is_shown = compare_respondents(survey)["value"].notna()
        assert is_shown.tolist() == [not slip] * 2  # women less so-b: the people of the slip
    survey = read_answers(HEAD + "\n".join([*rows, "so-a,5,4,3,female,"]) + "\n")
    assert compare_respondents(survey, hidden_units={"so-b"})["value"].notna().all()


def read_keys(read_answers, cells, **facts):
    """Return the figures, by id, of forms with a field and a procedure; answers of no matter."""
    rows = [f"so-{'ab'[at % 2]},5,{at % 5 + 1},3,{cell}" for at, cell in enumerate(cells)]
    keys = {"unit": "unit", "keys": {"field": "field", "task": "task"}}
    survey = read_answers(
        "unit,A1,A2,D1,field,task\n" + "\n".join(rows) + "\n", columns=keys, **facts
    )
    return figures_of(survey).by_id.set_index("id")


@pytest.mark.slow  # the figures of whole waves are computed and audited
@pytest.mark.parametrize(
    "cells",
    [
        ["land,rare"] * 3 + ["land,deed"] * 40 + ["civil,birth"] * 30,
        ["land,rare"] * 3 + ["land,deed"] * 40 + ["land,map"] * 20 + ["civil,birth"] * 30,
        ["land,birth"] * 3 + ["land,deed"] * 40 + ["civil,birth"] * 30,
        ["land,birth"] * 3 + ["land,deed"] * 40 + ["civil,birth"] * 30 + ["civil,wed"] * 20,
        [",birth"] * 3 + ["land,deed"] * 40 + ["civil,birth"] * 30,
    ],
)
def test_no_few_people_lie_between_labels_of_two_keys(read_answers, cells):
    """Of a field the shown procedures leave 3 people: no sum or difference of shown has them."""
    table = read_keys(read_answers, cells)
    for kind, column in (("overall@", "n"), ("people:", "numerator")):
        names = [name for name in table.index if name.startswith(kind) and "=" in name]
        shown = [name for name in names if not math.isnan(table.loc[name, column])]
        forms = [
            np.array([name.partition("=")[2] in cell.split(",") for cell in cells])
            for name in shown
        ]
        if kind == "overall@":
            forms.append(np.ones(len(cells)))
        sums = [
            np.array(signs) @ np.array(forms) for signs in product([-1, 0, 1], repeat=len(forms))
        ]
        assert not [1 for total in sums if np.isin(total, [0, 1]).all() and 0 < total.sum() < 5]
        assert kind == "people:" or len(shown) >= 2 * ("," in cells[0][1:])


@pytest.mark.slow  # the figures of whole waves are computed and audited
def test_choices_that_exclude_each_other_are_one_choice(read_answers):
    """Whole − poor − merit would be the three others, unless five people chose two."""
    rows = ["4,3,,KHAC"] * 3 + ["5,4,,HN"] * 40 + ["3,4,,NCC"] * 30
    for doubles, n_shown in ((0, 1), (4, 1), (5, 2)):
        more = [*rows, *["4,4,,HN;NCC"] * doubles]
        text = "".join(f"so-{'ab'[at % 2]},{row}\n" for at, row in enumerate(more))
        survey = merge_rare_labels(read_answers("unit,A1,A2,D1,vulnerable\n" + text))
        table = compare_respondents(survey)
        shown = {*table.loc[table["value"].notna(), "unit"]}
        counts = count_people(survey).set_index("id")["numerator"].dropna()
        assert len(shown) == min(n_shown, len(counts))
        assert {f"people:{name}" for name in shown} <= {*counts.index}


@pytest.mark.slow
def test_groups_and_places_are_figures_with_ids(demo_2021):
    """``figures.csv`` lists index, difference and the places of the items of each unit."""
    ids = {*figures_of(demo_2021).by_id["id"]}
    assert {"overall@sex=male", "difference:overall@area=urban"} <= ids
    assert {"place:A4", "place:A4@so-nv"} <= ids
