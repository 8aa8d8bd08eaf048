"""Files that once gave a wrong figure or a crash: each gives its figures, or is refused by place.

The figures are satisfied and valid answers of all items, counted from the files without this
program. The inputs stand in ``tests/cases``; names and answers are invented.
"""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from sipas_analysis.collect.survey import Survey, read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.draft.wave_file import draft_wave
from sipas_analysis.errors import SeveralError, SipasError
from sipas_analysis.measure.change import compare

CASES = Path(__file__).parents[2] / "cases"
ONE = {"file": "phieu.xlsx"}
FIRST_SEAT = "Nơi ngồi chờ tại cơ quan/Bộ phận TN&TKQ có đủ chỗ ngồi"
LABELS = {"Rất tốt": 5, "Tốt": 4, "Trung bình": 3, "Kém": 2, "Rất kém": 1}


@dataclass(frozen=True)
class Read:
    """A case that is read: forms, satisfied and valid answers, forms read, and the ledger."""

    folder: str
    n: int
    satisfied: int
    valid: int
    n_read: int = 0
    ledger: dict[str, int] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)
    wave: str = "wave.yaml"


@dataclass(frozen=True)
class Refused:
    """A case that is refused: exit code, message, and words of its sentence in English."""

    folder: str
    exit_code: int
    message_ids: tuple[str, ...]
    words: tuple[str, ...]
    changes: dict[str, Any] = field(default_factory=dict)


READ = [
    Read("files-00-control", 40, 553, 880, ledger={"ignored": 1}),
    Read("files-01-chartsheet", 30, 441, 660, changes={"responses": [ONE]}),
    Read(
        "files-04-copy-of-sheet",
        *(30, 428, 660, 60),
        {"copy": 30, "hidden_read": 1},
        {"hidden": "read", "duplicates": {"drop": "phieu.xlsx [Bản sao của Câu trả lời biểu]"}},
    ),
    Read(
        "files-05-trung-binh",
        *(30, 428, 660),
        ledger={"label": 660},
        changes={"responses": [ONE], "columns": {"unit": "Đơn vị", "labels": LABELS}},
    ),
    Read("files-06-merged-key", 30, 444, 660, ledger={"merged": 27}),
    Read(
        "files-06-merged-key",
        *(30, 444, 660),
        ledger={"merged": 54},
        changes={
            "responses": [ONE],
            "columns": {"unit": "Đơn vị", "keys": {"field": "Lĩnh vực"}, "stratum": "Tầng"},
        },
    ),
    Read(
        "files-07-weight-thousands",
        *(40, 614, 880),
        ledger={"number": 20},
        changes={"responses": [{"file": "phieu.csv"}], "decimal": "comma"},
    ),
    Read(
        "files-08-us-dates",
        *(36, 510, 792),
        changes={"responses": [{"file": "phieu.csv"}], "dates": "m/d"},
    ),
    Read("files-12-brackets-name", 30, 443, 660),
    Read("files-16-max-and-footers", 30, 443, 660, ledger={"footer": 4, "ignored": 1}),
    Read(
        "files-16-max-and-footers",
        *(30, 443, 660),
        ledger={"footer": 3, "total": 1, "ignored": 1},
        changes={"responses": [{"file": "Sở Y tế.xlsx", "unit": "Sở Tư pháp"}]},
    ),
    Read(
        "files-17-resaved-copy",
        *(30, 443, 660, 60),
        {"copy": 30},
        {"duplicates": {"drop": "so-y-te - Copy.xlsx"}},
    ),
    Read(
        "files-21-incomplete-preview",
        *(21, 306, 462, 30),
        {"leave_out": 5, "only": 4, "ignored": 3},
        {"only": {"Finished": "TRUE"}, "leave_out": {"Status": "Survey Preview"}},
    ),
    Read(
        "files-22-prenumbered",
        *(30, 443, 660),
        ledger={"empty_line": 70, "ignored": 1},
        changes={"responses": [ONE]},
    ),
    Read(
        "files-38-two-versions",
        *(30, 443, 660),
        ledger={"joined": 2},
        changes={
            "columns": {
                "unit": "Đơn vị",
                "join": {"A1": [f"Câu 1. {FIRST_SEAT}", f"Câu 2. {FIRST_SEAT}"]},
            }
        },
    ),
    Read("hostile-19", 36, 728, 778, ledger={"blank_code": 2, "footer": 1}),
    Read("surveys-01-blank-code-of-a-profile-question", 30, 39, 60, ledger={"blank_code": 16}),
    Read(
        "surveys-01-blank-code-of-a-profile-question",
        *(30, 39, 60),
        ledger={"blank_code": 16},
        wave="wave-file-blank.yaml",
    ),
    Read("surveys-02-compare-weighted-with-unweighted", 40, 40, 80, wave="wave-2023.yaml"),
    Read("surveys-03-reversed-item", 30, 30, 60),
    Read(
        "surveys-03-reversed-item",
        *(30, 46, 60),
        ledger={"reversed": 1},
        wave="wave-reverse.yaml",
    ),
    Read("surveys-20-no-units", 20, 25, 40),
    Read("surveys-22-same-items-one-added", 40, 52, 80, wave="wave-2023.yaml"),
    Read("surveys-22-same-items-one-added", 40, 78, 120, wave="wave-2024.yaml"),
]
REFUSED = [
    Refused("files-01-chartsheet", 11, ("no_data_sheet",), ("“Bieu do”", "Phieu")),
    Refused("files-02-formula-no-cache", 12, ("no_value",), ("“Phieu”", "F2–F31", "B1", "Excel")),
    Refused(
        "files-03-unbalanced-quote",
        *(11, ("open_quote",), ("phieu.csv", "row 13")),
        {"responses": [{"file": "phieu.csv"}]},
    ),
    Refused(
        "files-04-copy-of-sheet",
        *(20, ("hidden", "copies")),
        ("“Bản sao của Câu trả lời biểu”", "rows 2–31", "duplicates: {drop", "hidden: skip"),
    ),
    Refused(
        "files-05-trung-binh",
        *(12, ("answer",), ("660", "“Trung bình”", "labels:")),
        {"responses": [ONE], "columns": {"unit": "Đơn vị"}},
    ),
    Refused(
        "files-07-weight-thousands",
        *(12, ("decimal",), ("“1.234”", "B3", "decimal: comma")),
        {"responses": [{"file": "phieu.csv"}]},
    ),
    Refused(
        "files-08-us-dates",
        *(12, ("day_order",), ("A2", "3/1/2024", "dates: m/d")),
        {"responses": [{"file": "phieu.csv"}]},
    ),
    Refused(
        "files-10-dup-header",
        *(13, ("columns_twice",), ("A1", "columns B, X", "join:")),
        {"responses": [ONE]},
    ),
    Refused("files-15-numbering-row", 11, ("header_numbers",), ("row 3", "header: 2")),
    Refused(
        "files-17-resaved-copy",
        *(16, ("copies",), ("so-y-te - Copy.xlsx", "rows 2–31", "duplicates: {drop", "because")),
    ),
    Refused("files-20-ragged-export", 16, ("row_slid",), ("phieu.xlsx", "15 rows", "21", "Export")),
    Refused("files-38-two-versions", 13, ("columns_twice",), ("A1", "columns B, X", "join:")),
    Refused("hostile-08", 11, ("open_quote",), ("responses.csv", "row 19")),
    Refused("hostile-09", 13, ("columns_twice",), ("A1", "O, AL")),
    Refused("hostile-12", 11, ("glob_empty",), ("a**b/*.csv",)),
    Refused("hostile-15", 12, ("no_value",), ("T4", "B2", "Excel")),
    Refused("hostile-17", 14, ("unit_list",), ("units.csv", "row 2", "code")),
    Refused("hostile-21", 15, ("config",), ("header", "upper one first")),
    Refused("hostile-27", 15, ("config",), ("seed", "-1", "wave.yaml")),
    Refused("hostile-30", 14, ("unit_list",), ("units.csv", "row 2", "name_vi")),
    Refused("surveys-11-cluster-blank", 21, ("stratum_blank",), ("a.csv", "row 9", "“C”")),
    Refused("surveys-15-last-row-cut-off", 16, ("row_short",), ("a.csv", "row 22")),
    Refused(
        "surveys-21-blank-of-a-column-that-is-not-there",
        *(15, ("names_absent",), ("“Zzz”", "nothing here")),
    ),
]


def read_case(case: Read | Refused, folder: Path) -> Survey:
    """Read the survey of a case from a copy of its files, with the changes of its wave."""
    shutil.copytree(CASES / case.folder, folder, dirs_exist_ok=True)
    wave = folder / (case.wave if isinstance(case, Read) else "wave.yaml")
    if case.changes:
        facts = yaml.load(wave.read_text("utf-8"), yaml.BaseLoader)
        wave.write_text(yaml.safe_dump(facts | case.changes, allow_unicode=True), "utf-8")
    return read_survey(read_wave(wave))


def count_answers(survey: Survey) -> tuple[int, int]:
    """Count satisfied and valid answers of all items."""
    answers = survey.frame[[*survey.instrument.items]]
    is_satisfied = answers >= survey.instrument.scale.satisfied_from
    return int(is_satisfied.sum().sum()), int(answers.notna().sum().sum())


@pytest.mark.parametrize("case", READ, ids=lambda case: f"{case.folder}-{case.wave[:-5]}")
@pytest.mark.quick_cases(1)
def test_a_case_gives_the_figures_counted_by_hand(case, tmp_path):
    """All forms, no other rows, and each change in the ledger."""
    survey = read_case(case, tmp_path)
    assert (len(survey.frame), *count_answers(survey)) == (case.n, case.satisfied, case.valid)
    assert survey.n_read == (case.n_read or case.n)
    assert survey.ledger["reason"].value_counts().to_dict() == case.ledger


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.folder)
@pytest.mark.quick_cases(1)
def test_a_case_is_refused_with_its_place(case, tmp_path):
    """One paragraph that names the place and what to do, in both languages."""
    with pytest.raises(SipasError) as caught:
        read_case(case, tmp_path)
    error = caught.value
    errors = error.errors if isinstance(error, SeveralError) else (error,)
    assert (error.exit_code, *(part.message_id for part in errors)) == (
        case.exit_code,
        *case.message_ids,
    )
    assert [word for word in case.words if word not in error.text("en")] == []
    assert error.text("vi") != error.text("en")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "file", "pack", "counts"),
    [
        ("files-13-semicolon-commas", "phieu.csv", "qd-1001-2023", (30, 766, 1170)),
        ("files-33-kobo-prefix", "cau.csv", "qd-2640-2017", (30, 443, 660)),
        ("files-33-kobo-prefix", "kobo.csv", "qd-2640-2017", (30, 443, 660)),
        ("files-36-tick-grid", "phieu.xlsx", "qd-2640-2017", (30, 443, 660)),
        ("files-27-long-header", "phieu.xlsx", "qd-2640-2017", (30, 443, 660)),
        ("own-questionnaire", "phieu.xlsx", "phieu", (30, 412, 630)),
        ("files-15-numbering-row", "phieu.xlsx", "phieu", (30, 766, 1170)),
    ],
)
def test_a_draft_of_a_case_gives_its_figures(folder, file, pack, counts, tmp_path):
    """Only the year, the order of day and month and columns to ignore are written by hand."""
    shutil.copy(CASES / folder / file, tmp_path)
    assert draft_wave([tmp_path / file], tmp_path, "en").pack.id == pack
    path = tmp_path / "wave.yaml"
    lines = [line.replace("#-", "-") for line in path.read_text("utf-8").splitlines()]
    facts = yaml.load("\n".join(lines), yaml.BaseLoader)  # stays YAML when a # is taken away
    path.write_text(yaml.safe_dump(facts | {"year": 2024, "dates": "m/d"}), "utf-8")
    survey = read_survey(read_wave(path))
    assert (len(survey.frame), *count_answers(survey)) == counts


def test_a_pack_of_the_user_is_drafted_from(tmp_path):
    """`sipas init --pack`: the two items are recognised, the other column is listed."""
    shutil.copytree(CASES / "surveys-05-init-with-a-pack-of-my-own", tmp_path, dirs_exist_ok=True)
    draft = draft_wave([tmp_path / "a.csv"], tmp_path, "en", str(tmp_path / "pack.yaml"))
    assert (draft.pack.id, [*draft.pack.items]) == ("mini", ["A", "B"])
    assert draft.list_left("unknown") == ["U"]


@pytest.mark.slow
def test_one_column_of_28_is_no_other_questionnaire(tmp_path):
    """Q1 to Q28 are no pack of the program: one is drafted with all 28."""
    shutil.copytree(CASES / "q1-of-28", tmp_path, dirs_exist_ok=True)
    draft = draft_wave([tmp_path / "a.csv"], tmp_path, "en")
    assert [*draft.pack.items] == [f"Q{n}" for n in range(1, 29)]


@pytest.mark.slow
def test_a_weighted_year_is_not_compared_with_an_unweighted_one():
    """The same answers: a change would be one of weighting only."""
    folder = CASES / "surveys-02-compare-weighted-with-unweighted"
    before, after = (read_survey(read_wave(folder / f"wave-{year}.yaml")) for year in (2023, 2024))
    changes = compare(before, after).to_frame()
    assert set(changes["reason"]) == {"weights_dropped"}
    assert changes["value"].isna().all()


@pytest.mark.slow
def test_items_in_common_are_compared_without_a_crosswalk():
    """The same answers to A and B, and C added: a change of 0 for both, none for C."""
    folder = CASES / "surveys-22-same-items-one-added"
    before, after = (read_survey(read_wave(folder / f"wave-{year}.yaml")) for year in (2023, 2024))
    changes = compare(before, after).to_frame()
    items = changes[(changes["domain"] == "all") & (changes["level"] == "item")]
    columns = ["variable", "value_before", "value_after", "value"]
    assert items[columns].to_numpy().tolist() == [["A", 62.5, 62.5, 0], ["B", 67.5, 67.5, 0]]
