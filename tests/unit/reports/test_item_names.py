"""Names of items in reports and pictures: code and wording, or the wording that is its code."""

import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.explain.term_names import TermNames
from sipas_analysis.plot.names import read_names
from sipas_analysis.reports.subject import name_item

HEADER = "C9. Mức độ tin tưởng (0-10)"


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize(
    ("column", "wording", "name"),
    [
        (HEADER, None, HEADER),
        ("C9", "C9: Tin tưởng", "C9: Tin tưởng"),
        ("C9", "Tin tưởng", "C9. Tin tưởng"),
        ("C9", "C90 là số phòng", "C9. C90 là số phòng"),
    ],
)
@pytest.mark.parametrize("reverse", [False, True])
def test_a_wording_that_begins_with_its_code_is_printed_once(column, wording, name, reverse):
    """A header that is the whole question stands once, in reports, pictures and models alike."""
    items = [column] if wording is None else {column: wording}
    forms = pd.DataFrame({column: [1, 5, 4]})
    survey = sipas.survey(forms, items, reverse=[column] if reverse else [])
    marked = f"{name} (đã đảo thang)" if reverse else name
    assert name_item(survey.instrument, column).text("vi") == marked
    assert read_names(None, "vi", survey, None).name_item(column) == marked
    in_models = TermNames(survey.wording, "vi").name_variable(column)
    assert in_models in (marked, marked.replace(f"{column}. ", f"{column} "))


@pytest.mark.slow
def test_a_report_on_headers_that_are_questions_names_each_once():
    """No chapter and no note below a table says the question twice in a row."""
    forms = pd.DataFrame(
        {HEADER: [10, 9, 3] * 20, "C1. Chờ": [5, 2, 3] * 20, "sex": ["m", "f"] * 30}
    )
    survey = sipas.survey(
        forms, [HEADER, "C1. Chờ"], scale={HEADER: (0, 10)}, keys=["sex"], title="Hai câu"
    )
    report = sipas.report(survey, "vi")
    text = "".join(report.chapter(name)._repr_html_() for name in ("leaders", "results"))
    assert HEADER in text
    assert f"{HEADER}. {HEADER}" not in text
