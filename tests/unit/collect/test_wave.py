"""``wave.yaml``: codes stay text, and each mistake is told with its line and the right word."""

import re
from datetime import date
from pathlib import Path

import pytest

from sipas_analysis.collect.wave import FIRST_YEAR, NO_YEAR, read_wave
from sipas_analysis.errors import ConfigError, FileError
from sipas_analysis.sheets.reader import read_sheet


def refusal(path: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read_wave(path)
    return caught.value


def edited(path: Path, old: str, new: str) -> Path:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    return path


def test_codes_stay_text(make_wave):
    """YAML alone would read 001 as 1 and no as False."""
    path = edited(make_wave(columns={"unit": "U"}), "unit: U", "{unit: 001, mode: no, form: 1.0}")
    columns = read_wave(path).columns
    assert (columns.unit, columns.mode, columns.form) == ("001", "no", "1.0")


def test_a_wave_is_found_by_its_folder(make_wave):
    """``sipas report data/an-giang-2021`` is enough."""
    assert read_wave(make_wave().parent).id == "small-2024"


def test_a_relative_path_is_looked_up_from_the_folders_above(make_wave, monkeypatch):
    """A notebook in a folder of its own finds the data of its project."""
    path = make_wave()
    inner = path.parent / "notebooks" / "old"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert read_wave("wave.yaml").path == path


def test_paths_are_relative_to_the_file(make_wave):
    """The folder may be moved as a whole."""
    path = make_wave()
    assert read_wave(path).path_of("units.csv") == path.parent / "units.csv"


def test_a_file_with_a_byte_order_mark_is_read(make_wave):
    """Notepad puts one in front."""
    path = make_wave()
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_wave(path).year == 2024


def test_days_are_typed(make_wave):
    """Days of fieldwork are typed, whatever quotes stand around them."""
    wave = read_wave(make_wave(collected={"from": "2024-03-01", "to": "2024-03-31"}))
    assert wave.collected.end.isoformat() == "2024-03-31"


def test_a_wave_may_change_a_rule_of_its_instrument(make_wave):
    """What the wave does not name stays as the pack says (rules M3 and M7)."""
    changed = {"overall": {"rule": "mean_of_factors"}}
    index = read_wave(make_wave(index=changed, min_forms=20)).read_pack().index
    assert (index.overall.rule, index.factor.rule) == ("mean_of_factors", "pooled")
    assert index.min_forms == 20


def test_a_misspelt_key_is_told_with_line_and_the_right_one(make_wave):
    """``langauges`` is named with its line, and what was meant."""
    path = make_wave()
    path.write_text(path.read_text("utf-8") + "langauges: [vi]\n", "utf-8")
    line = len(path.read_text("utf-8").splitlines())
    said = f"Line {line}: `langauges` is not known here. Did you mean `languages`?"
    assert said in str(refusal(path))


def test_a_misspelt_key_is_told_in_vietnamese(make_wave):
    """The officer reads the same in Vietnamese."""
    error = refusal(make_wave(outcom="OVERALL"))
    assert "không có khóa `outcom` ở đây. Có phải ý bạn là `outcome`?" in error.text("vi")


def test_a_key_in_the_wrong_place_is_not_proposed_again(make_wave):
    """``unit`` belongs under ``columns:``; at the top the nearest key is ``units``."""
    assert "`unit` is not known here. Did you mean `units`?" in str(refusal(make_wave(unit="so-a")))


def test_all_mistakes_are_listed_at_once(make_wave):
    """One run tells everything that is wrong with the file."""
    error = refusal(make_wave(year="next", min_forms=1, languages=["fr"], columns={"unti": "x"}))
    assert "wave.yaml has 4 mistake(s)." in str(error)
    for said in (
        "`year` cannot be 'next': a whole number belongs here.",
        "`min_forms` cannot be '1': it must be at least 2.",
        "`languages.0` cannot be 'fr': write one of 'vi', 'en'.",
        "`columns.unti` is not known here. Did you mean `unit`?",
    ):
        assert said in str(error)
    assert len({place.row for place in error.places}) == 4


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"id": "Đợt 1"}, "`id` cannot be 'Đợt 1': use only a–z, 0–9 and -"),
        ({"id": "../x"}, "`id` cannot be '../x'"),
        ({"title": "A wave"}, "`title` cannot be 'A wave': lines of `key: value` belong here"),
        ({"collected": {"to": "31/3/2024"}}, "`collected.to` cannot be '31/3/2024': a day is"),
        ({"responses": "a.csv"}, "`responses` cannot be 'a.csv': a list belongs here"),
        ({"responses": []}, "`responses` cannot stand so: give at least 1"),
        ({"responses": [{"file": "a.csv", "header": 0}]}, "cannot be '0': it must be at least 1"),
        ({"responses": [{"file": "a.csv", "header": []}]}, "give at least 1"),
        ({"responses": [{"file": "a.csv", "header": [1, 2, 3]}]}, "give at most 2"),
        ({"synthetic": "maybe"}, "write one of 'true', 'false'"),
        ({"instrument": "qd-26"}, "no pack “qd-26”. Packs .* qd-2640-2017"),
        ({"columns": {"items": {"A9": "x"}}}, "`items` in wave.yaml names “A9”.*mean A1"),
        ({"columns": {"indicators": {"sexe": "x"}}}, "names “sexe”.*Did you mean sex"),
        ({"outcome": "OVERAL"}, "`outcome` in wave.yaml names “OVERAL”.*mean OVERALL"),
        (
            {"index": {"overall": {"rule": "weights", "weights": {"acces": 1}}}},
            r"`index.overall.weights`: `weights:` must name factors .*\(access, results\)",
        ),
        ({"index": {"overall": {"rule": "weights"}}}, "`rule: weights` needs `weights:`"),
        ({"seed": -1}, "`seed` cannot be '-1': it must be at least 0"),
        ({"id": "small\n"}, r"`id` cannot be 'small\\n'"),
        ({"dates": "y/m"}, "`dates` cannot be 'y/m'"),
        ({"decimal": ","}, "`decimal` cannot be ','"),
        ({"columns": {"items": {"A1": "Câu 1", "D1": "câu  1"}}}, "“Câu 1” to A1, D1"),
        ({"columns": {"keys": {"time": "x"}}}, "may not be called “time”"),
        ({"columns": {"join": {"A9": ["x", "y"]}}}, "`join` in wave.yaml names “A9”"),
        (
            {"responses": [{"file": "a.csv", "columns": {"items": {"A9": "x"}}}]},
            "`items` in wave.yaml names “A9”",
        ),
        ({"responses": [{"file": "a.csv", "labels": {"Tốt": 6}}]}, "“Tốt” does not"),
    ],
)
@pytest.mark.quick_cases(1)
def test_a_wrong_fact_is_told_with_its_cure(make_wave, facts, said):
    """What a user may write wrongly, and the words that mend it."""
    assert re.search(said, str(refusal(make_wave(**facts))))


def test_a_missing_wave_is_named():
    """The path asked for is in the sentence."""
    with pytest.raises(FileError, match=r"nowhere/wave\.yaml must exist"):
        read_wave("nowhere/wave.yaml")


def test_a_folder_without_a_wave_is_named(tmp_path):
    """A folder of answers is not yet a wave."""
    with pytest.raises(FileError, match=r"wave\.yaml must exist"):
        read_wave(tmp_path)


def test_a_key_given_twice_names_its_line(make_wave):
    """YAML would keep the last year and say nothing."""
    path = make_wave()
    path.write_text(path.read_text("utf-8") + "year: 2023\n", "utf-8")
    assert "`year` stands twice" in str(refusal(path))


def test_a_file_of_answers_is_no_wave(tmp_path):
    """The usual first mistake names the command to start with."""
    path = tmp_path / "phieu.xlsx"
    path.write_bytes(b"PK")
    with pytest.raises(FileError, match="sipas init"):
        read_wave(path)


def test_a_label_must_mean_a_level(make_wave):
    """`Tốt: 6` is a slip of the finger."""
    with pytest.raises(ConfigError, match="“Tốt” does not"):
        read_wave(make_wave(columns={"unit": "unit", "labels": {"Tốt": "6"}}))


def test_an_entry_adds_to_the_columns_of_the_wave(make_wave):
    """Mappings and lists are joined and the entry goes first; a role is replaced, also by none."""
    entry = {
        "file": "a.csv",
        "labels": {"Khá": 4},
        "columns": {
            "date": "Ngày 2",
            "unit": "",
            "items": {"A2": "Câu 2b"},
            "blank": {"A1": ["8"], "D1": ["x"]},
            "labels": {"Tốt": 4},
            "ignore": ["Ghi chú"],
            "recode": {"sex": {"F": "Nữ"}},
        },
    }
    columns = {
        "unit": "Đơn vị",
        "date": "Ngày",
        "form": "Số",
        "items": {"A1": "Câu 1", "A2": "Câu 2"},
        "blank": {"A1": ["9"]},
        "labels": {"Tốt": 5, "Kém": 2},
        "ignore": ["STT"],
        "recode": {"sex": {"M": "Nam"}},
    }
    wave = read_wave(make_wave(columns=columns, responses=[entry, {"file": "b.csv"}]))
    merged = wave.columns_of(wave.responses[0])
    assert (merged.unit, merged.date, merged.form) == ("", "Ngày 2", "Số")
    assert merged.items == {"A1": "Câu 1", "A2": "Câu 2b"}
    assert merged.blank == {"A1": ("9", "8"), "D1": ("x",)}
    assert merged.labels == {"Tốt": 4, "Kém": 2, "Khá": 4}
    assert merged.ignore == ("STT", "Ghi chú")
    assert merged.recode == {"sex": {"M": "Nam", "F": "Nữ"}}
    assert wave.columns_of(wave.responses[1]) == wave.columns


def test_a_header_that_an_entry_gives_to_another_item_is_taken_from_the_first(make_wave):
    """Else one column would be counted as two items, in silence."""
    columns = {"items": {"A1": "Câu 1", "A2": "Câu 2"}}
    entry = {"file": "a.csv", "columns": {"items": {"A1": "câu 2"}}}
    wave = read_wave(make_wave(columns=columns, responses=[entry]))
    assert wave.columns_of(wave.responses[0]).items == {"A1": "câu 2"}


def test_a_file_name_with_brackets_is_that_file(make_wave):
    """Outlook names an attachment ``phieu[1].xlsx``; as a pattern that is ``phieu1.xlsx``."""
    path = make_wave(responses=[{"file": "phieu[1].csv"}])
    for name in ("phieu[1].csv", "phieu1.csv"):
        (path.parent / name).write_text("A1\n5\n", "utf-8")
    assert [file.name for file, _ in read_wave(path).list_sources()] == ["phieu[1].csv"]
    (path.parent / "phieu[1].csv").unlink()  # then it is missing, and no other file stands for it
    assert [file.name for file, _ in read_wave(path).list_sources()] == ["phieu[1].csv"]


@pytest.mark.parametrize(
    "pattern", ["a**b/*.csv", "**x", "/tmp/*.csv", "x" * 300 + "*", "[", "?" * 9]
)
def test_a_pattern_that_matches_nothing_or_is_none_is_refused(make_wave, pattern):
    """``**`` must be a whole part of a path, says Python, with an exception."""
    path = make_wave(responses=[{"file": pattern}])

    def read_all():
        return [read_sheet(file) for file, _ in read_wave(path).list_sources()]

    with pytest.raises(ConfigError if len(pattern) > 255 else FileError):
        read_all()


def test_the_plans_of_a_wave_and_its_own_measures_are_inputs(make_wave):
    """The coming plan lies beside ``wave.yaml``, the workbook before the table (G3)."""
    path = make_wave("unit,A1\n", plan="../old/plan.xlsx", measures="own.yaml")
    (path.parent / "own.yaml").write_text("", "utf-8")
    folder, wave = path.parent, read_wave(path)
    assert wave.plan_path is None
    assert wave.judged_plan_paths == [folder / "../old/plan.xlsx"]
    assert wave.measures_path == folder / "own.yaml"
    names = wave.name_files()
    assert names[folder / "../old/plan.xlsx"] == "judged_plan-1.xlsx"
    assert names[folder / "own.yaml"] == "measures.yaml"
    assert names[folder / "plan.xlsx"] == "plan.xlsx"
    (folder / "plan.csv").write_text("id\n", "utf-8")
    assert wave.plan_path == folder / "plan.csv"
    assert wave.name_files()[folder / "plan.csv"] == "plan.csv"
    (folder / "plan.xlsx").write_bytes(b"")
    assert wave.plan_path == folder / "plan.xlsx"
    assert folder / "plan.csv" not in wave.list_files()
    several = read_wave(make_wave(plan=["a.csv", "b.xlsx"]))
    assert [name.name for name in several.judged_plan_paths] == ["a.csv", "b.xlsx"]
    assert read_wave(make_wave()).measures_path is None


def test_the_days_of_fieldwork_are_those_that_are_known(make_wave):
    """Else the last day of the year stands for both; without a year there is none."""
    stated = {"from": "2024-10-01", "to": "2024-11-30"}
    parts = (stated, {"to": "2024-11-30"}, {})
    days = [read_wave(make_wave(collected=part)) for part in parts]
    assert [(str(wave.first_day), str(wave.last_day)) for wave in days] == [
        ("2024-10-01", "2024-11-30"),
        ("2024-11-30", "2024-11-30"),
        ("2024-12-31", "2024-12-31"),
    ]
    timeless = days[-1].model_copy(update={"year": NO_YEAR})
    assert timeless.first_day is timeless.last_day is None
    assert timeless.document_day == date(FIRST_YEAR, 12, 31)


@pytest.mark.parametrize(
    "name", ["a\\0b.csv", "a\\nb.csv", "\\e[31m.csv", "\\u2028.csv", "x" * 300, "é" * 130 + ".csv"]
)
@pytest.mark.parametrize(
    "key", ["units", "crosswalk", "measures", "unit_changes", "instrument", "plan", "earlier"]
)
@pytest.mark.quick_cases(1)
def test_a_name_that_no_file_can_have_is_refused(make_wave, key, name):
    """The system would raise an error of its own, or print the control characters."""
    path = make_wave()
    lines = [line for line in path.read_text("utf-8").splitlines() if f"{key}:" not in line]
    value = f'["{name}"]' if key == "earlier" else f'"{name}"'
    path.write_text("\n".join([*lines, f"{key}: {value}"]) + "\n", "utf-8")
    error = refusal(path)
    assert "255" in error.text("en")
    assert "\x1b" not in error.text("en")
    assert error.exit_code == 15


@pytest.mark.parametrize("key", ["crosswalk", "measures", "unit_changes"])
def test_a_file_that_is_read_late_is_missed_at_once(make_wave, key):
    """Else ``sipas check`` agrees and the run stops at its last chapter."""
    path = make_wave()
    path.write_text(path.read_text("utf-8") + f"{key}: lost.csv\n", "utf-8")
    assert f"`{key}: lost.csv`" in refusal(path).text("en")
    (path.parent / "lost.csv").write_text("a\n")
    assert read_wave(path).id == "small-2024"


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("day", ["20241001", "2024-W40-2", "٢٠٢٤-١٠-٠١", "2024-10-01T00:00"])
def test_a_day_is_written_in_one_way(make_wave, day):
    """Python reads weeks, and days without hyphens; a person may mean something else."""
    error = refusal(make_wave(collected={"from": day}))
    assert day in error.text("en")
