"""The fictitious records: always the same rows, and the planted truths are found in them."""

import csv
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.collect.simulate import DOSSIER_HEADER, build_demo
from sipas_analysis.errors import OutputError
from sipas_analysis.records.channels import count_channels
from sipas_analysis.records.coverage import measure_coverage
from sipas_analysis.records.late_again import find_late_again
from sipas_analysis.records.petitions import count_petitions
from sipas_analysis.records.publication import count_publication
from sipas_analysis.records.simulate import write_demo
from sipas_analysis.records.simulated_work import list_procedures, read_truths
from sipas_analysis.records.steps import find_bottleneck, measure_steps
from sipas_analysis.records.timeliness import count_timeliness

DATA = Path(__file__).parents[3] / "data" / "an-giang-2021"
TRUTHS = read_truths()["truths"]


@pytest.fixture(scope="module")
def records(demo_2021):
    """The records of the demo as an office would read them."""
    return sipas.read_records(demo_2021)


def read_forms(path):
    """Return a file of forms as text."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_planted_truths_are_of_units_sections_and_officials_that_there_are():
    """A misspelt one would change no dossier, and no test would miss it."""
    procedures, truths = list_procedures(build_demo("an-giang-2021")), read_truths()
    assert TRUTHS["slow_step"] in {step["name"] for step in truths["steps"]}
    for name in ("slow_section", "honest_official", "late_official"):
        place = TRUTHS[name]
        is_there = procedures["agency"].eq(place["unit"])
        assert (is_there & procedures["section"].eq(place["section"])).any()
        assert place.get("official", 1) <= truths["officials"]["own"]
    units = {TRUTHS["petitions_late_unit"], TRUTHS["publication_poor_unit"]}
    assert units <= {*procedures["agency"]}
    assert TRUTHS["group_not_reached"]["code"] in truths["vulnerable"]


def test_the_shipped_records_are_small():
    """Everybody who installs the program downloads them."""
    assert sum(path.stat().st_size for path in (DATA / "records").iterdir()) < 1_000_000


def test_half_of_the_forms_name_a_dossier_of_their_unit():
    """Each dossier once; the number of the unit stands in the code."""
    units = build_demo("an-giang-2021").units["code"].tolist()
    joined = [form for form in read_forms(DATA / "responses.csv") if form[DOSSIER_HEADER]]
    codes = [form[DOSSIER_HEADER] for form in joined]
    assert len({*codes}) == len(codes) == 15 * 29
    assert all(units[int(form[DOSSIER_HEADER][4:6]) - 1] == form["don_vi"] for form in joined)


@pytest.mark.slow
def test_the_shipped_demo_is_made_again(tmp_path):
    """Of Parquet the rows: another version of DuckDB packs them differently."""
    demo = build_demo("an-giang-2021")
    write_demo(demo, tmp_path)
    for name in ("dossiers.parquet", "movements.parquet"):
        made, shipped = (
            duckdb.read_parquet(str(folder / "records" / name)).df() for folder in (tmp_path, DATA)
        )
        pd.testing.assert_frame_equal(made, shipped)
    names = ["wave.yaml", "units.csv", "responses.csv"]
    names += ["records/petitions.csv", "records/publication.csv"]
    for name in names:
        assert (tmp_path / name).read_bytes() == (DATA / name).read_bytes()
    with pytest.raises(OutputError, match="records exists already"):
        write_demo(demo, tmp_path)


@pytest.mark.slow
def test_the_slow_step_and_the_slow_section_are_found(records):
    """The step takes surely most of the limit; the section more of it than any other."""
    slowest = find_bottleneck(records.movements, records.dossiers, by="step")
    assert slowest.is_sure
    assert slowest.table["step"][0] == TRUTHS["slow_step"]
    steps = measure_steps(records.movements, records.dossiers, ["unit", "step", "section"])
    first = steps.sort_values("share_of_limit_percent", ascending=False, na_position="last").iloc[0]
    slow = TRUTHS["slow_section"]
    assert (first["unit"], first["step"]) == (slow["unit"], TRUTHS["slow_step"])
    assert first["section"] == slow["section"]


@pytest.mark.slow
def test_only_the_official_who_is_late_again_is_looked_at_more_closely(records):
    """The one with the hard dossiers has more late ones than others, as is expected of them."""
    officials = find_late_again(records.movements, records.dossiers)
    looked_at = officials[officials["verdict"] == "look_closer"]
    late, honest = TRUTHS["late_official"], TRUTHS["honest_official"]
    assert [*looked_at["unit"]] == [late["unit"]]
    assert looked_at["handler"].iloc[0].endswith(f"0{late['official']}")
    here = officials[officials["unit"] == honest["unit"]].sort_values("late", ascending=False)
    most = here.iloc[0]
    assert most["handler"].endswith(f"0{honest['official']}")
    assert most["rate_percent"] > 2 * np.average(here["rate_percent"][1:8], weights=here["n"][1:8])
    assert most["verdict"] == "usual"


@pytest.mark.slow
def test_contradictions_are_those_that_were_planted(records):
    """Counted apart, never averaged."""
    faults, found = read_truths()["faults"], records.dossiers["contradiction"].value_counts()
    assert len(records.dossiers) == read_truths()["dossiers"]
    assert found[["finished_before_received", "finish_missing", "reopened"]].tolist() == [
        faults[kind] for kind in ("finished_before_received", "no_finish", "reopened")
    ]
    assert (records.ledger["reason"] == "records_copy").sum() == faults["repeated_rows"]
    assert {*records.dossiers["state"]} == {*range(1, 11)}


@pytest.mark.slow
def test_petitions_and_publication_show_the_planted_units(records):
    """One unit answers late, one publishes poorly."""
    calendar, (_, last) = records.calendar, records.period
    petitions = count_petitions(
        records.petitions, ["unit"], calendar=calendar, period=records.period, min_cell=1
    ).set_index("unit")
    is_late = (petitions["late"] + petitions["overdue"]) / petitions["n"]
    assert is_late.idxmax() == TRUTHS["petitions_late_unit"]
    n_cases = [
        count_petitions(
            records.petitions, calendar=calendar, period=records.period, officials=officials
        )["n"].iloc[0]
        for officials in (False, True)
    ]
    plan = read_truths()["petitions"]
    assert sum(n_cases) == plan["rows"] - 2 * plan["sent_to_three"]
    checklist = count_publication(records.publication, ["unit"], calendar=calendar, through=last)
    assert checklist.set_index("unit")["score"].idxmin() == TRUTHS["publication_poor_unit"]


@pytest.mark.slow
def test_the_group_not_reached_is_found_and_channels_add_up_to_the_form(records, demo_2021):
    """One group of five; dossiers online and all are those of columns 4 and 5 of form II.06a."""
    reached = measure_coverage(demo_2021, records.dossiers, period=records.period)
    found = reached.loc[reached["verdict"] != "cannot_tell", ["code", "verdict"]]
    assert found.to_numpy().tolist() == [[TRUTHS["group_not_reached"]["code"], "less"]]
    channels = count_channels(records.dossiers, ["unit"], period=records.period)
    form = count_timeliness(records.dossiers, ["unit"], period=records.period)
    received = form["received_online"] + form["received_direct"]
    assert channels["online_n"].tolist() == form["received_online"].tolist()
    assert channels["online_base"].tolist() == received.tolist()
