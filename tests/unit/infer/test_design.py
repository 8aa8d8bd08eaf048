"""A design is declared once; what cannot have been drawn so is refused whole (rules V1 to V9)."""

import math

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.errors import ColumnError, DesignError
from sipas_analysis.infer.design import Replicates
from sipas_analysis.infer.intervals import exact_interval, finite_interval, share_interval
from sipas_analysis.infer.weighting import post_stratify

TOWNS = pd.DataFrame(
    {
        "town": list("aaaabbbbcccc"),
        "hamlet": [1, 1, 2, 2] * 3,
        "y": [1.0, 0, 1, 1, 0, 0, 1, 0, 1, 1, 1, 0],
        "w": [2.0] * 4 + [1.5] * 4 + [1.0] * 4,
        "N": [10] * 4 + [2] * 4 + [40] * 4,
        "sex": list("fm" * 6),
    }
)


def design(**changes):
    facts = {"weights": "w", "strata": "town", "clusters": "hamlet"}
    return sipas.Design(TOWNS, **{**facts, **changes})


def apart(share):
    """The difference of the two hamlets of each town, Σ w (y − share)."""
    z = (TOWNS["w"] * (TOWNS["y"] - share)).to_numpy()
    return np.diff(z.reshape(3, 2, 2).sum(axis=2), axis=1).ravel()


def alone(lonely, **changes):
    """Towns of which c has one hamlet."""
    frame = TOWNS.assign(hamlet=[1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 1, 1])
    return sipas.Design(frame, strata="town", clusters="hamlet", lonely=lonely, **changes)


def test_strata_and_clusters_by_hand():
    """z = w(y − R)/Σw by hamlet; Var = Σ_h 2·Σ(z − z̄_h)² = Σ_h (z₁ − z₂)² (rule V1)."""
    got = sipas.mean(design(), "y").frame.iloc[0]
    share = (TOWNS["w"] * TOWNS["y"]).sum() / TOWNS["w"].sum()
    by_hand = (apart(share) ** 2).sum() / TOWNS["w"].sum() ** 2
    assert got["value"] == pytest.approx(share, rel=1e-14)
    assert got["se"] == pytest.approx(math.sqrt(by_hand), rel=1e-12)
    assert got["df"] == 6 - 3
    assert got["n"] == 12


def test_a_census_of_hamlets_leaves_no_error_in_its_stratum():
    """Town b has two hamlets, both asked: f = 1, so only a and c count (rules V2 and I3)."""
    open_, closed = (sipas.mean(design(fpc=it), "y").frame["se"].item() for it in (None, "N"))
    share = (TOWNS["w"] * TOWNS["y"]).sum() / TOWNS["w"].sum()
    kept = np.array([1 - 2 / 10, 0.0, 1 - 2 / 40])
    want = (kept * apart(share) ** 2).sum() / TOWNS["w"].sum() ** 2
    assert closed == pytest.approx(math.sqrt(want), rel=1e-12)
    assert closed < open_


def test_a_domain_in_one_cluster_has_a_value_and_no_error():
    """Its influence is zero whatever the answers: R prints se 0, silent certainty (rule V3)."""
    frame = TOWNS.assign(place=TOWNS["town"] + TOWNS["hamlet"].astype(str))
    means = sipas.mean(sipas.Design(frame, clusters="place"), "y", by="place").frame
    assert means["value"].notna().all()
    assert means[["se", "low", "high", "df"]].isna().to_numpy().all()
    assert set(means["method"]) == {"none"}


def test_an_empty_cluster_of_a_stratum_still_counts():
    """Women of one hamlet only: the other hamlets enter with z = 0, not as if never drawn."""
    frame = TOWNS.assign(here=[1, 1, 1, 1] + [0] * 8)
    whole = sipas.Design(frame, clusters=["town"])
    got = sipas.total(whole, "here").frame["se"].item()
    assert got == pytest.approx(math.sqrt(3 / 2 * ((4 - 4 / 3) ** 2 + 2 * (4 / 3) ** 2)))


@pytest.mark.parametrize(
    ("lonely", "want"),
    [("certainty", ["a", "b"]), ("average", ["a", "b"]), ("adjust", ["a", "b", "c"])],
)
def test_remedies_for_a_lonely_stratum_by_hand(lonely, want):
    """certainty adds 0, average the others' mean, adjust its own square (rule V5)."""
    z = (TOWNS["y"] - TOWNS["y"].mean()) / 12
    squares = {
        t: (z[4 * k : 4 * k + 2].sum() - z[4 * k + 2 : 4 * k + 4].sum()) ** 2
        for k, t in enumerate("ab")
    } | {"c": z[8:].sum() ** 2}
    by_hand = sum(squares[town] for town in want) * (3 / 2 if lonely == "average" else 1)
    got = sipas.mean(alone(lonely), "y").frame["se"].item()
    assert got == pytest.approx(math.sqrt(by_hand), rel=1e-12)


def test_a_merged_stratum_is_one_with_its_neighbour():
    """c joins b: three hamlets in one stratum, as if declared so."""
    frame = alone("merge").frame
    frame = frame.assign(town=frame["town"].replace("c", "b"), hamlet=[1, 1, 2, 2] * 2 + [3] * 4)
    joined = sipas.mean(sipas.Design(frame, strata="town", clusters="hamlet"), "y").frame
    got = sipas.mean(alone("merge"), "y").frame
    assert got["se"].item() == pytest.approx(joined["se"].item(), rel=1e-12)


BAD = {
    "design_weight": lambda: sipas.Design(TOWNS.assign(w=[0, -1, math.nan, math.inf] * 3), "w"),
    "design_weight_cells": lambda: sipas.Design(TOWNS, "town"),
    "design_column": lambda: sipas.Design(TOWNS, strata="tow"),
    "design_lonely": lambda: alone("fail"),
    "design_lonely_word": lambda: alone("ignore"),
    "design_kind": lambda: design(replicates="jackknife"),
    "design_nested": lambda: design(nested=False),
    "design_fpc_over": lambda: design(fpc="one"),
    "design_fpc_varies": lambda: design(fpc="odd"),
    "design_fpc": lambda: design(fpc="none"),
    "design_fpc_stages": lambda: design(fpc=["N", "N"]),
    "design_blank": lambda: sipas.Design(TOWNS.assign(town=None), strata="town"),
    "design_infinite": lambda: sipas.mean(sipas.Design(TOWNS.assign(y=math.inf)), "y"),
    "mean_text": lambda: sipas.ratio(design(), "sex", "y"),
    "mean_days": lambda: sipas.mean(sipas.Design(TOWNS.assign(y=pd.Timestamp("2026-01-02"))), "y"),
    "mean_digits": lambda: sipas.total(sipas.Design(TOWNS.assign(y="4,5")), "y"),
    "proportion_values": lambda: sipas.proportion(design(), "w"),
    "design_files_weights": lambda: sipas.Design("forms.parquet", fpc="N"),
    "design_weight_none": lambda: sipas.Design(TOWNS.assign(w=0), "w"),
    "subset_empty": lambda: design().subset("sex == 'x'"),
    "subset_mask": lambda: design().subset([True, False]),
    "subset_index": lambda: design().subset(pd.Series([True] * 12, index=range(1, 13))),
    "subset_condition": lambda: design().subset("sex =="),
    "assign_calibrated": lambda: post_stratify(design(), "sex", {"f": 9, "m": 8}).assign(w=1.0),
    "design_twice": lambda: sipas.mean(sipas.Design(pd.concat([TOWNS, TOWNS[["y"]]], axis=1)), "y"),
    "design_weight_range": lambda: sipas.mean(
        sipas.Design(TOWNS.assign(w=[1e9] + [1.0] * 11), "w"), "y"
    ),
    "no_variable": lambda: sipas.mean(design(), []),
    "by_taken": lambda: sipas.mean(sipas.Design(TOWNS.assign(se=1)), "y", by="se"),
    "replicates_strata": lambda: sipas.mean(design(replicates="JK1"), "y"),
    "replicates_pairs": lambda: sipas.mean(sipas.Design(TOWNS, replicates="BRR"), "y"),
    "replicates_number": lambda: given("JKn", rscales=[1.0]),
    "replicates_rscales": lambda: given("JKn", clusters=None),
    "replicates_columns": lambda: design(replicates="ACS"),
    "replicates_value": lambda: given("BRR", values=-1.0),
}


def given(kind, values=1.0, clusters="hamlet", **options):
    names = ["r1", "r2", "r3"]
    frame = TOWNS.assign(**dict.fromkeys(names, values))
    made = Replicates(kind, columns=names, **options)
    facts = {"strata": "town", "clusters": clusters}
    return sipas.mean(sipas.Design(frame, weights="w", replicates=made, **facts), "y")


@pytest.fixture(autouse=True)
def odd_fractions(monkeypatch):
    extra = {"one": 1.5, "odd": np.arange(12) + 20.0, "none": 0.0}
    monkeypatch.setitem(globals(), "TOWNS", TOWNS.assign(**extra))


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize("message", BAD)
def test_what_cannot_be_is_refused_in_both_languages(message):
    """One paragraph: what must hold, what was found, what to do."""
    with pytest.raises(DesignError) as caught:
        BAD[message]()
    assert caught.value.message_id == message
    assert caught.value.exit_code == 21
    for language in ("vi", "en"):
        assert "{" not in caught.value.text(language)


def test_every_wrong_weight_is_named():
    """Negative, missing and infinite: all rows, not the first; 0 is a weight."""
    with pytest.raises(DesignError) as caught:
        BAD["design_weight"]()
    assert [place.row for place in caught.value.places] == [
        row for row in range(1, 13) if row % 4 != 1
    ]


def test_an_exact_interval_of_a_finite_population():
    """All of 80 asked in 100 are satisfied: of the 20 others at most 2 may not be (rule I3)."""
    frame = pd.DataFrame({"s": [1] * 80, "N": 100})
    got = sipas.proportion(sipas.Design(frame, fpc="N"), "s").frame.iloc[0]
    assert got["method"] == "hypergeometric"
    assert (got["low"], got["high"]) == (0.98, 1.0)
    # P(all 80 of 100 | 3 not satisfied) = C(20,3)/C(100,3) = 0.00705 < 0.025 ≤ C(20,2)/C(100,2)
    assert math.comb(20, 3) / math.comb(100, 3) < 0.025 <= math.comb(20, 2) / math.comb(100, 2)
    everyone = finite_interval(np.array([7.0]), np.array([10.0]), np.array([10.0]))
    assert [it[0] for it in everyone] == [0.7, 0.7]


@pytest.mark.parametrize("method", ["exact", "beta", "logit", "wilson", "wald"])
def test_no_interval_is_certain_at_the_ends(method):
    """Thirty of thirty is 88.4 to 100, and none of thirty 0 to 11.6 (rule I1)."""
    frame = pd.DataFrame({"s": [1] * 30, "none": [0] * 30})
    shares = sipas.proportion(sipas.Design(frame), ["s", "none"], method=method).frame
    width = (shares["high"] - shares["low"]).to_numpy()
    assert (width > 0.08).all()
    if method != "wilson":
        assert shares["low"][0] == pytest.approx(0.025 ** (1 / 30))


def test_wilson_as_scipy_makes_it():
    """On 17 of 20 with as many degrees of freedom as there are, against scipy.stats."""
    from scipy.stats import binomtest

    want = binomtest(17, 20).proportion_ci(method="wilson")
    share, n = np.array([0.85]), np.array([20.0])
    got = share_interval("wilson", share, share, df=np.array([np.inf]), n_eff=n)
    assert [it[0] for it in got] == pytest.approx([want.low, want.high], rel=1e-12)


def test_wilson_of_a_design_by_hand():
    """R survey 4.5: p(1−p)/Var people and t; here 3 clusters of 4, so t of 2 degrees of freedom.

    z = Σ(y − p)/12 by cluster: p = 7/12; Var = 3/2·Σz². (p + t²/2n ± t·√(p(1−p)/n + t²/4n²)) /
    (1 + t²/n). A simple sample of n has n − 1 such people, as the tests of R's package say.
    """
    p, t = 7 / 12, 4.302652729749464  # t of 97.5 % at 2 degrees of freedom, printed tables: 4.303
    var = 1.5 * sum(((ones - 4 * p) / 12) ** 2 for ones in (3, 1, 3))
    n = p * (1 - p) / var
    half = t * math.sqrt(p * (1 - p) / n + t**2 / (4 * n**2))
    want = [(p + t**2 / (2 * n) + sign * half) / (1 + t**2 / n) for sign in (-1, 1)]
    got = sipas.proportion(sipas.Design(TOWNS, clusters="town"), "y", method="wilson").frame.iloc[0]
    assert [got["low"], got["high"]] == pytest.approx(want, rel=1e-9)
    assert got["n_eff"] == pytest.approx(n)
    simple = sipas.proportion(sipas.Design(TOWNS), "y", method="wilson").frame
    assert simple["n_eff"].item() == pytest.approx(11)


def test_an_item_of_many_units_in_one_stratum_each_is_exact():
    """Where units are the strata and forms are drawn singly, each unit is a simple sample."""
    got = sipas.proportion(sipas.Design(TOWNS, strata="town"), "y", by="town").frame
    want = exact_interval(np.array([3.0, 1.0, 3.0]), np.full(3, 4.0))
    np.testing.assert_allclose(got[["low", "high"]].to_numpy().T, want, rtol=1e-12)


def test_units_that_share_clusters_are_not_independent():
    """Var(f − m) = Var f + Var m − 2 Cov (rule V7), and Cov is not 0."""
    frame = TOWNS.assign(y=[1, 1, 0, 1, 0, 0, 1, 1, 1, 1, 0, 0])
    both = sipas.mean(sipas.Design(frame, "w", "town", "hamlet"), "y", by="sex")
    cov = both.covariance().to_numpy()
    apart = both.difference({"sex": "f"}, {"sex": "m"}).frame.iloc[0]
    assert cov.diagonal() == pytest.approx(both.frame["se"] ** 2, rel=1e-9)
    assert apart["se"] ** 2 == pytest.approx(cov[0, 0] + cov[1, 1] - 2 * cov[0, 1], rel=1e-9)
    assert abs(cov[0, 1]) > 1e-3
    assert apart["contrast"] == "f − m"


def test_the_design_effect_is_against_drawing_with_replacement():
    """Single forms of equal weight: n/(n−1)·Σ(y−ȳ)²/n² over s²/n is 1 (rule V6)."""
    got = sipas.mean(sipas.Design(TOWNS), ["y", "w"]).frame["deff"]
    assert got.tolist() == pytest.approx([1.0, 1.0], rel=1e-12)


def test_a_combination_may_be_any_smooth_function():
    """log(a/b): the slopes are 1/a and −1/b."""
    pair = sipas.mean(design(), ["y", "w"])
    a, b = pair.frame["value"]
    got = pair.combine(lambda v: np.log(v[0] / v[1]), variable="log").frame["se"].item()
    slope = np.array([1 / a, -1 / b])
    assert got == pytest.approx(math.sqrt(slope @ pair.covariance() @ slope), rel=1e-9)


def test_a_table_read_back_has_no_covariance():
    """What was written to a file does not know its sample."""
    means = sipas.mean(design(), "y")
    with pytest.raises(ColumnError, match="no common covariance"):
        type(means)(means.to_frame()).covariance()
    with pytest.raises(ColumnError, match="one weight for each row"):
        means.combine([1.0, 2.0])


def test_any_order_of_rows_gives_the_same_bits():
    """Weights and values are odd floats; sums are of whole numbers (rule V9)."""
    rng = np.random.default_rng(5)
    frame = TOWNS.loc[np.repeat(TOWNS.index, 50)].reset_index(drop=True)
    frame = frame.assign(w=rng.lognormal(size=600), y=rng.normal(1e6, 1e-2, 600))
    columns = ["value", "se", "low", "high", "deff", "numerator"]
    first, *others = (
        sipas.mean(sipas.Design(it, "w", "town", clusters), "y", by="sex").frame[columns]
        for clusters in ("hamlet",)
        for it in (frame, frame[::-1], frame.sample(frac=1, random_state=1))
    )
    for other in others:
        pd.testing.assert_frame_equal(first, other, check_exact=True)


def test_large_numbers_with_small_spread_lose_nothing():
    """A mean of 10⁶ with a spread of 0.01: the second moments are of y − c."""
    y = 1e6 + np.array([0.01, -0.02, 0.03, 0.0, 0.01] * 20)
    got = sipas.mean(sipas.Design(pd.DataFrame({"y": y})), "y").frame["se"].item()
    assert got == pytest.approx(np.std(y - 1e6, ddof=1) / 10, rel=1e-8)


def test_nobody_and_nothing():
    """No form, no row; nobody answered, no value and no error; one form, no error."""
    empty = sipas.mean(sipas.Design(TOWNS.iloc[:0]), "y", by="town")
    assert len(empty) == 0
    blank = sipas.mean(sipas.Design(TOWNS.assign(y=np.nan)), "y").frame.iloc[0]
    assert math.isnan(blank["value"])
    assert math.isnan(blank["se"])
    single = sipas.mean(sipas.Design(TOWNS.iloc[:1]), "y").frame.iloc[0]
    assert single["value"] == 1.0
    assert math.isnan(single["se"])


def test_text_answers_are_shares_that_add_up_to_one():
    """One row for each answer; blanks leave the base."""
    frame = TOWNS.assign(choice=["x", "y", None, "x", "z", "x"] * 2)
    shares = sipas.proportion(sipas.Design(frame), "choice").frame
    assert shares["answer"].tolist() == ["x", "y", "z"]
    assert shares["value"].sum() == pytest.approx(1.0)
    assert set(shares["n_valid"]) == {10}


def test_a_made_replicate_of_a_linear_figure_is_its_linearisation():
    """Totals: JKn, BRR and Fay give the variance of V1 exactly (rule V4)."""
    plain = sipas.total(design(), "y").frame["se"].item()
    for kind in ("JKn", "BRR", "Fay"):
        made = sipas.total(design(replicates=kind), "y").frame["se"].item()
        assert made == pytest.approx(plain, rel=1e-9)


def test_each_stratum_that_is_a_whole_sample_takes_its_own_fraction():
    """80 of 100 asked in b, all 80 in a: exact in b, certain in a (rule I3)."""
    frame = pd.DataFrame(
        {"x": [1] * 79 + [0] + [1] * 80, "N": [80] * 80 + [100] * 80, "u": list("ab" * 80)}
    ).assign(u=["a"] * 80 + ["b"] * 80)
    shares = sipas.proportion(sipas.Design(frame, strata="u", fpc="N"), "x", by="u").frame
    assert shares[["low", "high"]].to_numpy().tolist() == [[0.9875, 0.9875], [0.98, 1.0]]


def test_average_is_the_same_in_every_view():
    """Variance, covariance and a combination of one row agree where a stratum is left out (V5)."""
    frame = pd.DataFrame({"h": list("aabbc"), "c": range(5), "y": [1.0, -1, 2, 3, 4]})
    totals = sipas.total(sipas.Design(frame, strata="h", clusters="c", lonely="average"), "y")
    square = totals.frame["se"].item() ** 2
    assert square == pytest.approx(7.5)
    assert totals.covariance().to_numpy().item() == pytest.approx(square)
    assert totals.combine([1.0]).frame["se"].item() ** 2 == pytest.approx(square)


def test_a_figure_of_a_census_is_certain(read_answers):
    """All 40 of 40 asked, as the wave states: no interval but the value (rule I3)."""
    answers = "unit,N,A1,A2,D1\n" + "so-a,40,5,4,3\n" * 39 + "so-a,40,5,4,5\n"
    columns = {"unit": "unit", "fpc": "N"}
    scores = sipas.score(read_answers(answers, columns=columns)).frame
    index = scores[scores["level"].isin(["item", "factor", "overall"])]
    assert (index["low"] == index["value"]).all()
    assert (index["high"] == index["value"]).all()


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("name", ["n", "_cell", "by town", "_row"])
def test_columns_of_the_sample_may_have_any_name(name):
    """What the program adds for itself never meets a column of the data."""
    want = sipas.mean(design(), "y").frame
    got = sipas.mean(sipas.Design(TOWNS.rename(columns={"town": name}), "w", name, "hamlet"), "y")
    pd.testing.assert_frame_equal(got.frame, want)


def test_average_counts_only_strata_where_someone_answered():
    """R survey 4.1, svymean(na.rm = TRUE): 0.951972 (rule V5)."""
    frame = pd.DataFrame(
        {
            "h": [1, 1, 2, 2, 2, 2, 3, 3, 3, 3],
            "c": [1, 1, 1, 1, 2, 2, 1, 1, 2, 2],
            "y": [np.nan, np.nan, 1, 2, 4, 6, 3, 5, 2, 9],
        }
    )
    means = sipas.mean(sipas.Design(frame, strata="h", clusters="c", lonely="average"), "y")
    assert means.frame["se"].item() == pytest.approx(0.951972, abs=1e-6)


@pytest.mark.parametrize(
    "answers", [["", "x"] * 6, pd.to_datetime(["2024-01-01", "2024-01-02"] * 6)]
)
def test_answers_that_are_empty_text_or_days_are_counted(answers):
    """Half each, whatever the answers are."""
    shares = sipas.proportion(sipas.Design(TOWNS.assign(q=answers)), "q").frame
    assert shares["value"].tolist() == [0.5, 0.5]


def test_nothing_that_is_printed_shows_a_form():
    """Neither a design nor its estimates print a row of the frame (rule P3)."""
    frame = TOWNS.assign(y=np.arange(12) + 71234.5)
    shown = repr(sipas.Design(frame, "w", "town", "hamlet"))
    assert "71234" not in shown
    assert "hamlet" in shown
    means = sipas.mean(sipas.Design(frame, "w", "town", "hamlet"), "y")
    assert repr(means) == str(means)


def test_a_difference_of_nothing_is_refused():
    """A mistyped key is not an empty table."""
    with pytest.raises(ColumnError, match="no row has sex = “x”"):
        sipas.mean(design(), "y", by="sex").difference({"sex": "x"}, {"sex": "m"})
