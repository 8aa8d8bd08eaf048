"""The code of the dossier that a form is about: read, and in no table, key, ledger or output."""

import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.errors import ConfigError

HEAD = "unit,A1,A2,D1,Mã hồ sơ\n"
FORMS = f"{HEAD}so-a,5,4,3, H01-1  Nguyễn Văn An 0912345678\nso-a,4,4,3,H01-2\nso-b,1,2,,\n"


def columns(**more: object) -> dict:
    return {"columns": {"unit": "unit", "dossier": "Mã hồ sơ", **more}}


def test_codes_stand_apart_from_the_forms(read_answers):
    """No key, no column, no entry of the ledger, though the first code had to be tidied."""
    survey = read_answers(FORMS, **columns())
    codes = survey.dossiers
    assert codes.tolist()[:2] == ["H01-1 Nguyễn Văn An 0912345678", "H01-2"]
    assert codes.isna().tolist() == [False, False, True]
    assert "dossier" not in survey.frame
    assert "dossier" not in survey.keys
    said = "".join(map(str, (survey.ledger.to_csv(), survey.frame.to_csv(), survey, repr(survey))))
    assert "H01" not in said
    assert "Nguyễn" not in said
    assert "dossier" not in survey.design().frame
    assert read_answers("unit,A1,A2,D1\nso-a,5,4,3\nso-b,4,4,3\n").dossiers is None


def test_a_part_of_the_forms_finds_its_codes_by_the_index(read_answers):
    """The codes stay with the forms that ``subset`` keeps."""
    part = read_answers(FORMS, **columns()).subset("A1 == 4")
    assert part.dossiers.reindex(part.frame.index).tolist() == ["H01-2"]


def test_forms_left_out_by_their_dossier_are_listed_without_its_code(read_answers):
    """The ledger has the row, not the text."""
    survey = read_answers(FORMS, **columns(), leave_out={"Mã hồ sơ": ["H01-2"]})
    left_out = survey.ledger[survey.ledger["reason"] == "leave_out"]
    assert left_out["row"].tolist() == [3]
    assert left_out["found"].tolist() == [""]


@pytest.mark.parametrize(
    "words", [{"keys": {"dossier": "Mã hồ sơ"}}, {"join": {"dossier": ["Mã hồ sơ"]}}]
)
def test_a_dossier_is_no_key_and_not_joined(read_answers, words):
    """As a key it would be in every table; two columns that differ would be printed."""
    with pytest.raises(ConfigError):
        read_answers(FORMS, columns={"unit": "unit", **words})


def test_a_data_frame_names_the_column():
    """The column leaves ``survey.frame``; without the argument it stays a column of the user."""
    forms = pd.DataFrame({"q": [5, 4, 3, 2], "ma": ["a 1", "a 2", None, "a 1"]}, index=[9, 8, 7, 6])
    survey = sipas.survey(forms, ["q"], dossier="ma")
    assert survey.dossiers.dropna().to_dict() == {9: "a 1", 8: "a 2", 6: "a 1"}
    assert not {"ma", "dossier"} & {*survey.frame}
    assert survey.ledger.empty
    assert "ma" in sipas.survey(forms, ["q"]).frame
