"""Rules of a wave for rows and columns: what is left out, joined, counted – and refused."""

import pytest
from conftest import write_book

from sipas_analysis.collect.readings import make_choice_reader
from sipas_analysis.errors import AnswerError, ConfigError, DesignError, FormError

ITEMS = ["A1", "A2", "D1"]
UNIT = {"unit": "unit"}


def levels(survey):
    frame = survey.frame[ITEMS].astype(object)
    return frame.where(frame.notna(), None).to_numpy().tolist()


def entries(survey, reason):
    rows = survey.ledger[survey.ledger["reason"] == reason]
    columns = rows[["row", "column", "found", "became"]].astype(object)
    return columns.where(columns.notna(), None).to_numpy().tolist()


# ── rows: `only` and `leave_out`

EXPORT = (
    "Status,Finished,unit,A1,A2,D1\n"
    "Survey Preview,TRUE,so-a,1,1,1\n"
    "IP Address,FALSE,so-a,2,,\n"
    "IP Address,TRUE,so-a,5,4,3\n"
    "IP Address,TRUE,so-b,1,2,4\n"
)


def test_test_forms_and_unfinished_ones_are_left_out_by_rule(read_answers):
    """They are read and dropped, each with its row, column and text (files/21)."""
    rules = {"only": {"Finished": ["True", "1"]}, "leave_out": {"Status": ["Survey Preview"]}}
    survey = read_answers(EXPORT, **rules)
    assert levels(survey) == [[5, 4, 3], [1, 2, 4]]
    assert survey.n_read == 4
    assert entries(survey, "only") == [[3, "Finished", "FALSE", ""]]
    assert entries(survey, "leave_out") == [[2, "Status", "Survey Preview", ""]]


@pytest.mark.parametrize(
    ("rules", "rows"),
    [
        ({"leave_out": {"STATUS ": ["survey  preview"]}}, [3, 4, 5]),
        ({"leave_out": {"Status": "Survey Preview"}}, [3, 4, 5]),
        ({"leave_out": {"unit": ["SO-B"]}}, [2, 3, 4]),
        ({"leave_out": {"A1": ["1"]}}, [3, 4]),
        ({"leave_out": {"D1": [""]}}, [2, 4, 5]),
        ({"only": {"D1": ["3", "4.0"]}}, [4, 5]),
        ({"only": {"Status": ["IP Address"], "Finished": ["true"]}}, [4, 5]),
    ],
)
@pytest.mark.quick_cases(2)
def test_a_rule_names_a_column_by_header_or_code(read_answers, rules, rows):
    """Case, spaces and a decimal zero make no difference; a blank cell is the text ""."""
    columns = UNIT | {"ignore": ["Status", "Finished"]}
    assert read_answers(EXPORT, columns=columns, **rules).frame["row"].tolist() == rows


def test_a_row_left_out_may_be_wrong_in_every_cell(read_answers):
    """Its unit and its answers are not read."""
    text = "Loại,unit,A1,A2,D1\nthử,Sở Z,x,99,?\nthật,so-a,5,4,3\n"
    survey = read_answers(text, leave_out={"Loại": ["thử"]})
    assert levels(survey) == [[5, 4, 3]]


def test_the_ledger_never_has_the_text_of_a_personal_column(read_answers):
    """The row is listed, the name is not."""
    text = "Họ và tên,unit,A1,A2,D1\nNguyễn Văn Thử,so-a,1,1,1\nTrần B,so-a,5,4,3\n"
    survey = read_answers(text, leave_out={"Họ và tên": ["Nguyễn Văn Thử"]})
    assert entries(survey, "leave_out") == [[2, "Họ và tên", "", ""]]
    assert "Thử" not in survey.ledger.to_csv()


def test_a_long_text_of_a_row_left_out_is_cut_short(read_answers):
    """A free text is not copied into the ledger."""
    text = f"Ghi,unit,A1,A2,D1\n{'dài ' * 40},so-a,1,1,1\nok,so-a,5,4,3\n"
    [[_, _, found, _]] = entries(read_answers(text, only={"Ghi": ["ok"]}), "only")
    assert len(found) == 30


def test_a_rule_is_applied_where_its_column_is(read_answers, make_wave):
    """Only one of two files tells test forms."""
    make_wave().with_name("b.csv").write_text("unit,A1,A2,D1\nso-b,4,4,4\n", "utf-8")
    responses = [{"file": "answers.csv"}, {"file": "b.csv"}]
    columns = UNIT | {"ignore": ["Finished"]}
    rules = {"leave_out": {"Status": ["Survey Preview"]}, "columns": columns}
    survey = read_answers(EXPORT, responses=responses, **rules)
    assert survey.frame["file"].tolist() == ["answers.csv"] * 3 + ["b.csv"]


@pytest.mark.parametrize("rule", ["only", "leave_out"])
def test_a_rule_of_a_column_that_no_file_has_is_refused(refused, rule):
    """With the nearest name; a misspelt rule would keep every test form."""
    columns = UNIT | {"ignore": ["Status", "Finished"]}
    error = refused(EXPORT, ConfigError, columns=columns, **{rule: {"Finised": ["TRUE"]}})
    assert error.message_id == "names_absent"
    assert "Finised" in str(error)
    assert "finished" in str(error)


def test_a_rule_that_keeps_no_row_of_a_file_is_refused(refused):
    """The word of the wave is not that of the column."""
    error = refused(EXPORT, AnswerError, only={"Finished": ["xong"]})
    assert error.message_id == "only_none"
    assert [(place.file, place.column) for place in error.places] == [("answers.csv", "Finished")]


def test_a_rule_that_meets_no_row_is_written_down(read_answers):
    """The misspelt word stands in the ledger."""
    columns = UNIT | {"ignore": ["Finished"]}
    survey = read_answers(EXPORT, columns=columns, leave_out={"Status": ["Survey Previw"]})
    assert entries(survey, "leave_out_none") == [[None, "Status", "Survey Previw", ""]]
    assert len(survey.frame) == 4


def test_no_form_left_by_rules_is_refused(refused):
    """An empty survey is no survey; the forms read are counted."""
    error = refused(EXPORT, FormError, leave_out={"unit": ["so-a", "so-b"]})
    assert error.message_id == "no_form_left"
    assert error.fields["n_read"] == 4


# ── columns: `join`


VERSIONS = "unit,Câu 1. Ghế,Câu 2. Ghế,A2,D1\nso-a,4,,4,3\nso-b,,Hài lòng,2,1\nso-b,,,2,1\n"
JOIN = UNIT | {"join": {"A1": ["Câu 1. Ghế", "Câu 2. Ghế"]}}


def test_a_question_asked_in_two_versions_is_read_as_one(read_answers):
    """The ledger says how many answers came from which column (files/38)."""
    survey = read_answers(VERSIONS, columns=JOIN)
    assert survey.frame["A1"].tolist()[:2] == [4.0, 4.0]
    assert survey.frame["A1"].isna().tolist() == [False, False, True]
    assert entries(survey, "joined") == [
        [None, "Câu 1. Ghế", "1", "A1"],
        [None, "Câu 2. Ghế", "1", "A1"],
    ]


def test_both_versions_may_be_filled_if_they_agree(read_answers):
    """4 and 4.0 are one answer."""
    text = "unit,Câu 1. Ghế,Câu 2. Ghế,A2,D1\nso-a,4,4.0,4,3\n"
    assert levels(read_answers(text, columns=JOIN)) == [[4, 4, 3]]


def test_versions_that_differ_are_refused_with_their_rows(refused):
    """Which of the two did the person mean?"""
    text = VERSIONS + "so-a,5,2,4,3\nso-a,1,1,4,3\nso-a,3,2,4,3\n"
    error = refused(text, AnswerError, columns=JOIN)
    assert error.message_id == "join_differs"
    assert [(place.row, place.column) for place in error.places] == [
        (5, "Câu 2. Ghế"),
        (7, "Câu 2. Ghế"),
    ]


def test_versions_of_a_row_left_out_may_differ(read_answers):
    """Rows are left out before columns are joined."""
    survey = read_answers(VERSIONS + "so-a,5,2,1,1\n", columns=JOIN, leave_out={"D1": ["1"]})
    assert levels(survey) == [[4, 4, 3]]


@pytest.mark.slow
def test_keys_roles_and_profile_questions_are_joined_too(read_answers):
    """Also a recognised header goes where the wave says."""
    text = (
        "unit,Đơn vị khác,A1,A2,D1,GT cũ,GT mới,P1,P2,Xã,Xã 2\n"
        "so-a,,5,4,3,Nam,,p1,,X,\n"
        ",Sở B,5,4,1,,Nữ,,p2,,Y\n"
    )
    join = {
        "unit": ["unit", "Đơn vị khác"],
        "sex": ["GT cũ", "GT mới"],
        "form": ["P1", "P2"],
        "xa": ["Xã", "Xã 2"],
    }
    survey = read_answers(text, columns={"keys": {"xa": "Xã"}, "join": join})
    assert survey.frame[["unit", "sex", "form", "xa"]].to_numpy().tolist() == [
        ["so-a", "male", "p1", "X"],
        ["so-b", "female", "p2", "Y"],
    ]


def test_a_file_may_have_one_of_the_versions_only(read_answers, make_wave):
    """Each file asked the question in one way."""
    make_wave().with_name("b.csv").write_text("unit,Câu 2. Ghế,A2,D1\nso-b,3,3,3\n", "utf-8")
    responses = [{"file": "answers.csv"}, {"file": "b.csv"}]
    text = "unit,Câu 1. Ghế,A2,D1\nso-a,5,4,3\n"
    survey = read_answers(text, columns=JOIN, responses=responses)
    assert levels(survey) == [[5, 4, 3], [3, 3, 3]]


def test_a_version_that_no_file_has_is_refused(refused):
    """A misspelt header would lose its answers where other columns are ignored."""
    columns = UNIT | {"join": {"A1": ["Câu 1. Ghế", "Câu 3. Ghế"]}, "ignore": ["Câu 2. Ghế"]}
    assert refused(VERSIONS, ConfigError, columns=columns).message_id == "names_absent"


def test_a_join_of_an_unknown_code_is_refused(refused):
    """The code is named with the nearest one."""
    error = refused(VERSIONS, ConfigError, columns=UNIT | {"join": {"A9": ["Câu 1. Ghế"]}})
    assert error.message_id == "wave_code"


# ── several choices in several columns


@pytest.mark.parametrize(
    "text",
    [
        "vulnerable/HN,vulnerable/NCC\n1,0\n1,1\n0,\n",
        "nhom/vulnerable/HN,nhom/vulnerable/NCC\nTRUE,FALSE\nTrue,true\nFALSE,False\n",
        "Nhóm ưu tiên/Hộ nghèo,Nhóm ưu tiên/Người có công\nx,\nX,x\n,\n",
        "Nhóm ưu tiên [Hộ nghèo],Nhóm ưu tiên [Người có công]\nYes,No\nYes,Yes\nNo,No\n",
        "vulnerable[HN],vulnerable[NCC]\nY,N\nY,Y\nN,N\n",
        "Vulnerable groups/Poor,Vulnerable groups/Merit\n1.0,0.0\n1.0,1.0\n0.0,\n",
        "vulnerable/HN,vulnerable/NCC\nHộ nghèo,\nHN,Người có công\n,\n",
        "vulnerable,vulnerable/HN,vulnerable/NCC\nHN,1,0\nHN NCC,1,1\n,,\n",
        "g/vulnerable,g/vulnerable/HN,g/vulnerable/NCC\nHN,1,0\nHN NCC,1,1\n,0,0\n",
    ],
)
@pytest.mark.quick_cases(1)
def test_a_column_for_each_choice_is_read_as_one_question(read_answers, text):
    """Kobo, LimeSurvey and others write 1 and 0, TRUE and FALSE, or the label."""
    header, *rows = text.splitlines()
    answers = f"unit,A1,A2,D1,{header}\n" + "".join(f"so-a,5,4,3,{row}\n" for row in rows)
    survey = read_answers(answers)
    assert survey.has_choice("vulnerable", "HN").tolist() == [True, True, False]
    assert survey.has_choice("vulnerable", "NCC").tolist() == [False, True, False]
    counts = [found for _, _, found, became in entries(survey, "joined") if "HN" in became]
    assert counts == ["2"]


def test_a_tick_that_is_none_is_refused(refused):
    """2 is no tick; the cell of the choice is named."""
    text = "unit,A1,A2,D1,vulnerable/HN,vulnerable/NCC\nso-a,5,4,3,2,0\n"
    error = refused(text, AnswerError)
    assert [(place.row, place.column, place.letter) for place in error.places] == [
        (2, "vulnerable/HN", "E")
    ]


def test_the_column_of_other_may_hold_the_words(read_answers):
    """They count as the choice *other*, and stand nowhere."""
    text = "unit,A1,A2,D1,vulnerable/HN,vulnerable/Khác\nso-a,5,4,3,1,làm thuê\nso-a,5,4,3,0,\n"
    survey = read_answers(text)
    assert survey.frame["vulnerable"].fillna("").tolist() == ["HN;KHAC", ""]
    assert "làm thuê" not in survey.ledger.to_csv() + survey.frame.to_csv()


def test_choices_of_a_declared_question_are_found(read_answers):
    """The wave names the question as the form service does."""
    text = "unit,A1,A2,D1,Diện/HN,Diện/KHAC\nso-a,5,4,3,1,1\n"
    survey = read_answers(text, columns=UNIT | {"indicators": {"vulnerable": "Diện"}})
    assert survey.frame["vulnerable"].tolist() == ["HN;KHAC"]


GROUPED = {"unit": "unit", "indicators": {"vulnerable": "thongtin/doi_tuong"}}


@pytest.mark.parametrize("whole", ["thongtin/doi_tuong,", ""])
def test_choices_of_a_declared_question_in_a_group_are_found(read_answers, whole):
    """KoboToolbox: the group stands before the name, the whole answer may be left out."""
    rows = ["HN NCC,1,1", "HN,1,0", ",0,0", ",,"]
    rows = [row if whole else row.partition(",")[2] for row in rows]
    text = f"unit,A1,A2,D1,{whole}thongtin/doi_tuong/HN,thongtin/doi_tuong/NCC\n"
    survey = read_answers(text + "".join(f"so-a,5,4,3,{row}\n" for row in rows), columns=GROUPED)
    assert survey.has_choice("vulnerable", "HN").tolist() == [True, True, False, False]
    assert survey.has_choice("vulnerable", "NCC").tolist() == [True, False, False, False]
    assert len(entries(survey, "joined")) == 2


def test_no_choice_is_an_answer_where_the_form_says_so(read_answers):
    """All 0: asked, none chosen. All blank: not asked, or a service that writes no 0."""
    text = "unit,A1,A2,D1,vulnerable/HN,vulnerable/NCC\n"
    text += "so-a,5,4,3,0,0\nso-a,5,4,3,0,\nso-a,5,4,3,,\nso-a,5,4,3,,1\n"
    answers = read_answers(text).frame["vulnerable"]
    assert answers.isna().tolist() == [False, False, True, False]
    assert answers.fillna("-").tolist() == ["", "", "-", "NCC"]


BOTH_WAYS = "unit,A1,A2,D1,{0},{0}/HN,{0}/NCC\nso-a,5,4,3,{1},{2}\nso-a,5,4,3,NCC,0,1\n"


def test_labels_parted_by_spaces_are_read_where_they_split_in_one_way(read_answers):
    """As KoboToolbox writes them; ticks count where the text cannot be read, as the ledger says."""
    rows = "Người có công Hộ nghèo,1,1", "Hộ nghèo,1,0", "Hộ mới nghèo,1,0"
    text = "unit,A1,A2,D1,vulnerable,vulnerable/HN,vulnerable/NCC\n"
    survey = read_answers(text + "".join(f"so-a,5,4,3,{row}\n" for row in rows))
    assert survey.frame["vulnerable"].tolist() == ["NCC;HN", "HN", "HN"]
    unread = survey.ledger[survey.ledger["reason"] == "choices_unread"]
    assert unread[["row", "found", "became"]].to_numpy().tolist() == [[4, "", "HN"]]
    indicator = survey.instrument.indicators["vulnerable"]
    levels = {
        code: indicator.levels["HN"].model_copy(update={"vi": vi, "en": ""})
        for code, vi in {"p": "a", "q": "a b", "r": "b"}.items()
    }
    read = make_choice_reader(indicator.model_copy(update={"levels": levels}))
    assert (read("a b a").ok, read("b a").value) == (False, "r;p")


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("own", [("vulnerable/KHONG", ",1", ",0"), ("", "", "")])
def test_none_of_these_is_an_answer_that_counts_in_the_base(read_answers, refused, own):
    """The message proposes the word; none beside a choice is refused."""
    column, *ticks = own
    header = ",".join(["unit,A1,A2,D1,vulnerable,vulnerable/HN", *[column] * bool(column)])
    text = f"{header}\nso-a,5,4,3,KHONG,0{ticks[0]}\nso-a,5,4,3,HN,1{ticks[1]}\n"
    facts = {"unit": "unit", "ignore": [column] * bool(column)}
    message = refused(text, AnswerError, columns=facts).text("vi")
    assert 'vulnerable: {"KHONG": none}' in message
    facts = {"unit": "unit", "recode": {"vulnerable": {"KHONG": "none"}}}
    assert read_answers(text, columns=facts).frame["vulnerable"].tolist() == ["", "HN"]
    both = text.replace("KHONG,0", "HN KHONG,0")
    assert refused(both, AnswerError, columns=facts).message_id == "choice"


@pytest.mark.parametrize(
    ("whole", "ticks", "shown"),
    [
        ("HN", "1,1", "HN ≠ HN, NCC"),
        ("Hộ nghèo; Người có công", "1,0", "HN, NCC ≠ HN"),
        ("HN", "0,0", "HN ≠ –"),
        ("NCC", "1,", "NCC ≠ HN"),
        ("khac", "0,1", "– ≠ NCC"),
        ("8", "1,0", "– ≠ HN"),
    ],
)
@pytest.mark.quick_cases(1)
def test_choices_written_in_both_ways_must_agree(refused, read_answers, whole, ticks, shown):
    """Of two answers of one form, none wins without a word; the wave may leave one out."""
    text = BOTH_WAYS.format("doi_tuong", whole, ticks)
    columns = {"unit": "unit", "indicators": {"vulnerable": "doi_tuong"}}
    columns["blank"] = {"vulnerable": ["8"]}
    error = refused(text, AnswerError, columns=columns)
    assert error.message_id == "choices_differ"
    assert [(place.row, place.column, place.value) for place in error.places] == [
        (2, "doi_tuong", shown)
    ]
    right = read_answers(text, columns=columns | {"ignore": ["doi_tuong"]}).frame["vulnerable"]
    assert right.tolist() == [
        ";".join(
            code for code, tick in zip(("HN", "NCC"), ticks.split(","), strict=True) if tick == "1"
        ),
        "NCC",
    ]


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    ("whole", "ticks", "expected"),
    [
        ("NCC HN", "1,1", "NCC;HN"),
        ("HN KHAC", "1,0", "HN;KHAC"),
        ("HN", ",", "HN"),
        ("8", "0,0", None),
    ],
)
def test_choices_that_agree_are_read_once(read_answers, whole, ticks, expected):
    """A choice without a column of its own stands in the column of all choices only."""
    columns = {"unit": "unit", "blank": {"vulnerable": ["8"]}}
    answers = read_answers(BOTH_WAYS.format("vulnerable", whole, ticks), columns=columns)
    first = answers.frame["vulnerable"].astype(object)[0]
    assert (None if first != first else first) == expected


def test_choices_with_codes_of_the_office_are_recoded(read_answers):
    """Names of the XLSForm, in the whole answer and in the columns of its choices."""
    text = (
        "unit,A1,A2,D1,{0},{0}/ho_ngheo,{0}/cong\nso-a,5,4,3,ho_ngheo cong,1,1\nso-a,5,4,3,,1,0\n"
    )
    recode = {"vulnerable": {"ho_ngheo": "HN", "cong": "Người có công"}}
    columns = GROUPED | {"recode": recode}
    survey = read_answers(text.format("thongtin/doi_tuong"), columns=columns)
    assert survey.frame["vulnerable"].tolist() == ["HN;NCC", "HN"]


def test_a_column_of_a_choice_that_the_wave_ignores_is_not_read(read_answers):
    """The whole answer stands in its own column."""
    text = "unit,A1,A2,D1,{0},{0}/HN\nso-a,5,4,3,HN,1\nso-a,5,4,3,,0\n"
    columns = GROUPED | {"ignore": ["thongtin/doi_tuong/HN"]}
    survey = read_answers(text.format("thongtin/doi_tuong"), columns=columns)
    assert survey.frame["vulnerable"].isna().tolist() == [False, True]
    assert entries(survey, "joined") == []


# ── rows of counts


def test_a_row_of_a_frequency_table_stands_for_its_forms(read_answers):
    """By hand: 3 + 2 forms; the row of count 0 is in the ledger; rows keep their number."""
    text = "unit,n,A1,A2,D1\nso-a,3,5,4,3\nso-a,0,1,1,1\nso-b,2.0,1,2,4\n"
    survey = read_answers(text, columns=UNIT | {"count": "n"})
    assert levels(survey) == [[5, 4, 3]] * 3 + [[1, 2, 4]] * 2
    assert survey.frame["row"].tolist() == [2, 2, 2, 4, 4]
    assert survey.n_read == 5
    assert entries(survey, "count_zero") == [[3, "n", "0", ""]]
    assert "count" not in survey.frame


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("count", ["2.5", "-1", "", "x", "1e400", "２"])
def test_a_count_must_be_whole(refused, count):
    """Half a form is a mistake."""
    text = f"unit,n,A1,A2,D1\nso-a,1,5,4,3\nso-a,{count},5,4,3\n"
    error = refused(text, AnswerError, columns=UNIT | {"count": "n"})
    assert error.message_id == "count"
    assert [place.row for place in error.places] == [3]


def test_more_than_five_million_forms_are_refused(refused):
    """A column of ids taken for counts must not fill the memory."""
    text = "unit,n,A1,A2,D1\nso-a,4000000,5,4,3\nso-b,1000001,1,2,4\n"
    error = refused(text, AnswerError, columns=UNIT | {"count": "n"})
    assert (error.message_id, error.fields["total"]) == ("count_total", 5_000_001)


def test_a_file_without_counts_beside_one_with_counts(read_answers, make_wave):
    """A row without a count is one form."""
    make_wave().with_name("b.csv").write_text("unit,A1,A2,D1\nso-b,3,3,3\n", "utf-8")
    responses = [{"file": "answers.csv", "columns": {"count": "n"}}, {"file": "b.csv"}]
    survey = read_answers("unit,n,A1,A2,D1\nso-a,2,5,4,3\n", responses=responses)
    assert len(survey.frame) == 3


# ── the sample


@pytest.mark.parametrize(
    ("role", "cells"), [("cluster", ["1", "", "2", "2"]), ("stratum", ["s", "s", " ", "s"])]
)
def test_a_blank_cluster_or_stratum_is_named_with_its_row(refused, role, cells):
    """File and row, not only the column (surveys/11)."""
    rows = "".join(f"so-{'ab'[at % 2]},{cell},5,4,{at + 1}\n" for at, cell in enumerate(cells))
    error = refused(f"unit,c,A1,A2,D1\n{rows}", DesignError, columns=UNIT | {role: "c"})
    assert error.message_id == "stratum_blank"
    blank = [at for at, cell in enumerate(cells) if not cell.strip()]
    assert [(place.file, place.row, place.column) for place in error.places] == [
        ("answers.csv", at + 2, "c") for at in blank
    ]


def test_an_fpc_that_varies_within_its_stratum_is_named_with_its_row(refused):
    """The usual number of the stratum is taken for right."""
    text = "unit,s,N,A1,A2,D1\n" + "".join(
        f"so-a,{stratum},{fpc},5,4,{level}\n"
        for stratum, fpc, level in (
            ("x", 100, 1),
            ("x", 100, 2),
            ("x", 90, 3),
            ("y", 50, 4),
            ("y", 50, 5),
        )
    )
    error = refused(text, DesignError, columns=UNIT | {"stratum": "s", "fpc": "N"})
    assert error.message_id == "sample_fpc"
    assert [(place.row, place.column, place.value) for place in error.places] == [(4, "N", "90")]


def test_a_dropped_form_needs_no_cluster(read_answers):
    """A form with no answer is not in the sample."""
    text = "unit,c,sex,A1,A2,D1\nso-a,1,male,5,4,3\nso-a,,male,9,,\nso-b,2,male,4,4,4\n"
    survey = read_answers(text, columns=UNIT | {"cluster": "c"})
    assert len(survey.frame) == 2


def test_rules_hold_for_a_workbook_too(read_answers, make_wave):
    """TRUE of a spreadsheet is the text True."""
    rows = [
        ["Xong", "unit", "A1", "A2", "D1"],
        [True, "so-a", 5, 4, 3],
        [False, "so-a", 1, 1, 1],
    ]
    write_book(make_wave().with_name("b.xlsx"), Sheet=rows)
    survey = read_answers(responses=[{"file": "b.xlsx"}], only={"Xong": ["TRUE"]})
    assert levels(survey) == [[5, 4, 3]]
