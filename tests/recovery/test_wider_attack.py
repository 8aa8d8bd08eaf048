"""What no reader can compute from two editions, two years, or all tables of a run.

Each attack is made twice: on what the program publishes, and with a planted leak, which it must
find. More waves: ``benchmarks/disclosure_attack.py --kind``.
"""

import json

import attacker
import pandas as pd
import publications
import pytest
import small_series
import wider_attacker

import sipas_analysis as sipas

pytestmark = pytest.mark.slow
EDITIONS, YEARS, FOLDER = 1, 1, 1  # seeds


def name_found(attacked):
    """Return the names of what was found; something must be hidden."""
    targets, found, *_ = attacked
    assert targets
    return [f"{target.kind} {target.name}" for _, target in found]


def change_table(path, change):
    """Write a published table again, with a change."""
    table = change(attacker.read_table(path))
    table.to_csv(path, index=False, encoding="utf-8-sig")


def show_item(reader, code, unit):
    """Return what the program would print of an item of a unit if it hid nothing."""
    answers = reader.forms.loc[reader.forms["unit"] == unit, code].dropna()
    n, satisfied = len(answers), int((answers >= 4).sum())
    value = 100 * satisfied / n
    return {"value": value, "n_valid": n, "numerator": satisfied, "denominator": n}


def list_hidden_items(reader):
    """Return (item, unit) of hidden items that somebody answered, of the smallest unit first."""
    scores = reader.scores
    rows = scores[scores["value"].isna() & scores["variable"].isin(reader.items)]
    rows = rows[rows["domain"] == "unit"]
    sizes = reader.forms["unit"].value_counts()
    pairs = sorted(zip(rows["unit"], rows["variable"], strict=True), key=lambda p: sizes[p[0]])
    return [(code, unit) for unit, code in pairs if show_item_base(reader, code, unit)]


def show_item_base(reader, code, unit):
    """Return how many people of a unit answered an item."""
    return int(reader.forms.loc[reader.forms["unit"] == unit, code].notna().sum())


def test_two_editions_give_no_hidden_number(tmp_path):
    """Corrected forms are warned of. What the later one shows is known of the earlier one, too."""
    small_series.write_editions(tmp_path, EDITIONS)
    publications.publish(tmp_path, "editions")
    said = json.loads((tmp_path / "second" / "warnings.json").read_text("utf-8"))
    assert any("less than 5 people apart" in text for text in said)
    assert name_found(wider_attacker.attack_editions(tmp_path)) == []
    tables = tmp_path / "second" / "tables"
    reader = attacker.Reader(tmp_path / "second", tables)
    code, unit = list_hidden_items(reader)[0]

    def plant(scores):
        row = (scores["variable"] == code) & (scores["unit"] == unit)
        for name, number in show_item(reader, code, unit).items():
            scores.loc[row, name] = number
        return scores

    change_table(tables / "scores.csv", plant)
    found = name_found(wider_attacker.attack_editions(tmp_path))
    assert f"satisfied 1 {code}@{unit}" in found


def test_changes_between_years_give_no_hidden_number(tmp_path):
    """Units are merged; the changes that ``compare`` would print if it hid none tell of both."""
    assert small_series.write_years(tmp_path, YEARS) == "merged"
    publications.publish(tmp_path, "years")
    assert name_found(wider_attacker.attack_years(tmp_path)) == []
    waves = [sipas.read_wave(tmp_path / name / "wave.yaml") for name in ("before", "after")]
    shown = sipas.compare(*map(sipas.read_survey, waves)).frame
    change_table(tmp_path / "after" / "tables" / "changes.csv", lambda _: shown)
    found = name_found(wider_attacker.attack_years(tmp_path))
    assert any(name.startswith("satisfied before") for name in found)
    assert any(name.startswith("satisfied after") for name in found)


def test_no_table_of_a_run_gives_a_hidden_number(tmp_path):
    """A line of the plan, or a gap in a figure's name, that rests on a hidden figure is found."""
    small_series.write_small_wave(tmp_path, FOLDER)
    publications.publish(tmp_path, "folder")
    targets, found, _ = wider_attacker.attack_folder(tmp_path)
    assert targets
    assert found == []
    reader = attacker.Reader(tmp_path, tmp_path / "tables")
    assert wider_attacker.find_printed(reader) == []
    assert wider_attacker.find_own_differences(reader) == []
    code, unit = list_hidden_items(reader)[0]
    shown = show_item(reader, code, unit)
    line = {"unit": unit, "item": code, "baseline": shown["value"], "n": shown["n_valid"]}
    plan = tmp_path / "tables" / "plan.csv"
    before = plan.read_bytes()
    change_table(plan, lambda table: pd.concat([table, pd.DataFrame([line])]))
    assert f"satisfied {code}@{unit}" in name_found(wider_attacker.attack_folder(tmp_path))
    plan.write_bytes(before)
    figure = {"id": f"place:{code}@{unit}", "rank": 1}
    reader.figures = pd.concat([reader.figures, pd.DataFrame([figure])])
    assert wider_attacker.find_printed(reader) == [f"place:{code}@{unit}"]
