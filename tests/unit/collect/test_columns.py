"""Columns: names as offices and form services write them; what is proposed, dropped or refused."""

import re
import unicodedata

import pytest

from sipas_analysis.collect.columns import place_columns, propose_items
from sipas_analysis.collect.headers import list_names, recognise_header
from sipas_analysis.collect.likeness import find_nearest_name
from sipas_analysis.collect.responses import Columns
from sipas_analysis.errors import ColumnError, ConfigError, UnitError
from sipas_analysis.instrument.pack import read_instrument

PACK = read_instrument("qd-2640-2017")
NAMES = list_names(PACK)
TEXT = {code: item.vi for code, item in PACK.items.items()}
ANSWERS = "unit,A1,A2,D1\nso-a,5,4,3\nso-b,4,4,1\n"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("nhom1/A1", "A1"),
        ("phan_a/nhom_1/C6", "C6"),
        (f"Nhóm 1: Tiếp cận/{TEXT['A1']}", "A1"),  # the wording has a sign of groups itself
        (f"g/Nhóm 1/{TEXT['B4']}", "B4"),
        (f"NHOM[A1]. [{TEXT['A1']}]", "A1"),
        (f"Câu 5 [A1. {TEXT['A1']}]", "A1"),
        ("**A1.** Chỗ ngồi", "A1"),
        ("A1[SQ001]", "A1"),
        ("A1 [Nơi ngồi chờ]", "A1"),
        ("NHOM[B3]", "B3"),
        ("[A1] Chỗ ngồi", "A1"),
        ("Câu A1", "A1"),
        ("Câu A1.", "A1"),
        ("câu hỏi a1: chỗ ngồi", "A1"),
        ("Question A1", "A1"),
        ("A1. Ông/bà thấy chỗ ngồi thế nào?", "A1"),
        ("A1: chỗ ngồi", "A1"),
        ("A1 - chỗ ngồi", "A1"),
        ("A1) chỗ ngồi", "A1"),
        ("(A1) chỗ ngồi", "A1"),
        ("A1/ chỗ ngồi", "A1"),
        ("A1 chỗ ngồi", "A1"),
        ("A1_cho_ngoi", "A1"),
        ("nhom/A1. chỗ ngồi", "A1"),
        ("<p><b>A1.</b> Chỗ ngồi</p>", "A1"),
        (f"Câu 5 [{TEXT['C1']}]", "C1"),
        (f"Câu 5. Đánh giá [{TEXT['C1']}]", "C1"),
        (f"7. {TEXT['B3']}", "B3"),
        (f"I.7. {TEXT['B3']}", "B3"),
        (f"a) {TEXT['B4']}", "B4"),
        (f"- {TEXT['B4']}", "B4"),
        (f"1/ {TEXT['B4']}", "B4"),
        (f"{TEXT['D2']} *", "D2"),
        (f"  {TEXT['D2'].upper()}. ", "D2"),
        (unicodedata.normalize("NFD", TEXT["E2"]), "E2"),
        (f"A1. {TEXT['C2']}", "C2"),  # the wording is what was asked
        (f"16. {TEXT['D1']}", "D1"),  # ends with a bracket of its own
        ("1. Giới tính:", "sex"),
    ],
)
def test_a_code_or_wording_is_found(header, code):
    """Behind a group, in and before brackets, after Câu or a number, before other words."""
    target = recognise_header(header, NAMES)
    assert target is not None
    assert target[1] == code


@pytest.mark.parametrize(
    "header",
    [
        "Câu 5",
        "5. Thái độ của công chức",
        "Q5",
        "A10",
        "A1.1 chỗ ngồi",
        "A1 [Khác]",
        "A1[comment]",
        "A1_other",
        "A1. Ghi chú: khác",
        "A1 - lý do chưa hài lòng",
        "Ghi chú A1",
        "Bảng A1",
        "Bảng: A1",
        "Question time: A1",
        "A1Time",
        f"[{TEXT['A1']}] [{TEXT['A2']}]",
        "A1. Công chức lắng nghe ý kiến của người dân",  # its words are those of C2
        "A2. Trang thiết bị phục vụ người dân hiện đại hơn",  # its words are those of A3
        "C2. A1",
        "/".join("abcdefghij" * 6),  # read in no time
    ],
)
def test_a_header_of_two_meanings_or_none_is_left_to_the_user(header):
    """A number is no code, a remark no answer, a code with words of another item unclear."""
    assert recognise_header(header, NAMES) is None


def test_a_question_of_the_opposite_direction_is_left_to_the_user():
    """A negation turns a word for the bad; neither a question tag nor a group does."""
    opposite = ("Tôi gặp khó khăn khi góp ý, phản ánh, kiến nghị", "Hard to make remarks")
    questions = ("Không gặp khó khăn khi góp ý, phản ánh", "Có dễ dàng góp ý không?", "Không gian")
    for label in (*opposite, *questions):
        targets = {recognise_header("e2", NAMES, label), recognise_header(f"E2. {label}", NAMES)}
        assert targets == {None if label in opposite else ("items", "E2")}, label
    assert recognise_header("Khó khăn, vướng mắc/E2. Góp ý", NAMES) == ("items", "E2")
    assert all(recognise_header(item.vi, NAMES) for item in PACK.items.values())


def test_an_opposite_question_is_refused_until_it_is_confirmed(read_answers):
    """It is not proposed as an old wording; with ``recode`` the high answer is the bad one."""
    header = "A1. Khó tìm được nơi ngồi chờ có đủ chỗ ngồi"
    answers = f"unit,{header},A2,D1\nso-a,5,4,3\nso-b,5,4,1\n"
    with pytest.raises(ColumnError) as caught:
        read_answers(answers)
    assert caught.value.message_id == "columns_unlike"
    assert 'recode: {A1: {"1": 5, "2": 4, "3": 3, "4": 2, "5": 1}}' in caught.value.text("vi")
    facts = {"unit": "unit", "items": {"A1": header}, "recode": {"A1": {"5": "1"}}}
    assert read_answers(answers, columns=facts).frame["A1"].tolist() == [1, 1]


def test_a_number_before_other_words_is_no_code():
    """The codes of qd-1001 are numbers, and so is the numbering of any questionnaire."""
    names = list_names(read_instrument("qd-1001-2023"))
    assert recognise_header("12", names) == ("items", "12")
    assert [recognise_header(f"{sign}12. Giảng viên", names) for sign in ("", "Câu ")] == [None] * 2
    assert recognise_header("Câu 12", names) is None


SERVICES = {
    "kobo": "start end today deviceid username __version__ _id _uuid _submission_time "
    "_validation_status _notes _status _submitted_by _tags _index meta/instanceID formhub/uuid",
    "limesurvey": "id submitdate lastpage startlanguage seed startdate datestamp ipaddr refurl "
    "interviewtime groupTime12",
    "limesurvey-text": "Response ID|Date submitted|Last page|Start language|Seed|Date started|"
    "Date last action|IP address|Referrer URL|Total time|Group time: Phần 1|Question time: A1",
    "limesurvey-both": "id. Response ID|submitdate. Date submitted|lastpage. Last page|seed. Seed",
    "qualtrics": "StartDate EndDate Status IPAddress Progress Finished RecordedDate ResponseId "
    "RecipientLastName RecipientFirstName RecipientEmail ExternalReference LocationLatitude "
    "LocationLongitude DistributionChannel UserLanguage Q_RecaptchaScore",
    "qualtrics-text": "Start Date|End Date|Response Type|IP Address|Duration (in seconds)|"
    "Recorded Date|Recipient Email|External Data Reference|Distribution Channel|User Language",
    "ms-forms": "ID|Start time|Completion time|Email|Name|Last modified time|Language",
    "ms-forms-vi": "ID|Thời gian bắt đầu|Thời gian hoàn thành|Email|Tên|Ngôn ngữ",
    "google": "Dấu thời gian|Địa chỉ email|Tên người dùng|Điểm số",
    "google-en": "Timestamp|Email Address|Username|Score",
    "surveymonkey": "Respondent ID|Collector ID|Date Created|Date Modified|IP Address|First Name",
    "offices": "STT|TT|Số TT|Stt.|No.|Số thứ tự|Ghi chú",
}


@pytest.mark.parametrize("service", SERVICES)
def test_columns_of_form_services_are_known(service):
    """Dropped by name if the wave does not use them; no column of answers is."""
    text = SERVICES[service]
    headers = text.split("|") if "|" in text else text.split()
    placed = place_columns([*headers, "Nơi ở", "Q7", "Q_1", "Thời gian chờ"], Columns(), PACK)
    assert placed.unknown == ["Nơi ở", "Q7", "Q_1", "Thời gian chờ"]
    assert sorted(placed.system + placed.personal) == sorted(headers)


def test_a_column_that_the_user_names_is_used():
    """Whatever the program would make of its name."""
    columns = Columns(keys={"noi": "Địa chỉ"}, date="_submission_time", items={"A1": "Email"})
    placed = place_columns(["Địa chỉ", "_submission_time", "Email", "SĐT"], columns, PACK)
    assert placed.keys == {"noi": "Địa chỉ"}
    assert placed.roles == {"date": "_submission_time"}
    assert placed.items == {"A1": "Email"}
    assert placed.personal == ["SĐT"]


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("ignore", ["rest", ["rest"], ["Nơi ở", "rest"]])
def test_the_rest_may_be_ignored_and_is_written_down(read_answers, ignore):
    """One word for a file with many columns that nobody needs."""
    columns = {"unit": "unit", "ignore": ignore}
    text = "unit,A1,A2,D1,Nơi ở,Thu nhập,SĐT\nso-a,5,4,3,x,y,z\nso-b,4,4,1,x,y,z\n"
    ledger = read_answers(text, columns=columns).ledger
    assert ledger[["column", "reason"]].to_numpy().tolist() == [
        ["SĐT", "personal"],
        ["Nơi ở", "ignored"],
        ["Thu nhập", "ignored"],
    ]


def test_a_header_that_repeats_is_named_with_both_letters(make_wave, read_answers):
    """A question deleted and asked again; each half may be joined, or one be ignored."""
    text = "unit,A1,A2,D1,A1\nso-a,5,4,3,\nso-b,,4,1,2\n"
    with pytest.raises(ColumnError, match="A1 has 2, in columns B, E") as caught:
        read_answers(text)
    assert 'join: {A1: ["A1", "A1 (E)"]}' in str(caught.value)
    joined = {"unit": "unit", "join": {"A1": ["A1", "A1 (E)"]}}
    assert read_answers(text, columns=joined).frame["A1"].tolist() == [5, 2]
    first = read_answers(text, columns={"unit": "unit", "ignore": ["A1 (E)"]})
    assert first.frame["A1"].isna().tolist() == [False, True]


def test_a_header_of_remarks_may_repeat(read_answers):
    """Named once under ``ignore:``, it is ignored each time."""
    text = "unit,A1,Nơi ở,A2,D1,Nơi ở\nso-a,5,x,4,3,y\nso-b,4,x,4,1,y\n"
    survey = read_answers(text, columns={"unit": "unit", "ignore": ["Nơi ở"]})
    assert list(survey.ledger["column"]) == ["Nơi ở", "Nơi ở (F)"]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("Công chức hướng dẫn kê khai hồ sơ tận tình", "C4"),
        ("Nơi ngồi chờ tại cơ quan có đủ chỗ ngồi", "A1"),
        ("Thời hạn giải quyết là đúng quy định", "B5"),
        ("Noi ngoi cho tai co quan co du cho ngoi", "A1"),
        ("12. Công chức trả lời đầy đủ các ý kiến", "C3"),
        ("Trang thiết bị đầy đủ", "A2"),
        ("Thành phần hồ sơ là đúng quy định", "B3"),
        ("Phí, lệ phí là đúng quy định", "B4"),
        ("Xử lý tích cực các góp ý, phản ánh, kiến nghị", "E3"),
        ("Công chức giao tiếp lịch sự", "C1"),
        ("Nơi ở của ông/bà", ""),
        ("Trang thiết bị phục vụ người dân", ""),  # A2, A3 or A4
        ("Ý kiến khác", ""),
    ],
)
def test_an_old_wording_is_proposed_where_one_item_is_clearly_nearest(header, code):
    """Proposed only: nothing is read from the column before the user says so."""
    placed = place_columns([header], Columns(), PACK)
    assert placed.items == {}
    assert propose_items(placed, PACK) == ({code: header} if code else {})


def test_long_headers_that_begin_alike_are_shown_with_their_ends(read_answers):
    """Columns of one question of KoboToolbox with labels."""
    question = "Thông tin chung/Ông/Bà thuộc nhóm nào trong các nhóm sau"
    text = f"unit,A1,A2,D1,{question}/Hộ nghèo,{question}/Người có công\nso-a,5,4,3,x,y\n"
    with pytest.raises(ColumnError) as caught:
        read_answers(text)
    shown = re.findall("“([^”]*)”", caught.value.text("vi"))
    assert [text.rpartition("/")[2] for text in shown[:2]] == ["Hộ nghèo", "Người có công"]
    assert all(len(text) <= 40 and text.startswith("Thông tin chung/") for text in shown[:2])


def test_the_check_says_which_item_a_column_reads_like(read_answers):
    """A line to be copied, and no second mistake for the item that it would fill."""
    text = "unit,Nơi ngồi chờ đủ chỗ,A2,D1,Nơi ở\nso-a,5,4,3,x\n"
    with pytest.raises(Exception, match='A1: "Nơi ngồi chờ đủ chỗ"') as caught:
        read_answers(text)
    errors = caught.value.errors
    assert [error.message_id for error in errors] == ["columns_unknown", "columns_near"]
    assert [place.letter for error in errors for place in error.places] == ["E", "B"]


UNITS = [
    "Sở Lao động - Thương binh và Xã hội",
    "Sở Hòa Bình",
    "UBND thành phố Long Xuyên",
    "Sở Công Thương",
    "Ủy ban nhân dân huyện Chợ Mới",
    "Phường 1",
    "12",
]


@pytest.mark.parametrize(
    ("written", "unit"),
    [
        ("Sở LĐTBXH", 0),
        ("Sở LĐ-TB&XH", 0),
        ("LĐTBXH", 0),
        ("Sở Hoà Bình", 1),
        ("so hoa binh", 1),
        ("TP. Long Xuyên", 2),
        ("TP Long Xuyen", 2),
        ("Thành phố Long Xuyên", 2),
        ("SCT", 3),
        ("Sở Công thươg", 3),
        ("UBND huyện Chợ Mới", 4),
        ("Uỷ ban nhân dân huyện Chợ Mới", 4),
        ("Huyện Chợ Mới", 4),
        ("P. 1", 5),
        ("12.0", 6),
        ("Phường 2", None),
        ("Sở Xây dựng", None),
        ("13", None),
    ],
)
def test_the_nearest_unit_is_proposed(written, unit):
    """Tone marks, short forms, UBND, 1.0, a missing letter; another number is another unit."""
    assert find_nearest_name(written, UNITS) == ("" if unit is None else UNITS[unit])


def test_an_unknown_unit_is_refused_with_the_nearest(read_answers):
    """Never merged in silence, though only the place of a tone mark differs."""
    units = "code,name_vi,group\nso-hoa,Sở Hòa,departments\nso-b,Sở B,departments\n"
    with pytest.raises(UnitError, match="“Sở Hoà” ≈ so-hoa") as caught:
        read_answers("unit,A1,A2,D1\nSở Hoà,5,4,3\nSở B,5,4,1\n", units=units)
    assert "`aliases`" in str(caught.value)
    listed = "code,name_vi,group,aliases\nso-hoa,Sở Hòa,departments,Sở Hoà\n"
    assert len(read_answers("unit,A1,A2,D1\nSở Hoà,5,4,3\n", units=listed).frame) == 1


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"columns": {"unit": "unit", "ignore": ["A3"]}}, "“A3” ≈ “a"),
        ({"columns": {"unit": "unit", "blank": {"Zzz": ["9"]}}}, "“Zzz”"),
        ({"columns": {"unit": "unit", "blank": {"unti": ["9"]}}}, "“unti” ≈ “unit”"),
        ({"columns": {"unit": "unit", "join": {"A1": ["A1", "A1 old"]}}}, "“A1 old”"),
        ({"only": {"Finishd": ["1"]}}, "“Finishd”"),
        ({"leave_out": {"Status": ["x"]}}, "“Status”"),
        (
            {"responses": [{"file": "answers.csv", "columns": {"ignore": ["Ghi chú"]}}]},
            "“Ghi chú”",
        ),
    ],
)
def test_a_name_that_no_file_has_is_refused_with_the_nearest(read_answers, facts, name):
    """A misspelt name would leave codes of no answer among the answers."""
    with pytest.raises(ConfigError, match="at least one file; no file has") as caught:
        read_answers(ANSWERS, **facts)
    assert name in str(caught.value)


def test_a_name_that_one_file_has_is_enough(make_wave, tmp_path, read_answers):
    """Files of a folder differ; an item declared for some files is found by its code in others."""
    (tmp_path / "b.csv").write_text("unit,Câu 1,A2,D1,Nơi ở\nso-a,2,4,3,x\n", "utf-8")
    survey = read_answers(
        ANSWERS,
        responses=[{"file": "answers.csv"}, {"file": "b.csv"}],
        columns={"unit": "unit", "items": {"A1": "Câu 1"}, "ignore": ["Nơi ở"]},
    )
    assert survey.frame["A1"].tolist() == [5, 4, 2]


STATES = "unit,A1,A2,D1,Finished,Status\nso-a,5,4,3,True,IP\nso-b,4,4,1,{finished},{status}\n"


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("finished", "status", "column"), [("False", "IP", "E"), ("True", "Survey Preview", "F")]
)
def test_forms_that_are_not_finished_or_a_test_need_a_word(read_answers, finished, status, column):
    """A form service marks them; counted or not, the wave says so."""
    text = STATES.format(finished=finished, status=status)
    with pytest.raises(ColumnError, match="finished forms from unfinished or test") as caught:
        read_answers(text)
    assert caught.value.places[0].letter == column
    rules = {"only": {"Finished": ["True"]}, "leave_out": {"Status": ["Survey Preview"]}}
    assert len(read_answers(text, **rules).frame) == 1
    columns = {"unit": "unit", "ignore": ["Finished", "Status"]}
    assert len(read_answers(text, columns=columns).frame) == 2


def test_a_state_that_never_varies_needs_no_word(read_answers):
    """All finished: the column is dropped like others of the service."""
    survey = read_answers(STATES.format(finished="True", status="IP"))
    assert set(survey.ledger["reason"]) == {"system"}
    assert len(survey.frame) == 2


def test_only_states_that_are_left_out_are_hinted_at(read_answers):
    """Three texts are listed whole; the fourth is an ellipsis."""
    head = "unit,A1,A2,D1,_validation_status\n"
    texts = ["Approved", "Approved", "Not approved", "On hold", "Later"]
    forms = [f"so-a,5,4,3,{text}\n" for text in texts]
    with pytest.raises(ColumnError, match="Say in wave") as few:
        read_answers(head + "".join(forms[:4]))
    assert '"Approved", "Not approved", "On hold". Say' in few.value.text("en")
    with pytest.raises(ColumnError, match="Say in wave") as many:
        read_answers(head + "".join(forms))
    assert ", …. Say" in many.value.text("en")


def test_a_form_without_a_state_is_a_form(read_answers):
    """A reviewer left one of four without a status: only rules of the wave leave a form out."""
    head = "unit,A1,A2,D1,_validation_status\n"
    forms = [
        f"so-a,5,4,{level},{text}\n" for level, text in zip("3245", ["OK"] * 3 + [""], strict=True)
    ]
    columns = {"unit": "unit", "ignore": ["_validation_status"]}
    assert len(read_answers(head + "".join(forms), columns=columns).frame) == 4
    survey = read_answers(head + "".join(forms), leave_out={"_validation_status": [""]})
    assert len(survey.frame) == 3
