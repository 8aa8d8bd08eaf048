"""All records of a wave: two systems, mapped columns, officials, periods, and what is refused."""

import duckdb
import pandas as pd
import pytest
from made_exports import ANSWERS, make_dossiers, make_movements, survey_of, write_export

import sipas_analysis as sipas
from sipas_analysis.errors import ChangedError, ConfigError, RecordsError, SipasError
from sipas_analysis.records.office_records import read_records


def refuse(read, message, **options):
    """Return the error of exports that cannot be read."""
    with pytest.raises(SipasError) as caught:
        read_records(read(**options))
    assert caught.value.message_id == message
    assert len(caught.value.text("vi")) > 50
    return caught.value


@pytest.fixture
def read(read_answers, tmp_path):
    """Return the survey of a wave with exports: the arguments of ``survey_of``."""
    return lambda *exports, **options: survey_of(read_answers, tmp_path, *exports, **options)


@pytest.mark.slow
def test_the_records_of_the_demo_are_read_whole(demo_2021):
    """Dossiers have a clock, movements a calendar in SQL, petitions and checklists their rows."""
    records = sipas.read_records(demo_2021)
    assert len(records.dossiers) == 20_000
    assert records.dossiers["status"].eq("contradictory").sum() == (
        records.dossiers["contradiction"].ne("").sum()
    )
    assert {path.suffix for path in records.inputs} == {".parquet", ".csv"}
    hours = records.movements.query(
        "m", 'SELECT sum(working_seconds("end") - working_seconds(start)) / 3600 FROM m'
    )
    assert hours.fetchall()[0][0] > 0
    assert len(records.petitions) > 100
    assert len(records.publication) > 100
    assert "20000 dossiers" in str(records)
    assert not records.ledger["found"].isin(records.dossiers["dossier"]).any()


def test_a_wave_without_records_says_how_to_name_them(demo_2023):
    """A refusal with the key and the page that explains it."""
    with pytest.raises(ConfigError) as caught:
        read_records(demo_2023)
    assert "records:" in caught.value.text("en")


@pytest.mark.slow  # the records of the demo are read
def test_two_systems_have_their_own_codes(read, tmp_path):
    """A number means what the entry of its file says; no number of the other system is guessed."""
    codes = [f"B{number}" for number in range(24)]
    write_export(tmp_path / "other.csv", make_dossiers().assign(MaHoSo=codes, DonViQuanLy="Sở B"))
    other = {"file": "other.csv", "codes": {"channel": {"1": "online", "2": "direct"}}}
    error = refuse(read, "records_word", dossiers=["dossiers.csv", other])
    assert {(place.file, place.value) for place in error.places} == {("other.csv", "3")}
    other["codes"]["channel"]["3"] = "post"
    frame = read_records(read(dossiers=["dossiers.csv", other])).dossiers
    channels = frame.groupby("unit", observed=True)["channel"].apply(list)
    assert channels["so-a"][:3] == ["direct", "online", "post"]
    assert channels["so-b"][:3] == ["online", "direct", "post"]
    assert frame["file"].unique().tolist() == ["dossiers.csv", "other.csv"]


@pytest.mark.slow  # the records of the demo are read
def test_units_that_number_their_dossiers_alike_are_refused(read, tmp_path):
    """Else all dossiers of both would be set aside as two versions; a few are a transfer."""
    alike = make_dossiers().assign(DonViQuanLy="Sở B")
    write_export(tmp_path / "other.csv", alike)
    error = refuse(read, "records_code_shared", dossiers=["dossiers.csv", "other.csv"])
    assert {place.file for place in error.places} == {"dossiers.csv", "other.csv"}
    write_export(tmp_path / "other.csv", alike.head(4))
    frame = read_records(read(dossiers=["dossiers.csv", "other.csv"])).dossiers
    assert frame["contradiction"].eq("versions_differ").sum() == 4


@pytest.mark.slow  # the records of the demo are read
def test_other_headers_are_mapped_and_known_ones_found_without_marks(read, tmp_path):
    """``MÃ HỒ SƠ``, ``ma_ho_so`` and a header of the office's own; one unit for a whole file."""
    frame = make_dossiers().rename(
        columns={"MaHoSo": " MÃ HỒ  SƠ", "NgayTiepNhan": "ngay_tiep_nhan", "NgayTra": "Trả lúc"}
    )
    frame["ThoiGianThucHien"], frame["DonViQuanLy"] = "7 ngày làm việc", "Phòng Một"
    frame = frame.drop(columns="LoaiThoiGianThucHien")
    entry = {"file": "dossiers.csv", "unit": "Sở B", "columns": {"returned": "Trả lúc"}}
    dossiers = read_records(read(frame, dossiers=entry)).dossiers
    usual = read_records(read()).dossiers
    same = ["dossier", "received", "returned", "limit", "limit_unit", "due", "status"]
    assert dossiers[same].astype(str).equals(usual[same].astype(str))
    assert dossiers["unit"].eq("so-b").all()
    for wrong, message in (
        ({"columns": {"returned": "Trả về"}}, "records_absent"),
        ({"columns": {"retuned": "Trả lúc"}}, "records_role"),
        ({"columns": {"field": "ChuHoSo"}}, "records_personal"),
        ({"codes": {"channel": {"9": "pigeon"}}}, "records_codes"),
        ({"unit": "Sở Z"}, "records_unit"),
    ):
        error = refuse(read, message, rows=frame, dossiers=entry | wrong)
        assert error.text("en") != error.text("vi")


@pytest.mark.slow  # the records of the demo are read
def test_names_of_officials_become_codes_that_are_alike_in_all_files(read):
    """A code tells neither name nor unit; the same name in another unit is another code (P1)."""
    rows, stays = make_dossiers(), make_movements()
    rows["DonViQuanLy"] = ["Sở A" if number < 12 else "Sở B" for number in range(24)]
    rows["NguoiDaXuLy"] = stays["NguoiXuLy"] = "Trần Thị B"
    records = read_records(read(rows, stays))
    of_dossiers = records.dossiers.groupby("unit", observed=True)["handler"].unique()
    found = records.movements.query("m", "SELECT DISTINCT unit, handler FROM m ORDER BY unit")
    assert [(unit, code) for unit, code in found.fetchall()] == [
        (unit, codes[0]) for unit, codes in of_dossiers.items()
    ]
    assert records.dossiers["handler"].nunique() == 2
    assert records.dossiers["handler"].str.fullmatch("cb-[0-9a-f]{10}").all()
    kept = read_records(read()).dossiers["handler"]
    assert sorted(kept.unique()) == ["CB00", "CB01", "CB02", "CB03"]


@pytest.mark.slow
def test_missing_ends_last_until_the_next_stay(read):
    """The last stay of a dossier still lasts."""
    stays = make_movements().assign(NgayKetThuc="")
    records = read_records(read(stays=stays))
    ends = records.movements.query("m", 'SELECT count(*), count("end") FROM m').fetchall()[0]
    assert ends == (72, 48)


@pytest.mark.slow  # the records of the demo are read
def test_typed_columns_of_parquet_are_read_as_they_are(read, tmp_path):
    """Timestamps, days, timestamps with a zone, and numbers."""
    path = tmp_path / "typed.parquet"
    write_export(tmp_path / "text.parquet", make_dossiers())
    stamp = "strptime(nullif({}, ''), '%d/%m/%Y %H:%M:%S')"
    cells = {
        "NgayTiepNhan": stamp.format("NgayTiepNhan"),
        "NgayHenTra": f"CAST({stamp.format('NgayHenTra')} AS DATE)",
        "NgayTra": f"timezone('UTC', {stamp.format('NgayTra')} - INTERVAL 7 HOUR)",
        "TrangThaiHoSoId": "CAST(TrangThaiHoSoId AS DOUBLE)",
        "ThoiGianThucHien": "CAST(ThoiGianThucHien AS BIGINT)",
    }
    replaced = ", ".join(f"{sql} AS {name}" for name, sql in cells.items())
    with duckdb.connect() as connection:
        source = f"'{tmp_path / 'text.parquet'}'"
        connection.execute(f"COPY (SELECT * REPLACE ({replaced}) FROM {source}) TO '{path}'")
    typed = read_records(read(dossiers="typed.parquet")).dossiers
    text = read_records(read()).dossiers
    for name in ("received", "finished", "returned", "state", "limit", "status"):
        assert typed[name].astype(str).tolist() == text[name].astype(str).tolist(), name


@pytest.mark.slow
def test_the_wave_names_its_record_files_and_a_change_is_seen(read, tmp_path):
    """Public names tell what a file is; a file that changed after the survey is refused."""
    survey = read(make_dossiers(), make_movements(), ending="csv.gz")
    names = survey.wave.name_files()
    assert names[tmp_path / "dossiers.csv.gz"] == "dossiers-1.csv.gz"
    assert names[tmp_path / "movements.csv.gz"] == "movements-1.csv.gz"
    records = read_records(survey)
    assert sorted(file.file for file in records.inputs.values()) == [
        "dossiers-1.csv.gz",
        "movements-1.csv.gz",
    ]
    write_export(tmp_path / "dossiers.csv.gz", make_dossiers().iloc[1:])
    with pytest.raises(ChangedError):
        read_records(survey)


def test_the_period_and_the_files_are_checked_with_the_wave(make_wave):
    """An empty part, a period that ends before it starts, a misspelt key, a missing file."""
    for records, word in (
        ({}, "records"),
        ({"dossiers": "a.csv", "from": "2024-05-01", "to": "2024-04-01"}, "from"),
        ({"dossiers": {"file": "a.csv", "colums": {}}}, "columns"),
    ):
        with pytest.raises(ConfigError) as caught:
            sipas.read_wave(make_wave(ANSWERS, records=records))
        assert word in caught.value.text("en")
    wave = sipas.read_wave(make_wave(ANSWERS, records={"dossiers": "none.csv"}))
    assert wave.records.find_period(2024)[1].isoformat() == "2024-12-31"


@pytest.mark.slow
def test_mistakes_of_all_files_are_one_list(read):
    """Every file is read to its end."""
    stays = make_movements().assign(TrangThaiHoSoId="99")
    with pytest.raises(SipasError) as caught:
        read_records(read(make_dossiers().assign(KenhThucHien="?"), stays))
    assert {error.message_id for error in caught.value.errors} == {"records_word"}
    assert {error.places[0].file for error in caught.value.errors} == {
        "dossiers.csv",
        "movements.csv",
    }
    assert all(isinstance(error, RecordsError) for error in caught.value.errors)


@pytest.mark.slow
def test_many_dossiers_are_read_without_a_loop_over_rows(read):
    """Ten times as many take far less than ten times as long."""
    import time

    times = []
    for n in (20_000, 200_000):
        rows = pd.concat([make_dossiers()] * (n // 24), ignore_index=True)
        rows["MaHoSo"] = [f"H{number}" for number in range(len(rows))]
        survey = read(rows, ending="parquet")
        start = time.process_time()
        read_records(survey)
        times.append(time.process_time() - start)
    assert times[1] < 8 * times[0]


@pytest.mark.slow  # the records of the demo are read
def test_a_blank_unit_beside_names_of_officials_is_a_list_of_cells(read):
    """A column that is refused leaves nothing undone for those that follow."""
    rows = make_dossiers().assign(NguoiDaXuLy="Trần Thị B")
    rows.loc[3, "DonViQuanLy"] = ""
    assert [place.row for place in refuse(read, "records_unit_blank", rows=rows).places] == [5]
    rows.loc[3, "DonViQuanLy"] = "Sở Y Tê"
    assert "“Sở Y Tê”" in (text := refuse(read, "records_unit", rows=rows).text("vi")) or (
        "'Sở Y Tê'" in text
    )
    entry = {"file": "dossiers.csv", "codes": {"unit": {"Sở Y Tê": "Sở B"}}}
    assert read_records(read(rows, dossiers=entry)).dossiers["unit"][3] == "so-b"
    entry = {"file": "dossiers.csv", "codes": {"received": {"x": "y"}}}
    refuse(read, "records_no_codes", dossiers=entry)


@pytest.mark.slow  # the records of the demo are read
def test_codes_of_officials_need_the_records(read):
    """Other records give the same name another code; a login made of a name is no code (P1)."""
    rows = make_dossiers().assign(NguoiDaXuLy="anhnv2")
    other = rows.assign(TenTTHC="Thủ tục khác")
    codes = {read_records(read(frame)).dossiers["handler"][0] for frame in (rows, rows, other)}
    assert len(codes) == 2
    assert all(code.startswith("cb-") for code in codes)


def test_rows_are_counted_as_a_spreadsheet_counts_them(read, tmp_path):
    """Blank lines count; line breaks inside of a cell, also two of them, do not."""
    frame = make_dossiers()
    frame.loc[0, "TenTTHC"] = "Thủ\n\ntục"
    frame.loc[5, "TrangThaiHoSoId"] = "?"
    text = write_export(tmp_path / "dossiers.csv", frame).read_text("utf-8")
    (tmp_path / "gaps.csv").write_text(text.replace("\nH01-24-0004", "\n\n\nH01-24-0004"), "utf-8")
    error = refuse(read, "records_word", dossiers="gaps.csv")
    assert [place.row for place in error.places] == [9]


@pytest.mark.slow
def test_a_year_without_calendar_is_named_with_its_cells(read):
    """File, row and header of the stamp that is typed wrongly."""
    rows = make_dossiers()
    rows.loc[2, "NgayTiepNhan"] = "03/03/2014 08:30:00"
    (place,) = refuse(read, "calendar_missing_at", rows=rows).places
    assert (place.file, place.row, place.column) == ("dossiers.csv", 4, "NgayTiepNhan")


@pytest.mark.slow  # the records of the demo are read
def test_what_is_not_sure_of_an_export_is_in_the_ledger(read):
    """Days that none tells from months; as many rows as programs cut at, with the header or not."""
    rows = make_dossiers()
    first = rows.head(4).drop(columns=["NgayHenTra", "NgayKetThucXuLy", "NgayTra"])
    first = first.assign(NgayKetThucXuLy="", TrangThaiHoSoId="4")
    ledger = read_records(read(first)).ledger
    assert ledger.loc[ledger["reason"] == "records_day_first", "column"].tolist() == [
        "NgayTiepNhan"
    ]
    assert "records_day_first" not in set(read_records(read(rows)).ledger["reason"])
    for n, is_cut in ((4999, True), (5000, True), (4998, False)):
        many = pd.concat([rows] * 210).head(n).assign(MaHoSo=[f"H{at}" for at in range(n)])
        assert ("records_cap" in set(read_records(read(many)).ledger["reason"])) is is_cut


@pytest.mark.slow
def test_two_forms_of_one_period_are_refused(read, tmp_path):
    """A pattern that matches two files leaves open which one counts."""
    for number in (1, 2):
        (tmp_path / f"form-{number}.csv").write_text("a,b\n1,2\n", "utf-8")
    error = refuse(read, "records_forms", form="form-*.csv")
    assert [place.file for place in error.places] == ["form-1.csv", "form-2.csv"]
