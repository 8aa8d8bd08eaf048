"""How many forms and whom: formulas by hand, draws against their chances, files that are safe."""

import csv
import sys
from hashlib import sha256
from math import sqrt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sizes import sizes

from sipas_analysis import cli
from sipas_analysis.errors import (
    AnswerError,
    ColumnError,
    FormError,
    ParameterError,
    SipasError,
    UnitError,
)
from sipas_analysis.infer.sample_draw import compare_returns, draw
from sipas_analysis.infer.sample_size import (
    allocate,
    detectable_difference,
    expected_margin,
    forms_to_tell,
    sample_size,
)

# ── how many (rule S1)


def test_yamane_by_hand():
    """500/(1 + 500·0.0025) = 222.2, rounded up; 400/(1 + 1) is 200 and not 201."""
    assert sample_size([500, 400, 1], 0.05, method="yamane").tolist() == [223, 200, 1]


def test_cochran_by_hand():
    """n₀ = 1.96²·0.25/0.05² = 384.15; without end 385, of 1,000: 384.15/(1 + 383.15/1000) = 278."""
    assert sample_size([10**9, 1000], 0.05, method="cochran").tolist() == [385, 278]


@pytest.mark.parametrize("n", [(50, 44), (100, 80), (500, 217), (1000, 278), (10_000, 370)])
def test_cochran_against_the_table_of_krejcie_and_morgan(n):
    """Their published table (1970): the same formula rounded to nearest, ours is that or 1 up."""
    population, published = n
    assert 0 <= int(sample_size(population, 0.05, method="cochran")) - published <= 1


def test_the_design_effect_comes_before_the_end_of_the_list():
    """Yamane: 500·1.5/(1.5 + 500·0.0025) = 272.7; Cochran: 576.2/(1 + 575.2/500) = 267.9; all."""
    assert sample_size([500, 20], 0.05, deff=1.5, method="yamane").tolist() == [273, 20]
    assert sample_size([500, 20], 0.05, deff=1.5).tolist() == [268, 20]
    assert sample_size([500, 20], 0.0, deff=1.5).tolist() == [500, 20]


@given(
    population=st.integers(1, 10**9),
    place=st.floats(0, 1),
    deff=st.sampled_from([0.5, 1.0, 1.7, 4.0]),
    how=st.sampled_from(
        [{"method": "yamane"}, {}, {"share": 0.1, "level": 0.99}, {"share": 0.94, "level": 0.9}]
    ),
)
@pytest.mark.slow
def test_size_and_margin_undo_each_other(population, place, deff, how):
    """n people give a margin for which n are asked; a margin is kept, and not with one fewer."""
    n = max(1, round(population * place))
    margin = float(expected_margin(n, population, deff=deff, **how))
    if margin < 1:
        assert int(sample_size(population, margin, deff, **how)) == n
    wanted = 0.001 + 0.3 * place
    size = int(sample_size(population, wanted, deff, **how))
    assert float(expected_margin(size, population, deff=deff, **how)) <= wanted * (1 + 1e-9)
    fewer = float(expected_margin(size - 1, population, deff=deff, **how))
    assert not fewer <= wanted * (1 - 1e-9)


def test_a_list_without_end_needs_the_first_number():
    """1.96²·0.25/0.05² = 384.1; of yamane 400."""
    assert sample_size(np.inf, 0.05).item() == 385
    assert sample_size(np.inf, 0.05, method="yamane").item() == 400
    assert float(expected_margin(400, np.inf, method="yamane")) == 0.05


def test_a_margin_of_everyone_is_zero_and_of_nobody_unknown():
    """1.96·√(0.25/100) is 9.8 points where the clients are many."""
    got = expected_margin([10, 0, 100], [10, 10, 10**9])
    assert got[0] == 0
    assert np.isnan(got[1])
    assert got[2] == pytest.approx(1.959964 * 0.05, rel=1e-6)


def test_the_two_first_of_a_list_take_seventy_one_thousand_forms():
    """z = 1.95996 + 0.84162; p = 0.9459; V = p(1−p)·(1 + 21·0.4)/22; n = z²·2V/0.0022²."""
    p = 0.9459
    variance = p * (1 - p) * (1 + 21 * 0.4) / 22
    by_hand = (1.959964 + 0.841621) ** 2 * 2 * variance / 0.0022**2
    assert forms_to_tell(94.81, 94.59, items=22, within=0.4) == pytest.approx(by_hand, abs=2)
    own = 0.9481 * 0.0519 + 0.9459 * 0.0541  # each unit's own p(1−p): 2 % fewer
    assert by_hand * own / (2 * p * (1 - p)) == pytest.approx(69_553, abs=3)


@given(n=st.integers(10, 10**5), items=st.integers(1, 30), within=st.floats(0, 1))
def test_forms_to_tell_undoes_the_detectable_difference(n, items, within):
    """Above one lower share the two are inverses of each other."""
    known = {"items": items, "within": within}
    reach = 100 * float(detectable_difference(n, 0.6, **known))
    if reach < 40:
        assert abs(forms_to_tell(60 + reach, 60, **known) - n) <= 1


def test_alike_answers_are_one_answer():
    """At r = 1, 22 items say what one says; at r = 0 they are 22 people."""
    one = detectable_difference(100, 0.8)
    assert detectable_difference(100, 0.8, items=22, within=1.0) == pytest.approx(one)
    assert detectable_difference(100, 0.8, items=22, within=0.0) == pytest.approx(one / sqrt(22))


def test_a_difference_is_found_in_eighty_percent_of_surveys():
    """Planted truth: 4,000 pairs of units that differ by the detectable difference."""
    rng = np.random.default_rng(5)
    n, p = 400, 0.7
    d = float(detectable_difference(n, p))
    high, low = rng.binomial(n, [[p + d / 2], [p - d / 2]], size=(2, 4000)) / n
    z = (high - low) / np.sqrt((high * (1 - high) + low * (1 - low)) / n)
    assert np.mean(np.abs(z) > 1.959964) == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda: sample_size(0, 0.05), UnitError),
        (lambda: sample_size([5, float("nan")], 0.05), UnitError),
        (lambda: sample_size(np.inf, 0.0), ParameterError),
        (lambda: sample_size(5, -0.1), ParameterError),
        (lambda: sample_size(5, 0.1, method="yamane", level=0.9), ParameterError),
        (lambda: sample_size(5, 1.0), ParameterError),
        (lambda: sample_size(5, float("nan")), ParameterError),
        (lambda: sample_size(5, 0.05, deff=0), ParameterError),
        (lambda: sample_size(5, 0.05, method="slovin"), ParameterError),
        (lambda: expected_margin(5, 10, share=1.0), ParameterError),
        (lambda: forms_to_tell(94, 94), ParameterError),
        (lambda: forms_to_tell(101, 94), ParameterError),
        (lambda: detectable_difference(5, 0.5, within=1.1), ParameterError),
        (lambda: allocate(pd.Series({"a": 5, "b": 0}), 3), UnitError),
        (lambda: allocate(pd.Series({"a": 5}), 6), ParameterError),
        (lambda: allocate(pd.Series({"a": 5, "b": 5}), 3, least=2), ParameterError),
        (lambda: allocate(pd.Series({"a": 5}), 3, "neyman"), UnitError),
        (lambda: allocate(pd.Series({"a": 5}), 3, "fair"), ParameterError),
    ],
)
def test_what_cannot_be_planned_is_refused(call, kind):
    """N = 0, a margin of 0 or 1, equal shares, more than everyone, an unknown word."""
    with pytest.raises(kind):
        call()


# ── whose (rule S2)


def test_allocation_by_hand():
    """Of 100: 90 and 10 in proportion, 75 and 25 by square root, 50 and 50 equally."""
    sizes = pd.Series({"a": 900, "b": 100})
    assert allocate(sizes, 100).tolist() == [90, 10]
    assert allocate(sizes, 100, "power").tolist() == [75, 25]
    assert allocate(sizes, 100, "equal").tolist() == [50, 50]
    spread = pd.Series({"b": 0.9, "a": 0.1})
    assert allocate(sizes, 100, "neyman", standard_deviation=spread).tolist() == [50, 50]


def test_a_unit_never_gives_more_than_it_has():
    """b has 3 clients: the rest goes to the others in proportion."""
    assert allocate(pd.Series({"a": 50, "b": 3, "c": 50}), 43, "equal").tolist() == [20, 3, 20]


def test_a_tie_goes_by_name_wherever_the_row_stands():
    """One form left for three equal units: a has it."""
    for names in ("abc", "cba", "bca"):
        got = allocate(pd.Series(10, index=[*names]), 10)
        assert got.to_dict() == {"a": 4, "b": 3, "c": 3}


@given(
    sizes=st.lists(st.integers(1, 10**6), min_size=1, max_size=30),
    how=st.sampled_from(["equal", "proportional", "power", "neyman"]),
    least=st.integers(0, 50),
    part=st.floats(0, 1),
)
def test_an_allocation_adds_up_within_its_bounds(sizes, how, least, part):
    """Whole numbers from min(least, N) to N that add up to the total."""
    many = pd.Series(sizes, index=[f"u{k}" for k in range(len(sizes))])
    low = many.clip(upper=least)
    total = int(low.sum() + part * (many.sum() - low.sum()))
    spread = pd.Series(np.linspace(0.1, 0.5, len(many)), index=many.index)
    got = allocate(many, total, how, standard_deviation=spread, least=least)
    assert int(got.sum()) == total
    assert ((low <= got) & (got <= many)).all()


# ── whom (rule S3)

PEOPLE = pd.DataFrame(
    {
        "id": [f"p{k:02d}" for k in range(24)],
        "unit": ["x"] * 8 + ["y"] * 16,
        "village": [f"v{k // 4}" for k in range(24)],
        "visits": [1.0, 2.0, 3.0, 4.0] * 6,
        "name": "Nguyễn Văn A",
    }
)
DRAWS = {
    "simple": {"n": {"x": 3, "y": 5}, "by": "unit"},
    "systematic": {"n": {"x": 3, "y": 5}, "by": "unit", "how": "systematic"},
    "pps": {"n": {"x": 3, "y": 5}, "by": "unit", "how": "pps", "size": "visits"},
    "pps, one sure": {"n": {"x": 6, "y": 5}, "by": "unit", "how": "pps", "size": "visits"},
    "clusters": {"n": 2, "clusters": "village", "n_clusters": 3},
    "clusters by size": {
        "n": 2,
        "by": "unit",
        "clusters": "village",
        "n_clusters": 1,
        "how": "pps",
        "size": "visits",
    },
}


@pytest.mark.slow
@sizes("seeds", 150, 400)
@pytest.mark.parametrize("kind", DRAWS)
def test_everyone_is_drawn_as_often_as_their_probability_says(kind, seeds):
    """Planted truth over many seeds: frequency = probability, and weights add up to N."""
    asked = DRAWS[kind]
    times = pd.Series(0.0, index=PEOPLE["id"])
    chance: dict[str, float] = {}
    totals = []
    for seed in range(seeds):
        got = draw(PEOPLE, ids="id", seed=seed, **asked)
        times[got["id"]] += 1
        chance |= dict(zip(got["id"], got["probability"], strict=True))
        totals.append(got["weight"].sum())
    expected = pd.Series(chance).reindex(times.index)
    error = np.sqrt(expected * (1 - expected) / seeds)
    assert ((times / seeds - expected).abs() <= 4.5 * error + 1e-12).all()
    assert np.mean(totals) == pytest.approx(24, rel=0.05)


@pytest.mark.parametrize("kind", DRAWS)
@settings(max_examples=settings().max_examples // 3)
@given(order=st.permutations(range(24)))
@pytest.mark.quick_cases(2)
def test_the_order_of_rows_changes_nothing(kind, order):
    """The same list shuffled gives the same people in the same order."""
    asked = DRAWS[kind] | {"reserve": 2}
    whole = draw(PEOPLE, ids="id", seed=7, **asked)
    shuffled = draw(PEOPLE.iloc[order], ids="id", seed=7, **asked)
    pd.testing.assert_frame_equal(whole, shuffled)


def test_a_seed_is_kept_for_ever():
    """Order of SHA-256(seed, NUL, id): this draw must come out of every later version."""
    got = draw(PEOPLE, 2, ids="id", seed=1, by="unit")
    keys = [sha256(f"1\0p{k:02d}".encode()).hexdigest() for k in range(8)]
    assert got["id"].tolist()[:2] == [f"p{k:02d}" for k in np.argsort(keys)[:2]]
    assert got["id"].tolist() == PINNED
    assert draw(PEOPLE, 2, ids="id", seed=2, by="unit")["id"].tolist() != PINNED


PINNED = ["p06", "p07", "p08", "p19"]


def test_systematic_takes_one_in_every_interval():
    """k = 24/6 = 4: along the hashed order the six drawn stand in six different fours."""
    order = draw(PEOPLE, 24, ids="id", seed=3)["id"].tolist()
    got = draw(PEOPLE, 6, ids="id", seed=3, how="systematic")
    assert sorted(order.index(it) // 4 for it in got["id"]) == [0, 1, 2, 3, 4, 5]


def test_a_size_above_the_interval_is_sure():
    """Of 97 + 1 + 1 + 1 two are drawn: the first surely, the others with 1/3."""
    frame = pd.DataFrame({"id": [*"abcd"], "m": [97, 1, 1, 1]})
    got = draw(frame, 2, ids="id", seed=1, how="pps", size="m").set_index("id")["probability"]
    assert got["a"] == 1
    assert got.drop("a").tolist() == pytest.approx([1 / 3])


def test_the_reserve_is_the_next_in_order_and_has_no_weight():
    """A larger draw of the same seed begins with the smaller one and goes on with its reserve."""
    small = draw(PEOPLE, 4, ids="id", seed=5, reserve=3)
    large = draw(PEOPLE, 7, ids="id", seed=5)
    assert small["id"].tolist() == large["id"].tolist()
    assert small["order"].tolist() == [1, 2, 3, 4, 1, 2, 3]
    waits = small[small["status"] == "reserve"]
    assert waits["weight"].isna().all()
    assert waits["probability"].tolist() == [4 / 24] * 3


def test_only_ids_strata_and_clusters_leave_a_draw():
    """No name does (rules P1, P3)."""
    got = draw(PEOPLE, 1, ids="id", seed=1, by="unit", clusters="village", n_clusters=1)
    ends = ["cluster_probability", "probability", "weight"]
    assert [*got] == ["unit", "village", "id", "order", "status", *ends]


@pytest.mark.slow
def test_everyone_has_a_chance_and_those_of_a_draw_add_up_to_it():
    """Σπ = n at one stage; n of each drawn cluster at two; those drawn are those drawn alone."""
    for kind, asked in DRAWS.items():
        whole = draw(PEOPLE, ids="id", seed=4, everyone=True, **asked)
        alone = draw(PEOPLE, ids="id", seed=4, **asked)
        assert sorted(whole["id"]) == sorted(PEOPLE["id"])
        drawn = whole[whole["status"] == "drawn"].reset_index(drop=True)
        pd.testing.assert_frame_equal(drawn, alone)
        assert whole["probability"].sum() == pytest.approx(len(alone)), kind


def test_chances_of_sizes_by_hand():
    """Sizes 1, 2, 3, 4 and n = 2: 2·M/10 each; R ``inclusionprobabilities`` has the same."""
    frame = pd.DataFrame({"id": [*"abcd"], "m": [1, 2, 3, 4], "town": [*"xxyy"]})
    got = draw(frame, 2, ids="id", seed=1, how="pps", size="m", everyone=True)
    chance = got.set_index("id")["probability"]
    assert chance[[*"abcd"]].tolist() == pytest.approx([0.2, 0.4, 0.6, 0.8])
    towns = draw(frame, 1, ids="id", seed=1, how="pps", size="m", clusters="town", n_clusters=1,
                 everyone=True).set_index("id")  # fmt: skip
    assert towns["cluster_probability"][[*"abcd"]].tolist() == pytest.approx([0.3, 0.3, 0.7, 0.7])
    assert towns["probability"][[*"abcd"]].tolist() == pytest.approx([0.15, 0.15, 0.35, 0.35])


@pytest.mark.parametrize(
    ("changes", "asked", "kind", "said"),
    [
        ({"id": ["p00"] * 24}, {}, FormError, "rows 0–23, column “id”, value 'p00'"),
        ({"id": [" "] + ["a"] * 23}, {}, FormError, "1 have none"),
        ({"visits": 0}, {"how": "pps", "size": "visits"}, AnswerError, "24 are not"),
        ({"visits": "x"}, {"how": "pps", "size": "visits"}, AnswerError, "24 are not"),
        ({}, {"how": "pps"}, ParameterError, "column of sizes"),
        ({}, {"how": "lottery"}, ParameterError, "'lottery' is none"),
        ({}, {"by": "office"}, ColumnError, "“office” must be in the file"),
        ({}, {"n": 25}, ParameterError, "25 are asked of 24"),
        ({}, {"n": 9, "by": "unit"}, ParameterError, "9 are asked of 8 in x"),
        ({}, {"n": {"x": 1}, "by": "unit"}, ParameterError, "not for: y"),
        ({}, {"n": -1}, ParameterError, "`n` must be a whole number"),
        ({}, {"clusters": "village"}, ParameterError, "n_clusters"),
        ({}, {"clusters": "village", "n_clusters": 7}, ParameterError, "7 are asked of 6"),
    ],
)
def test_what_cannot_be_drawn_is_refused(changes, asked, kind, said):
    """Ids, sizes, columns and numbers: what is wrong, and where."""
    with pytest.raises(kind) as caught:
        draw(PEOPLE.assign(**changes), **({"n": 2, "ids": "id", "seed": 1} | asked))
    assert said in caught.value.text("en")
    assert caught.value.text("vi") != caught.value.text("en")


def test_what_came_back_by_hand():
    """x: of 2 drawn one answered and a reserve replaced one; y: both and a reserve beyond plan."""
    plan = draw(PEOPLE, 2, ids="id", seed=1, by="unit", reserve=2)
    x, y = (plan.loc[plan["unit"] == it, "id"].tolist() for it in "xy")
    got = compare_returns(plan, [x[0], x[2], *y[:3]], ids="id", by="unit").set_index("unit")
    counts = ["planned", "answered", "replaced", "extra", "missing", "response_percent"]
    assert got.loc["x", counts].tolist() == [2, 1, 1, 0, 0, 50]
    assert got.loc["y", counts].tolist() == [2, 2, 0, 1, 0, 100]
    assert got.loc["y", "margin_points"] == pytest.approx(100 * float(expected_margin(3, 16)))


def test_who_was_never_drawn_or_came_twice_is_named():
    """With the row of the file."""
    plan = draw(PEOPLE, 2, ids="id", seed=1)
    first = plan["id"].iloc[0]
    with pytest.raises(FormError, match=r"f\.csv, row 9, column “id”, value 'stranger'"):
        compare_returns(plan, pd.Series({9: "stranger"}), ids="id", file="f.csv")
    with pytest.raises(FormError, match="2 rows share an id"):
        compare_returns(plan, [first, first], ids="id")


# ── sipas sample


@pytest.fixture
def sipas(monkeypatch, capsys, tmp_path):
    """Run ``sipas sample`` in a folder of its own; return exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*words, lang="en"):
        asked = [str(word) for word in words] + (["--lang", lang] if lang else [])
        monkeypatch.setattr(sys, "argv", ["sipas", "sample", *asked])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        out, err = capsys.readouterr()
        return caught.value.code or 0, out, err

    return run


COUNTS = "unit,clients\nso-a,500\nso-b,90\n"
CLIENTS = "Mã hồ sơ,Đơn vị,Họ tên,Số điện thoại,tang,visits\n" + "".join(
    f"{unit}{k:03d},{unit},Nguyễn Thị {k},0912345{k:03d},thành thị,{1 + k % 3}\n"
    for unit, n in (("so-a-", 60), ("=so-b-", 40))
    for k in range(n)
)
LIST = ("clients.csv", "--id", "Mã hồ sơ")


def table(path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(Path(path).read_text("utf-8-sig").splitlines()))


def test_counts_make_a_plan_and_say_that_nobody_is_drawn(sipas):
    """Yamane 223 and 74; cost; a page in the language asked; no list."""
    Path("counts.csv").write_text(COUNTS, "utf-8")
    code, out, _ = sipas("counts.csv", "--count", "clients", "--cost", "25000")
    assert code == 0
    assert "outputs/sample/plan.csv" in out.replace("\\", "/")
    assert {path.name for path in Path("outputs/sample").iterdir()} == {
        "plan.csv",
        "sample.en.html",
    }
    rows = table("outputs/sample/plan.csv")
    assert [(row["unit"], row["n"], row["cost"]) for row in rows] == [
        ("so-a", "223", "5575000"),
        ("so-b", "74", "1850000"),
    ]
    page = Path("outputs/sample/sample.en.html").read_text("utf-8")
    assert "nobody has been drawn" in page
    assert "7,425,000 VND" in page


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "To tell 94.81 from 94.59 takes about 71,000 forms per unit, assuming a"),
        ("vi", "Để phân biệt 94,81 với 94,59 cần khoảng 71.000 phiếu mỗi đơn vị, giả định"),
    ],
)
def test_the_page_says_what_neighbours_in_a_ranking_would_take(sipas, lang, said):
    """Numbers the way of the language; no message id and no figure of the other language."""
    Path("counts.csv").write_text(COUNTS, "utf-8")
    assert sipas("counts.csv", "--count", "clients", lang=lang)[0] == 0
    page = Path(f"outputs/sample/sample.{lang}.html").read_text("utf-8")
    assert said in page
    assert {"en": "correlation of 0.4 (22 items)", "vi": "là 0,4 (22 tiêu chí)"}[lang] in page
    assert "sample.column" not in page


def test_a_total_is_shared_out(sipas):
    """Power: 500^½ to 90^½ of 200 is 140 to 60; --min is kept."""
    Path("counts.csv").write_text(COUNTS, "utf-8")
    asked = ("counts.csv", "--count", "clients", "--total", "200")
    assert sipas(*asked, "--allocate", "power")[0] == 0
    assert [it["n"] for it in table("outputs/sample/plan.csv")] == ["140", "60"]
    assert sipas(*asked, "--min", "80")[0] == 0
    assert [it["n"] for it in table("outputs/sample/plan.csv")] == ["120", "80"]
    page = Path("outputs/sample/sample.en.html").read_text("utf-8")
    assert "in proportion to clients" in page
    assert "At least 80 forms" in page


@pytest.mark.parametrize("how", ["simple", "systematic", "pps"])
@pytest.mark.quick_cases(1)
def test_a_list_is_drawn_without_personal_data_or_formulas(sipas, how):
    """53 and 37 people and a fifth in reserve; ``=so-b`` cannot run in a spreadsheet (rule P1)."""
    Path("clients.csv").write_text(CLIENTS, "utf-8")
    size = ("--size", "visits") if how == "pps" else ()
    assert sipas(*LIST, "--draw", how, *size, "--seed", "3")[0] == 0
    drawn, spare = table("outputs/sample/sample.csv"), table("outputs/sample/reserve.csv")
    assert [*drawn[0]] == ["unit", "id", "order", "probability", "weight", "stratum"]
    assert (len(drawn), len(spare)) == (53 + 37, 7 + 3)
    assert {it["id"] for it in drawn}.isdisjoint(it["id"] for it in spare)
    assert {it["unit"] for it in drawn} == {"so-a-", "'=so-b-"}
    for path in Path("outputs/sample").iterdir():
        text = path.read_text("utf-8")
        assert "Nguyễn" not in text
        assert "0912345" not in text
        assert path.suffix != ".csv" or not any(line[:1] in "=+@" for line in text[1:].splitlines())
    first = [path.read_bytes() for path in sorted(Path("outputs/sample").iterdir())]
    header, *rows = CLIENTS.splitlines()
    Path("clients.csv").write_text("\n".join([header, *rows[::-1]]) + "\n", "utf-8")
    assert sipas(*LIST, "--draw", how, *size, "--seed", "3")[0] == 0
    assert [path.read_bytes() for path in sorted(Path("outputs/sample").iterdir())] == first


def test_a_workbook_is_read_too(sipas):
    """The same list as .xlsx gives the same draw."""
    Path("clients.csv").write_text(CLIENTS.replace("=", ""), "utf-8")
    pd.read_csv("clients.csv", dtype=str).to_excel("clients.xlsx", index=False)
    assert sipas(*LIST)[0] == sipas("clients.xlsx", *LIST[1:], "--out", "xlsx")[0] == 0
    assert table("outputs/sample/sample.csv") == table("xlsx/sample.csv")


TITLES = "UBND TỈNH AN GIANG,,,,,\nDANH SÁCH KHÁCH HÀNG,,,,,\n,,,,,\n"


@pytest.mark.parametrize("titles", [TITLES, TITLES.replace(",", ""), "Đơn vị:,Sở Y tế\n\n"])
@pytest.mark.quick_cases(1)
def test_title_rows_above_the_list_are_passed_over(sipas, titles):
    """The header is the row with the names; the draw is that of the list without titles."""
    Path("clients.csv").write_text(CLIENTS, "utf-8")
    Path("titled.csv").write_text(titles + CLIENTS, "utf-8")
    assert sipas(*LIST)[0] == sipas("titled.csv", *LIST[1:], "--out", "titled")[0] == 0
    assert table("outputs/sample/sample.csv") == table("titled/sample.csv")
    Path("counts.csv").write_text("Năm 2024\n\n" + COUNTS, "utf-8")
    assert sipas("counts.csv", "--count", "clients", "--out", "counts")[0] == 0


def test_a_mistake_below_title_rows_names_the_row_of_the_file(sipas):
    """As the spreadsheet shows it, and no key of wave.yaml that a list does not have."""
    text = TITLES + CLIENTS.replace("so-a-003,so-a-", "so-a-003,")
    Path("clients.csv").write_text(text, "utf-8")
    code, _, err = sipas(*LIST)
    assert (code, "row 8" in err) == (16, True), err
    rows = ["Danh sách", *(f"{k},a,b" for k in range(1041))]
    Path("bad.csv").write_text("\n".join(rows) + "\n", "utf-8")
    code, _, err = sipas("bad.csv")
    assert code in (11, 13)
    assert len(err) < 800
    assert "`header:`" not in err


def test_cells_beside_the_header_of_a_list_are_refused_with_their_rows(sipas):
    """In runs; the remedy is one that a list has."""
    body = "".join(f"{k},so-a,x\n" for k in range(1041))
    Path("bad.csv").write_text("id,unit\n" + body, "utf-8")
    code, _, err = sipas("bad.csv", "--id", "id")
    assert (code, "header here is row 1 with 2 columns" in err) == (11, True), err
    assert "rows 2–1042" in err


def test_what_came_back_is_held_against_the_draw(sipas):
    """All of so-a but three, one reserve in their place: 50 of 53, 1 replaced, 2 missing."""
    Path("clients.csv").write_text(CLIENTS, "utf-8")
    assert sipas(*LIST)[0] == 0
    drawn, spare = table("outputs/sample/sample.csv"), table("outputs/sample/reserve.csv")
    ids = [it["id"] for it in drawn if it["unit"] == "so-a-"][3:]
    ids.append(next(it["id"] for it in spare if it["unit"] == "so-a-"))
    Path("back.csv").write_text("Mã hồ sơ,Họ tên\n" + "".join(f"{it},B\n" for it in ids), "utf-8")
    assert sipas(*LIST, "--returned", "back.csv")[0] == 0
    got = next(it for it in table("outputs/sample/achieved.csv") if it["unit"] == "so-a-")
    assert [got[it] for it in ("planned", "answered", "replaced", "missing")] == [
        "53",
        "50",
        "1",
        "2",
    ]
    page = Path("outputs/sample/sample.en.html").read_text("utf-8")
    assert "50 of the 90 people drawn answered" in page


BAD = {
    "N = 0": (COUNTS.replace("90", "0"), ("--count", "clients"), 12, "row 3, column “clients”"),
    "a count with a dot": (COUNTS.replace("90", "1.090"), ("--count", "clients"), 12, "'1.090'"),
    "a unit twice": (COUNTS.replace("-b", "-a"), ("--count", "clients"), 14, "2 rows share"),
    "a row of totals": (COUNTS + "Tổng,590\n", ("--count", "clients"), 16, "Tổng"),
    "a misspelt column": (COUNTS, ("--count", "client"), 13, "Did you mean “clients”?"),
    "no such column": (COUNTS, ("--by", "zzz"), 13, "It has: unit, clients"),
    "no id": (COUNTS, (), 13, "Name it with --id"),
    "no unit": ("a,b\n1,2\n", (), 13, "Name it with --by"),
    "a column twice": ("unit,id,id\na,1,2\n", (), 13, "stands twice"),
    "a personal id": (CLIENTS, ("--id", "Số điện thoại"), 13, "Personal data"),
    "ids twice": ("unit,id\na,1\na,1\n", (), 16, "2 rows share one"),
    "a blank id": ("unit,id\na,\na,1\n", (), 16, "row 2"),
    "a blank unit": ("unit,id\n,1\na,2\n", (), 16, "row 2"),
    "sizes not positive": (
        "unit,id,m\na,1,0\na,2,3\n",
        ("--draw", "pps", "--size", "m"),
        12,
        "value '0'",
    ),
    "pps without sizes": ("unit,id\na,1\n", ("--draw", "pps"), 17, "--size"),
    "e = 0": (COUNTS, ("--count", "clients", "--error", "0"), 17, "above 0 and below 1"),
    "e = 1": (COUNTS, ("--count", "clients", "--error", "1"), 17, "above 0 and below 1"),
    "deff = 0": (COUNTS, ("--count", "clients", "--deff", "0"), 17, "above 0; it is 0.0"),
    "a method": (COUNTS, ("--count", "clients", "--method", "slovin"), 17, "yamane, cochran"),
    "a draw": (COUNTS, ("--count", "clients", "--draw", "lottery"), 17, "“lottery” is none"),
    "a reserve": (COUNTS, ("--count", "clients", "--reserve", "20"), 17, "between 0 and 1"),
    "a cost": (COUNTS, ("--count", "clients", "--cost", "-1"), 17, "--cost"),
    "too large a total": (COUNTS, ("--count", "clients", "--total", "591"), 17, "590 (everyone)"),
    "too small a total": (COUNTS, ("--count", "clients", "--total", "9", "--min", "9"), 17, "18"),
    "back of counts": (COUNTS, ("--count", "clients", "--returned", "x.csv"), 17, "counts only"),
    "a stranger": ("unit,id\na,1\n", ("--returned", "list.csv", "--total", "0"), 16, "value '1'"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.quick_cases(1)
def test_a_sample_that_cannot_be_made_is_refused_and_nothing_is_written(sipas, case):
    """One paragraph in each language, its own exit code, the place, and no file."""
    text, words, code, said = BAD[case]
    Path("list.csv").write_text(text, "utf-8")
    found, _, err = sipas("list.csv", *words)
    assert (found, said in err) == (code, True), err
    assert sipas("list.csv", *words, lang="vi")[0] == code
    assert [path.name for path in Path().iterdir()] == ["list.csv"]


def test_another_language_is_refused(sipas):
    """The page is made in vi or en."""
    Path("list.csv").write_text(COUNTS, "utf-8")
    assert sipas("list.csv", "--count", "clients", lang="fr")[0] == 17


def test_the_verb_explains_itself_in_both_languages(sipas):
    """No message id is left in its help."""
    for lang, word in (("en", "Language"), ("vi", "Ngôn ngữ")):
        code, out, _ = sipas("--help", lang=lang)
        assert code == 0
        assert word in out
        assert "cli." not in out


def test_every_refusal_is_a_mistake_that_a_user_can_mend():
    """So that the command line prints it without a traceback."""
    kinds = (AnswerError, ColumnError, FormError, ParameterError, UnitError)
    assert all(issubclass(kind, SipasError) for kind in kinds)
