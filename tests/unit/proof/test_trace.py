"""Every kind of figure can be traced, with its name in words."""

import pytest

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
        for language in LANGUAGES:
            lines = dict(explain_figure(demo_2021, trace(demo_2021, figure_id), language))
            assert len(lines) >= 3, figure_id
    people = dict(explain_figure(demo_2021, trace(demo_2021, "people:sex=male"), "vi"))
    assert "Giới tính: Nam" in people["Số liệu"]
    assert "473" in people["Phép chia"]
    pooled = dict(explain_figure(demo_2021, trace(demo_2021, "pooled:so-nv"), "vi"))
    assert "Sở Nội vụ" in pooled["Số liệu"]
