"""What is published of records: rows on enough dossiers, ids that are found, no single dossier."""

from dataclasses import replace
from types import SimpleNamespace

import duckdb
import numpy as np
import pandas as pd
import pytest

from sipas_analysis.collect.record_sources import RecordSources
from sipas_analysis.errors import FileError
from sipas_analysis.figures.published import Figures
from sipas_analysis.figures.record_figures import BUILDERS, RULES, RecordFigures
from sipas_analysis.figures.record_rows import PREFIXES, identify_records, list_record_rows
from sipas_analysis.figures.record_suppression import hide_divisions
from sipas_analysis.figures.record_tables import RecordSource, tabulate_petitions
from sipas_analysis.records.calendar import read_calendar
from sipas_analysis.records.office_records import read_records

UNITS = """\
code,name_vi,name_en,group,aliases
so-a,Sở A,Department A,departments,
so-b,Sở B,Department B,departments,
so-c,Sở C,Department C,departments,
so-d,Sở D,Department D,departments,
h-e,Huyện E,District E,districts,
"""
SIZES = {"so-a": 40, "so-b": 30, "so-c": 6, "so-d": 2, "h-e": 20}


@pytest.fixture
def source(make_wave, read_answers):
    """Dossiers of five units, one of which has two of them."""
    survey = read_answers("unit,A1,A2,D1\n" + "so-a,4,4,4\nh-e,5,5,5\n" * 6, units=UNITS)
    records = RecordSources.model_validate({"dossiers": "x.csv", "from": "2024-01-01"})
    wave = survey.wave.model_copy(update={"records": records})
    wave._path = survey.wave.path
    day = pd.Timestamp("2024-03-04 08:00")
    rows = [
        {"unit": unit, "status": "late" if number % 5 == 0 else "early", "number": number}
        for unit, size in SIZES.items()
        for number in range(size)
    ]
    dossiers = pd.DataFrame(rows).assign(
        dossier=lambda frame: "HS-" + frame.index.astype(str),
        field="f1",
        field_name="Đất đai",
        procedure="p1",
        channel=lambda frame: np.where(frame["number"] % 2, "online", "direct"),
        return_channel="direct",
        level="full",
        is_mapped=True,
        submitted=day,
        received=day,
        finished=day,
        returned=day,
        days_late=lambda frame: np.where(frame["status"] == "late", 2.0, 0.0),
        limit_used=0.5,
        contradiction="",
        handler="CB07",
    )
    ledger = pd.DataFrame(
        {
            "reason": [*["finish_missing"] * 3, "stay_of_no_dossier"],
            "row": [3, 4, None, 2],
            "found": ["", "", "+ 7", "40"],
        }
    )
    read = SimpleNamespace(dossiers=dossiers, ledger=ledger, movements=None, form=None)
    read.petitions = read.publication = pd.DataFrame()
    return RecordSource(replace(survey, wave=wave), read)


@pytest.mark.slow
def test_units_with_few_dossiers_are_one_row_that_no_total_gives_back(source):
    """Two dossiers of so-d stand with those of the next two units (P2, P5)."""
    figures = RecordFigures(source)
    rows = {row.key: row for row in figures.rows_of("timeliness")}
    assert [*rows][:6] == [
        *("all", "group:departments", "group:districts", "so-a", "other:departments", "h-e")
    ]
    assert rows["other:departments"].value_of("received") == 30 + 6 + 2
    parts = [rows[key].value_of("received") for key in ("so-a", "other:departments")]
    assert sum(parts) == rows["group:departments"].value_of("received") == 78
    assert rows["other:departments"].unit == ""
    assert rows["so-a"].unit == "so-a"
    channels = {row.key for row in figures.rows_of("channels")}
    assert {"so-b", "so-c", "so-d"}.isdisjoint({*rows, *channels})


@pytest.mark.slow  # the figures of whole waves are computed and audited
def test_every_number_has_an_id_and_its_division(source):
    """``record:<what>:<key>`` leads to the number, and back to its row and column."""
    figures = RecordFigures(source)
    named = pd.concat(identify_records("timeliness", figures.table("timeliness"), "T3"))
    row = named.set_index("id").loc["record:on_time_percent:so-a"]
    assert row["value"] == pytest.approx(100 * row["numerator"] / row["denominator"])
    assert (row["numerator"], row["denominator"], row["rule"]) == (32, 40, "T3")
    assert row["low"] < row["value"] < row["high"]
    record, column = figures.find_row("record:channel.online_percent:h-e")
    assert (record.table, record.unit, column) == ("channels", "h-e", "online_percent")
    assert record.find_id(column) == "record:channel.online_percent:h-e"
    assert figures.find_row("record:channel.online_percent:so-d") is None
    assert figures.row_of("petitions") is None
    assert "petitions" not in figures.tables
    assert figures.row_of("aside", "finish_missing").value_of("n") == 2 + 7
    assert figures.row_of("aside", "stay_of_no_dossier").value_of("n") == 40  # rows, not lines
    assert set(BUILDERS) == set(RULES) == set(PREFIXES)


@pytest.mark.slow  # the figures of whole waves are computed and audited
def test_no_table_has_a_dossier_or_an_official(source):
    """Neither code is a cell of any published table."""
    cells = {
        str(cell)
        for table in RecordFigures(source).tables.values()
        for cell in table.to_numpy().ravel()
    }
    assert cells.isdisjoint({*source.records.dossiers["dossier"], "CB07"})


def test_few_done_dossiers_are_not_divided_into_early_and_late():
    """A part of three is blank, and with it the next one; their number and the whole stay."""
    table = pd.DataFrame(
        {
            "key": ["all", "group:g", "a", "b", "c", "d", "group:h", "e"],
            "domain": ["all", "group", "unit", "unit", "unit", "unit", "group", "unit"],
            "done": [63, 53, 3, 10, 20, 20, 10, 10],
            "late": [6, 5, 3, 0, 1, 1, 1, 1],
        }
    )
    wholes = pd.Series(["", "all", *["group:g"] * 4, "all", "group:h"])
    shown = hide_divisions(table, wholes, {"done": ("late",)}, 5)
    assert [*shown["key"][shown["late"].isna()]] == ["a", "b", "c"]  # three units (P5)
    assert [*shown["done"]] == [*table["done"]]
    small = table.assign(done=[63, 60, 3, 17, 20, 20, 3, 3])
    shown = hide_divisions(small, wholes, {"done": ("late",)}, 5)
    assert {*shown["key"][shown["late"].isna()]} == {*table["key"]} - {"all"}


def test_rows_are_records_with_texts_and_numbers():
    """A text is never a number; what a row lacks is NaN."""
    table = pd.DataFrame({"key": ["step:1"], "domain": "step", "label": "1", "n": [3], "x": np.nan})
    (row,) = list_record_rows("steps", table)
    assert (row.label, row.section, row.verdict) == ("1", "", "")
    assert row.numbers["n"] == 3
    assert not row.has("x")
    assert not row.has("y")
    assert row.find_id("n") == "record:step.n:step:1"


@pytest.mark.slow  # the figures of whole waves are computed and audited
def test_a_step_of_few_dossiers_has_no_row_and_hides_one_more(source):
    """Two dossiers took a rare step; the next smallest step is left out with it (P2)."""
    connection = duckdb.connect()
    read_calendar([2024]).make_macros(connection)
    dossiers = source.records.dossiers.assign(
        start=pd.Timestamp("2024-03-04 08:00"), due=pd.Timestamp("2024-03-08"), paused_seconds=0
    )
    steps = {"check": 98, "decide": 98, "ask": 7, "rare": 2}
    stays = pd.concat(
        dossiers[["dossier", "unit"]].head(n).assign(step=step, start=dossiers["start"] + lag)
        for (step, n), lag in zip(steps.items(), pd.to_timedelta([0, 1, 2, 3], "h"), strict=True)
    ).assign(section="s", handler="CB07", state=4, reason="")
    stays["end"] = stays["start"] + pd.Timedelta(hours=1)
    connection.register("stays", stays)
    source.records.dossiers, source.records.movements = dossiers, connection.table("stays")
    figures = RecordFigures(source)
    rows = figures.rows_of("steps", "step")
    assert [row.label for row in rows] == ["check", "decide"]
    assert rows[0].value_of("median_hours") == 1.0
    assert rows[0].value_of("share_of_limit_percent") > 0
    listed = figures.table("steps")[["label", "section", "unit"]].to_numpy().ravel()
    assert {"rare", "ask", "so-d", "CB07"} & {*listed} == set()


@pytest.mark.slow
def test_scores_do_not_wait_for_records(source):
    """The file of dossiers is not there: scores do not look for it, a report does."""
    figures = Figures(source.survey)
    assert len(figures.tables(("scores",))["scores"])
    with pytest.raises(FileError):
        figures.check_plans()


@pytest.mark.slow
def test_fields_with_few_petitions_are_one_row(demo_2021):
    """Fields are categories, which refuse the label of the merged row unless they are texts."""
    wave = demo_2021.wave.model_copy(update={"min_cell": 40})
    source = RecordSource(replace(demo_2021, wave=wave), read_records(demo_2021))
    fields = tabulate_petitions(source).query("domain == 'field'")
    assert "other" in set(fields["label"])
    assert len(fields) < source.records.petitions["field"].nunique()
