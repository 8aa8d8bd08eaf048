"""Petitions and checklists read from files: what repeats, contradicts itself or means nothing."""

import pandas as pd
import pytest

from sipas_analysis.collect.units import read_units
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.errors import RecordsError, SipasError
from sipas_analysis.records.exports import connect_records
from sipas_analysis.records.petitions import read_petitions
from sipas_analysis.records.publication import read_publication

ANSWERS = "unit,A1,A2,D1\nso-a,5,4,3\n"
PETITIONS = (
    "MaPhanAnh,MaVuViec,KenhTiepNhan,DonViXuLy,NgayTiepNhan,HanTraLoi,NgayTraLoi,"
    "SoLanMoLai,VeCongChuc"
)
CHECKLIST = "DonVi,MaTTHC,DungNoi,DungHinhThuc,DungNoiDung,HanCongKhai,NgayCongKhai"


@pytest.fixture
def read_rows(make_wave, tmp_path):
    """Read rows of an export: a reader, its header, and the rows of each file."""

    def read(reader, header, *files, **entry):
        kind = reader.__name__.removeprefix("read_")
        for number, rows in enumerate(files):
            (tmp_path / f"{kind}-{number}.csv").write_text("\n".join([header, *rows]), "utf-8")
        records = {kind: {"file": f"{kind}-*.csv", **entry}}
        wave = read_wave(make_wave(ANSWERS, records=records))
        with connect_records() as connection:
            return reader(connection, wave, read_units(wave))

    return read


def refuse(read_rows, reader, header, *rows):
    """Return the rows and values of each mistake by its id."""
    with pytest.raises(SipasError) as caught:
        read_rows(reader, header, rows)
    errors = getattr(caught.value, "errors", [caught.value])
    assert all(isinstance(error, RecordsError) for error in errors)
    return {e.message_id: [(place.row, place.value) for place in e.places] for e in errors}


@pytest.mark.slow
def test_petitions_of_overlapping_exports_count_once(read_rows):
    """The last answer counts; what never changes must agree; a total at the end is no petition."""
    january = [
        "PA1,V1,1022,SA,01/03/2024,22/03/2024,,,0",
        "PA2,,Email,Sở B,02/03/2024 08:30:00,22/03/2024,02/03/2024,,có",
        "PA3,V1,Email,Sở B,02/03/2024,22/03/2024,05/03/2024,0,",
        "PA4,V4,Email,Sở B,02/03/2024,22/03/2024,,0,",
        "Tổng số,,,so-a,,,,,",
    ]
    march = [
        "PA1,V1,1022,SA,01/03/2024,22/03/2024,15/03/2024,,0",
        "PA1,V1,1022,Sở B,01/03/2024,22/03/2024,,,0",
        "PA3,V1,Email,Sở B,02/03/2024,22/03/2024,05/03/2024,0,",
        "PA4,V4,Email,Sở B,04/03/2024,22/03/2024,,0,",
        "PA5,,Email,Sở B,04/03/2024,,03/03/2024,2,",
        "PA6,,Email,Sở B,,,03/03/2024,,",
    ]
    codes = {"channel": {"1022": "Tổng đài 1022"}}
    frame, ledger = read_rows(read_petitions, PETITIONS, january, march, codes=codes)
    rows = frame.set_index(["petition", "unit"])
    assert len(rows) == 7
    assert rows.loc[("PA1", "so-a"), "answered"] == pd.Timestamp("2024-03-15")
    assert {*rows["case"]} == {"PA2", "V1", "V4", "PA5", "PA6"}
    assert rows["channel"].astype(str).unique().tolist() == ["Email", "Tổng đài 1022"]
    assert rows["about_official"].sum() == 1
    assert rows["reopened"].sum() == 2
    wrong = rows.loc[rows["contradiction"] != "", "contradiction"].droplevel("unit")
    assert wrong.to_dict() == {
        "PA4": "versions_differ",
        "PA5": "answered_before_received",
        "PA6": "received_missing",
    }
    reasons = ledger["reason"].value_counts()
    assert reasons[["records_copy", "records_earlier", "footer"]].tolist() == [1, 1, 1]
    assert reasons["versions_differ"] == 2


def test_a_wave_without_petitions_has_none(make_wave):
    """The same columns, no row."""
    wave = read_wave(make_wave(ANSWERS, records={"dossiers": "x.csv"}))
    with connect_records() as connection:
        petitions, _ = read_petitions(connection, wave, read_units(wave))
        publication, _ = read_publication(connection, wave, read_units(wave))
    assert len(petitions) == len(publication) == 0
    assert {"case", "about_official", "contradiction"} <= {*petitions}
    assert {"place", "form", "content"} <= {*publication}


@pytest.mark.slow
def test_bad_petitions_are_refused_with_their_places(read_rows):
    """Every mistake of a file at once; then a row with a day but without a code."""
    bad = [
        "PA1,,Email,Sở Ạ,31/02/2024,22/03/2024,,,0",
        "PA2,,Email,SA,15/03/2024,03/25/2024,,zero,maybe",
    ]
    assert refuse(read_rows, read_petitions, PETITIONS, *bad) == {
        "records_unit": [(2, "Sở Ạ")],
        "records_stamp": [(2, "31/02/2024")],
        "records_month_first": [(3, "03/25/2024")],
        "records_number": [(3, "zero")],
        "records_word": [(3, "maybe")],
    }
    bad = [",,Email,SA,01/03/2024,22/03/2024,,,0"]
    assert refuse(read_rows, read_petitions, PETITIONS, *bad) == {"records_code_blank": [(2, "")]}


@pytest.mark.slow
def test_a_checklist_cell_is_yes_or_no(read_rows):
    """In the words of offices; anything else is refused; so is a procedure that stands twice."""
    good = [
        "SA,1.001,x,Có,không,01/03/2024,04/03/2024",
        "SA,1.002,,,,01/03/2024,",
        "SA,1.001,x,Có,không,01/03/2024,04/03/2024",
        "Sở B,1.001,1,0,YES,01/03/2024,01/03/2024",
    ]
    frame, ledger = read_rows(read_publication, CHECKLIST, good)
    marks = frame[["place", "form", "content"]].astype(str).to_numpy().tolist()
    assert marks == [["yes", "yes", "no"], ["", "", ""], ["yes", "no", "yes"]]
    assert (ledger["reason"] == "records_copy").sum() == 1
    wrong = ["SA,1.001,x,gần đúng,không,01/03/2024,"]
    assert refuse(read_rows, read_publication, CHECKLIST, *wrong) == {
        "records_word": [(2, "gần đúng")]
    }
    twice = [good[0], "SA,1.001,x,Có,Có,01/03/2024,04/03/2024"]
    assert refuse(read_rows, read_publication, CHECKLIST, *twice) == {
        "records_repeated": [(3, "1.001")]
    }


def test_a_checklist_that_is_ticked_reads_a_blank_as_no(read_rows):
    """A column with ticks only; one with words, or with nothing at all, was not checked there."""
    rows = ["so-a,1.1,x,có,,,", "so-a,1.2,,,,,", "so-a,1.3,X,không,,,"]
    frame, ledger = read_rows(read_publication, CHECKLIST, rows)
    assert frame["place"].tolist() == ["yes", "no", "yes"]
    assert frame["form"].tolist() == ["yes", "", "no"]
    assert frame["content"].tolist() == ["", "", ""]
    line = ledger[ledger["reason"] == "records_default"]
    assert line[["column", "found", "became"]].to_numpy().tolist() == [["DungNoi", "1", "no"]]


def test_totals_and_signatures_below_a_table_are_no_rows(read_rows):
    """They have no day, and no code with a digit or no unit; what stands in their cells is free."""
    rows = [
        "PA1,,1022,so-a,01/03/2024,22/03/2024,,,0",
        "Tổng cộng: 1 phản ánh,,,,,,,,hai",
        ",,,Người lập biểu,,,,,",
    ]
    frame, ledger = read_rows(read_petitions, PETITIONS, rows)
    assert frame["petition"].tolist() == ["PA1"]
    assert ledger.loc[ledger["reason"] == "footer", "row"].tolist() == [3, 4]
