"""What is read is what was planned: the copy that was hashed, whatever becomes of the file."""

import pytest

from sipas_analysis import input_copies
from sipas_analysis.collect import survey as survey_module
from sipas_analysis.collect.survey import find_changed_inputs, read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.errors import ChangedError
from sipas_analysis.input_copies import hold_files

ANSWERS = "unit,A1,A2,D1\nso-a,4,5,3\nso-b,5,4,4\n"


def test_the_wave_that_was_read_is_the_wave_of_the_answers(make_wave):
    """``wave.yaml`` changed between its reading and that of the answers; as before is no matter."""
    path = make_wave(ANSWERS)
    before, wave = path.read_bytes(), read_wave(path)
    path.write_bytes(before + b"min_cell: 7\n")
    with pytest.raises(ChangedError, match=r"wave\.yaml changed"):
        read_survey(wave)
    path.write_bytes(before)
    assert len(read_survey(wave).frame) == 2
    assert [file.name for file in read_survey(wave).inputs] == [
        "wave.yaml",
        "pack.yaml",
        "units.csv",
        "answers.csv",
    ]


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", ["answers.csv", "units.csv", "pack.yaml"])
def test_a_file_that_changes_while_it_is_read_changes_nothing(make_wave, monkeypatch, name):
    """The double stands between copying and reading; the run that holds the survey tells later."""
    path = make_wave(ANSWERS)
    expected, read_all = read_survey(read_wave(path)), survey_module._read_all

    def change_and_read(*arguments):
        (path.parent / name).write_text("x", "utf-8")
        return read_all(*arguments)

    monkeypatch.setattr(survey_module, "_read_all", change_and_read)
    survey = read_survey(read_wave(path))
    assert survey.frame.equals(expected.frame)
    assert survey.fingerprint == expected.fingerprint
    assert find_changed_inputs(survey) == [path.parent / name]


@pytest.mark.slow
def test_a_run_reads_what_it_has_read_before(make_wave):
    """A file changed, taken away, put back; what came or changed since is listed, not read."""
    path = make_wave(ANSWERS, responses=[{"file": "answers*.csv"}])
    answers, survey = path.parent / "answers.csv", read_survey(read_wave(path))
    with hold_files(survey.input_hashes):
        answers.write_text(ANSWERS.replace("4,5,3", "1,1,1"), "utf-8")
        assert read_survey(read_wave(path)).frame.equals(survey.frame)
        assert find_changed_inputs(survey) == [answers]
        answers.unlink()
        assert read_survey(read_wave(path)).frame.equals(survey.frame)
        assert find_changed_inputs(survey) == [answers]
        (path.parent / "answers2.csv").write_text(ANSWERS.replace("4", "3"), "utf-8")
        assert read_survey(read_wave(path)).fingerprint == survey.fingerprint
        answers.write_text(ANSWERS, "utf-8")
        assert find_changed_inputs(survey) == [answers, path.parent / "answers2.csv"]  # rewritten
    assert len(read_survey(read_wave(path)).frame) == 4  # outside, each reading stands alone


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("change", ["other", "gone", "new"])
def test_another_process_refuses_files_that_are_not_those_of_its_run(
    make_wave, monkeypatch, change
):
    """It has no copies of the run that it works for, and no list of its files."""
    path = make_wave(ANSWERS, responses=[{"file": "answers*.csv"}])
    (path.parent / "answers3.csv").write_text(ANSWERS.replace("5", "4"), "utf-8")
    hashes = read_survey(read_wave(path)).input_hashes
    name = "answers2.csv" if change == "new" else "answers3.csv"
    if change == "gone":
        (path.parent / name).unlink()
    else:
        (path.parent / name).write_text(ANSWERS.replace("4", "3"), "utf-8")
    monkeypatch.setattr(input_copies, "_FOLDERS", [])
    monkeypatch.setattr(input_copies, "_MATCHED", {})
    with hold_files(hashes), pytest.raises(ChangedError, match=name) as caught:
        read_survey(read_wave(path))
    assert name in caught.value.text("vi")


def test_a_list_of_changed_units_that_no_word_names_is_an_input(make_wave):
    """``compare`` reads unit_changes.csv beside the wave, so hashes and archives must hold it."""
    path = make_wave(ANSWERS)
    (path.parent / "unit_changes.csv").write_text("date,from,to\n", "utf-8")
    assert "unit_changes.csv" in [file.name for file in read_wave(path).list_files()]


@pytest.mark.slow
def test_waves_that_an_earlier_wave_names_in_its_turn_are_no_inputs(demo_2023):
    """2023 names 2020 and 2021, and 2021 names 2020: each file stands once among the inputs."""
    names = [file.file for file in demo_2023.inputs.values()]
    assert [name for name in names if name.startswith("earlier")] == [
        f"earlier-{number}/{file}"
        for number in (1, 2)
        for file in ("wave.yaml", "units.csv", "responses-1.csv")
    ]
    assert not [name for name in names if name.count("earlier") > 1]
