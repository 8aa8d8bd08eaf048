"""From the files of offices to a survey: what is read, what is changed, what is refused."""

import unicodedata

import numpy as np
import pytest
from conftest import write_book

from sipas_analysis.errors import (
    AnswerError,
    ColumnError,
    FileError,
    FormError,
    SeveralError,
    SipasError,
    UnitError,
)

GOOD = "unit,A1,A2,D1\nso-a,5,4,3\nso-b,1,2,\n"
ITEMS = ["A1", "A2", "D1"]


@pytest.fixture
def refused(read_answers):
    """Read answers that cannot stand and return the error."""

    def read(answers=GOOD, kind=SipasError, **given):
        with pytest.raises(kind) as caught:
            read_answers(answers, **given)
        return caught.value

    return read


def levels(survey):
    return (
        survey.frame[ITEMS].astype(object).where(survey.frame[ITEMS].notna(), None).values.tolist()
    )


def places(error):
    return [(place.row, place.column, place.value) for place in error.places]


# ── what is recognised


def test_answers_become_levels_and_blanks(read_answers):
    """A blank is missing, not zero; the group comes from the list of units."""
    survey = read_answers(GOOD)
    assert levels(survey) == [[5, 4, 3], [1, 2, None]]
    assert survey.frame["group"].tolist() == ["departments"] * 2
    assert survey.frame["row"].tolist() == [2, 3]
    assert survey.ledger.empty
    assert str(survey).startswith("small-2024: 2 forms of 2 read, 2 units, ")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_full_questions_are_headers_too(read_answers, form):
    """Vietnamese wording, in one piece or in two, with non-breaking and stray spaces."""
    headers = (
        "Nơi ngồi chờ  có đủ chỗ ngồi,\u00a0Trang thiết bị\u00a0hiện đại ,KẾT QUẢ đúng quy định"
    )
    text = f"unit,{unicodedata.normalize(form, headers)}\nso-a,5,4,3\n"
    survey = read_answers(text)
    assert levels(survey) == [[5, 4, 3]]


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    "header",
    [
        "Enough seats",
        "a1",
        "A1. Nơi ngồi chờ có đủ chỗ ngồi",
        "Câu 5: Nơi ngồi chờ có đủ chỗ ngồi",
        "Anh/chị đánh giá thế nào? [Nơi ngồi chờ có đủ chỗ ngồi]",
    ],
)
def test_a_header_may_be_code_wording_or_both(read_answers, header):
    """English wording, numbered questions, and the grids of Google Forms."""
    assert levels(read_answers(f"unit,{header},A2,D1\nso-a,5,4,3\n")) == [[5, 4, 3]]


def test_a_column_may_be_mapped_by_hand(read_answers):
    """What is not recognised is said in ``wave.yaml``."""
    columns = {"unit": "unit", "items": {"A1": "Q7_1"}}
    survey = read_answers("unit,Q7_1,A2,D1\nso-a,5,4,3\n", columns=columns)
    assert levels(survey) == [[5, 4, 3]]


@pytest.mark.parametrize(
    ("found", "became", "reason"),
    [
        ("5 ", 5, "spelling"),
        ("\u00a04", 4, "spelling"),
        ('"4,0"', 4, "spelling"),
        ("4.0", 4, "spelling"),
        ("Hài lòng ", 4, "label"),
        (unicodedata.normalize("NFD", "RẤT  HÀI LÒNG"), 5, "label"),
        ("Very dissatisfied", 1, "label"),
        ("9", None, "blank_code"),
    ],
)
@pytest.mark.quick_cases(1)
def test_a_changed_answer_stands_in_the_ledger(read_answers, found, became, reason):
    """Row, column, what stood there, what it became, and why."""
    survey = read_answers(f"unit,A1,A2,D1\nso-a,5,4,3\nso-a,5,{found},3\n")
    assert levels(survey)[1] == [5, became, 3]
    entry = survey.ledger.iloc[0].to_dict()
    assert entry == {
        "file": "answers.csv",
        "row": 3,
        "column": "A2",
        "found": found.strip('"'),
        "became": "" if became is None else str(became),
        "reason": reason,
        "code": "A2",
    }
    assert len(survey.ledger) == 1


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    "written", ["so-a", "Sở A", "sở  a ", "SO-A", "Department A", "SA", "Sở Á"]
)
def test_a_unit_is_known_by_code_name_or_alias(read_answers, written):
    """Two typists write one unit in two ways."""
    assert read_answers(f"unit,A1,A2,D1\n{written},5,4,3\n").frame["unit"].tolist() == ["so-a"]


def test_blank_codes_may_be_given_by_column_and_by_file(read_answers):
    """0 is no answer in this file, KTL only in this column; other columns refuse it."""
    given = {
        "columns": {"unit": "unit", "blank": {"D1": ["KTL"]}},
        "responses": [{"file": "answers.csv", "blank": ["0"]}],
    }
    survey = read_answers("unit,A1,A2,D1\nso-a,0,4,ktl\n", **given)
    assert levels(survey) == [[None, 4, None]]
    with pytest.raises(AnswerError) as caught:
        read_answers("unit,A1,A2,D1\nso-a,5,KTL,0\n", **given)
    assert places(caught.value) == [(2, "A2", "KTL")]


def test_an_item_that_nobody_answered_is_missing_not_wrong(read_answers):
    """The column is there; the index of the item will say that nobody answered."""
    survey = read_answers("unit,A1,A2,D1\nso-a,5,,3\nso-b,4,,2\n")
    assert survey.frame["A2"].isna().all()
    assert survey.frame["A2"].dtype == np.float64


def test_one_form_is_a_survey(read_answers):
    """It will have no error (V3), but it is read."""
    assert len(read_answers("unit,A1,A2,D1\nso-a,5,4,3\n").frame) == 1


def test_a_form_without_answers_is_dropped_and_written_down(read_answers):
    """Rows and reasons are kept, so that forms read and forms counted add up."""
    survey = read_answers("unit,sex,A1,A2,D1\nso-a,male,5,4,3\nso-b,female,,,\n")
    assert (len(survey.frame), survey.n_read) == (1, 2)
    entry = survey.ledger.iloc[0]
    assert (entry["file"], entry["row"], entry["reason"]) == ("answers.csv", 3, "form_dropped")


def test_the_wave_says_how_many_answers_make_a_form(read_answers):
    """``min_answered: 3`` drops a form with two answers, and the ledger tells the number."""
    survey = read_answers(GOOD, min_answered=3)
    assert survey.frame["row"].tolist() == [2]
    assert survey.ledger.iloc[0][["row", "found"]].tolist() == [3, "2"]


def test_questions_beside_the_index_take_codes_and_labels(read_answers):
    """One choice or several; a label becomes its code and stands in the ledger."""
    survey = read_answers("unit,A1,A2,D1,Giới tính,vulnerable\nso-a,5,4,3,Nữ,HN; Người có công\n")
    assert survey.frame[["sex", "vulnerable"]].iloc[0].tolist() == ["female", "HN;NCC"]
    assert survey.has_choice("vulnerable", "NCC").tolist() == [True]
    assert survey.ledger[["column", "became", "reason"]].to_numpy().tolist() == [
        ["Giới tính", "female", "label"],
        ["vulnerable", "HN;NCC", "label"],
    ]


def test_a_key_of_the_wave_is_one_group_however_it_is_typed(read_answers):
    """NFD and stray spaces would silently make two groups of one."""
    columns = {"unit": "unit", "keys": {"field": "Lĩnh vực"}}
    apart = unicodedata.normalize("NFD", "Hộ tịch")
    text = f"unit,A1,A2,D1,Lĩnh vực\nso-a,5,4,3,Hộ tịch\nso-a,5,4,3,{apart} \n"
    survey = read_answers(text, columns=columns)
    assert survey.frame["field"].unique().tolist() == ["Hộ tịch"]
    assert survey.ledger[["row", "reason"]].to_numpy().tolist() == [[3, "spelling"]]
    assert "field" in survey.keys


@pytest.mark.parametrize(
    "day",
    ["15/3/2024", "15/03/2024", "2024-03-15", "15-3-2024", "2024-03-15T08:30", "15.3.2024 08:30"],
)
@pytest.mark.quick_cases(2)
def test_a_day_is_written_day_first_or_iso(read_answers, day):
    """Never month first: 4/3 is the fourth of March."""
    columns = {"unit": "unit", "date": "Ngày"}
    survey = read_answers(f"unit,Ngày,A1,A2,D1\nso-a,{day},5,4,3\n", columns=columns)
    assert survey.frame["date"].tolist() == ["2024-03-15"]


def test_weights_are_numbers(read_answers):
    """A decimal comma is read and written down."""
    columns = {"unit": "unit", "weight": "w"}
    survey = read_answers('unit,w,A1,A2,D1\nso-a,"1,5",5,4,3\nso-a,2,5,4,3\n', columns=columns)
    assert survey.frame["weight"].tolist() == [1.5, 2.0]
    assert survey.ledger[["found", "became"]].to_numpy().tolist() == [["1,5", "1.5"]]


# ── several files


def test_each_unit_may_send_its_own_file(read_answers, make_wave):
    """A file may belong to one unit; the others name it in a column. Rows keep their file."""
    folder = make_wave().parent
    (folder / "b.csv").write_text("A1,A2,D1\n5,5,5\n", "utf-8")
    responses = [{"file": "b.csv", "unit": "Sở B"}]
    frame = read_answers(responses=responses, columns={}).frame
    assert frame[["file", "row", "unit"]].to_numpy().tolist() == [["b.csv", 2, "so-b"]]


def test_a_pattern_reads_every_file_once(read_answers, make_wave):
    """In the order of names; a file also named on its own, or open in Excel, is not read twice."""
    folder = make_wave().parent / "units"
    folder.mkdir()
    for name, last in (("b", ""), ("a", "5")):
        (folder / f"{name}.csv").write_text(GOOD.replace("1,2,", f"1,2,{last}"), "utf-8")
    (folder / "~$a.csv").write_bytes(b"\x05\xff")
    responses = [{"file": "units/b.csv"}, {"file": "units/*.csv"}]
    survey = read_answers(responses=responses)
    assert survey.frame["file"].tolist() == ["b.csv", "b.csv", "a.csv", "a.csv"]


def test_a_pattern_that_matches_nothing_is_told(refused):
    """An empty folder is no empty survey."""
    error = refused(kind=FileError, responses=[{"file": "forms/*.xlsx"}])
    assert "`file: forms/*.xlsx` must match" in str(error)


def test_two_files_with_mistakes_are_told_together(refused, make_wave):
    """Also a file that is missing does not hide the mistakes of the next."""
    responses = [{"file": "gone.csv"}, {"file": "answers.csv"}]
    error = refused("unit,A1,A2,D1\nso-a,7,4,3\n", SeveralError, responses=responses)
    assert [type(one) for one in error.errors] == [FileError, AnswerError]


def test_a_workbook_of_an_office_is_read(read_answers, make_wave):
    """Title rows, Vietnamese questions, numbers and labels as cells."""
    rows = [
        ["UBND TỈNH AN GIANG"],
        [],
        ["STT", "Nơi ngồi chờ có đủ chỗ ngồi", "Trang thiết bị hiện đại", "D1", "Họ và tên"],
        [1, 5, "Hài lòng", 3, "Nguyễn Văn A"],
        [2, 4.0, None, "5", "Trần Thị B"],
    ]
    write_book(make_wave().with_name("so-a.xlsx"), Sheet=rows)
    responses = [{"file": "so-a.xlsx", "header": 3, "unit": "so-a"}]
    survey = read_answers(responses=responses, columns={"ignore": ["STT"]})
    assert levels(survey) == [[5, 4, 3], [4, None, 5]]
    assert survey.frame["row"].tolist() == [4, 5]


# ── personal data


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    "header", ["Họ và tên", "Số điện thoại liên hệ", "CCCD", "Email", "Địa chỉ: thôn, xóm"]
)
def test_personal_data_is_dropped_at_the_door(read_answers, header):
    """The ledger names the column and never a value (rule P1)."""
    survey = read_answers(f'unit,A1,A2,D1,"{header}"\nso-a,5,4,3,Nguyễn Văn A\n')
    assert survey.ledger[["column", "reason"]].to_numpy().tolist() == [[header, "personal"]]
    assert survey.ledger["row"].isna().all()
    assert "Nguyễn" not in survey.ledger.to_csv() + survey.frame.to_csv()


def test_personal_data_is_dropped_under_any_letters(read_answers):
    """NFD headers and capitals name the same person."""
    header = unicodedata.normalize("NFD", "SỐ  ĐIỆN THOẠI")
    survey = read_answers(f"unit,A1,A2,D1,{header}\nso-a,5,4,3,0912345678\n")
    assert "0912345678" not in survey.ledger.to_csv() + survey.frame.to_csv()


def test_a_word_inside_another_is_not_personal(refused):
    """“Chi nhánh emailer” is unknown, and unknown columns are listed, not dropped."""
    error = refused("unit,A1,A2,D1,emailer\nso-a,5,4,3,x\n", ColumnError)
    assert [place.column for place in error.places] == ["emailer"]


# ── what is refused


def test_every_wrong_answer_is_listed(refused):
    """0, 6, x and halves are no levels; file, row, column and value of each."""
    text = "unit,A1,A2,D1\nso-a,0,4,3\nso-a,5,6,x\nso-a,3.5,4,Hài\n"
    error = refused(text, AnswerError)
    assert {place.file for place in error.places} == {"answers.csv"}
    assert sorted(places(error)) == [
        (2, "A1", "0"),
        (3, "A2", "6"),
        (3, "D1", "x"),
        (4, "A1", "3.5"),
        (4, "D1", "Hài"),
    ]
    assert "Answers must be 1 to 5" in str(error)


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("value", ["nan", "inf", "-1", "1e9", "=1+4", "#REF!", "<b>", "５０"])
def test_what_a_computer_takes_for_a_number_is_no_answer(refused, value):
    """nan, inf and formulas are not levels."""
    assert places(refused(f"unit,A1,A2,D1\nso-a,5,{value},3\n", AnswerError)) == [(2, "A2", value)]


def test_an_unknown_unit_is_listed_with_its_row(refused):
    """A form of no unit belongs nowhere; an empty cell is told apart, with its own cure."""
    error = refused("unit,A1,A2,D1\nSở Z,5,4,3\n,5,4,3\nso-a,5,4,3\n", SeveralError)
    assert [part.message_id for part in error.errors] == ["unit", "unit_missing"]
    assert places(error) == [(2, "unit", "Sở Z"), (3, "unit", "")]
    assert "`aliases`" in str(error)
    assert "`leave_out: {<column>" in str(error)


def test_another_name_in_a_file_of_one_unit_is_written_down(read_answers):
    """A section of the unit: the form counts for the unit, and the ledger has its name."""
    responses = [{"file": "answers.csv", "unit": "Sở A"}]
    text = "unit,A1,A2,D1\nPhòng 1,5,4,3\nSA,5,4,2\n,1,1,4\n"
    survey = read_answers(text, responses=responses)
    assert survey.frame["unit"].tolist() == ["so-a"] * 3
    assert survey.ledger[["row", "found", "became", "reason"]].to_numpy().tolist() == [
        [2, "Phòng 1", "so-a", "unit_of_file"]
    ]


def test_a_file_of_an_unknown_unit_is_refused(refused):
    """``responses: unit:`` is looked up like any other way of writing."""
    responses = [{"file": "answers.csv", "unit": "Sở Z"}]
    error = refused("A1,A2,D1\n5,4,3\n", UnitError, responses=responses, columns={})
    assert [place.value for place in error.places] == ["Sở Z"]


def test_a_file_without_units_is_refused(refused):
    """With two units in the list nobody knows whose forms these are."""
    error = refused("A1,A2,D1\n5,4,3\n", UnitError, columns={})
    assert "`responses: unit:`" in str(error)


def test_the_only_unit_needs_no_column(read_answers):
    """One unit's own survey has no column of units."""
    units = "code,name_vi,group\nso-a,Sở A,departments\n"
    assert read_answers("A1,A2,D1\n5,4,3\n", units=units, columns={}).frame["unit"].item() == "so-a"


def test_a_unit_that_did_not_exist_is_refused(refused):
    """Merged in January, surveyed in March."""
    units = (
        "code,name_vi,group,valid_to\nso-a,Sở A,departments,2024-01-31\nso-b,Sở B,departments,\n"
    )
    error = refused(units=units, kind=UnitError, collected={"to": "2024-03-31"})
    assert [(place.row, place.value) for place in error.places] == [(2, "so-a")]


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("second", ["P1", "P1 ", "\u00a0P1"])
def test_form_ids_that_repeat_are_refused(refused, second):
    """The same form typed twice; spaces make no other form. Both rows are named."""
    text = f"unit,so,A1,A2,D1\nso-a,P1,5,4,3\nso-a,P2,5,4,3\nso-a,{second},5,4,3\n"
    error = refused(text, FormError, columns={"unit": "unit", "form": "so"})
    assert places(error) == [(2, "so", "P1"), (4, "so", "P1")]


def test_no_form_left_is_refused(refused):
    """Two rows of blanks are no survey."""
    error = refused("unit,sex,A1,A2,D1\nso-a,male,,,\nso-b,,9,,\n", FormError)
    assert "none of the 2 forms" in str(error)


def test_unknown_columns_are_all_listed(refused):
    """What is not recognised stops the run; nothing is left out silently."""
    error = refused("unit,A1,A2,D1,Nơi ở,Thu nhập\nso-a,5,4,3,1,x\n", ColumnError)
    assert [place.column for place in error.places] == ["Nơi ở", "Thu nhập"]
    assert all(words in str(error) for words in ("`columns:`", "indicators: {", "ignore: ["))


def test_columns_to_be_ignored_are_ignored(read_answers):
    """Also one that would be recognised: the remedy for a question that stands twice."""
    columns = {"unit": "unit", "ignore": ["STT", "Enough seats"]}
    text = "unit,A1,Enough seats,A2,D1,STT\nso-a,5,1,4,3,1\n"
    assert levels(read_answers(text, columns=columns)) == [[5, 4, 3]]


def test_one_question_in_two_columns_is_refused(refused):
    """Edited in mid-field, a form has the old and the new column."""
    error = refused("unit,A1,Enough seats,A2,D1\nso-a,5,5,4,3\n", ColumnError)
    assert [place.column for place in error.places] == ["A1", "Enough seats"]
    assert 'join: {A1: ["A1", "Enough seats"]}' in str(error)


def test_a_missing_item_is_told_with_its_wording(refused):
    """The officer sees which question is lacking, in Vietnamese."""
    error = refused("unit,A1,D1\nso-a,5,3\n", ColumnError)
    assert "A2 (Modern equipment)" in str(error)
    assert "A2 (Trang thiết bị hiện đại)" in error.text("vi")


def test_a_declared_column_that_is_missing_is_told(refused):
    """A role of ``wave.yaml`` that the file does not have."""
    error = refused(
        "unit,A1,A2,D1\nso-a,5,4,3\n", ColumnError, columns={"unit": "unit", "date": "Ngày"}
    )
    assert [place.column for place in error.places] == ["Ngày"]


def test_text_under_no_header_is_not_lost(refused):
    """A nameless column may hold answers."""
    error = refused("unit,A1,,A2,D1\nso-a,5,5,4,3\n", ColumnError)
    assert [place.column for place in error.places] == ["(C)"]


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("weight", ["0", "-1", "two", "", "nan"])
def test_a_weight_must_be_above_zero(refused, weight):
    """Zero would drop a form silently; blank is no weight."""
    text = f"unit,w,A1,A2,D1\nso-a,1,5,4,3\nso-a,{weight},5,4,3\n"
    error = refused(text, AnswerError, columns={"unit": "unit", "weight": "w"})
    assert places(error) == [(3, "w", weight)]
    assert "Weights must be numbers above zero" in str(error)


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("day", ["3/15/2024", "31/2/2024", "2024-13-01", "March 15", "45366"])
def test_a_day_that_cannot_be_is_refused(refused, day):
    """Month first, no such day, or the serial number of a spreadsheet."""
    columns = {"unit": "unit", "date": "Ngày"}
    error = refused(f"unit,Ngày,A1,A2,D1\nso-a,{day},5,4,3\n", AnswerError, columns=columns)
    assert places(error) == [(2, "Ngày", day)]


def test_an_unknown_choice_is_refused(refused):
    """A level that the instrument does not have."""
    error = refused("unit,A1,A2,D1,sex,vulnerable\nso-a,5,4,3,nu,HN;XX\n", AnswerError)
    assert places(error) == [(2, "sex", "nu"), (2, "vulnerable", "HN;XX")]


def test_mistakes_of_several_kinds_are_told_at_once(refused):
    """One run lists wrong answers, units, days and copies; the exit code is that of several."""
    columns = {"unit": "unit", "form": "so", "date": "Ngày"}
    text = "unit,so,Ngày,A1,A2,D1\nso-z,1,x,5,7,3\nso-a,1,15/3/2024,5,4,3\n"
    error = refused(text, SeveralError, columns=columns)
    assert [type(one) for one in error.errors] == [AnswerError, AnswerError, UnitError, FormError]
    assert len(error.places) == 5
    assert error.exit_code == SeveralError.exit_code


def test_names_of_units_are_only_printed(read_answers):
    """A name may look like a script, a formula or a path; forms find it, the code names it."""
    names = ["<script>", "=cmd", "../../x"]
    units = "code,name_vi,group\n" + "".join(
        f"u-{k},{it},departments\n" for k, it in enumerate(names)
    )
    survey = read_answers("unit,A1,A2,D1\n" + "".join(f"{it},5,4,3\n" for it in names), units=units)
    assert survey.frame["unit"].tolist() == ["u-0", "u-1", "u-2"]
    assert survey.unit_names == dict(zip(["u-0", "u-1", "u-2"], names, strict=True))


def test_a_unit_code_that_leads_out_of_the_folder_is_refused(refused):
    """``../x`` would write a report somewhere else."""
    error = refused(units="code,name_vi,group\n../x,Sở X,departments\n", kind=UnitError)
    assert [place.value for place in error.places] == ["../x"]


def test_a_file_of_one_unit_that_names_another_is_refused(refused):
    """Last year's copy of another unit's file must not count for this unit."""
    responses = [{"file": "answers.csv", "unit": "Sở A"}]
    error = refused("unit,A1,A2,D1\nSở A,5,4,3\nSở B,5,4,3\n", UnitError, responses=responses)
    assert error.message_id == "unit_differs"
    assert [(place.row, place.value) for place in error.places] == [(3, "Sở B")]


def test_one_column_may_play_two_roles(read_answers):
    """Where districts are the strata, one column says both."""
    columns = {"unit": "unit", "stratum": "unit"}
    survey = read_answers(GOOD, columns=columns, design={"lonely": "certainty"})
    assert survey.frame["unit"].tolist() == ["so-a", "so-b"]
    assert survey.frame["stratum"].tolist() == ["so-a", "so-b"]


def test_several_choices_may_have_commas_between_them(read_answers):
    """Google Forms joins the boxes that were ticked with a comma."""
    survey = read_answers('unit,A1,A2,D1,vulnerable\nso-a,5,4,3,"Hộ nghèo, Người có công"\n')
    assert survey.frame["vulnerable"].tolist() == ["HN;NCC"]


def test_a_key_may_not_take_a_name_of_the_program(refused):
    """Two columns of one name would mix."""
    error = refused(
        "unit,A1,A2,D1,x\nso-a,5,4,3,1\n", columns={"unit": "unit", "keys": {"row": "x"}}
    )
    assert error.message_id == "wave_key"


def test_a_copied_file_is_refused(refused, make_wave):
    """The same bytes under another name would count every form twice."""
    folder = make_wave(GOOD).parent
    (folder / "answers - Copy.csv").write_text(GOOD, "utf-8")
    error = refused(None, FormError, responses=[{"file": "answers*.csv"}])
    assert error.message_id == "same_file"
    assert {place.file for place in error.places} == {"answers.csv", "answers - Copy.csv"}


DAYS = "unit,ngay,A1,A2,D1\nso-a,15/3/2021,5,4,3\nso-a,20/2/2024,5,4,3\n"
DATED = {"unit": "unit", "date": "ngay"}


@pytest.mark.parametrize("collected", [{}, {"from": "2024-02-01", "to": "2024-03-31"}])
def test_last_years_file_is_noticed(refused, collected):
    """Days must lie in the fieldwork; where none is declared, in the year or the next."""
    error = refused(DAYS, AnswerError, columns=DATED, collected=collected)
    assert error.message_id == "day_outside"
    assert [(place.row, place.column, place.value) for place in error.places] == [
        (2, "ngay", "2021-03-15")
    ]


def test_an_ignored_column_is_written_down(read_answers):
    """What was left out by wish is in the ledger too."""
    given = {"columns": {"unit": "unit", "ignore": ["STT"]}}
    ledger = read_answers("STT,unit,A1,A2,D1\n1,so-a,5,4,3\n", **given).ledger
    assert ledger[["column", "reason"]].to_numpy().tolist() == [["STT", "ignored"]]


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("text", ["5 - Rất hài lòng", "5. Rất hài lòng", "5.rất hài lòng", "Tốt"])
def test_a_label_may_stand_with_its_level_or_be_declared(read_answers, text):
    """Forms print both; a label of one's own is named in wave.yaml."""
    columns = {"unit": "unit", "labels": {"Tốt": "5"}}
    survey = read_answers(f"unit,A1,A2,D1\nso-a,{text},4,3\n", columns=columns)
    assert survey.frame["A1"].tolist() == [5.0]
    assert survey.ledger["reason"].tolist() == ["label"]


def test_a_label_that_contradicts_its_level_is_refused(refused):
    """Which of the two did the person mean?"""
    error = refused("unit,A1,A2,D1\nso-a,4 - Rất hài lòng,4,3\n", AnswerError)
    assert [place.value for place in error.places] == ["4 - Rất hài lòng"]


# ── what holds for one file only


def write_files(make_wave, **texts):
    """Write files beside the wave, by name."""
    folder = make_wave().parent
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text, "utf-8")


def test_last_years_form_has_its_own_headers_and_labels(read_answers, make_wave):
    """Other order, other labels, other codes for no answer, no date: said under its entry."""
    write_files(
        make_wave,
        new="Đơn vị,Ngày,Câu 1,Câu 2,Câu 3\nso-a,15/3/2024,5,4,3\nso-a,16/3/2024,9,2,1\n",
        old="Câu 3,Câu 2,Câu 1\nTốt,0,2\nKém,4,1\n",
    )
    columns = {
        "unit": "Đơn vị",
        "date": "Ngày",
        "items": {"A1": "Câu 1", "A2": "Câu 2", "D1": "Câu 3"},
    }
    old = {
        "file": "old.csv",
        "unit": "Sở B",
        "blank": ["0"],
        "labels": {"Tốt": 4, "Kém": 1},
        "columns": {"date": "", "items": {"A1": "Câu 3", "D1": "Câu 1"}},
    }
    survey = read_answers(columns=columns, responses=[{"file": "new.csv"}, old])
    assert levels(survey) == [[5, 4, 3], [None, 2, 1], [4, None, 2], [1, 4, 1]]
    assert survey.frame["unit"].tolist() == ["so-a", "so-a", "so-b", "so-b"]


@pytest.mark.parametrize("text", ["0", "Tốt"])
def test_words_of_one_file_are_not_those_of_another(refused, make_wave, text):
    """`blank` and `labels` of an entry hold for its files only."""
    write_files(make_wave, a=f"unit,A1,A2,D1\nso-a,{text},4,3\n", b="unit,A1,A2,D1\nso-b,Tốt,0,3\n")
    responses = [{"file": "a.csv"}, {"file": "b.csv", "labels": {"Tốt": 5}, "blank": ["0"]}]
    error = refused(None, AnswerError, responses=responses)
    assert [(place.file, place.row, place.column) for place in error.places] == [("a.csv", 2, "A1")]


def test_two_files_may_head_one_key_in_two_ways(read_answers, make_wave):
    """The key is one; each entry names its column."""
    write_files(
        make_wave,
        a="unit,A1,A2,D1,Lĩnh vực\nso-a,5,4,3,Đất đai\n",
        b="unit,A1,A2,D1,LV\nso-b,1,2,3,Hộ tịch\n",
    )
    responses = [
        {"file": "a.csv", "columns": {"keys": {"field": "Lĩnh vực"}}},
        {"file": "b.csv", "columns": {"keys": {"field": "LV"}}},
    ]
    survey = read_answers(responses=responses)
    assert survey.frame["field"].tolist() == ["Đất đai", "Hộ tịch"]
    assert "field" in survey.keys


def test_days_and_numbers_of_one_file_are_written_its_own_way(read_answers, make_wave):
    """An American export beside an office file."""
    head = "unit;d;w;A1;A2;D1\n"
    write_files(
        make_wave, a=f"{head}so-a;15/3/2024;1,5;5;4;3\n", b=f"{head}so-b;3/4/2024;1,234;1;2;3\n"
    )
    columns = {"unit": "unit", "date": "d", "weight": "w"}
    responses = [{"file": "a.csv"}, {"file": "b.csv", "dates": "m/d", "decimal": "point"}]
    frame = read_answers(columns=columns, responses=responses).frame
    assert frame["date"].tolist() == ["2024-03-15", "2024-03-04"]
    assert frame["weight"].tolist() == [1.5, 1234]


def test_a_form_without_its_unit_may_be_left_out(read_answers):
    """Two forms of nobody are refused with their rows, until a rule leaves them out."""
    text = "Giới,A1,A2,D1\nSở A,5,4,3\n,1,1,1\n,2,2,2\nSở B,1,2,3\n"
    with pytest.raises(UnitError) as caught:
        read_answers(text, columns={"unit": "Giới"})
    assert [place.row for place in caught.value.places] == [3, 4]
    assert "`leave_out: {<column>" in str(caught.value)
    survey = read_answers(text, columns={"unit": "Giới"}, leave_out={"Giới": [""]})
    assert (len(survey.frame), survey.n_read) == (2, 4)


def test_a_blank_answer_to_a_profile_question_is_no_mistake(read_answers):
    """Two people did not say their sex; their forms count."""
    text = "unit,A1,A2,D1,sex\nso-a,5,4,3,\nso-b,1,2,3,\nso-b,1,2,4,Nam\n"
    survey = read_answers(text)
    assert survey.frame["sex"].fillna("").tolist() == ["", "", "male"]
    assert len(survey.ledger) == 1


def test_a_column_given_to_two_items_is_refused(refused):
    """One answer must not count twice."""
    columns = {"unit": "unit", "items": {"A1": "X", "D1": "X"}}
    assert refused("unit,X,A2\nso-a,5,4\n", columns=columns).message_id == "wave_header_twice"


TURNED = "unit,A1,A2,D1\nso-a,1. Rất tốt,2,3\nso-b,2,5. Kém,4\nso-a,3,4,5\n"
ENDS = {"1. Rất tốt": 5, "5. Kém": 1}


def test_bare_numbers_beside_labels_that_move_theirs_have_two_levels(refused, read_answers):
    error = refused(TURNED, AnswerError, columns={"unit": "unit", "labels": ENDS})
    assert error.message_id == "turned_scale"
    assert [(place.row, place.column) for place in error.places] == [
        (3, "A1"),
        (2, "A2"),
        (4, "A2"),
    ]
    everywhere = {"unit": "unit", "labels": {**ENDS, "2": 4, "4": 2}}
    error = refused(TURNED, AnswerError, columns=everywhere)  # D1 is not turned: is its 5 a 1?
    assert [(place.row, place.column) for place in error.places] == [(4, "D1")]
    recode = {"A1": {"2": 4}, "A2": {"2": 4, "4": 2}}
    one_by_one = {"unit": "unit", "labels": ENDS, "recode": recode}
    assert levels(read_answers(TURNED, columns=one_by_one)) == [[5, 4, 3], [4, 1, 4], [3, 2, 5]]


def test_labels_that_agree_with_their_numbers_leave_bare_numbers_alone(read_answers):
    straight = TURNED.replace("1. Rất tốt", "5. Rất tốt").replace("5. Kém", "1. Kém")
    labels = {"5. Rất tốt": 5, "1. Kém": 1}
    survey = read_answers(straight, columns={"unit": "unit", "labels": labels})
    assert levels(survey) == [[5, 2, 3], [2, 1, 4], [3, 4, 5]]
