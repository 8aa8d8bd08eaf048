"""The pictures of the gallery are those that its blocks draw."""

import drawn
import pytest
from make_pictures import PAGE, describe, read_description, run_gallery


@pytest.mark.slow
def test_pictures_of_the_gallery_show_what_its_blocks_draw(monkeypatch):
    """Numbers and texts, not bytes: `make pictures` makes them again."""
    monkeypatch.chdir(PAGE.parents[1])
    drawn.close_all()
    shown = {
        path.name: (read_description(path), describe(figure)) for path, figure in run_gallery()
    }
    drawn.close_all()
    assert [name for name, (kept, now) in shown.items() if kept != now] == []
    on_disk = {path.name for path in (PAGE.parent / "pictures").glob("plot_*")}
    assert on_disk == {*shown}
    assert len(shown) > 8


def test_a_description_tells_numbers_and_words():
    """Another value, another text or another order is another picture."""
    import matplotlib.pyplot as plt

    seen = set()
    for value, text in ((1.0, "a"), (1.1, "a"), (1.0, "b")):
        figure, ax = plt.subplots()
        ax.plot([value], [0])
        ax.set_title(text)
        seen.add(describe(figure))
    drawn.close_all()
    assert len(seen) == 3
