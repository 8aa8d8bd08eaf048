"""What ``sipas check`` says of a wave that is read."""

import pytest
from report_words import HEAD, draw_forms

from sipas_analysis.errors import AnswerError
from sipas_analysis.reports.check_output import describe_check, list_check_tables
from sipas_analysis.reports.small_units import describe_hidden

UNITS_OF_A_GROUP = "code,name_vi,group\n" + "".join(
    f"so-{letter},Sở {letter.upper()},departments\n" for letter in "abc"
)


@pytest.mark.slow
def test_check_names_the_rows_of_each_file(read_answers, make_wave):
    """Whole means below answers only are a form: 4 where 3 were handed in. Short forms are none."""
    path = make_wave().parent / "b.csv"
    path.write_text("A1,A2,D1\n5,4,3\n3,4,3\n4,4,3\n4,4,3\n", "utf-8")
    entries = [{"file": "answers.csv"}, {"file": "b.csv", "unit": "so-b", "columns": {"unit": ""}}]
    survey = read_answers("unit,A1,A2,D1\nso-a,,,\nso-a,5,4,3\nso-a,,1,\n", responses=entries)
    expected = [("answers.csv", 2, 3, 4), ("b.csv", 4, 2, 5)]
    tables = list_check_tables(survey)
    assert [*tables["files"].itertuples(index=False, name=None)] == expected
    [printed] = [table for title, table in describe_check(survey, "en") if "by file" in title]
    assert printed.to_numpy().tolist() == [["answers.csv", 2, "3–4"], ["b.csv", 4, "2–5"]]


@pytest.mark.slow
def test_days_of_each_file_show_a_test_form_which_can_be_left_out(read_answers):
    """Without ``collected`` the test form counts, and check says so; else its day is proposed."""
    answers = "unit,ngay,A1,A2,D1\nso-a,20/9/2024 16:02,5,5,5\nso-a,14/10/2024 7:35,4,3,3\n"
    facts = {"columns": {"unit": "unit", "date": "ngay"}, "year": 2024}
    printed = [*describe_check(read_answers(answers, **facts), "en")]
    assert ("answers.csv: forms: 2, rows 2–3, days 2024-09-20 – 2024-10-14.", None) in printed
    assert any("does not state the fieldwork" in text for text, _ in printed)
    facts |= {"collected": {"from": "2024-10-01", "to": "2024-10-31"}}
    with pytest.raises(AnswerError, match=r'leave_out: \{date: \["2024-09-20"\]\}'):
        read_answers(answers, **facts)
    survey = read_answers(answers, **facts, leave_out={"date": ["2024-09-20"]})
    assert survey.frame["date"].tolist() == ["2024-10-14"]
    assert not any("fieldwork" in text for text, _ in describe_check(survey, "en"))


@pytest.mark.slow
def test_of_many_files_check_prints_the_first(read_answers, make_wave):
    """The title says how many there are, and where all stand."""
    folder = make_wave().parent
    for number in range(21):
        text = f"unit,A1,A2,D1\nso-a,{1 + number % 5},{1 + number // 5},3\n"
        (folder / f"f{number:02d}.csv").write_text(text, "utf-8")
    survey = read_answers(responses=[{"file": "f*.csv"}])
    [(title, printed)] = [pair for pair in describe_check(survey, "vi") if "theo tệp" in pair[0]]
    assert "20 trong 21 tệp" in title
    assert len(printed) == 20


def read_files(make_wave, read_answers, n_files, **facts):
    """Read files of two units, each with a running number that is not read."""
    folder = make_wave().parent
    for number in range(n_files):
        rows = [f"{k},so-{'ab'[k % 2]},{1 + k % 5},{1 + number},3" for k in range(4)]
        (folder / f"f{number}.csv").write_text("\n".join(["STT,unit,A1,A2,D1", *rows]), "utf-8")
    return read_answers(responses=[{"file": "f*.csv"}], **facts)


@pytest.mark.slow
def test_what_is_alike_in_several_files_is_one_row(make_wave, read_answers):
    """Nine files with a column of row numbers made nine rows; a file of its own is named."""
    survey = read_files(make_wave, read_answers, 3)
    said = dict(describe_check(survey, "vi"))
    assert said["Đã đổi và đã loại"].to_numpy().tolist() == [
        ["Bỏ cột số thứ tự, cột ghi chú hoặc cột do hệ thống ghi, không đọc", "1 cột", "3 tệp"]
    ]
    assert len(list_check_tables(survey)["ledger"]) == 3


def test_rows_that_are_no_forms_come_before_columns(read_answers):
    """What takes rows away is first, and of one file its name is not repeated."""
    survey = read_answers("STT,unit,A1,A2,D1\n1,so-a,5,4,3\n2,so-a,,,\n3,so-a,4,4,4\n")
    said = dict(describe_check(survey, "en"))
    assert said["Changed and dropped"]["amount"].tolist() == ["rows: 1", "columns: 1"]
    assert "file" not in said["Changed and dropped"]


def test_what_must_be_done_stands_before_what_was_read(make_wave, read_answers):
    """Paragraphs first, then tables; one file is a sentence, and no paragraph follows a table."""
    one, several = (read_files(make_wave, read_answers, n) for n in (1, 2))
    said = [*describe_check(several, "vi")]
    tables = [title for title, table in said if table is not None]
    assert [title for title, _ in said[-2:]] == tables
    assert any("publisher" in text for text, _ in said[:-2])
    lines = [text for text, table in describe_check(one, "vi") if table is None]
    assert "f0.csv: 4 phiếu, dòng 2–5." in lines


@pytest.mark.slow
def test_a_unit_of_too_few_forms_is_merged_by_the_line_that_check_writes(read_answers):
    """What is written for units.csv merges the forms: nothing more is hidden for the unit."""
    answers = HEAD + draw_forms("so-a", 40) + draw_forms("so-b", 3)
    head = "code,name_vi,group,parent,aliases\n"
    units = head + "x,Huyện X,districts,,\nso-a,Xã A,communes,x,{}\nso-b,Xã B,communes,x,\n"
    survey = read_answers(answers.replace("so-b", "Xã B"), units=units.format("XA"))
    said = [text for text, _ in describe_check(survey, "en")]
    assert any("Collect more forms" in text for text in said)
    (line,) = [text for text in said if text.startswith("For example “Xã B”")]
    assert line.endswith("delete the line “Xã B”, and in the line “Xã A” write aliases: XA; Xã B")
    lines = units.format(line.rpartition("aliases: ")[2]).splitlines(keepends=True)
    merged = read_answers(answers.replace("so-b", "Xã B"), units="".join(lines[:3]))
    assert merged.frame["unit"].value_counts().to_dict() == {"so-a": 43}
    assert not any("same kind" in text for text, _ in describe_check(merged, "en"))


@pytest.mark.parametrize("parents", [("", ""), ("x", "y")])
@pytest.mark.slow
def test_no_unit_is_named_for_a_merge_with_one_of_another_place(read_answers, parents):
    """Two units of one group without a common parent: more forms come first, no example."""
    answers = HEAD + draw_forms("so-a", 40) + draw_forms("so-b", 3)
    rows = [f"{code},{code},districts," for code in "xy"]
    rows += [f"{code},{code},communes,{parents[k]}" for k, code in enumerate(["so-a", "so-b"])]
    units = "code,name_vi,group,parent\n" + "\n".join(rows) + "\n"
    said = [text for text, _ in describe_check(read_answers(answers, units=units), "en")]
    assert any("Collect more forms" in text for text in said)
    assert not any("write aliases: " in text for text in said)


@pytest.mark.slow
def test_check_names_the_units_that_are_hidden_to_protect_another(read_answers):
    """Those that the run hides; no number of theirs is printed."""
    answers = HEAD + draw_forms("so-a", 43) + draw_forms("so-b", 37) + draw_forms("so-c", 4)
    survey = read_answers(answers, units=UNITS_OF_A_GROUP)
    (line,) = [text for text, _ in describe_check(survey, "en") if "are expected" in text]
    names = line.partition(": ")[2].partition(". ")[0]
    assert names == "Sở A; Sở B"
    assert not any(digit in line for digit in "0123456789")
    (line,) = [text for text, _ in describe_hidden(survey, "vi")]
    assert line.startswith("Đã giấu kết quả của đơn vị đủ phiếu")
    assert line.partition(": ")[2].partition(". ")[0] == "Sở A; Sở B"
    whole = read_answers(answers.replace("so-c", "so-b"), units=UNITS_OF_A_GROUP)
    assert not any("are expected" in text for text, _ in describe_check(whole, "en"))
    assert not [*describe_hidden(whole, "en")]
