"""Every kind of figure can be traced, with its name in words."""

import pytest

from sipas_analysis.errors import ParameterError
from sipas_analysis.figures.published import PARTS, figures_of
from sipas_analysis.messages import LANGUAGES, read_catalogue
from sipas_analysis.proof.trace import explain_figure, trace


def test_every_kind_of_figure_has_a_name():
    """A new kind in ``figures.csv`` has words for the officer who traces it."""
    names = {key.split(".")[2] for key in read_catalogue("vi") if key.startswith("trace.kind.")}
    assert names == {*PARTS}


@pytest.mark.slow
def test_one_figure_of_each_kind_is_explained(demo_2021):
    """People, settings, ranks, models: name, value, forms; no code stands for a unit or factor."""
    ids = figures_of(demo_2021).by_id["id"]
    by_kind = {figure_id.partition(":")[0]: figure_id for figure_id in ids if ":" in figure_id}
    for figure_id in by_kind.values():
        traced = trace(demo_2021, figure_id)
        for language in LANGUAGES:
            assert len(dict(explain_figure(demo_2021, traced, language))) >= 3, figure_id
    people = dict(explain_figure(demo_2021, trace(demo_2021, "people:sex=male"), "vi"))
    assert "Giới tính: Nam" in people["Số liệu"]
    assert "473" in people["Phép chia"]
    pooled = dict(explain_figure(demo_2021, trace(demo_2021, "pooled:so-nv"), "vi"))
    assert "Sở Nội vụ" in pooled["Số liệu"]


@pytest.mark.slow
def test_a_number_is_found_as_reports_print_it(demo_2021):
    """The index before figures beside it; a change with or without its sign; last year's forms."""
    assert trace(demo_2021, "87,25")["id"] == "overall"
    for text in ("+6,44", "6,44"):
        change = trace(demo_2021, text, unit="tx-tan-chau")
        assert change["id"] == "change:overall@tx-tan-chau"
    assert "2020" in dict(explain_figure(demo_2021, change, "vi"))["Năm trước"]
    last_year = [*explain_figure(demo_2021, trace(demo_2021, "trend:an-giang-2020"), "vi")]
    rows = [text for head, text in last_year if head == "Dòng"]
    assert rows
    assert all(text.startswith("an-giang-2020/") for text in rows)
    for text in ("17.920", "17920"):  # dossiers that are done
        done = trace(demo_2021, text)
        assert done["id"] == "record:done:all"
    assert "17.920" in dict(explain_figure(demo_2021, done, "vi"))["In ra"]
    with pytest.raises(ParameterError, match="--unit: ") as refused:
        trace(demo_2021, "100,00")
    assert "–)" not in refused.value.text("vi")
    with pytest.raises(ParameterError, match="12,3456"):
        trace(demo_2021, "12,3456")
