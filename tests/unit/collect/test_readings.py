"""What a text of a cell means, and which texts mean nothing or two things."""

import pytest
from conftest import write_book

from sipas_analysis.collect.readings import (
    find_decimal,
    is_unclear,
    list_numbers,
    make_choice_reader,
    make_level_reader,
    make_number_reader,
    make_word_reader,
)
from sipas_analysis.errors import AnswerError, ConfigError, SeveralError
from sipas_analysis.instrument.pack import Indicator, Scale, read_instrument
from sipas_analysis.instrument.strict_yaml import Bilingual

UNIT = {"unit": "unit"}
WEIGHT = UNIT | {"weight": "w"}
SCALE = Scale(blank=("9",), labels={4: Bilingual(vi="Đồng ý"), 5: Bilingual(vi="Rất đồng ý")})
JOBS = Indicator(
    group="profile",
    kind="many",
    levels={
        "A": Bilingual(vi="Nông, lâm, ngư nghiệp"),
        "B": Bilingual(vi="Buôn bán"),
        "KHAC": Bilingual(vi="Khác"),
    },
)
JOB = Indicator(group="profile", levels=JOBS.levels)


# ── levels


@pytest.mark.parametrize(
    ("text", "value", "reason"),
    [
        ("4", 4, ""),
        ("4.0", 4, "spelling"),
        ("4,00", 4, "spelling"),
        ("04", 4, "spelling"),
        ("4.", 4, "spelling"),
        ("4\x00", 4, "spelling"),
        ("Đồng ý.", 4, "label"),
        ("đồng ý ; ", 4, "label"),
        ("4. Đồng ý.", 4, "label"),
        ("Rất  đồng ý!", 5, "label"),
        ("9", None, "blank_code"),
        ("9.0", None, "blank_code"),
        ("", None, ""),
    ],
)
def test_a_level_its_label_or_blank(text, value, reason):
    """A full stop, a decimal zero or a stray sign changes no answer, and is written down."""
    reading = make_level_reader(SCALE, SCALE.blank, {})(text)
    assert (reading.value, reading.reason, reading.ok) == (value, reason, True)


@pytest.mark.parametrize(
    "text",
    [
        "0_5",
        "５",
        "1e0",
        "٣",
        "+4",
        "4 điểm",
        "4,5",
        "4..5",
        "5)",
        ".",
        "-",
        "4/5",
        "0x4",
        "½",
        "IV",
    ],
)
def test_what_looks_like_a_number_to_a_program_is_no_level(text):
    """Also a lone full stop: it is no blank."""
    assert not make_level_reader(SCALE, (), {})(text).ok


@pytest.mark.parametrize(
    ("blank", "labels", "text", "value", "reason"),
    [
        (("KTL",), {"KTL": 3}, "ktl", 3, "label"),
        (("9",), {"9": 5}, "9", 5, "label"),
        (("đồng ý",), {}, "Đồng ý", None, "blank_code"),
        ((), {"Tốt.": 4}, "tốt", 4, "label"),
        ((), {"1": 5, "5": 1}, "5", 1, "label"),
    ],
)
def test_labels_of_the_wave_go_before_blank_and_both_before_the_pack(
    blank, labels, text, value, reason
):
    """The user's word wins."""
    reading = make_level_reader(SCALE, blank, labels)(text)
    assert (reading.value, reading.reason) == (value, reason)


# ── choices


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A", "A"),
        ("Nông, lâm, ngư nghiệp", "A"),
        ("Buôn bán, Nông, lâm, ngư nghiệp", "B;A"),
        ("Nông, lâm, ngư nghiệp; Buôn bán", "A;B"),
        ("A;B", "A;B"),
        ("A, B;", "A;B"),
        ("a b", "A;B"),
        ("B, B", "B"),
        ("Khác: làm thuê", "KHAC"),
        ("Buôn bán, Khác: làm thuê, ở đợ", "B;KHAC"),
        ("Khác (chạy xe)", "KHAC"),
        ("", None),
    ],
)
def test_several_choices_however_they_are_joined(text, value):
    """A choice may hold commas itself; own words behind “Khác” are the choice *other*."""
    reading = make_choice_reader(JOBS)(text)
    assert (reading.value, reading.ok) == (value, True)


@pytest.mark.parametrize("text", ["Nông", "Nông, lâm", "A, làm thuê", "A C", "lâm, ngư nghiệp"])
def test_a_text_that_is_no_choice_is_refused(text):
    """A part of a label is no label."""
    assert not make_choice_reader(JOBS)(text).ok


@pytest.mark.parametrize(
    ("text", "value", "reason"),
    [
        ("Thợ", "B", "recoded"),
        ("Làm thuê", "KHAC", "other"),
        ("Thợ, làm thuê", "B;KHAC", "other"),
        ("Buôn bán", "B", "label"),
        ("B", "B", ""),
        ("không rõ", None, "blank_code"),
    ],
)
def test_texts_are_recoded_and_any_other_text_is_other(text, value, reason):
    """``*`` stands for each text that is no choice."""
    recode = {"Thợ": "Buôn bán", "*": "other"}
    reading = make_choice_reader(JOBS, ("Không rõ",), recode)(text)
    assert (reading.value, reading.reason) == (value, reason)


@pytest.mark.parametrize(
    "text",
    [
        "18 - 24 tuổi",
        "18-24 tuổi",
        "18 – 24 tuổi",
        "18— 24 tuổi",
        "18‑24",
        "18 −24",
        "18 ‒ 24 TUỔI.",
    ],
)
def test_dashes_of_any_kind_are_one_sign(text):
    """Google Forms: offices put spaces around a hyphen."""
    reading = make_choice_reader(read_instrument("qd-2640-2017").indicators["age"])(text)
    assert (reading.value, reading.reason) == ("18-24", "label")


@pytest.mark.parametrize("text", ["1824", "18 24 tuổi", "-18-24", "18--24", "18 - 2 4"])
def test_a_dash_must_stand_between(text):
    """Nothing else is folded."""
    reading = make_choice_reader(read_instrument("qd-2640-2017").indicators["age"])(text)
    assert not reading.ok


def test_a_dash_between_level_and_label_may_be_of_any_kind():
    """And a sign before a number stays one."""
    read_level = make_level_reader(read_instrument("qd-2640-2017").scale, (), {})
    texts = ["5 - Rất hài lòng", "5–Rất hài lòng", "5 — rất hài lòng"]
    assert [read_level(text).value for text in texts] == [5.0] * 3
    assert not read_level("-5").ok
    assert not read_level("4-5").ok


def test_a_question_with_one_choice_takes_no_two():
    """``A, B`` is no choice where one is allowed."""
    assert not make_choice_reader(JOB)("A, B").ok
    assert make_choice_reader(JOB)("Nông, lâm, ngư nghiệp.").value == "A"


def test_words_are_tidied_recoded_or_blank():
    """A key is a group; control characters cannot be printed."""
    read = make_word_reader(("0",), {"HT": "Hộ tịch", "*": "Khác"})
    found = [read(text).value for text in ("ht", " Hộ  tịch", "0.0", "Đất\x1b đai", "")]
    assert found == ["Hộ tịch", "Hộ tịch", None, "Khác", None]
    assert make_word_reader()("Đất\x1b[31m đai").value == "Đất [31m đai"


# ── numbers


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("987", {987.0}),
        ("1,5", {1.5}),
        ("1.5", {1.5}),
        ("1.234", {1.234, 1234.0}),
        ("1,234", {1.234, 1234.0}),
        ("1.234,5", {1234.5}),
        ("1,234.5", {1234.5}),
        ("1.234.567", {1234567.0}),
        ("0.850", {0.85}),
        ("1234.567", {1234.567}),
        ("2.5e-05", {2.5e-05}),
        *(
            (text, set())
            for text in ("1.23.4", "1,2,3", "1 234", "-1", "x", "", "１", "1_0", "inf")
        ),
    ],
)
def test_the_numbers_that_a_text_may_write(text, numbers):
    """Points and commas are decimal signs or thousands."""
    assert {*list_numbers(text).values()} == numbers
    assert is_unclear(text) == (len(numbers) == 2)


@pytest.mark.parametrize(
    ("texts", "decimal"),
    [
        (["987", "1.234"], ""),
        (["1.234", "0.5"], "point"),
        (["1.234", "1.234,5"], "comma"),
        (["1,234", "987"], ""),
        (["1.234", "1.234.567"], "comma"),
        (["1,5", "1.5", "1.234"], ""),
    ],
)
def test_the_other_numbers_of_a_column_show_its_decimal_sign(texts, decimal):
    """If they show none, or two, the wave must say it."""
    assert find_decimal(texts) == decimal


@pytest.mark.parametrize(
    ("decimal", "text", "value"),
    [
        ("comma", "1.234", 1234),
        ("comma", "1,5", 1.5),
        ("comma", "1.5", 1.5),
        ("point", "1.234", 1.234),
        ("point", "1,234", 1234),
        ("point", "1,5", 1.5),
        ("comma", "2.050", 2050),
    ],
)
def test_where_the_sign_is_declared_both_are_read_right(decimal, text, value):
    """A number of a spreadsheet has a point, whatever the wave says of its texts."""
    assert make_number_reader(decimal)(text).value == value


TWO_MEANINGS = [
    ["987", "1.234"],
    ["987", "1,234"],
    ["2.050", "850"],
    ["1.234"],
    ["1,5", "1.5", "1.234"],
]


@pytest.mark.parametrize("weights", TWO_MEANINGS)
@pytest.mark.parametrize("role", ["weight", "fpc", "count"])
@pytest.mark.quick_cases(1)
def test_a_number_of_two_meanings_is_asked_about(refused, weights, role):
    """1.234 beside 987 is a thousand or one: its cell is named (files/07)."""
    rows = "".join(f"so-a;{weight};5;4;{at + 1}\n" for at, weight in enumerate(weights))
    error = refused(f"unit;w;A1;A2;D1\n{rows}", columns=UNIT | {role: "w"})
    errors = error.errors if isinstance(error, SeveralError) else [error]
    [asked] = [part for part in errors if part.message_id == "decimal"]
    assert isinstance(asked, AnswerError)
    assert {place.value for place in asked.places} == {w for w in weights if is_unclear(w)}
    assert "`decimal: comma`" in asked.text("en")


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(("decimal", "values"), [("comma", [987, 1234]), ("point", [987, 1.234])])
@pytest.mark.parametrize("scope", ["wave", "entry"])
def test_the_wave_or_an_entry_says_the_decimal_sign(read_answers, decimal, values, scope):
    """And the ledger has each number that a sign changed."""
    facts = {"decimal": decimal}
    if scope == "entry":
        facts = {"responses": [{"file": "answers.csv", **facts}]}
    text = "unit;w;A1;A2;D1\nso-a;987;5;4;3\nso-a;1.234;5;4;2\n"
    survey = read_answers(text, columns=WEIGHT, **facts)
    assert survey.frame["weight"].tolist() == values
    changed = survey.ledger[["found", "became", "reason"]].to_numpy().tolist()
    assert changed == ([["1.234", "1234", "number"]] if decimal == "comma" else [])


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("decimal", ["", "comma", "point"])
def test_numbers_of_a_spreadsheet_have_one_meaning(read_answers, make_wave, decimal):
    """The number 1.234 is no text: nothing is asked, and no sign changes it."""
    rows = [["unit", "w", "A1", "A2", "D1"], ["so-a", 1.234, 5, 4, 3], ["so-a", 987, 5, 4, 2]]
    write_book(make_wave().with_name("b.xlsx"), Sheet=rows)
    facts = {"columns": WEIGHT, "responses": [{"file": "b.xlsx"}], "decimal": decimal}
    assert read_answers(**facts).frame["weight"].tolist() == [1.234, 987]


def test_a_text_in_a_spreadsheet_has_two_meanings(refused, make_wave):
    """A typed text 1.234 is asked about like that of a CSV."""
    rows = [["unit", "w", "A1", "A2", "D1"], ["so-a", "1.234", 5, 4, 3], ["so-a", 987, 5, 4, 2]]
    write_book(make_wave().with_name("b.xlsx"), Sheet=rows)
    error = refused(None, AnswerError, columns=WEIGHT, responses=[{"file": "b.xlsx"}])
    assert error.message_id == "decimal"


# ── the words of the wave, in a survey


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    "facts",
    [
        {"columns": UNIT | {"blank": {"sex": ["0", "8"]}}},
        {"columns": UNIT | {"blank": {"Giới tính": ["0", "8"]}}},
        {"columns": UNIT | {"blank": {"GIỚI  tính": ["0"], "sex": ["8"]}}},
        {"responses": [{"file": "answers.csv", "blank": ["0", "8"]}]},
        {"responses": [{"file": "answers.csv", "columns": {"blank": {"sex": ["0", "8"]}}}]},
        {
            "columns": UNIT | {"blank": {"sex": ["0"]}},
            "responses": [{"file": "answers.csv", "columns": {"blank": {"sex": ["8"]}}}],
        },
    ],
)
def test_blank_codes_of_a_profile_question(read_answers, facts):
    """By code, by header, by file and by both (surveys/01)."""
    text = "unit,A1,A2,D1,Giới tính\nso-a,5,4,3,0\nso-a,5,4,2,Nam\nso-b,1,2,3,8.0\n"
    survey = read_answers(text, **facts)
    assert survey.frame["sex"].fillna("").tolist() == ["", "male", ""]
    assert survey.ledger["reason"].tolist() == ["blank_code", "label", "blank_code"]


def test_blank_codes_of_a_key(read_answers):
    """A key of the wave has codes for no answer too."""
    text = "unit,A1,A2,D1,k\nso-a,5,4,3,99\nso-a,5,4,2,x\n"
    columns = UNIT | {"keys": {"linh-vuc": "k"}, "blank": {"linh-vuc": ["99"]}}
    assert read_answers(text, columns=columns).frame["linh-vuc"].fillna("").tolist() == ["", "x"]


PACK_WITH_LEVEL_0 = "levels: {male: {vi: Nam, en: Male}, '0': {vi: Không rõ, en: Unknown}}"


@pytest.fixture
def pack_with_0():
    """The pack of the tests, where 0 is a choice of the question on sex."""
    from conftest import PACK

    return PACK.replace(
        "levels: {male: {vi: Nam, en: Male}, female: {vi: Nữ, en: Female}}", PACK_WITH_LEVEL_0
    )


ZERO = "unit,A1,A2,D1,sex\nso-a,0,4,3,0\nso-a,5,4,2,male\n"
FILE_BLANK = [{"file": "answers.csv", "blank": ["0"]}]


def test_a_blank_code_of_a_file_that_is_a_choice_is_refused(refused, pack_with_0):
    """Which of the two is meant? Silence would blank real answers, or count blanks."""
    error = refused(ZERO, AnswerError, pack=pack_with_0, responses=FILE_BLANK)
    assert error.message_id == "blank_choice"
    assert [(place.row, place.column) for place in error.places] == [(2, "sex")]


@pytest.mark.parametrize(
    ("columns", "value"),
    [({"blank": {"sex": ["0"]}}, None), ({"recode": {"sex": {"0": "0"}}}, "0")],
)
def test_a_word_for_the_column_settles_it(read_answers, pack_with_0, columns, value):
    """Either way; the item keeps the code of the file."""
    facts = {"pack": pack_with_0, "columns": UNIT | columns, "responses": FILE_BLANK}
    frame = read_answers(ZERO, **facts).frame
    assert frame["sex"].fillna("").tolist() == [value or "", "male"]
    assert frame["A1"].isna().tolist() == [True, False]


def test_labels_beat_blank_in_a_survey(read_answers):
    """The same text under both: the label is the nearer word."""
    columns = UNIT | {"labels": {"KTL": 3}, "blank": {"A1": ["KTL"]}}
    assert read_answers("unit,A1,A2,D1\nso-a,KTL,4,3\n", columns=columns).frame["A1"].item() == 3


def test_a_label_and_a_blank_of_one_entry_contradict_each_other(refused):
    """Both say what a text of this file is."""
    entry = {"file": "answers.csv", "blank": ["Tốt "], "labels": {"tốt": 4}}
    error = refused("unit,A1,A2,D1\nso-a,5,4,3\n", ConfigError, responses=[entry])
    assert error.message_id == "wave_label_blank"


def test_own_words_are_counted_and_never_written_down(read_answers):
    """The ledger has the row and what it became, not what the person wrote."""
    text = "unit,A1,A2,D1,sex\nso-a,5,4,3,tôi bị bệnh X\nso-b,1,2,3,M\nso-b,1,2,4,nữ\n"
    columns = UNIT | {"recode": {"sex": {"M": "Nam", "*": "other"}}}
    survey = read_answers(text, columns=columns)
    assert survey.frame["sex"].tolist() == ["other", "male", "female"]
    assert survey.ledger[["row", "found", "became", "reason"]].to_numpy().tolist() == [
        [2, "", "other", "other"],
        [3, "M", "male", "recoded"],
        [4, "nữ", "female", "label"],
    ]
    assert "bệnh" not in survey.ledger.to_csv() + survey.frame.to_csv()
    assert survey.instrument.indicators["sex"].levels["other"].vi == "Khác"


def test_an_item_may_be_recoded_in_one_file(read_answers, make_wave):
    """One office turned the scale of one question."""
    make_wave().with_name("b.csv").write_text("unit,A1,A2,D1\nso-b,1,2,3\n", "utf-8")
    turned = {"columns": {"recode": {"A1": {"1": "5", "5": "1"}}}}
    responses = [{"file": "answers.csv"}, {"file": "b.csv", **turned}]
    survey = read_answers("unit,A1,A2,D1\nso-a,1,2,3\n", responses=responses)
    assert survey.frame["A1"].tolist() == [1, 5]


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("column", "recode", "value"),
    [("sex", {"": "Nam"}, "male"), ("A1", {"": "3"}, 3), ("GT", {"zz": "khác"}, "other")],
)
def test_a_recode_may_name_a_blank_or_add_the_choice_other(read_answers, column, recode, value):
    """The user's word wins; a question without *other* gets that choice."""
    columns = UNIT | {"indicators": {"sex": "GT"}, "recode": {column: recode}}
    [text] = recode
    cells = ["", "", "4"] if column == "A1" else ["5", text, "4"]
    survey = read_answers(f"unit,A1,GT,A2,D1\nso-a,{','.join(cells)},3\n", columns=columns)
    assert survey.frame["A1" if column == "A1" else "sex"].item() == value


def test_a_blank_code_of_a_day_is_blank(read_answers):
    """Also a column with a role may have codes for no answer."""
    columns = UNIT | {"date": "d", "blank": {"d": ["không rõ"]}}
    text = "unit,d,A1,A2,D1\nso-a,Không rõ,5,4,3\nso-a,15/3/2024,5,4,2\n"
    survey = read_answers(text, columns=columns)
    assert survey.frame["date"].fillna("").tolist() == ["", "2024-03-15"]
    assert survey.ledger["reason"].tolist() == ["blank_code"]


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("recode", [{"sex": {"M": "Namm"}}, {"A1": {"x": "6"}}, {"A1": {"x": ""}}])
def test_a_recode_that_leads_nowhere_is_refused(refused, recode):
    """Its target is no level and no choice."""
    error = refused(
        "unit,A1,A2,D1,sex\nso-a,5,4,3,Nam\n", ConfigError, columns=UNIT | {"recode": recode}
    )
    assert error.message_id == "recode"


def test_a_recode_of_a_column_that_no_file_has_is_refused(refused):
    """With the nearest name."""
    columns = UNIT | {"recode": {"Gới tính": {"M": "Nam"}}}
    error = refused("unit,A1,A2,D1,Giới tính\nso-a,5,4,3,Nam\n", ConfigError, columns=columns)
    assert error.message_id == "names_absent"


def test_a_choice_without_its_marks_is_proposed_as_a_recode(refused):
    """KoboToolbox: names of choices in an XLSForm have no marks."""
    error = refused("unit,A1,A2,D1,sex\nso-a,5,4,3,nu\nso-a,5,4,3,nam\n", AnswerError)
    assert 'recode: {sex: {"nu": female}}' in error.text("vi")


def test_a_text_that_is_no_choice_is_never_quoted_as_a_recode(refused):
    """It may be words of a person."""
    error = refused("unit,A1,A2,D1,sex\nso-a,5,4,3,không rõ\n", AnswerError)
    assert 'recode: {sex: {"…": male}}' in error.text("vi")


def test_ids_that_are_kept_as_a_whole_are_those_that_are_read_as_they_stand():
    """Ids of letters and digits need no reading, unless one of them has a meaning of its own."""
    read = make_word_reader(("999",), {"a1": "Hà Nội"})
    assert read.keeps(["P001", "p002", "17"])
    assert all(read(text) == (text, "", True) for text in ("P001", "p002", "17"))
    for text in ("A1", "999", "", "P-1", " P1", "P1\n", "Đ1", "P", "1a"):
        assert not read.keeps(["P001", text])
    assert not make_word_reader((), {"*": "Khác"}).keeps(["P001"])
