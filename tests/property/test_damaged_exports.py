"""Damage a good export of dossiers in every way that offices know: none is read in silence.

Each damage is refused by place, or the ledger says what became of it, or the dossier is counted
apart. What the damage did not touch is read as before.
"""

import gzip
from collections.abc import Callable

import pandas as pd
import pytest
from conftest import write_wave
from made_exports import make_dossiers, make_movements, survey_of

from sipas_analysis.collect.survey import read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.errors import SeveralError, SipasError
from sipas_analysis.records.office_records import Records, read_records

Frame = pd.DataFrame
STAMPS = ["NgayTiepNhan", "NgayHenTra", "NgayKetThucXuLy", "NgayTra"]


def change(role: str, value: str, *rows: int) -> Callable[[Frame], Frame]:
    """Return a damage: other text in some cells of a column."""

    def damage(frame: Frame) -> Frame:
        frame.loc[[*rows] or [3], role] = value
        return frame

    return damage


def each(role: str, make: Callable[[str], str]) -> Callable[[Frame], Frame]:
    """Return a damage: each cell of a column written otherwise."""

    def damage(frame: Frame) -> Frame:
        frame[role] = frame[role].map(lambda text: make(text) if text else text)
        return frame

    return damage


def as_serial(text: str) -> str:
    """Return a stamp as a spreadsheet counts days."""
    days = pd.to_datetime(text, dayfirst=True) - pd.Timestamp("1899-12-30")
    return repr(days / pd.Timedelta(days=1))


def turn_low_days(text: str) -> str:
    """Write days as a spreadsheet of the United States does: up to the 12th as a date, turned."""
    day, month = text[:2], text[3:5]
    return f"2024-{day}-{month}{text[10:]}" if int(day) <= 12 else text


def month_first(text: str) -> str:
    """Write the month before the day."""
    return f"{text[3:5]}/{text[:2]}{text[5:]}"


REFUSED: dict[str, tuple[Callable[[Frame], Frame], str]] = {
    "unknown state": (change("TrangThaiHoSoId", "17"), "records_word"),
    "unknown channel": (change("KenhThucHien", "qua zalo"), "records_word"),
    "unknown level": (change("MucDo", "mức tám"), "records_word"),
    "unknown unit of time": (change("LoaiThoiGianThucHien", "tuần"), "records_word"),
    "unknown unit": (change("DonViQuanLy", "Sở Z"), "records_unit"),
    "no unit": (change("DonViQuanLy", ""), "records_unit_blank"),
    "no code": (change("MaHoSo", ""), "records_code_blank"),
    "a limit in words": (change("ThoiGianThucHien", "bảy"), "records_limit"),
    "a negative limit": (change("ThoiGianThucHien", "-3"), "records_limit"),
    "no day": (change("NgayTiepNhan", "hôm qua"), "records_stamp"),
    "the 31st of February": (change("NgayTiepNhan", "31/02/2024 08:00:00"), "records_stamp"),
    "hour 25": (change("NgayTiepNhan", "15/03/2024 25:00:00"), "records_stamp"),
    "two digits of the year": (change("NgayTiepNhan", "15/03/24 08:00:00"), "records_stamp"),
    "months first": (each("NgayTiepNhan", month_first), "records_month_first"),
    "turned by a spreadsheet": (each("NgayTiepNhan", turn_low_days), "records_turned"),
    "a column twice": (
        lambda frame: frame.assign(**{"Ngày tiếp nhận": frame["NgayTiepNhan"]}),
        "records_twice",
    ),
    "a column missing": (lambda frame: frame.drop(columns="NgayTiepNhan"), "records_missing"),
    "a year without calendar": (
        each("NgayTiepNhan", lambda text: text.replace("2024", "2011")),
        "calendar_missing_at",
    ),
}
MAY_FOLLOW = ("promise_later", "promise_earlier", "records_default", "label")
TOLD: dict[str, tuple[Callable[[Frame], Frame], str]] = {
    "all stamps at 00:00": (each("NgayTiepNhan", lambda text: text[:10]), "records_midnight"),
    "finished before received": (
        change("NgayKetThucXuLy", "01/03/2024 09:00:00", 8),
        "finished_before_received",
    ),
    "returned before finished": (
        change("NgayTra", "09/03/2024 15:00:00", 8),
        "returned_before_finished",
    ),
    "promised before received": (
        change("NgayHenTra", "01/03/2024 09:00:00", 8),
        "promised_before_received",
    ),
    "submitted after received": (
        lambda frame: frame.assign(NgayNopHoSo="20/03/2024 08:00:00"),
        "received_before_submitted",
    ),
    "promise later than the limit": (
        change("NgayHenTra", "30/03/2024 17:00:00", 0),
        "promise_later",
    ),
    "promise earlier": (change("NgayHenTra", "04/03/2024 17:00:00", 0), "promise_earlier"),
    "promise moved behind a late end": (
        lambda frame: change("NgayTra", "29/03/2024 16:00:00", 0)(
            change("NgayKetThucXuLy", "29/03/2024 15:00:00", 0)(
                change("NgayHenTra", "30/03/2024 17:00:00", 0)(frame)
            )
        ),
        "promise_moved",
    ),
    "no finish of a returned file": (change("NgayKetThucXuLy", "", 5), "finish_missing"),
    "no receipt": (change("NgayTiepNhan", "", 5), "received_missing"),
    "closed and opened again": (change("TrangThaiHoSoId", "4", 5), "reopened"),
    "no state": (change("TrangThaiHoSoId", "", 5), "records_state"),
    "no channel": (change("KenhThucHien", "", 5), "records_default"),
    "a limit without unit": (change("LoaiThoiGianThucHien", "", 5), "limit_without_unit"),
    "a limit of hours and a day without hour": (
        lambda frame: change("NgayTiepNhan", "06/03/2024", 5)(
            change("LoaiThoiGianThucHien", "Giờ", 5)(frame)
        ),
        "hour_unknown",
    ),
    "the day of no day": (change("NgayTra", "01/01/0001 00:00:00", 5), "records_none"),
    "a year far away": (change("NgayTra", "07/03/2204 16:20:00", 5), "stamp_year"),
    "numbers of a spreadsheet": (each("NgayTiepNhan", as_serial), "records_serial"),
    "times of Greenwich": (
        each("NgayTiepNhan", lambda text: f"2024-03-{text[:2]}T01:30:00Z"),
        "records_zoned",
    ),
    "the same row twice": (lambda frame: pd.concat([frame, frame.iloc[[3]]]), "records_copy"),
    "an older row of a file": (
        lambda frame: pd.concat(
            [frame, change("TrangThaiHoSoId", "4")(change("NgayTra", "")(frame.iloc[[3]].copy()))]
        ),
        "records_earlier",
    ),
    "the same code, another unit": (
        lambda frame: pd.concat([frame, frame.iloc[[3]].assign(DonViQuanLy="Sở B")]),
        "versions_differ",
    ),
    "a row of totals": (
        lambda frame: pd.concat(
            [frame, pd.DataFrame([{"MaHoSo": "Tổng cộng", "DonViQuanLy": "SA"}])]
        ).fillna(""),
        "footer",
    ),
    "a column of personal data": (lambda frame: frame.assign(SoDienThoai="0912345678"), "personal"),
    "free text": (lambda frame: frame.assign(GhiChu="gọi lại"), "records_free_text"),
    "names of officials": (each("NguoiDaXuLy", lambda text: f"Trần {text}"), "records_official"),
    "spaces around a word": (change("TenTTHC", "  Thủ tục   0 ", 0), "spelling"),
}


@pytest.fixture
def read(read_answers, tmp_path):
    """Read the records of a wave with these exports."""

    def read_made(dossiers, movements=None, **options) -> Records:
        return read_records(survey_of(read_answers, tmp_path, dossiers, movements, **options))

    return read_made


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The undamaged dossiers alone, and with their movements: read once, to compare with."""

    def read_made(*exports) -> Records:
        folder = tmp_path_factory.mktemp("good")

        def read(answers, **facts):
            return read_survey(read_wave(write_wave(folder, answers, **facts)))

        return read_records(survey_of(read, folder, *exports))

    return read_made(make_dossiers()), read_made(make_dossiers(), make_movements())


def count_lines(records: Records) -> pd.Series:
    """Return the number of lines of the ledger by reason."""
    return records.ledger["reason"].value_counts()


def refuse(read, *exports, **options) -> dict[str, SipasError]:
    """Return the mistakes by id; each says in both languages where it is."""
    with pytest.raises(SipasError) as caught:
        read(*exports, **options)
    errors = caught.value.errors if isinstance(caught.value, SeveralError) else [caught.value]
    assert all(error.text(language) for error in errors for language in ("vi", "en"))
    return {error.message_id: error for error in errors}


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "xlsx", "parquet"])
@pytest.mark.slow
def test_the_undamaged_export_is_read_alike_from_every_kind_of_file(read, ending):
    """Codes, words, stamps and units; names of people stay outside."""
    records = read(make_dossiers(), make_movements(), ending=ending)
    frame = records.dossiers
    assert len(frame) == 24
    assert frame["contradiction"].eq("").all()
    assert frame["unit"].unique().tolist() == ["so-a"]
    assert frame["channel"].value_counts().to_dict() == {"direct": 8, "online": 8, "post": 8}
    assert frame["received"].iloc[4] == pd.Timestamp("2024-03-05 08:30:00")
    assert frame["level"].iloc[0] == "information"
    assert frame["is_mapped"].all()
    assert frame["finished"].isna().sum() == 4
    assert records.movements.shape[0] == 72
    assert count_lines(records)["personal"] == 1
    assert (
        not records.ledger.astype(str)
        .apply(lambda text: text.str.contains("Nguyễn"))
        .any(axis=None)
    )


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", REFUSED)
def test_a_damage_that_changes_what_is_counted_is_refused_by_place(read, name):
    """The error names file, row, column and value, and what to do."""
    damage, message = REFUSED[name]
    errors = refuse(read, damage(make_dossiers()))
    assert [*errors] == [message]
    assert "dossiers.csv" in errors[message].text("vi") or message == "calendar_missing_at"


@pytest.mark.slow
@pytest.mark.parametrize("name", TOLD)
def test_a_damage_that_can_be_read_is_told(read, good, name):
    """The ledger has lines that the undamaged export has not; no dossier is lost."""
    damage, reason = TOLD[name]
    before, after = good[0], read(damage(make_dossiers()))
    told = count_lines(after).sub(count_lines(before), fill_value=0)
    assert told[reason] > 0
    assert {*told.index[told > 0]} <= {reason, *MAY_FOLLOW}
    assert {*after.dossiers["dossier"]} == {*before.dossiers["dossier"]}
    is_apart = after.dossiers["status"] == "contradictory"
    assert is_apart.any() == (reason in {*after.dossiers["contradiction"]})


LINES: dict[str, tuple[Callable[[str], str | bytes], str]] = {
    "a cell too many": (lambda text: text.replace("SA\n", "SA,1\n", 1), "records_lines"),
    "a cell too few": (lambda text: text.replace(",SA\n", "\n", 1), "records_lines"),
    "an open quote": (lambda text: text.replace("H01-24-0003", '"H01-24-0003', 1), "records_lines"),
    "rows between two quotes": (
        lambda text: text.replace("Thủ tục 1", '"Thủ tục 1', 1).replace(
            "H01-24-0003", 'H01-24-0003"', 1
        ),
        "records_lines",
    ),
    "an old code": (
        lambda text: (
            text.replace("Thủ tục", "Th tc").replace("Sở", "S\xdf").encode("latin-1", "replace")
        ),
        "file_encoding",
    ),
    "no rows": (lambda text: text.split("\n")[0] + "\n", "no_rows"),
    "nothing": (lambda text: "", "file_empty"),
    "another header": (lambda text: "Báo cáo tháng 3\n" + text, "records_missing"),
}


@pytest.mark.parametrize("name", LINES)
@pytest.mark.quick_cases(2)
def test_a_damaged_text_is_refused(read, name):
    """A line with other cells, an open quote, an old code, an empty file."""
    damage, message = LINES[name]
    assert [*refuse(read, damage(make_dossiers().to_csv(index=False)))] == [message]


@pytest.mark.slow
def test_a_text_may_be_in_another_code_or_have_another_separator(read):
    """UTF-16, semicolons, a first line that names the separator: the same dossiers."""
    text = make_dossiers().to_csv(index=False)
    semicolons = text.replace(",", ";")
    ways = [text.encode("utf-8-sig"), text.encode("utf-16"), semicolons, f"sep=;\n{semicolons}"]
    for content in [*ways, text.replace(",", "\t"), text.replace("\n", "\r\n")]:
        assert len(read(content).dossiers) == 24
    assert len(read(gzip.compress(semicolons.encode()), ending="csv.gz").dossiers) == 24


@pytest.mark.parametrize("n_rows", [5000, pytest.param(65_536, marks=pytest.mark.slow)])
@pytest.mark.slow
def test_an_export_that_was_cut_is_said(read, n_rows):
    """Programs cut exports at such a number of rows; two rows less say nothing."""
    frame = pd.concat([make_dossiers()] * (n_rows // 24 + 1)).iloc[:n_rows]
    frame["MaHoSo"] = [f"H{number}" for number in range(n_rows)]
    ledger = read(frame, ending="parquet").ledger.set_index("reason")
    assert ledger.loc["records_cap", "found"] == str(n_rows)
    assert "records_cap" not in count_lines(read(frame.iloc[:-2], ending="parquet"))


STAYS: dict[str, tuple[Callable[[Frame], Frame], str]] = {
    "ends before it starts": (
        change("NgayKetThuc", "01/01/2024 08:00:00"),
        "stay_ends_before_start",
    ),
    "no start": (change("NgayBatDau", ""), "stay_without_start"),
    "no end": (change("NgayKetThuc", ""), "stay_end_of_next"),
    "no dossier": (change("MaHoSo", ""), "stay_without_dossier"),
    "a stranger": (change("MaHoSo", "H99"), "stay_of_no_dossier"),
    "a year far away": (change("NgayKetThuc", "01/01/2204 08:00:00"), "stay_year"),
    "the same stay twice": (lambda frame: pd.concat([frame, frame.iloc[[3]]]), "records_copy"),
    "work after the end": (change("NgayKetThuc", "", 2), "stay_end_of_next"),
    "words of one person": (change("LyDo", "Bà Hai gọi điện"), "records_free_text"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", STAYS)
def test_a_damaged_stay_is_told(read, good, name):
    """What is no stay is left out with a line."""
    damage, reason = STAYS[name]
    before = count_lines(good[1])
    after = count_lines(read(make_dossiers(), damage(make_movements())))
    told = after.sub(before, fill_value=0)
    reasons = told[told > 0].index.drop("dossier_of_no_file", errors="ignore")
    assert reasons.tolist() == [reason]


@pytest.mark.slow
def test_a_dossier_with_work_after_its_end_is_apart(read):
    """Closed and opened again: the movements tell, though the dossier says that it is returned."""
    late = make_movements().iloc[[2]].assign(NgayBatDau="20/03/2024 08:00:00", NgayKetThuc="")
    records = read(make_dossiers(), pd.concat([make_movements(), late]))
    apart = records.dossiers[records.dossiers["contradiction"] == "reopened"]
    assert apart["dossier"].tolist() == ["H01-24-0000"]
    assert apart["status"].tolist() == ["contradictory"]
