"""SPSS, Stata and Parquet: labels, codes, missing values and weights that such files carry."""

import zipfile
from datetime import date, datetime
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import pyreadstat
import pytest
import yaml
from conftest import PACK
from conftest import UNITS as UNITS_CSV

from sipas_analysis.collect.headers import list_names, recognise_header
from sipas_analysis.collect.survey import read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.draft.wave_file import draft_wave
from sipas_analysis.errors import AnswerError, ColumnError, FileError
from sipas_analysis.instrument.pack import read_instrument
from sipas_analysis.sheets.reader import read_sheet

LEVELS = {
    1.0: "Rất không hài lòng",
    2.0: "Không hài lòng",
    3.0: "Bình thường",
    4.0: "Hài lòng",
    5.0: "Rất hài lòng",
}
FRAME = pd.DataFrame(
    {
        "so_phieu": ["P1", "P2", "P3"],
        "don_vi": [1.0, 1.0, 2.0],
        "q1": [5.0, 9.0, 4.0],
        "q2": [4.0, np.nan, 1.0],
        "q3": [3.0, 2.0, 5.0],
        "ngay": [datetime(2024, 3, 5, 14, 23, 11), datetime(2024, 3, 6), datetime(2024, 3, 7)],
        "trong_so": [1.25, 0.75, 1.0],
    }
)
UNITS = {1.0: "Sở A", 2.0: "Sở B"}
LABELS = ["", "Đơn vị", "Nơi ngồi chờ có đủ chỗ ngồi", "Trang thiết bị hiện đại"]
LABELS += ["Kết quả đúng quy định", "Ngày khảo sát", "Trọng số"]


@pytest.fixture
def write_sav(tmp_path):
    """Write an SPSS file; ``labels`` are value labels by variable."""

    def to(frame=FRAME, labels=None, weight=0, name="forms.sav", **options):
        path = tmp_path / name
        labels = {"q1": LEVELS, "don_vi": UNITS} if labels is None else labels
        options = {"column_labels": LABELS, "missing_ranges": {"q1": [9]}} | options
        pyreadstat.write_sav(frame, str(path), variable_value_labels=labels, **options)
        if weight:  # the place of the weight variable, counted in words of eight bytes
            content = bytearray(path.read_bytes())
            content[76:80] = weight.to_bytes(4, "little")
            path.write_bytes(content)
        return path

    return to


def column(sheet, name):
    return [row[sheet.rows[0].index(name)] for row in sheet.rows[1:]]


def test_a_value_is_its_label(write_sav):
    """The label says which way the scale runs; a variable without labels has its codes."""
    sheet = read_sheet(write_sav())
    assert column(sheet, "q1") == ["Rất hài lòng", "", "Hài lòng"]
    assert column(sheet, "q2") == ["4", "", "1"]
    assert column(sheet, "don_vi") == ["Sở A", "Sở A", "Sở B"]
    assert column(sheet, "ngay") == ["2024-03-05 14:23:11", "2024-03-06", "2024-03-07"]
    assert column(sheet, "trong_so") == ["1.25", "0.75", "1"]


def test_the_codes_are_read_if_the_wave_says_so(write_sav):
    """``sheet: codes``."""
    sheet = read_sheet(write_sav(), "codes")
    assert column(sheet, "q1") == ["5", "", "4"]
    assert column(sheet, "don_vi") == ["1", "1", "2"]


def test_two_codes_with_one_label_stay_apart(write_sav):
    """Else two levels would become one."""
    labels = {"q3": {2.0: "Khác", 3.0: "Khác", 5.0: "Tốt"}}
    assert column(read_sheet(write_sav(labels=labels)), "q3") == ["3", "2", "5"]


@pytest.mark.parametrize(
    ("labels", "texts"),
    [
        ({1: "Rất không hài lòng", 5: "Rất hài lòng"}, ["3", "2", "5"]),
        ({0: "Hoàn toàn không hài lòng", 5: "Hoàn toàn hài lòng"}, ["3", "2", "5"]),
        ({1: "Rất kém", 5: "Rất tốt", 9: "Không trả lời"}, ["3", "2", "5"]),
        ({1: "Rất không hài lòng", 3: "Bình thường", 5: "Rất hài lòng"}, ["3", "2", "5"]),
        ({1: "Rất hài lòng", 5: "Rất không hài lòng"}, ["3", "2", "5. Rất không hài lòng"]),
        ({1: "Kiểu A", 5: "Kiểu B"}, ["3", "2", "5. Kiểu B"]),
        ({2: "Không hài lòng", 3: "Bình thường"}, ["Bình thường", "Không hài lòng", "5"]),
        ({1: "Không hài lòng", 5: "Hài lòng"}, ["3", "2", "5. Hài lòng"]),
        ({3: "Không hài lòng", 5: "Hài lòng"}, ["Không hài lòng", "2", "Hài lòng"]),
        ({1: "Nam", 2: "Nữ", 5: "Khác", 6: "Không rõ"}, ["3", "Nữ", "Khác"]),
    ],
)
@pytest.mark.quick_cases(2)
def test_labels_of_the_ends_are_read_as_their_codes(write_sav, labels, texts):
    """Many scales name 1 and 5 only; a label that may run downwards must agree with the pack."""
    labels = {"q3": {float(code): text for code, text in labels.items()}}
    assert column(read_sheet(write_sav(labels=labels)), "q3") == texts


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("scale", [{"low": 1, "high": 5}, {"low": 0, "high": 10}])
def test_a_scale_with_labels_at_its_ends_needs_no_label_in_the_pack(write_sav, make_wave, scale):
    """9 was read, 10 was refused."""
    low, high = float(scale["low"]), float(scale["high"])
    frame = FRAME.assign(q3=[low, high - 1, high], q1=5.0)
    ends = {low: "Hoàn toàn không hài lòng", high: "Hoàn toàn hài lòng", 99.0: "KTL"}
    path = write_sav(frame, labels={"q3": ends}, missing_ranges={"q3": [99]})
    pack = yaml.safe_load(PACK)
    pack["items"]["D1"]["scale"] = {**scale, "satisfied_from": 4}
    columns = {"unit": "don_vi", "form": "so_phieu", "date": "ngay", "weight": "trong_so"}
    facts = {"responses": [{"file": path.name}], "columns": columns}
    units = UNITS_CSV.replace("so-a,", "1,").replace("so-b,", "2,")
    survey = read_survey(read_wave(make_wave(units=units, pack=yaml.safe_dump(pack), **facts)))
    assert survey.frame["D1"].tolist() == [low, high - 1, high]


def test_a_label_of_an_end_that_runs_downwards_is_refused(write_sav, make_wave):
    """Its code is the other end of the pack's scale."""
    labels = {"q3": {1.0: "Rất hài lòng", 5.0: "Rất không hài lòng"}, "don_vi": UNITS}
    columns = {"unit": "don_vi", "form": "so_phieu", "date": "ngay", "weight": "trong_so"}
    path = write_sav(labels=labels, missing_ranges={"q1": [9]})
    wave = read_wave(make_wave(responses=[{"file": path.name}], columns=columns))
    with pytest.raises(AnswerError, match=r"cell E4 \(column “q3”\)"):
        read_survey(wave)


def list_hospital_labels():
    """Return names that are codes of the national questionnaire, with labels of a hospital."""
    pack = read_instrument("qd-2640-2017")
    return {code: f"Buồng bệnh số {at} được dọn sạch" for at, code in enumerate(pack.items)}


def test_a_code_whose_label_asks_something_else_is_refused(write_sav, make_wave):
    """The refusal has both wordings, and what to write if they do ask the same."""
    frame = FRAME.rename(columns={"q1": "A1", "q2": "A2", "q3": "D1"})
    labels = [*LABELS[:2], "Buồng bệnh được dọn sạch hằng ngày", *LABELS[3:]]
    options = {"labels": {"don_vi": UNITS}, "column_labels": labels}
    path = write_sav(frame, missing_ranges={"A1": [9]}, **options)
    columns = {"unit": "don_vi", "form": "so_phieu", "date": "ngay", "weight": "trong_so"}
    facts = {"responses": [{"file": path.name}], "columns": columns}
    with pytest.raises(ColumnError) as caught:
        read_survey(read_wave(make_wave(**facts)))
    for text in ("Buồng bệnh được dọn sạch", "Nơi ngồi chờ có đủ chỗ ngồi", "items: {A1: A1}"):
        assert text in str(caught.value)
    assert "A2" not in str(caught.value)
    facts["columns"] = {**columns, "items": {"A1": "A1"}}
    assert read_survey(read_wave(make_wave(**facts))).frame["A1"].fillna(0).tolist() == [5, 0, 4]


@pytest.mark.parametrize(
    ("label", "target"),
    [
        ("Nơi ngồi chờ có đủ chỗ ngồi", "A1"),
        ("A1. Nơi ngồi chờ có đủ chỗ", "A1"),
        ("Noi ngoi cho du cho ngoi", "A1"),
        ("Chỗ ngồi", "A1"),  # too short to be judged
        ("A1", "A1"),
        ("", "A1"),
        ("Enough seats", "A1"),
        ("Trang thiết bị hiện đại", None),  # the wording of A2
        ("Trang thiết bị của cơ quan hiện đại", None),
        ("Thầy cô giảng bài dễ hiểu", None),
    ],
)
def test_a_label_may_be_short_or_old_and_may_not_ask_something_else(tmp_path, label, target):
    """A name that is a code is recognised together with its label."""
    (tmp_path / "pack.yaml").write_text(PACK, "utf-8")
    names = list_names(read_instrument(tmp_path / "pack.yaml"))
    assert recognise_header("A1", names, label) == (("items", target) if target else None)


@pytest.mark.slow
def test_the_draft_does_not_take_codes_for_a_questionnaire_of_other_labels(write_sav, tmp_path):
    """A pack is drafted from the labels, and the one with the same codes is named."""
    labels = list_hospital_labels()
    frame = pd.DataFrame({code: [1.0, 2.0, 3.0, 4.0, 5.0] * 8 for code in [*labels][:15]})
    options = {"labels": {}, "missing_ranges": {}, "column_labels": [*labels.values()][:15]}
    draft = draft_wave([write_sav(frame, **options)], tmp_path, "vi")
    assert draft.choice.unlike == "qd-2640-2017"
    assert draft.pack.items["A1"].vi == "Buồng bệnh số 0 được dọn sạch"
    assert not draft.choice.nearest


@pytest.mark.slow
def test_a_pack_without_wordings_does_not_win_by_its_codes(write_sav, tmp_path):
    """One label differs: hospitals have all the codes, the labels are those of offices."""
    items = read_instrument("qd-2640-2017").items
    labels = {code: f"{code}. {item.vi}" for code, item in items.items()}
    labels |= {"E2": "Tôi gặp khó khăn khi góp ý, phản ánh, kiến nghị", "stt": "Số thứ tự phiếu"}
    frame = pd.DataFrame({code: [1.0, 2.0, 3.0, 4.0, 5.0] * 2 for code in labels})
    options = {"labels": {}, "missing_ranges": {}, "column_labels": [*labels.values()]}
    draft = draft_wave([write_sav(frame, **options)], tmp_path, "vi")
    assert (draft.pack.id, draft.list_left("unknown")) == ("qd-2640-2017", ["E2"])
    assert draft.list_left("system") == ["stt"]


@pytest.mark.slow
def test_labels_are_the_wordings_of_a_drafted_pack(write_sav, tmp_path):
    """With the levels of a scale of 0 to 10 on the whole, and profile questions in words."""
    names = [f"c{at}" for at in range(1, 5)]
    frame = pd.DataFrame({name: [1.0, 2.0, 4.0, 5.0] * 10 for name in names})
    frame = frame.assign(c9=[2.0, 7.0, 9.0, 10.0] * 10, gt=[1.0, 2.0] * 20, ten="Nguyễn Văn A")
    agreement = {1.0: "Rất không đồng ý", 2.0: "Không đồng ý", 4.0: "Đồng ý", 5.0: "Rất đồng ý"}
    labels = {**dict.fromkeys(names, agreement), "gt": {1.0: "Nam", 2.0: "Nữ"}}
    labels["c9"] = {0.0: "Hoàn toàn không hài lòng", 10.0: "Hoàn toàn hài lòng"}
    texts = [f"Câu {at}. Nơi tiếp nhận {at} sạch sẽ" for at in range(1, 5)]
    texts += ["Câu 9. Nhìn chung, Ông/Bà hài lòng ở mức nào (0-10)", "Giới tính", "Họ và tên"]
    path = write_sav(frame, labels=labels, missing_ranges={}, column_labels=texts)
    draft = draft_wave([path], tmp_path, "vi")
    pack = draft.pack
    assert {code: item.vi for code, item in pack.items.items()} == {
        name: text.split(". ")[1] for name, text in zip(names, texts, strict=False)
    }
    assert (pack.overall_item.code, pack.overall_item.vi.split(",")[0]) == ("c9", "Nhìn chung")
    assert (pack.overall_item.scale.low, pack.overall_item.scale.high) == (0, 10)
    assert [indicator.vi for indicator in pack.indicators.values()] == ["Giới tính"]
    assert "Nguyễn" not in draft.pack_file.read_text("utf-8")
    assert not draft.choice.nearest


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    ("ranges", "rows"),
    [([9], {3}), ([{"lo": 8, "hi": 99}], {3}), ([{"lo": -9, "hi": -1}, 9], {3}), ([4, 9], {3, 4})],
)
def test_codes_declared_as_missing_are_blank_and_listed(write_sav, ranges, rows):
    """Alone or in a range; the code is kept for the ledger."""
    sheet = read_sheet(write_sav(missing_ranges={"q1": ranges}, labels={}))
    assert {*sheet.missing["q1"]} == rows
    assert sheet.missing["q1"][3] == "9"
    assert column(sheet, "q1")[1] == ""


def test_texts_declared_as_missing_are_blank(write_sav):
    """SPSS knows missing values of texts, too."""
    sheet = read_sheet(write_sav(missing_ranges={"so_phieu": ["P2"]}))
    assert sheet.missing == {"so_phieu": {3: "P2"}}
    assert column(sheet, "so_phieu") == ["P1", "", "P3"]


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    ("weight", "name"), [(0, ""), (7, "trong_so"), (3, "q1"), (1, "so_phieu"), (99, "")]
)
def test_the_weight_variable_is_known(write_sav, weight, name):
    """SPSS keeps the weight switched on in the header of the file."""
    assert read_sheet(write_sav(weight=weight)).weight == name


def test_a_weight_behind_a_long_text_is_known(write_sav):
    """The header counts words of eight bytes, not variables."""
    frame = FRAME.assign(so_phieu=["x" * 20, "y", "z"])
    assert read_sheet(write_sav(frame, weight=3 + 6)).weight == "trong_so"


def test_a_compressed_file_of_spss_is_read(write_sav):
    """.zsav"""
    path = write_sav(name="forms.zsav", compress=True)
    assert column(read_sheet(path), "q1") == ["Rất hài lòng", "", "Hài lòng"]


def test_stata_files_are_read(tmp_path):
    """Value labels, and letters for missing values (.a to .z)."""
    frame = FRAME.assign(q1=[5, 3, 4], q3=pd.Series([3, "a", 5], dtype=object))
    path = tmp_path / "forms.dta"
    pyreadstat.write_dta(
        frame,
        str(path),
        column_labels=LABELS,
        variable_value_labels={"q1": {int(code): text for code, text in LEVELS.items()}},
        missing_user_values={"q3": ["a"]},
    )
    sheet = read_sheet(path)
    assert column(sheet, "q1") == ["Rất hài lòng", "Bình thường", "Hài lòng"]
    assert column(sheet, "q3") == ["3", "", "5"]
    assert sheet.missing == {"q3": {3: "a"}}
    assert sheet.labels["q1"] == "Nơi ngồi chờ có đủ chỗ ngồi"


@pytest.mark.parametrize("version", [8, 10, 12, 13, 14, 15])
def test_old_versions_of_stata_are_known_by_their_content(tmp_path, version):
    """Up to version 12 the file starts with a number, later with a word."""
    path = tmp_path / "forms.dta"
    pyreadstat.write_dta(FRAME[["q1", "q3"]].fillna(1), str(path), version=version)
    assert column(read_sheet(path), "q3") == ["3", "2", "5"]


def test_variables_are_recognised_by_their_label(write_sav, make_wave):
    """``q1`` says nothing, its label is the wording of the first question."""
    columns = {"unit": "don_vi", "form": "so_phieu", "date": "ngay", "weight": "trong_so"}
    path = make_wave(responses=[{"file": write_sav().name}], columns=columns)
    survey = read_survey(read_wave(path))
    assert survey.frame["A1"].fillna(0).tolist() == [5, 0, 4]
    assert survey.frame["D1"].tolist() == [3, 2, 5]
    assert survey.frame["weight"].tolist() == [1.25, 0.75, 1.0]
    missing = survey.ledger[survey.ledger["reason"] == "declared_missing"]
    assert missing[["row", "column", "found"]].to_numpy().tolist() == [[3, "q1", "9"]]


def test_a_weight_that_nobody_names_stops_the_run(write_sav, read_answers):
    """A file weighted in SPSS is not read unweighted in silence."""
    facts = {"columns": {"unit": "don_vi", "form": "so_phieu", "date": "ngay"}}
    with pytest.raises(ColumnError, match="trong_so"):
        read_answers(responses=[{"file": write_sav(weight=7).name}], **facts)


def test_the_weight_variable_is_proposed(write_sav, make_wave):
    """`sipas init` writes the role, whatever the name of the variable."""
    frame = FRAME.rename(columns={"trong_so": "hs"})
    path = write_sav(frame, weight=7)
    make_wave().unlink()
    folder = path.parent / "new"
    folder.mkdir()
    (folder / "pack.yaml").write_bytes((path.parent / "pack.yaml").read_bytes())
    draft = draft_wave([path], folder, "vi", str(folder / "pack.yaml"))
    assert "weight: hs" in draft.wave.read_text("utf-8")


def test_parquet_is_read_as_text(tmp_path):
    """Whole numbers without decimals, days, hours; a text stays as it is; nothing is blank."""
    path = tmp_path / "phieu[1].parquet"
    table = pd.DataFrame(
        {
            'a "b"': [5.0, np.nan, 4.5],
            "text": ["1.0", None, "2024-03-05 00:00:00"],
            "day": [date(2024, 3, 5), None, date(2024, 3, 6)],
            "time": [datetime(2024, 3, 5, 14, 23, 11), datetime(2024, 3, 6), None],
            "whole": [1, 2, 3],
            "large": [1e20, 1.234, -0.0],
            "money": [Decimal("5.00"), Decimal("1.50"), None],
            "yes": [True, False, True],
        }
    )
    duckdb.from_df(table).write_parquet(str(path))
    (tmp_path / "phieu1.parquet").write_bytes(b"PAR1 is not this file")
    assert read_sheet(path).rows == [
        ['a "b"', "text", "day", "time", "whole", "large", "money", "yes"],
        ["5", "1.0", "2024-03-05", "2024-03-05 14:23:11", "1", "1e+20", "5", "true"],
        ["", "", "", "2024-03-06", "2", "1.2340", "1.50", "false"],
        ["4.5", "2024-03-05 00:00:00", "2024-03-06", "", "3", "0", "", "true"],
    ]


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("name", ["forms.sav", "forms.dta", "forms.parquet"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_damaged_data_file_is_refused(tmp_path, write_sav, name, share):
    """Whatever the library raises becomes a sentence."""
    path = tmp_path / name
    if name == "forms.sav":
        write_sav()
    elif name == "forms.dta":
        pyreadstat.write_dta(FRAME[["q1", "q3"]].fillna(1), str(path))
    else:
        duckdb.from_df(FRAME).write_parquet(str(path))
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(FileError, match="must be readable"):
        read_sheet(path)


@pytest.mark.parametrize("at", [181, 182])
def test_a_file_that_ends_the_process_is_refused(write_sav, at):
    """The width of the first variable is wrong: the library reads beyond its memory."""
    path = write_sav(FRAME[["q1", "q3"]], labels={"q1": LEVELS}, column_labels=LABELS[2:4])
    content = bytearray(path.read_bytes())
    content[at] = 1
    path.write_bytes(content)
    with pytest.raises(FileError, match="must be readable"):
        read_sheet(path)


def write_zip(path, texts):
    with zipfile.ZipFile(path, "w") as parts:
        for name, text in texts.items():
            parts.writestr(name, text)
    return path


def test_a_packed_text_file_is_read(tmp_path):
    """Google Forms sends .csv.zip; a Macintosh adds a folder of its own."""
    texts = {"Phiếu.csv": "A1,A2\n5,4\n", "__MACOSX/._Phiếu.csv": "\x00\x05"}
    path = write_zip(tmp_path / "Phiếu.csv.zip", texts)
    assert read_sheet(path).rows == [["A1", "A2"], ["5", "4"]]


def test_of_several_packed_texts_one_is_named(tmp_path):
    """The name of the text stands in the place of a sheet."""
    texts = {"so-a.csv": "A1\n5\n", "so-b.csv": "A1\n3\n"}
    path = write_zip(tmp_path / "forms.zip", texts)
    assert read_sheet(path, "so-b.csv").rows == [["A1"], ["3"]]
    for sheet in ("", "so-c.csv"):
        with pytest.raises(FileError, match=r"so-a\.csv, so-b\.csv"):
            read_sheet(path, sheet)


def test_packed_workbooks_are_unpacked_first(tmp_path):
    """An archive of other files is named as such."""
    path = write_zip(tmp_path / "forms.zip", {"so-a.xlsx": "x", "so-b.csv": "A1\n"})
    with pytest.raises(FileError, match="an archive of other files"):
        read_sheet(path)
