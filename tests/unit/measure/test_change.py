"""Change between waves: by hand, at the ends, and where no line may be drawn."""

import numpy as np
import pandas as pd
import pytest
from conftest import PACK, write_wave
from scipy import stats

import sipas_analysis as sipas
from sipas_analysis.documents.writers.html import render_page
from sipas_analysis.errors import ColumnError
from sipas_analysis.figures.published import Figures
from sipas_analysis.measure.change import compare
from sipas_analysis.measure.decomposition import decompose
from sipas_analysis.reports.chapters.trend import explain_break
from sipas_analysis.reports.comparison_page import build_comparison_page


@pytest.fixture
def wave(make_wave, tmp_path):
    """Write the wave of a year: ``unit=(satisfied, n)``; further facts as in ``make_wave``."""

    def of(year, counts, more="", pack=PACK, **facts):
        rows = [
            f"{unit},{5 if k < satisfied else 3},{5 if k < satisfied else 3},4{more}"
            for unit, (satisfied, n) in counts.items()
            for k in range(n)
        ]
        units = "code,name_vi,group\n" + "".join(f"{u},Sở {u},departments\n" for u in counts)
        head = "unit,A1,A2,D1" + (",mode" if more else "")
        made = make_wave(
            "\n".join([head, *rows, ""]), units=units, pack=pack, id=f"w-{year}", year=year, **facts
        )
        folder = tmp_path / str(year)
        folder.mkdir()
        for path in (*tmp_path.glob("*.csv"), *tmp_path.glob("*.yaml")):
            path.rename(folder / path.name)
        return sipas.read_survey(sipas.read_wave(folder / made.name))

    return of


def row(changes, **keys):
    """Return the one row of some figures."""
    frame = changes.frame
    for key, value in keys.items():
        frame = frame[frame[key] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def test_a_change_is_a_difference_with_both_errors(wave):
    """Item A1 of 60 people each year: 70 % to 85 %, errors by p(1−p)/(n−1), 118 df (rule C1).

    The intervals of the three items hold together: each has the level 0.95^(1/3).
    """
    changes = compare(wave(2023, {"a": (42, 60)}), wave(2024, {"a": (51, 60)}))
    one = row(changes, domain="all", variable="A1")
    errors = [100 * (p * (1 - p) / 59) ** 0.5 for p in (0.7, 0.85)]
    se = float(np.hypot(*errors))
    df = se**4 / sum(e**4 / 59 for e in errors)
    assert one[["value_before", "value_after", "n_before", "n_after"]].tolist() == [70, 85, 60, 60]
    wanted = [15, se, df, 2 * stats.t.sf(15 / se, df)]
    assert one[["value", "se", "df", "p"]].to_numpy(float) == pytest.approx(wanted)
    half = stats.t.ppf((1 + 0.95 ** (1 / 3)) / 2, df) * se
    assert one[["low", "high"]].to_numpy(float) == pytest.approx([15 - half, 15 + half])
    assert one[["reason", "family", "verdict"]].tolist() == ["", 3, "open"]


@pytest.mark.slow
def test_the_order_in_which_waves_are_given_changes_nothing(wave):
    """They go by their years."""
    first, second = wave(2023, {"a": (42, 60)}), wave(2024, {"a": (51, 60)})
    one, other = compare(first, second), compare(second, first)
    pd.testing.assert_frame_equal(one.frame, other.frame)


def test_a_change_from_100_percent_has_an_interval(wave):
    """All of 30, then 24 of 30: from both intervals; p from their reach, not from 100 % ± 0."""
    changes = compare(wave(2023, {"a": (30, 30)}), wave(2024, {"a": (24, 30)}))
    one = row(changes, domain="all", variable="A1")
    tail = (1 - 0.95 ** (1 / 3)) / 2
    assert one["low"] == pytest.approx(-20 - np.hypot(80 - 100 * stats.beta.ppf(tail, 24, 7), 0))
    reach = [
        np.hypot(100 * stats.beta.ppf(1 - end, 25, 6) - 80, 100 - 100 * stats.beta.ppf(end, 30, 1))
        for end in (tail, 0.025)
    ]
    assert one["high"] == pytest.approx(-20 + reach[0])
    scale = reach[1] / stats.t.ppf(0.975, 29)
    assert one["p"] == pytest.approx(2 * stats.t.sf(20 / scale, 29))
    assert np.isnan(one["se"])


@pytest.mark.slow
def test_units_are_judged_together(wave):
    """Holm over the three of one group: the smallest p times 3."""
    before = {"a": (30, 60), "b": (40, 60), "c": (45, 60)}
    changes = compare(wave(2023, before), wave(2024, before | {"a": (45, 60)})).frame
    own = changes[(changes["domain"] == "unit") & (changes["level"] == "overall")].set_index("unit")
    assert own.loc["a", "p_holm"] == pytest.approx(3 * own.loc["a", "p"])
    others = changes[(changes["domain"] != "unit") | (changes["level"] != "overall")]
    assert others["p_holm"].isna().all()


@pytest.mark.slow
def test_an_extreme_unit_is_expected_to_go_back(wave):
    """The best of the first year is expected to fall, the worst to rise (rule C4)."""
    before = {"a": (58, 60), "b": (40, 60), "c": (45, 60), "d": (20, 60)}
    changes = compare(wave(2023, before), wave(2024, before)).frame
    own = changes[(changes["domain"] == "unit") & (changes["level"] == "overall")].set_index("unit")
    scores = sipas.score(wave(2025, before), "unit").select(level="overall").frame
    pooled = sipas.small_area(scores["value"], scores["se"] ** 2, sizes=scores["n_valid"]).frame
    assert own["expected"].to_numpy() == pytest.approx(pooled["value"] - pooled["direct"])
    assert own.loc["a", "expected"] < 0 < own.loc["d", "expected"]


@pytest.mark.slow  # whole waves are compared
def test_a_unit_of_one_year_only_says_so(wave):
    """The other units are compared all the same."""
    changes = compare(wave(2023, {"a": (42, 60), "b": (40, 60)}), wave(2024, {"a": (51, 60)}))
    gone = row(changes, unit="b", variable="overall")
    assert gone["reason"] == "absent"
    assert gone[["value", "low", "p"]].isna().all()
    assert row(changes, unit="a", variable="overall")["reason"] == ""


REWORDED = PACK.replace("Nơi ngồi chờ", "Nhân viên bảo vệ niềm nở")


@pytest.mark.slow
def test_an_item_of_another_wording_is_not_compared_though_the_pack_has_the_same_id(wave):
    """The others are, as shared items; the same words in one language more are the same (C2)."""
    counts = {"a": (42, 60)}
    changes = compare(wave(2023, counts), wave(2024, counts, pack=REWORDED))
    assert changes.breaks[["reason", "bridged", "n_shared"]].to_numpy().tolist() == [["", True, 2]]
    shared = {*changes.frame.loc[changes.frame["level"] == "item", "variable"]}
    assert len(shared) == 2
    assert "A1" not in shared


OTHER = PACK.replace("id: small", "id: other")
for wording in ("Nơi ngồi chờ", "Trang thiết bị", "Kết quả đúng"):
    OTHER = OTHER.replace(wording, f"{wording} (lời văn mới)")
MODE = {"columns": {"unit": "unit", "mode": "mode"}}
CLIENTS = {"population": {"vi": "người giao dịch"}}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ({}, {"pack": OTHER}, "instrument"),
        (CLIENTS, {"population": {"vi": "hộ gia đình"}}, "population"),
        ({"more": ",post", **MODE}, {"more": ",online", **MODE}, "mode"),
        ({}, {"index": {"overall": {"rule": "mean_of_items"}}}, "rules"),
        (CLIENTS, {"pack": OTHER, "population": {"vi": "hộ gia đình"}}, "instrument population"),
    ],
)
def test_no_line_is_drawn_where_the_question_changed(wave, before, after, reason):
    """No number at all, and the reason (rule C2)."""
    counts = {"a": (42, 60)}
    changes = compare(wave(2023, counts, **before), wave(2024, counts, **after))
    assert changes.breaks["reason"].tolist() == [reason]
    assert set(changes.frame["reason"]) == {reason}
    assert changes.frame[["value", "se", "low", "high", "p"]].isna().all(axis=None)


@pytest.mark.slow
def test_a_crosswalk_bridges_two_questionnaires_over_the_items_they_share(wave, tmp_path):
    """A1 is now called B1; only it is compared, as item and as the whole, and labelled."""
    pack = OTHER.replace("A1:", "B1:")
    first = wave(2023, {"a": (42, 60)})
    rows = "\n".join(["unit,B1,A2,D1", *["a,5,3,3"] * 51, *["a,3,3,3"] * 9, ""])
    folder = tmp_path / "2024"
    folder.mkdir()
    for name, text in (
        ("pack.yaml", pack),
        ("answers.csv", rows),
        ("units.csv", "code,name_vi,group\na,Sở a,departments\n"),
    ):
        (folder / name).write_text(text, "utf-8")
    facts = (
        first.wave.path.read_text("utf-8")
        .replace("w-2023", "w-2024")
        .replace("year: 2023", "year: 2024")
    )
    (folder / "wave.yaml").write_text(facts, "utf-8")
    second = sipas.read_survey(sipas.read_wave(folder / "wave.yaml"))
    path = tmp_path / "items.csv"
    path.write_text("from,to\nA1,B1\n", "utf-8")
    changes = compare(first, second, crosswalk=path)
    whole = changes.frame[changes.frame["domain"] == "all"].set_index("variable")
    assert whole["value"].to_dict() == pytest.approx({"B1": 15.0, "overall": 15.0})
    assert set(changes.frame["reason"]) == {"bridged"}
    assert changes.breaks[["reason", "bridged"]].to_numpy().tolist() == [["", True]]
    path.write_text("from,to\nA1,Z9\nA1,B1\n", "utf-8")
    with pytest.raises(ColumnError) as caught:
        compare(first, second, crosswalk=path)
    assert {(place.row, place.value) for place in caught.value.places} == {
        (2, "A1"),
        (3, "A1"),
        (2, "Z9"),
    }


@pytest.mark.slow
def test_renamed_and_merged_units_are_compared_under_their_new_code(wave):
    """a became n, b and c merged into m: forms go along; what was split is another unit."""
    before = wave(2023, {"a": (42, 60), "b": (10, 30), "c": (20, 30), "d": (20, 40)})
    after = wave(2024, {"n": (51, 60), "m": (30, 60), "x": (20, 30), "y": (20, 30)})
    path = after.wave.path_of("unit_changes.csv")
    path.write_text(
        "date,from,to,share\n2023-06-01,a,n,\n2023-06-01,b,m,\n2023-06-01,c,m,\n"
        "2023-06-01,d,x,0.5\n2023-06-01,d,y,0.5\n",
        "utf-8",
    )
    changes = compare(before, after).frame
    own = changes[changes["variable"] == "A1"].set_index("unit")
    assert own.loc["n", ["value_before", "value_after", "reason"]].tolist() == [70, 85, ""]
    assert own.loc["m", ["value_before", "value_after", "reason"]].tolist() == [50, 50, ""]
    assert own.loc[["x", "y"], "reason"].tolist() == ["redefined", "redefined"]
    whole = own[own["domain"] == "all"].iloc[0]
    assert whole["value_before"] == pytest.approx(100 * 92 / 160)


@pytest.mark.slow
def test_small_cells_stay_withheld(wave):
    """Four people in one of the years (rule P2)."""
    counts = {"a": (42, 60), "b": (3, 4)}
    changes = compare(wave(2023, counts), wave(2024, counts))
    small = row(changes, unit="b", variable="overall")
    assert small["reason"] == "suppressed"
    assert small[["value_before", "value_after", "value", "low"]].isna().all()


def test_one_wave_is_nothing_to_compare(wave):
    """Two or more are needed."""
    with pytest.raises(ColumnError, match="two waves"):
        compare(wave(2023, {"a": (42, 60)}))


def asked(read_answers, men, women):
    """Read a wave of men and women: ``(satisfied, n)`` each, one answer per person."""
    rows = [
        f"so-a,{5 if k < good else 3},{sex}"
        for sex, (good, n) in (("male", men), ("female", women))
        for k in range(n)
    ]
    return read_answers(
        "\n".join(["unit,A1,sex", *rows, ""]),
        pack=PACK.replace("  A2: ", "  #A2: ")
        .replace("  D1:", "  #D1:")
        .replace("  results:", "  #results:"),
    )


@pytest.mark.slow
def test_a_change_is_who_was_asked_and_how_they_answered(read_answers):
    """By hand: shares .5/.5 to .8/.2, indices 80/40 to 90/50 (rule C3)."""
    before = asked(read_answers, (80, 100), (40, 100))
    after = asked(read_answers, (144, 160), (20, 40))
    found = decompose(before, after, "sex").frame.set_index("variable")["value"]
    who = 0.3 * (80 + 90) / 2 - 0.3 * (40 + 50) / 2
    how = 10 * (0.5 + 0.8) / 2 + 10 * (0.5 + 0.2) / 2
    assert found.to_dict() == pytest.approx({"who": who, "how": how, "change": 82 - 60})
    assert who + how == pytest.approx(22)


@pytest.mark.slow
def test_parts_and_their_errors_fit_the_change_of_the_index(read_answers):
    """The change is that of ``compare``, error too; all the same people answer the same."""
    before = asked(read_answers, (80, 100), (40, 100))
    after = asked(read_answers, (144, 160), (20, 40))
    found = decompose(before, after, "sex").frame.set_index("variable")
    values = [sipas.score(one).select(variable="overall").frame for one in (before, after)]
    se = np.hypot(*(value["se"].item() for value in values))
    assert found.loc["change", "value"] == pytest.approx(
        values[1]["value"].item() - values[0]["value"].item()
    )
    assert found.loc["change", "se"] == pytest.approx(se, rel=1e-6)
    assert found["n"].tolist() == [400, 400, 400]
    same = decompose(before, before, "sex").frame["value"]
    assert same.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.slow
def test_a_group_that_is_new_changes_only_who_was_asked(read_answers):
    """Nobody of it answered before, so nobody answers differently."""
    before = asked(read_answers, (80, 100), (0, 0))
    after = asked(read_answers, (80, 100), (40, 100))
    found = decompose(before, after, "sex").frame.set_index("variable")["value"]
    assert found.to_dict() == pytest.approx({"who": -20.0, "how": 0.0, "change": -20.0})


MORE = PACK.replace("id: small", "id: more").replace(
    "overall_item:", "  D2: {factor: results, vi: Kết quả đúng hẹn, en: In time}\noverall_item:"
)


def read_year(tmp_path, year, answers, pack=PACK, **facts):
    """Write a wave of one year into a folder of its own, and read it."""
    folder = tmp_path / f"year-{year}"
    folder.mkdir()
    path = write_wave(folder, answers, pack=pack, id=f"w-{year}", year=year, **facts)
    return sipas.read_survey(sipas.read_wave(path))


@pytest.mark.slow  # whole waves are compared
def test_items_that_both_questionnaires_ask_alike_need_no_crosswalk(tmp_path):
    """One item added: 3 items of 40 forms, 24 then 30 satisfied of 40 (10 %, 15 points by hand)."""
    years = [
        read_year(
            tmp_path,
            year,
            head + ("so-a," + good + "\n") * n + ("so-b," + bad + "\n") * (40 - n),
            pack,
        )
        for year, head, good, bad, n, pack in (
            (2023, "unit,A1,A2,D1\n", "5,4,4", "3,3,2", 24, PACK),
            (2024, "unit,A1,A2,D1,D2\n", "5,4,4,1", "3,3,2,1", 30, MORE),
        )
    ]
    changes = compare(*years)
    assert changes.breaks[["reason", "bridged", "n_shared"]].to_numpy().tolist() == [["", True, 3]]
    whole = row(changes, domain="all", level="overall")
    assert whole[["value_before", "value_after", "value"]].tolist() == [60.0, 75.0, 15.0]
    assert whole["reason"] == "bridged"
    assert "D2" not in set(changes.frame["variable"])
    page = build_comparison_page(changes, [Figures(survey) for survey in years])
    text = render_page(page, "en")
    assert "3 items have the same code, wording and scale" in text
    assert "None of these waves may be compared" not in text
    assert "may not be compared" not in text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Trang thiết bị hiện đại", "Trang thiết bị đầy đủ"),
        ("en: Modern equipment", "en: New equipment"),
        ("A2: {factor: access,", "A2: {factor: access, reverse: true,"),
        ("A2: {factor: access,", "A2: {factor: access, scale: {satisfied_from: 5},"),
    ],
)
@pytest.mark.slow
def test_an_item_that_is_read_otherwise_is_not_shared(tmp_path, old, new):
    """Wording, direction and the satisfied levels make the question; two others are compared."""
    answers = "unit,A1,A2,D1\n" + "so-a,5,4,3\n" * 6
    changed = MORE.replace(old, new)
    assert changed != MORE
    more = "unit,A1,A2,D1,D2\n" + "so-a,5,4,3,4\n" * 6
    changes = compare(read_year(tmp_path, 2023, answers), read_year(tmp_path, 2024, more, changed))
    assert changes.breaks["n_shared"].tolist() == [2]
    assert {"A1", "D1"} == {*changes.frame.query("level == 'item'")["variable"]}


WEIGHTED = {"columns": {"unit": "unit", "weight": "w"}}


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (WEIGHTED, {"columns": {"unit": "unit", "ignore": ["w"]}}, "weights_dropped"),
        (WEIGHTED, WEIGHTED, ""),
    ],
)
@pytest.mark.slow
def test_a_weighted_year_is_not_set_beside_an_unweighted_one(tmp_path, before, after, reason):
    """The same forms: a change of weights alone is no change of opinion."""
    answers = "unit,A1,A2,D1,w\n" + "so-a,5,4,4,0.2\nso-b,2,3,3,1.8\n" * 20
    years = [
        read_year(tmp_path, year, answers, **facts)
        for year, facts in ((2023, before), (2024, after))
    ]
    changes = compare(*years)
    assert changes.breaks["reason"].tolist() == [reason]
    whole = row(changes, domain="all", level="overall")
    assert np.isnan(whole["value"]) if reason else whole["value"] == 0
    assert explain_break("weights_dropped").text("en").startswith("the earlier forms are weighted")


@pytest.mark.slow  # whole waves are compared
def test_weights_that_were_adjusted_to_other_margins_are_not_set_side_by_side():
    """Raked by sex and area, then by sex alone, then to other totals of the same levels."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.integers(1, 6, (120, 2)), columns=["a", "b"])
    frame = frame.assign(sex=["f", "m"] * 60, area=["town", "town", "land", "land"] * 30)
    surveys = []
    for name, totals in (
        ("one", {"sex": {"f": 70, "m": 50}, "area": {"town": 80, "land": 40}}),
        ("two", {"sex": {"f": 70, "m": 50}, "area": {"town": 60, "land": 60}}),
        ("three", {"sex": {"f": 66, "m": 54}}),
    ):
        survey = sipas.survey(frame, {"a": "Question a", "b": "Question b"}, id=name, keys="sex")
        surveys.append(survey.with_design(sipas.rake(survey.design(), totals)))
    assert compare(*surveys).breaks["reason"].tolist() == ["", "margins"]
    assert "different margins" in explain_break("margins").text("en")


def test_factors_of_the_same_items_are_compared_across_a_bridge(tmp_path):
    """D2 joins the factor of results; access has the same items and its own rule."""
    answers = "unit,A1,A2,D1\n" + "so-a,5,4,3\n" * 6 + "so-a,3,2,3\n" * 6
    more = "unit,A1,A2,D1,D2\n" + "so-a,5,4,3,4\n" * 9 + "so-a,3,2,3,1\n" * 3
    changes = compare(read_year(tmp_path, 2023, answers), read_year(tmp_path, 2024, more, MORE))
    factors = changes.frame.query("domain == 'all' and level == 'factor'")
    assert factors[["variable", "value"]].to_numpy().tolist() == [["access", 25.0]]


@pytest.mark.parametrize("name", ["more", "other-name"])
@pytest.mark.slow
def test_an_item_that_was_dropped_or_another_pack_id_needs_no_crosswalk(tmp_path, name):
    """The same three items under another id, with D2 in the earlier year only."""
    answers = "unit,A1,A2,D1,D2\n" + "so-a,5,4,3,4\n" * 6 + "so-a,3,2,3,1\n" * 6
    less = "unit,A1,A2,D1\n" + "so-a,5,4,3\n" * 12
    pack = PACK.replace("id: small", f"id: {name}")
    changes = compare(
        read_year(tmp_path, 2023, answers, MORE), read_year(tmp_path, 2024, less, pack)
    )
    assert changes.breaks[["reason", "n_shared"]].to_numpy().tolist() == [["", 3]]
    items = changes.frame.query("domain == 'all' and level == 'item'").set_index("variable")
    assert items["value"].to_dict() == {"A1": 50.0, "A2": 50.0, "D1": 0.0}


@pytest.mark.slow  # whole waves are compared
def test_intervals_follow_the_level_at_the_ends_too(wave):
    """All of 30 in both years: the reach is the exact one-sided limit at that level."""
    years = [wave(2023, {"a": (30, 30)}), wave(2024, {"a": (30, 30)})]
    for level in (0.8, 0.99):
        whole = row(compare(*years, level=level), domain="all", level="overall")
        tail = (1 - level) / 2
        n_eff = row_of_score(years[0])["n_eff"]
        assert whole["high"] == pytest.approx(100 * (1 - tail ** (1 / n_eff)))
        assert whole["low"] == -whole["high"]


def row_of_score(survey):
    """Return the overall row of the whole."""
    return sipas.score(survey).select(variable="overall").frame.iloc[0]


@pytest.mark.slow
def test_weights_that_are_all_equal_weight_nothing(tmp_path):
    """A column of ones is no weighting."""
    answers = "unit,A1,A2,D1,w\n" + "so-a,5,4,4,1\nso-b,2,3,3,1\n" * 20
    plain = {"columns": {"unit": "unit", "ignore": ["w"]}}
    years = [
        read_year(tmp_path, 2023, answers, **WEIGHTED),
        read_year(tmp_path, 2024, answers, **plain),
    ]
    assert compare(*years).breaks["reason"].tolist() == [""]


@pytest.mark.slow
def test_a_pack_that_changed_under_the_same_id_is_not_the_same_questionnaire(tmp_path):
    """One item reversed: its old and new figures must not be subtracted."""
    answers = "unit,A1,A2,D1\n" + "so-a,5,4,4\n" * 6
    turned = PACK.replace("D1: {factor: results,", "D1: {factor: results, reverse: true,")
    changes = compare(
        read_year(tmp_path, 2023, answers), read_year(tmp_path, 2024, answers, turned)
    )
    assert changes.breaks[["bridged", "n_shared"]].to_numpy().tolist() == [[True, 2]]


@pytest.mark.slow
def test_an_item_that_moved_to_another_factor_leaves_the_factors_incomparable():
    """Items and the whole are bridged; a factor of other items has no change (rule C2)."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.integers(1, 6, (80, 4)), columns=["a", "b", "c", "d"])
    first = {"f": ["a", "b"], "g": ["c", "d"]}
    moved = {"f": ["a", "b", "c"], "g": ["d"]}
    labels = {code: f"Question {code}" for code in frame}
    before, after = (
        sipas.survey(frame, labels, factors=factors, id=name)
        for factors, name in ((first, "one"), (moved, "two"))
    )
    changes = compare(before, after, method="bonferroni")
    assert changes.breaks["bridged"].tolist() == [True]
    whole = changes.frame[changes.frame["domain"] == "all"]
    assert set(whole["level"]) == {"item", "overall"}
    assert whole["value"].abs().max() == 0
    assert "p_bonferroni" in changes.frame
    with pytest.raises(ColumnError, match="one instrument"):
        decompose(before, after, by="unit")
