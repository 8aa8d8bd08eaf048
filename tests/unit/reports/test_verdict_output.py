"""What ``sipas verdict`` prints: measures of several units first, then lines, then the words."""

import pytest

from sipas_analysis.errors import ConfigError
from sipas_analysis.figures.published import figures_of
from sipas_analysis.reports.verdict_output import describe_verdicts, find_verdicts


def test_a_wave_without_a_plan_is_told_what_to_write(read_answers):
    """The key, an example, and how a plan is made."""
    survey = read_answers("unit,A1,A2,D1\n" + "so-a,5,4,3\n" * 8)
    with pytest.raises(ConfigError) as caught:
        find_verdicts(figures_of(survey))
    assert caught.value.at == ("plan",)
    assert "plan: ../2023/plan.xlsx" in caught.value.text("vi")
    assert "`sipas plan`" in caught.value.text("en")


@pytest.mark.slow
def test_verdicts_are_printed_in_words_of_the_language(demo_2021):
    """Numbers as in the report, lines by id; no unit is a code and no statistic unexplained."""
    figures = figures_of(demo_2021)
    (title, measures), (_, lines), *notes = describe_verdicts(figures, "vi")
    assert "an-giang-2020 → an-giang-2021" in title
    assert len(measures) + len(lines) == len(find_verdicts(figures))
    row = measures.set_index("followed").loc["B1"]
    assert row["task"].startswith("Công khai thủ tục hành chính")
    assert row["n_units"] == "6"
    assert row["change"] == "+23,02"
    assert lines.iloc[0][["line", "unit_name"]].tolist() == ["P01", "Toàn tỉnh"]
    assert lines["line"].is_unique  # a unit with two lines on one item is not the same row twice
    assert not lines["unit_name"].str.contains("so-").any()
    assert lines["verdict"].str.contains("chỉ tiêu không đo bằng khảo sát").any()
    assert all(table is None and text for text, table in notes)
