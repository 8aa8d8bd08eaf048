"""Laws that hold for any answers: order, names and scale change nothing; blanks never count."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sipas_analysis as sipas
from sipas_analysis.collect.survey import LEDGER_COLUMNS, Survey
from sipas_analysis.collect.unit_changes import compute_unit_shares
from sipas_analysis.collect.wave import Wave
from sipas_analysis.infer.design import Design
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.infer.sample_facts import read_facts
from sipas_analysis.infer.totals import Columns, add_sums, convert_sums, count_forms
from sipas_analysis.instrument.pack import Index, Instrument
from sipas_analysis.rounding import round_to_text

often = settings(max_examples=10 * settings().max_examples)  # a law that is checked fast

ITEMS = ("A1", "A2", "B1")
NUMBERS = ["value", "se", "low", "high", "numerator", "denominator", "n_eff", "deff"]
PACK = Instrument.model_validate(
    {
        "id": "laws",
        "title": {"en": "Laws"},
        "source": "made for tests",
        "status": "unverified",
        "factors": {"A": {"en": "A"}, "B": {"en": "B"}},
        "items": {item: {"factor": item[0]} for item in ITEMS},
    }
)
WAVE = Wave.model_validate(
    {
        "id": "laws",
        "title": {"en": "Laws"},
        "year": "2026",
        "instrument": "laws.yaml",
        "responses": [{"file": "answers.csv"}],
    }
)
EVERY_ITEM = {"rule": "mean_of_items"}
AVERAGED = Index.model_validate({"factor": EVERY_ITEM, "overall": EVERY_ITEM})

levels = st.sampled_from([1.0, 2.0, 3.0, 4.0, 4.0, 5.0, 5.0])
answers = st.one_of(levels, levels, levels, st.just(np.nan))
units = st.sampled_from(["a", "b", "c"])


def forms(answer=answers, least=3):
    """Make forms: a unit and one answer to each of three items."""
    row = st.tuples(units, *[answer] * len(ITEMS))
    return st.lists(row, min_size=least, max_size=25).map(
        lambda rows: pd.DataFrame(rows, columns=["unit", *ITEMS])
    )


def survey_of(frame):
    codes = sorted(frame["unit"].unique())
    listed = pd.DataFrame({"code": codes, "name_vi": codes, "group": "districts"})
    ledger = pd.DataFrame(columns=list(LEDGER_COLUMNS))
    return Survey(WAVE, PACK, listed, frame.assign(group="districts"), ledger, len(frame), {})


def scored(frame, by="unit", index=None):
    return sipas.score(survey_of(frame), by, index).frame


def same(one, other):
    """Say that two tables agree: text to the letter, numbers to 1e-12."""
    one, other = (
        table.sort_values(["unit", "level", "variable"]).reset_index(drop=True)
        for table in (one, other)
    )
    pd.testing.assert_frame_equal(
        one.drop(columns=NUMBERS), other.drop(columns=NUMBERS), check_exact=True
    )
    # An error of an index that is all but certain is a difference of equal sums: 1e-7 of a point.
    np.testing.assert_allclose(
        one[NUMBERS].to_numpy(float), other[NUMBERS].to_numpy(float), rtol=1e-12, atol=1e-7
    )


def overall(frame, index=None):
    table = scored(frame, (), index)
    return table[table["level"] == "overall"].squeeze()


@pytest.mark.slow
@given(forms(), st.randoms(use_true_random=False))
def test_order_of_rows_changes_nothing(frame, random):
    order = random.sample(range(len(frame)), len(frame))
    same(scored(frame), scored(frame.iloc[order].reset_index(drop=True)))


@pytest.mark.slow
@given(forms(), st.permutations(["x-1", "a", "zz"]))
def test_names_of_units_change_nothing(frame, names):
    """Not even when the names reverse the alphabet."""
    renamed = dict(zip("abc", names, strict=True))
    other = scored(frame.assign(unit=frame["unit"].map(renamed)))
    back = {new: old for old, new in renamed.items()}
    both = other["unit"].map(back)
    same(scored(frame), other.assign(unit=both, unit_name=both))


@pytest.mark.slow
@given(forms(), st.data(), st.floats(1e-3, 1e4))
def test_scale_of_weights_changes_nothing(frame, data, scale):
    weight = data.draw(
        st.lists(st.floats(0.5, 20), min_size=len(frame), max_size=len(frame)), label="weight"
    )
    frame = frame.assign(weight=weight)
    one, other = scored(frame), scored(frame.assign(weight=scale * frame["weight"]))
    sums = ["numerator", "denominator"]
    other[sums] = other[sums] / scale
    np.testing.assert_allclose(
        one[NUMBERS].to_numpy(float), other[NUMBERS].to_numpy(float), rtol=1e-9, atol=1e-5
    )
    assert one["printed"].tolist() == other["printed"].tolist()


@given(forms(), units)
@pytest.mark.slow
def test_a_blank_form_never_counts(frame, unit):
    """A form without an answer adds to the forms, not to an index, its n or its limits (M1)."""
    empty = pd.DataFrame({"unit": [unit], **dict.fromkeys(ITEMS, np.nan)})
    before = scored(frame)
    after = scored(pd.concat([frame, empty], ignore_index=True))
    both = before.merge(after, on=["unit", "level", "variable"], suffixes=("", "_after"))
    assert len(both) == len(before)
    for column in ("value", "n_valid", "numerator", "denominator"):
        np.testing.assert_allclose(both[column], both[f"{column}_after"], rtol=1e-12)
    assert both["printed"].tolist() == both["printed_after"].tolist()
    items = both[both["level"] == "item"]
    np.testing.assert_allclose(items["low"], items["low_after"], rtol=1e-12)


@pytest.mark.slow  # drawn examples
@given(forms(), st.data())
def test_blanking_an_answer_leaves_the_other_items_alone(frame, data):
    row = data.draw(st.sampled_from(range(len(frame))), label="row")
    other = frame.copy()
    other.loc[row, "A1"] = np.nan
    one, two = (scored(it, ()).set_index("variable") for it in (frame, other))
    assert one.loc["A2"].equals(two.loc["A2"])
    asked = int(frame["A1"].notna()[row])
    assert one.loc["A1", "denominator"] - two.loc["A1", "denominator"] == asked


@pytest.mark.slow
@given(forms(), units)
def test_one_more_satisfied_form_never_lowers_the_index(frame, unit):
    more = pd.DataFrame({"unit": [unit], **dict.fromkeys(ITEMS, 4.0)})
    after = pd.concat([frame, more], ignore_index=True)
    for index in (None, AVERAGED):
        one, two = (scored(it, (), index).query("level != 'beside'") for it in (frame, after))
        before = one["value"].fillna(0).to_numpy()
        assert (two["value"].to_numpy() >= before - 1e-9).all()


@pytest.mark.slow
@given(forms(least=6))
def test_pooled_units_stay_between_their_parts(frame):
    for index in (None, AVERAGED.model_copy(update={"overall": PACK.index.overall})):
        parts, whole = scored(frame, "unit", index), scored(frame, (), index)
        kept = whole["level"].isin(["item"] if index else ["item", "factor", "overall"])
        limits = parts.groupby("variable")["value"].agg(["min", "max"])
        for row in whole[kept].dropna(subset="value").itertuples():
            low, high = limits.loc[row.variable]
            assert low - 1e-9 <= row.value <= high + 1e-9


@given(forms(least=1), st.booleans())
@pytest.mark.slow
def test_intervals_hold_their_value_within_0_and_100(frame, weighted):
    """Items and indices, weighted or not; 0 % and 100 % are never a certainty."""
    if weighted:
        frame = frame.assign(weight=np.linspace(1, 3, len(frame)))
    table = scored(frame).query("level != 'beside' or variable == 'comprehensive'")
    known = table[table["n_valid"] >= 2]
    assert (known["low"] >= 0).all()
    assert (known["low"] <= known["value"] + 1e-9).all()
    assert (known["value"] <= known["high"] + 1e-9).all()
    assert (known["high"] <= 100 + 1e-12).all()
    assert (known["high"] - known["low"] > 0.1).all()
    alone = table[table["n_valid"] <= 1]
    assert alone[["se", "low", "high"]].isna().all(axis=None)


@pytest.mark.slow
@given(forms(), st.booleans())
def test_numerator_and_denominator_give_back_the_value(frame, weighted):
    if weighted:
        frame = frame.assign(weight=np.linspace(1, 3, len(frame)))
    table = scored(frame).query("level != 'beside' and n_valid > 0")
    again = 100 * table["numerator"] / table["denominator"]
    np.testing.assert_allclose(table["value"], again, rtol=1e-12, atol=1e-12)
    assert (scored(frame)["printed"] == "").sum() == scored(frame)["value"].isna().sum()


@pytest.mark.slow  # drawn examples
@given(forms(answer=levels))
def test_mean_of_items_is_pooled_when_nothing_is_blank(frame):
    """Value, error and limits: the two rules of M2 differ by blanks alone."""
    pooled, averaged = scored(frame), scored(frame, "unit", AVERAGED)
    columns = ["value", "se", "low", "high"]
    np.testing.assert_allclose(pooled[columns], averaged[columns], rtol=1e-9, atol=1e-6)
    assert pooled["printed"].tolist() == averaged["printed"].tolist()


@given(forms(answer=levels, least=6), st.data())
@pytest.mark.slow
def test_blocks_of_parts_add_up_to_the_block_of_all(frame, data):
    """Totals, moments and counts; forms may come in any number of files (V8)."""
    cut = data.draw(st.integers(1, len(frame) - 1), label="cut")

    columns = Columns(
        (*ITEMS,),
        lambda part: [part[it] for it in ITEMS],
        np.full(len(ITEMS), 5.0),
        [True] * len(ITEMS),
        ("high",),
        lambda part: [part[ITEMS[0]] >= 4],
    )
    design = Design(frame.assign(all=1))
    scale = read_facts(design).scale

    def reduced(part):
        return count_forms(part, Design(part), ["all"], columns, scale)

    whole, parts = design.frame, [design.frame[cut:], design.frame[:cut]]
    one = convert_sums(reduced(whole), design, ["all"], columns, scale)
    joined = convert_sums(
        add_sums([reduced(part) for part in parts]), design, ["all"], columns, scale
    )
    for name in ("total", "part", "moment", "part_people"):
        np.testing.assert_array_equal(getattr(one, name), getattr(joined, name))
    assert one.people.equals(joined.people)
    assert one.people["n"].sum() == joined.people["n"].sum()


@pytest.mark.slow  # drawn examples
@given(st.lists(st.integers(0, 40), min_size=2, max_size=12), st.randoms(use_true_random=False))
def test_ranks_follow_the_values_and_not_the_rows(satisfied, random):
    """1 + the number of better units, whatever the order of rows (R1)."""
    table = pd.DataFrame(
        {
            "level": "overall",
            "group": "districts",
            "unit": [f"u{number:02d}" for number in range(len(satisfied))],
            "value": [100 * k / 40 for k in satisfied],
            "se": [0.5 + (k % 7) for k in satisfied],
            "low": [100 * k / 40 - 9 for k in satisfied],
            "high": [100 * k / 40 + 9 for k in satisfied],
            "df": 39.0,
            "n_valid": 40,
            "flag": "publish",
        }
    )
    before = sipas.rank(Estimates(table)).frame.set_index("unit")
    ranked = before["rank"]
    order = random.sample(range(len(table)), len(table))
    again = sipas.rank(Estimates(table.iloc[order].reset_index(drop=True))).frame
    pd.testing.assert_frame_equal(again.set_index("unit").loc[before.index], before)
    assert (before["rank_low"] <= ranked).all()
    assert (before["rank_high"] >= ranked).all()
    for unit, k in zip(table["unit"], satisfied, strict=True):
        assert ranked[unit] == 1 + sum(other > k for other in satisfied)


@often
@given(st.integers(1, 10**7), st.data(), st.integers(0, 4))
def test_printed_is_the_exact_fraction_rounded_half_away(n, data, decimals):
    """Compared with integer-exact fractions and with Decimal (M6)."""
    k = data.draw(st.integers(0, n))
    text = round_to_text(100 * k / n, k, n, decimals)
    assert abs(Fraction(text) - Fraction(100 * k, n)) <= Fraction(1, 2 * 10**decimals)
    exact = Fraction(100 * k, n) * 10**decimals
    assert Fraction(text) * 10**decimals == (exact + Fraction(1, 2)).__floor__()
    assert len(text.partition(".")[2]) == decimals


@often
@given(st.integers(0, 10**6), st.sampled_from([-1, 1]))
def test_a_weighted_half_is_rounded_away_from_zero(thousandths, sign):
    """Without a fraction: the decimal at ten significant digits, ties away from zero (M6)."""
    value = sign * thousandths / 1000
    digits = Decimal(f"{value:.9e}").quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    assert Decimal(round_to_text(value)) == digits
    if thousandths % 10 == 5:
        assert abs(Decimal(round_to_text(value))) == (Decimal(thousandths) + 5) / 1000


@pytest.mark.slow
@settings(max_examples=4 * settings().max_examples)
@given(st.data())
def test_merges_and_splits_lose_no_form(data):
    """The shares of an old unit add up to 1, so totals by new unit have the same sum (rule C2)."""
    old = [f"u{k}" for k in range(data.draw(st.integers(1, 6)))]
    rows = []
    for unit in old:
        parts = data.draw(st.lists(st.integers(1, 9), max_size=3))
        names = data.draw(st.permutations(["x", "y", "z", "w"]))
        rows += [
            (date(2025, 7, 1), unit, names[k], part / sum(parts)) for k, part in enumerate(parts)
        ]
    changes = pd.DataFrame(rows, columns=["date", "from", "to", "share"])
    sizes = data.draw(st.lists(st.integers(0, 500), min_size=len(old), max_size=len(old)))
    totals = pd.DataFrame({"n": sizes, "good": [n // 2 for n in sizes]}, old, dtype=float)
    shares = compute_unit_shares(changes, old, None, None)
    assert list(shares.index) == old
    assert np.allclose(shares.sum(axis=1), 1.0)
    assert np.allclose((shares.T @ totals).sum(), totals.sum())


@pytest.mark.slow
@given(st.lists(st.integers(2, 38), min_size=2, max_size=6, unique=True), st.randoms())
def test_names_and_order_of_units_change_no_rank_set(satisfied, random):
    """Sets follow values and errors only: renamed or mixed units keep theirs (rule R2)."""
    values = pd.Series([100 * k / 40 for k in satisfied], [f"u{k}" for k in satisfied])
    errors = 1.0 + values / 50
    before = sipas.rank_sets(values, errors, draws=500).frame
    order = random.sample(list(values.index), len(values))
    renamed = {name: f"z{at}" for at, name in enumerate(order)}
    after = sipas.rank_sets(values[order].rename(renamed), errors[order], draws=500).frame
    back = after.rename({new: old for old, new in renamed.items()}).loc[before.index]
    pd.testing.assert_frame_equal(before, back)
    assert (before["rank_low"] <= before["rank"]).all()
    assert (before["rank_high"] >= before["rank"]).all()
