"""Labels that few people gave are published as *other* (rule P6); what was answered is kept."""

import re
from dataclasses import replace

import pytest

from sipas_analysis.figures.rare_labels import find_rare_labels, merge_rare_labels
from sipas_analysis.reports.check_output import describe_check
from sipas_analysis.reports.report import report

COLUMNS = {"unit": "unit", "mode": "how", "keys": {"place": "where"}}
# Where and how: six of ward 1, three names, one that the file itself calls other; sexes and groups.
ROWS = [
    *["so-a,online,Ward 1,male,HN,4,5,3"] * 5,
    "so-a,online,Ward 1,female,HN,4,4,2",
    "so-b,online,Mr An's house,female,HN;NCC,4,5,3",
    "so-b,online,Mr An's house,female,NCC;KHAC,5,4,4",
    "so-b,by pigeon,0912 345 678,female,KHAC,3,4,4",
    "so-b,online,Khác,female,,5,5,5",
]


@pytest.fixture(scope="module")
def survey(read_shared):
    """Ten forms; the least cell is five people."""
    rows = [f"so-{'ab'[at % 2]}{row[4:]}" for at, row in enumerate(ROWS)]  # no place is a unit
    answers = "\n".join(["unit,how,where,sex,vulnerable,A1,A2,D1", *rows])
    return read_shared(answers, columns=COLUMNS, duplicates={"keep": "answers.csv", "because": "a"})


def test_labels_of_few_people_are_counted_as_other(survey):
    """Merged into the label *other* that is there; of several choices each counts once."""
    assert find_rare_labels(survey) == {
        "mode": {"by pigeon": 1},
        "place": {"Mr An's house": 2, "0912 345 678": 1},
        "vulnerable": {"NCC": 2},
    }
    merged = merge_rare_labels(survey)
    assert merged.frame["mode"].value_counts().to_dict() == {"online": 9, "other": 1}
    assert merged.frame["place"].value_counts().to_dict() == {"Ward 1": 6, "Khác": 4}
    assert [*merged.frame["vulnerable"][6:9]] == ["HN;KHAC", "KHAC", "KHAC"]
    assert "by pigeon" in set(survey.frame["mode"])
    assert merge_rare_labels(merged) is merged


def test_the_labels_of_a_large_sheet_are_merged_too(survey):
    """Its columns are categories, which refuse a label that none of them is."""
    keys = ["mode", "place", "vulnerable"]
    large = replace(survey, frame=survey.frame.astype(dict.fromkeys(keys, "category")))
    merged, expected = (merge_rare_labels(each).frame[keys] for each in (large, survey))
    assert merged.astype(object).equals(expected.astype(object))


@pytest.mark.slow
def test_no_report_prints_them_and_the_office_is_told_how_many(survey):
    """In the tables of the province and of a unit; ``check`` names the key, not the label."""
    for unit in ("", "so-b"):
        built = report(survey, "en", unit)
        names = (*built.chapters, *built.annexes)
        text = "".join(built.chapter(name)._repr_html_() for name in names)
        assert not [word for word in ("pigeon", "Mr An", "0912", "Merit") if word in text]
    whole = re.sub("<[^>]*>", "", report(survey, "en").chapter("people")._repr_html_())
    assert "Ward 1" in whole
    assert "fewer than 5 people gave" in whole
    lines = " ".join(sentence for sentence, _ in describe_check(survey, "en"))
    assert "place: 2 answer(s) that fewer than 5 people gave (3 forms in all)" in lines
    assert "pigeon" not in lines
