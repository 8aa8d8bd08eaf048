"""Figures have one home: computed once, hidden once (rule P2), written safely."""

import csv
import random
from collections import Counter
from decimal import Decimal
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest

from sipas_analysis.explain.drivers import drivers
from sipas_analysis.figures.csv_files import write_tables
from sipas_analysis.figures.published import figures_of
from sipas_analysis.figures.suppression import hide_small_counts
from sipas_analysis.measure.rule_comparison import compare_rules
from sipas_analysis.measure.scores import score
from sipas_analysis.reports.drivers_output import hide_keys
from sipas_analysis.reports.report import report

ITEMS = ("A1", "A2", "D1")
FACTORS = {"access": ("A1", "A2"), "results": ("D1",)}
PARTS = {**FACTORS, "overall": ("access", "results")}
PRINTED = ("value", "se", "low", "high", "numerator", "denominator", "printed")
GLOSSARY = {
    "level",
    "unit",
    "unit_name",
    "group",
    "variable",
    "value",
    "se",
    "low",
    "high",
    "df",
    "n",
    "n_valid",
    "numerator",
    "denominator",
    "deff",
    "n_eff",
    "method",
    "flag",
    "printed",
    "rank",
}


# Forms written by hand are alike; without an acceptance their unit would have no rank.
ACCEPTED = {f"u-{k}": {"by": "whoever tests", "because": "written by hand"} for k in range(4)}


def units_of(names, group="departments"):
    """List units with codes u-0, u-1, …; a name may be a pair of name and group."""
    pairs = [name if isinstance(name, tuple) else (name, group) for name in names]
    rows = [f'u-{k},"{name}",{of}\n' for k, (name, of) in enumerate(pairs)]
    return "code,name_vi,group\n" + "".join(rows)


def forms_of(*units):
    """Write forms: for each unit a list of (answers, how many)."""
    rows = [
        f"u-{k},{answers}\n"
        for k, forms in enumerate(units)
        for answers, n in forms
        for _ in range(n)
    ]
    return "unit,A1,A2,D1\n" + "".join(rows)


def written(figures, folder):
    """Write the tables and read them back as text, by table name."""
    paths = write_tables(figures.tables(), folder)
    lines = {path.stem: path.read_text("utf-8-sig").splitlines() for path in paths}
    return {name: list(csv.DictReader(text)) for name, text in lines.items()}


def read_content(path):
    """Return the text of a file; of a workbook the text of all its parts."""
    if path.suffix != ".xlsx":
        return path.read_text("utf-8")
    with ZipFile(path) as parts:
        return "\n".join(parts.read(name).decode("utf-8") for name in parts.namelist())


@pytest.fixture(scope="module")
def four_units(read_shared):
    """A unit of three forms (1 of 9 satisfied) beside three that are large enough."""
    small = [("5,1,1", 1), ("1,1,1", 2)]
    middle = [("5,4,1", 7), ("5,4,4", 6), ("1,4,1", 7)]  # 39 of 60 satisfied
    large = [("5,5,5", 19), ("1,1,5", 12)]  # 69 of 93 satisfied
    other = [("5,5,4", 14), ("1,1,1", 11)]  # 42 of 75 satisfied
    forms = forms_of(small, middle, large, other)
    return read_shared(forms, units=units_of("WXYZ"), accepted=ACCEPTED)


@pytest.fixture(scope="module")
def figures_of_four(four_units):
    """Their figures, computed once: ``figures_of`` keeps those of one survey."""
    return figures_of(four_units)


# ── what must not be published (rule P2)


@pytest.mark.slow
def test_three_people_and_what_gives_them_away_are_in_no_file(four_units, tmp_path):
    """Neither 1 of 9 nor, beside the group's total, 39 of 60 and 42 of 75 of two larger units."""
    out = tmp_path / "out"
    for unit in ("", "u-0", "u-1", "u-2", "u-3"):
        made = report(four_units, "vi,en", unit)
        made.write([], str(out))
    files = [path for path in out.rglob("*") if path.is_file()]
    texts = {path: read_content(path) for path in files if "state" not in path.parts}
    assert {path.suffix for path in texts} == {".html", ".csv", ".xlsx"}
    for path, text in texts.items():
        for secret in ("11.11", "11,11", "65.00", "65,00", "56.00", "56,00", "11,1–"):
            assert secret not in text, (path.name, secret)
    assert any("74,19" in text for text in texts.values())
    pages = [text for path, text in texts.items() if path.name == "report.vi.html"]
    assert any("Không công bố tỷ lệ từng mức trả lời" in text for text in pages)


@pytest.mark.slow
def test_a_hidden_figure_keeps_no_number_and_says_that_it_is_hidden(figures_of_four, tmp_path):
    """The flag stays; what tells a figure or its people is empty (rules P2, P5)."""
    found = [row for row in written(figures_of_four, tmp_path)["scores"] if row["n_valid"] != "0"]
    rows = [row for row in found if row["flag"] == "suppress"]
    assert {(row["unit"], row["n"]) for row in rows} == {("u-0", ""), ("u-1", ""), ("u-3", "")}
    assert {row[name] for row in rows for name in PRINTED} == {""}
    assert {row["rank"] for row in rows} == {""}


def test_a_hidden_unit_is_not_ranked_and_the_others_close_up(figures_of_four):
    """Units beside it keep their place among those that are shown."""
    found = figures_of_four.ranking.set_index("unit")
    hidden = dict.fromkeys(("u-0", "u-1", "u-3"), "suppressed")
    assert found["reason"].to_dict() == {"u-2": "alone", **hidden}
    assert found["value"].notna().to_dict() == {"u-2": True, **dict.fromkeys(hidden, False)}


def give_away(scores):
    """Return the hidden figures that follow from those shown, as an outsider would solve them.

    Unknown are the hidden numerators; every whole is the sum of its parts. A figure is given
    away if it alone can be written as a combination of the sums.
    """
    rows = scores[scores["variable"].isin([*ITEMS, *PARTS])]
    cells = zip(rows["domain"], rows["group"], rows["unit"], rows["variable"], strict=True)
    hidden = dict(zip(cells, rows["flag"] == "suppress", strict=True))
    at = {cell: k for k, cell in enumerate(cell for cell, it in hidden.items() if it)}
    sums = []
    for domain, group, unit, variable in hidden:
        for whole, parts in PARTS.items():
            if variable == whole:
                sums.append([(domain, group, unit, one) for one in (whole, *parts)])
    for cell in hidden:
        below = {"all": "group", "group": "unit"}.get(cell[0])
        inside = [it for it in hidden if it[0] == below and it[3] == cell[3]]
        sums.append([cell, *(it for it in inside if cell[1] in ("", it[1]))] if below else [])
    matrix = np.zeros((len(sums), len(at)))
    for row, one in enumerate(sums):
        for cell in one:
            if hidden[cell]:
                matrix[row, at[cell]] = -1 if cell == one[0] else 1
    rank = np.linalg.matrix_rank(matrix)
    return [
        cell
        for cell, k in at.items()
        if np.linalg.matrix_rank(np.vstack([matrix, np.eye(len(at))[k]])) == rank
    ]


ALONE = (("X", "departments"), ("Y", "districts"), ("Z", "districts"))
SLOW = pytest.mark.slow
GIVEN = {
    "a small unit among three": (units_of("XYZ"), [3, 30, 31], 0.0),
    "the larger ones with blanks": (units_of("XYZ"), [3, 30, 30], 0.2),
    "the only unit of its group": (units_of(ALONE), [3, 30, 30], 0.0),
    "one of two units": (units_of("XY"), [3, 30], 0.1),
    "two small units": (units_of("WXYZ"), [3, 4, 30, 30], 0.1),
    "a question that few answered": (units_of("XYZ"), [30, 30, 30], 0.87),
    "many small units": (units_of([*ALONE, ("V", "districts")]), [6, 7, 8, 9], 0.4),
}


@pytest.mark.slow  # the figures of whole waves are computed and audited
@pytest.mark.parametrize("seed", [0, *(pytest.param(k, marks=pytest.mark.full) for k in (1, 2))])
@pytest.mark.parametrize(
    "case",
    [
        case if case in ("one of two units", "two small units") else pytest.param(case, marks=SLOW)
        for case in GIVEN
    ],
)
def test_no_sum_gives_a_hidden_figure_back(read_answers, case, seed):
    """Items to factor to whole, unit to group to province: no subtraction leads back (rule P2)."""
    units, sizes, blank = GIVEN[case]
    draw = random.Random(seed)
    forms = [
        [
            (
                ",".join(
                    [
                        str(draw.randint(1, 5)),
                        str(draw.randint(3, 5)),
                        "" if draw.random() < blank else str(draw.randint(2, 5)),
                    ]
                ),
                1,
            )
            for _ in range(size)
        ]
        for size in sizes
    ]
    scores = figures_of(read_answers(forms_of(*forms), units=units)).scores
    assert (scores["flag"] == "suppress").any()
    assert give_away(scores) == []


@pytest.mark.slow
def test_a_second_rule_does_not_give_a_hidden_item_back(read_answers):
    """With three answers to A2 in the whole wave, pooled and mean of items would reveal them."""
    forms = forms_of([("5,,4", 20), ("5,4,3", 3)], [("3,,5", 20)])
    found = figures_of(read_answers(forms, units=units_of("XY"))).rules
    hidden = found[found["flag"] == "suppress"]
    assert set(zip(hidden["variable"], hidden["rule"], strict=True)) >= {
        ("access", "mean_of_items"),
        ("overall", "mean_of_items"),
        ("overall", "mean_of_factors"),
        ("overall", "overall_item"),
    }
    assert (hidden["printed"] == "").all()


def test_rules_stand_side_by_side_where_nothing_is_hidden(four_units, figures_of_four):
    """Hiding touches no wave with enough people (rule M8)."""
    found = figures_of_four.rules
    pd.testing.assert_series_equal(found["value"], compare_rules(four_units).frame["value"])


@pytest.mark.slow
def test_form_checks_of_a_hidden_unit_are_not_published(read_answers):
    """Everyone satisfied with everything would say what the index of four people is (rule Q5)."""
    many = [("5,2,4", 10), ("2,4,3", 10)]
    forms = forms_of([("5,5,5", 4)], many, many, many, many)
    found = figures_of(read_answers(forms, units=units_of("VWXYZ"))).findings.frame
    assert "u-0" not in set(found["unit"])
    assert "u-4" in set(found["unit"])


def test_an_item_that_nobody_answered_hides_nothing_else(read_answers):
    """No people stand behind it, so its neighbours stay."""
    survey = read_answers(forms_of([("5,,4", 20)], [("3,,5", 20)]), units=units_of("XY"))
    found = figures_of(survey).by_variable("all")
    assert {code for code, one in found.items() if not one.is_known} == {"A2", "OVERALL"}


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ([10, 20, 30], [10, 20, 30]),
        ([3, 20, 30], [None, None, 30]),
        ([3, 2, 30], [None, None, None]),
        ([1, 5, 864], [None, None, None]),  # of 6 the label "other" has 1: all others have 5
        ([1, 5, 20, 864], [None, None, None, 864]),
        ([0, 20, 30], [0, 20, 30]),
        ([4, 0, 0], [None, 0, 0]),
        ([], []),
    ],
)
def test_small_counts_hide_a_second_one(counts, shown):
    """One hidden count would follow from the total; an empty choice tells of nobody."""
    assert hide_small_counts(counts, 5) == shown


# ── what is published


def test_scores_have_the_columns_of_the_glossary(figures_of_four, tmp_path):
    """Names that other programs rely on; one row per domain and figure."""
    rows = written(figures_of_four, tmp_path)["scores"]
    assert set(rows[0]) >= GLOSSARY
    assert Counter(row["domain"] for row in rows if row["variable"] == "A1") == Counter(
        {"unit": 4, "group": 1, "all": 1}
    )


@pytest.mark.slow  # the figures of whole waves are computed and audited
def test_only_the_overall_figure_of_a_unit_has_a_rank(read_answers, tmp_path):
    """A factor or a group has no place; ranks are whole numbers."""
    both = [("5,4,1", 20), ("5,5,5", 20)], [("1,4,1", 40)]
    accepted = {unit: ACCEPTED[unit] for unit in ("u-0", "u-1")}
    survey = read_answers(forms_of(*both), units=units_of("XY"), accepted=accepted)
    rows = written(figures_of(survey), tmp_path)["scores"]
    ranked = {(row["unit"], row["variable"]): row["rank"] for row in rows if row["rank"]}
    assert ranked == {("u-0", "overall"): "1", ("u-1", "overall"): "2"}


@pytest.mark.slow  # the figures of whole waves are computed and audited
def test_numbers_have_ten_digits_and_printed_is_text(read_answers, tmp_path):
    """2 of 3 is 66.66666667 to compute with and 66.67 to print."""
    survey = read_answers(forms_of([("5,4,1", 30)]), units=units_of("X"))
    rows = written(figures_of(survey), tmp_path)["scores"]
    row = next(it for it in rows if it["domain"] == "unit" and it["variable"] == "overall")
    assert (row["value"], row["printed"]) == ("66.66666667", "66.67")
    assert (row["numerator"], row["denominator"]) == ("60", "90")
    digits = [
        len(Decimal(it[name]).as_tuple().digits)
        for it in rows
        for name in ("value", "se", "low", "high")
        if it[name]
    ]
    assert max(digits) == 10


def test_every_figure_has_an_id_of_its_own(figures_of_four, tmp_path):
    """A report, an annex and a letter name a figure by it; the value is that of the scores."""
    tables = written(figures_of_four, tmp_path)
    ids = [row["id"] for row in tables["figures"]]
    assert len(set(ids)) == len(ids) > 2 * len(tables["scores"])
    assert {"overall", "overall@group:departments", "access@u-2"} <= set(ids)
    figure = next(row for row in tables["figures"] if row["id"] == "overall@u-2")
    score_row = next(
        it for it in tables["scores"] if it["unit"] == "u-2" and it["variable"] == "overall"
    )
    assert figure["value"] == score_row["value"]
    assert figure["rule"] == "pooled"


def test_figures_are_those_of_score(four_units, figures_of_four):
    """What may be shown is what ``score`` says, to the last bit."""
    table = figures_of_four.scores
    whole = table[table["domain"] == "all"].set_index("variable")["value"]
    expected = score(four_units).frame.set_index("variable")["value"]
    pd.testing.assert_series_equal(whole, expected)


@pytest.mark.slow  # the figures of whole waves are computed and audited
def test_a_name_that_a_spreadsheet_would_run_is_made_text(read_answers, tmp_path):
    """An apostrophe before ``=``, ``+``, ``-``, ``@`` and tab."""
    names = ["=cmd|' /C calc'!A0", "+1", "@x", "-2+3", "\tx"]
    forms = forms_of(*[[("5,4,1", 30)] for _ in names])
    scores = figures_of(read_answers(forms, units=units_of(names))).tables()["scores"]
    for name in names:
        write_tables({"scores": scores.assign(unit_name=name)}, tmp_path)
        text = (tmp_path / "scores.csv").read_text("utf-8-sig")
        rows = list(csv.DictReader(text.splitlines()))
        assert {row["unit_name"] for row in rows} == {"'" + name}


def test_a_negative_number_stays_a_number(tmp_path):
    """Coefficients and printed differences may be below zero; ten digits in any column."""
    columns = {"value": [-0.25, np.nan], "printed": ["-0.13", None], "name": ["-", "a,b"]}
    mixed = pd.Series([4.0, None], dtype=object)
    table = pd.DataFrame({**columns, "mixed": mixed, "rank": pd.array([1, None], dtype="Int64")})
    (path,) = write_tables({"small": table}, tmp_path)
    lines = path.read_text("utf-8-sig").splitlines()
    assert lines == ["value,printed,name,mixed,rank", "-0.25,-0.13,'-,4,1", ',,"a,b",,']


def test_tables_open_in_a_spreadsheet_with_vietnamese_letters(figures_of_four, tmp_path):
    """UTF-8 with a mark at the start, one line end."""
    write_tables(figures_of_four.tables(), tmp_path)
    data = (tmp_path / "ranking.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in data


@pytest.mark.slow
def test_no_output_holds_a_row_of_a_respondent(read_answers, tmp_path):
    """Form ids, days and the order of a person's answers never leave the survey (rule P3)."""
    ids = [f"KHAC-{k:04d}" for k in range(40)]
    rows = "".join(f"so-a,{it},15/3/2024,5,4,3\n" for it in ids)
    columns = {"unit": "unit", "form": "so_phieu", "date": "ngay"}
    survey = read_answers("unit,so_phieu,ngay,A1,A2,D1\n" + rows, columns=columns)
    made = report(survey, "vi")
    made.write([], str(tmp_path / "out"))
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    texts = [path.read_text("utf-8") for path in files if path.suffix != ".xlsx"]
    for workbook in (path for path in files if path.suffix == ".xlsx"):
        with ZipFile(workbook) as parts:
            texts += [parts.read(name).decode("utf-8") for name in parts.namelist()]
    assert len(texts) > len(files)
    assert survey.frame["form"].tolist() == ids
    assert not any(
        secret in text for text in texts for secret in ("KHAC-", "15/3/2024", "2024-03-15")
    )


BLOCKS = """\
id: blocks
title: {en: Two blocks}
source: made for tests
status: unverified
blocks: {policy: {en: Policy}, service: {en: Service}}
factors: {plans: {en: Plans, block: policy}, desk: {en: Desk, block: service}}
items:
  P1: {factor: plans, en: P one}
  P2: {factor: plans, en: P two}
  S1: {factor: desk, en: S one}
  S2: {factor: desk, en: S two}
"""


@pytest.mark.slow  # the figures of whole waves are computed and audited
def test_a_hidden_block_does_not_follow_from_the_other_and_the_whole(read_answers):
    """Overall less policy is service: with service hidden, one of the two must be hidden too."""
    rows = "so-a,5,4,,\n" * 37 + "so-a,5,4,1,5\n" * 3
    survey = read_answers("unit,P1,P2,S1,S2\n" + rows, pack=BLOCKS)
    own = figures_of(survey).by_variable("unit", "so-a")
    assert not own["service"].is_known
    assert not (own["policy"].is_known and own["overall"].is_known)


@pytest.mark.slow
def test_two_rules_on_the_same_items_hide_every_part_above_a_hidden_item(read_answers):
    """Factors as means of items and a pooled whole are two sums: together they would tell."""
    rows = "so-a,5,4,\n" * 37 + "so-a,5,1,4\n" * 3
    index = {"factor": {"rule": "mean_of_items"}}
    own = figures_of(read_answers("unit,A1,A2,D1\n" + rows, index=index)).by_variable(
        "unit", "so-a"
    )
    assert not any(own[part].is_known for part in ("D1", "results", "access", "overall"))


def test_a_whole_of_one_factor_counts_only_its_people(read_answers):
    """Weights on one factor make the whole that factor, with its three people."""
    rows = "so-a,5,4,\n" * 37 + "so-a,5,1,4\n" * 3
    index = {"overall": {"rule": "weights", "weights": {"results": "1"}}}
    survey = read_answers("unit,A1,A2,D1\n" + rows, index=index)
    whole = score(survey).select(variable="overall").frame.iloc[0]
    assert (whole["n_valid"], whole["flag"]) == (3, "suppress")


@pytest.mark.slow
def test_penalties_and_models_of_units_give_nothing_hidden_back(read_answers):
    """Three people answered A2: no count, no effect of it; no model of a hidden unit (P2)."""
    lines = [
        f"so-{'ab'[k % 2]},{1 + k % 5},{3 if k < 3 else ''},{1 + k // 2 % 5},{1 + (k + k // 5) % 5}"
        for k in range(200)
    ]
    random.Random(1).shuffle(lines)  # in this order, blocks of 50 rows would be copies
    survey = read_answers("unit,A1,A2,D1,OVERALL\n" + "\n".join(lines) + "\n")
    figures = figures_of(survey)
    table = figures.tables()["penalties"].set_index("item")
    assert not {"n_low", "n_mid", "n_high"} & set(table.columns)
    hidden = [
        code
        for code, one in figures.by_variable("all").items()
        if code in table.index and not one.is_known
    ]
    assert "A2" in hidden
    assert table.loc[hidden].drop(columns=["factor", "verdict"]).isna().all(axis=None)
    assert set(table.loc[hidden, "verdict"]) == {"cannot_tell"}
    strict = read_answers("unit,A1,A2,D1,OVERALL\n" + "\n".join(lines) + "\n", min_cell=150)
    assert figures_of(strict).hidden_units == {"so-a", "so-b"}
    found = hide_keys(drivers(strict, "linear", by="unit"), {"so-a", "so-b"}, "unit")
    assert found.frame.empty
    assert set(found.reason.values()) == {"hidden"}
    assert found.fits == {}
