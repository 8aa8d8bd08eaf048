"""Two keyings of the same forms: what differs, where, and how often (rule Q7)."""

import numpy as np
import pandas as pd
import pytest

from sipas_analysis.errors import AnswerError, ConfigError, FormError
from sipas_analysis.infer.intervals import exact_interval
from sipas_analysis.quality.keyed_twice import compare_keyings
from sipas_analysis.reports.check_output import describe_check

HEAD = "so,unit,nguoi,A1,A2,D1\n"
FIRST = HEAD + "1,so-a,Lan,5,4,4\n2,so-a,Lan,4,4,3\n3,so-b,Hoa,2,,5\n4,so-b,Hoa,1,1,1\n"
SECOND = HEAD + "3,so-b,Minh,2,3,5\n1,so-a,Minh,5,4,4\n2,so-a,Minh,4,5,3\n9,so-a,Minh,4,4,4\n"
COLUMNS = {"form": "so", "unit": "unit", "operator": "nguoi"}
KEYED = [{"file": "lan-2.csv"}]


@pytest.fixture
def compare(tmp_path, read_answers):
    """Write two keyings and compare them."""

    def look(first=FIRST, second=SECOND, columns=COLUMNS, keyed=KEYED):
        (tmp_path / "lan-2.csv").write_text(second, "utf-8")
        return compare_keyings(read_answers(first, columns=columns, keyed_twice=keyed))

    return look


def test_each_disagreement_names_both_cells_and_both_values(compare):
    """Form 2: A2 is 4 in E3 of the first file, 5 in E4 of the second. Form 3: blank, then 3."""
    table = compare().disagreements
    places = table[["form", "item", "file", "cell", "value", "file_2", "cell_2", "value_2"]]
    assert places.to_numpy().tolist() == [
        ["2", "A2", "answers.csv", "E3", "4", "lan-2.csv", "E4", "5"],
        ["3", "A2", "answers.csv", "E4", "", "lan-2.csv", "E2", "3"],
    ]
    assert table["operator"].tolist() == ["Lan", "Hoa"]
    assert table["operator_2"].tolist() == ["Minh", "Minh"]


def test_codes_of_dossiers_are_not_compared(compare):
    """A list of disagreements is printed; it must not hold a code (rule D7)."""
    first, second = (text.replace("nguoi", "ma") for text in (FIRST, SECOND))
    columns = {"form": "so", "unit": "unit", "dossier": "ma"}
    keyings = compare(first, second, columns)
    assert {*keyings.disagreements["item"]} == {"A2"}
    assert "Minh" not in keyings.disagreements.to_csv()


def test_forms_of_one_keying_only_are_listed_and_not_compared(compare):
    """Form 4 was keyed once, form 9 in the second file only."""
    keyings = compare()
    assert keyings.n_forms == 3
    alone = keyings.unmatched[["keying", "form", "row"]].to_numpy().tolist()
    assert alone == [[1, "4", 5], [2, "9", 5]]


def test_rates_by_item_are_exact(compare):
    """A2 differs in 2 of 3 forms: Clopper and Pearson; the other items in none."""
    items = compare().items.set_index("item")
    low, high = exact_interval(np.array([2.0]), np.array([3.0]))
    assert items.loc["A2", ["n", "differ"]].tolist() == [3, 2]
    assert items.loc["A2", ["low", "high"]].tolist() == pytest.approx([100 * low[0], 100 * high[0]])
    assert items.loc["A1", ["differ", "percent", "low"]].tolist() == [0, 0, 0]
    assert items.loc["", ["n", "differ"]].tolist() == [12, 2]  # A1, A2, D1 and the unit


def test_rates_by_operator_count_every_answer_that_they_keyed(compare):
    """Lan keyed two forms that were compared, Hoa one, Minh all three."""
    operators = compare().operators.set_index("operator")
    assert operators["n"].to_dict() == {"Lan": 8, "Hoa": 4, "Minh": 12}
    assert operators["differ"].to_dict() == {"Lan": 1, "Hoa": 1, "Minh": 2}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("5", "5. Rất hài lòng"),
        ("4", "Hài lòng"),
        ("4", " 4 "),
        ("9", ""),  # both mean no answer
        ("Rất hài lòng", "RẤT HÀI LÒNG"),
        ("5", "5.0"),
    ],
)
@pytest.mark.quick_cases(1)
def test_two_spellings_of_one_answer_are_no_disagreement(compare, first, second):
    """Typed values are compared, not texts."""
    rows = "1,so-a,Lan,{},4,4\n2,so-a,Lan,3,4,4\n"
    keyings = compare(HEAD + rows.format(first), HEAD + rows.format(second))
    assert keyings.disagreements.empty
    assert keyings.n_forms == 2


@pytest.mark.parametrize(
    ("first", "second"), [("5", "4"), ("5", ""), ("", "3"), ("1", "5. Rất hài lòng"), ("9", "1")]
)
@pytest.mark.quick_cases(1)
def test_another_value_is_a_disagreement(compare, first, second):
    """Also where one of the two is blank."""
    rows = "1,so-a,Lan,{},4,4\n2,so-a,Lan,3,4,4\n"
    keyings = compare(HEAD + rows.format(first), HEAD + rows.format(second))
    assert keyings.disagreements[["form", "item"]].to_numpy().tolist() == [["1", "A1"]]


def test_units_are_compared_by_what_they_mean(compare):
    """“SA” is Department A; another unit is a disagreement."""
    first = HEAD + "1,so-a,Lan,5,4,4\n2,so-b,Lan,5,4,4\n"
    second = HEAD + "1,SA,Minh,5,4,4\n2,Sở A,Minh,5,4,4\n"
    table = compare(first, second).disagreements
    assert table[["form", "item", "value", "value_2"]].to_numpy().tolist() == [
        ["2", "unit", "so-b", "so-a"]
    ]


@pytest.mark.slow
def test_the_second_file_may_have_its_own_headers_and_order(compare):
    """An entry of ``keyed_twice`` is like one of ``responses``."""
    own = {"form": "Số", "unit": "Đơn vị", "operator": "Nhập", "items": {"D1": "Kết quả chung"}}
    second = "Kết quả chung,Số,Đơn vị,Nhập,A2,A1\n4,1,so-a,Minh,4,5\n3,2,so-a,Minh,4,4\n"
    table = compare(second=second, keyed=[{"file": "lan-2.csv", "columns": own}]).disagreements
    assert table.empty
    table = compare(
        second=second.replace("4,1,", "5,1,"), keyed=[{"file": "lan-2.csv", "columns": own}]
    )
    assert table.disagreements[["item", "cell", "cell_2"]].to_numpy().tolist() == [
        ["D1", "F2", "A2"]
    ]


def test_blank_and_repeated_ids_are_listed_and_not_compared(compare):
    """A form without an id matches no other form without an id."""
    first = HEAD + "1,so-a,Lan,5,4,4\n,so-a,Lan,4,4,3\n"
    second = HEAD + "1,so-a,Minh,5,4,4\n,so-b,Minh,1,1,1\n"
    keyings = compare(first, second)
    assert keyings.n_forms == 1
    assert keyings.disagreements.empty
    assert keyings.unmatched["row"].tolist() == [3, 3]


def test_ids_repeated_in_one_file_are_refused(compare):
    """As in the first keying."""
    with pytest.raises(FormError) as caught:
        compare(second=HEAD + "1,so-a,Minh,5,4,4\n1,so-a,Minh,5,4,4\n")
    assert {place.file for place in caught.value.places} == {"lan-2.csv"}


def test_an_answer_off_the_scale_in_the_second_file_is_refused_with_its_cell(compare):
    """The second keying is checked like the first."""
    with pytest.raises(AnswerError, match=r"lan-2\.csv") as caught:
        compare(second=HEAD + "1,so-a,Minh,7,4,4\n")
    assert [(place.letter, place.row) for place in caught.value.places] == [("D", 2)]


def test_without_a_column_of_ids_nothing_can_be_compared(compare):
    """The file without one is named."""
    with pytest.raises(ConfigError, match=r"form") as caught:
        compare(columns={"unit": "unit", "operator": "nguoi", "ignore": ["so"]})
    assert {place.file for place in caught.value.places} == {"answers.csv"}


def test_a_wave_without_a_second_keying_says_so(read_answers):
    """The remedy names the key."""
    with pytest.raises(ConfigError, match="keyed_twice"):
        compare_keyings(read_answers("unit,A1,A2,D1\nso-a,5,4,4\n"))


@pytest.mark.slow
def test_a_planted_error_rate_is_recovered(compare):
    """Three percent of 6,000 answers were typed as another level; the interval holds 3 %."""
    rng = np.random.default_rng(3)
    forms = pd.DataFrame(rng.integers(1, 6, (2000, 3)), columns=["A1", "A2", "D1"])
    typed = forms.where(rng.random(forms.shape) >= 0.03, 1 + forms % 5)
    texts = [
        frame.assign(so=range(2000), unit="so-a", nguoi=name)[HEAD.strip().split(",")]
        for frame, name in ((forms, "Lan"), (typed, "Minh"))
    ]
    keyings = compare(*(text.to_csv(index=False) for text in texts))
    items = keyings.items.set_index("item")
    n_wrong = int((forms != typed).to_numpy().sum())
    assert items.loc["", "differ"] == n_wrong == len(keyings.disagreements)
    for item in ("A1", "A2", "D1"):
        assert items.loc[item, "low"] < 3 < items.loc[item, "high"]


def test_the_files_of_the_second_keying_belong_to_the_wave(compare, tmp_path):
    """Their bytes are in the fingerprint and in the archive."""
    from sipas_analysis.collect.wave import read_wave

    compare()
    assert (tmp_path / "lan-2.csv") in read_wave(tmp_path / "wave.yaml").list_files()


def test_a_mistake_in_the_second_keying_is_refused_before_anything_is_printed(
    tmp_path, read_answers
):
    """`sipas check` writes return slips for such a refusal, as for any other."""
    (tmp_path / "lan-2.csv").write_text(SECOND.replace("4,5,3", "4,7,3"), "utf-8")
    survey = read_answers(FIRST, columns=COLUMNS, keyed_twice=KEYED)
    with pytest.raises(AnswerError, match=r"lan-2\.csv"):
        describe_check(survey, "en")  # no line of it was asked for
