"""The fictitious province: always the same bytes, and the published figures to the last digit."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sipas_analysis.collect.simulate import (
    DOSSIER_HEADER,
    build_demo,
    simulate_forms,
    write_demo,
)
from sipas_analysis.collect.survey import read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.errors import OutputError
from sipas_analysis.improve.actions import read_library
from sipas_analysis.measure.scores import score

DATA = Path(__file__).parents[3] / "data"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["an-giang-2020", "an-giang-2023"])
def test_the_shipped_waves_are_made_again_byte_for_byte(tmp_path, name):
    """The seed and the model stand in ``demo.yaml``; nobody edited the answers."""
    write_demo(build_demo(name), tmp_path)
    files = ("wave.yaml", "units.csv", "responses.csv")
    differ = [f for f in files if (tmp_path / f).read_bytes() != (DATA / name / f).read_bytes()]
    assert differ == []


@pytest.mark.slow
def test_the_answers_of_2021_are_as_they_were_made():
    """Codes of dossiers were added to the forms; no answer was changed for them."""
    forms = pd.read_csv(DATA / "an-giang-2021" / "responses.csv", dtype="str", na_filter=False)
    made = simulate_forms(build_demo("an-giang-2021"))
    pd.testing.assert_frame_equal(forms.drop(columns=DOSSIER_HEADER), made, check_dtype=False)


def test_the_wave_of_2021_gives_the_eight_published_figures(demo_2021):
    """To the second decimal, under the names that were published."""
    with (DATA / "published" / "an_giang_units.csv").open(encoding="utf-8") as handle:
        published = {row["unit"]: row["value_percent"] for row in csv.DictReader(handle)}
    made = score(demo_2021, by="unit").select(variable="overall").frame
    found = made.set_index("unit_name")["printed"].reindex(published).to_dict()
    assert len(published) == 8
    assert found == published


def test_every_other_unit_says_that_it_is_made_up(demo_2021):
    """Eight real names with real figures; all others carry “(mô phỏng)”."""
    names = list(demo_2021.unit_names.values())
    assert sum("(mô phỏng)" in name for name in names) == len(names) - 8
    assert demo_2021.wave.is_synthetic


@pytest.mark.parametrize("year", [2020, 2023])
def test_in_other_years_every_unit_is_made_up(year):
    """No figure of these waves was published, so no unit bears its real name alone."""
    units = pd.read_csv(DATA / f"an-giang-{year}" / "units.csv")
    assert units["name_vi"].str.endswith("(mô phỏng)").all()
    assert units["name_en"].str.endswith("(synthetic)").all()


def test_factors_correlate_as_in_real_surveys(demo_2021):
    """Mean levels of the five factors correlate 0.6 to 0.8, as the model promises."""
    pack = demo_2021.instrument
    means = {f: demo_2021.frame[pack.items_of(f)].mean(axis=1) for f in pack.factors}
    correlation = pd.DataFrame(means).corr().to_numpy()
    between = correlation[np.triu_indices(5, 1)]
    assert between.min() > 0.6
    assert between.max() < 0.8


def test_two_in_a_hundred_answers_are_blank(demo_2021):
    """Some left empty, some keyed as 9, which the ledger tells."""
    items = demo_2021.frame[[*demo_2021.instrument.items]]
    assert items.isna().to_numpy().mean() == pytest.approx(0.02, abs=0.005)
    assert (demo_2021.ledger["reason"] == "blank_code").sum() > 50


@pytest.mark.slow
def test_planted_truths_are_of_units_items_and_measures_that_there_are():
    """A misspelt one would change no answer, and no test would miss it."""
    demo, library = build_demo("an-giang-2020"), read_library()
    effects = demo.plan["effects"]
    assert {unit for effect in effects for unit in effect["units"]} <= {*demo.units["code"]}
    assert {effect["item"] for effect in effects} <= {*demo.instrument.items}
    assert {effect["measure"] for effect in effects} <= {*library.measures}


# The forms of 187 units take 10 s; slow tests write them for page counts.
@pytest.mark.parametrize("n_units", [31, pytest.param(187, marks=pytest.mark.full)])
@pytest.mark.slow
def test_a_demo_has_as_many_units_as_asked(n_units):
    """160 forms of each: named departments and districts, then numbered communes."""
    forms = simulate_forms(build_demo(n_units=n_units))
    assert forms.groupby("don_vi").size().eq(160).all()
    assert forms["don_vi"].nunique() == n_units
    assert forms["so_phieu"].is_unique
    assert build_demo(n_units=187).units["name_vi"].nunique() == 187


@pytest.mark.slow
def test_a_small_demo_is_read_without_complaint(tmp_path):
    """What ``sipas demo`` writes, ``sipas report`` reads; nothing else is in the folder."""
    path = write_demo(build_demo(n_units=3), tmp_path / "demo")
    survey = read_survey(read_wave(path))
    assert (len(survey.frame), survey.frame["unit"].nunique()) == (480, 3)
    names = {"wave.yaml", "units.csv", "responses.csv"}
    assert {it.name for it in path.parent.iterdir()} == names


def test_one_unit_of_a_demo_has_160_forms(tmp_path):
    """The smallest demo."""
    assert len(simulate_forms(build_demo(n_units=1))) == 160


def test_a_demo_never_replaces_files(tmp_path):
    """A user's corrected wave.yaml must survive a second `sipas demo`."""
    (tmp_path / "wave.yaml").write_text("mine", "utf-8")
    with pytest.raises(OutputError, match=r"wave\.yaml exists already"):
        write_demo(build_demo(n_units=2), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["wave.yaml"]
