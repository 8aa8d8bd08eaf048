"""The picture of the guide shows what ``sipas init`` prints today."""

import pytest
from make_screens import PICTURE, draw_screen, print_init
from PIL import Image

pytestmark = pytest.mark.slow


def test_the_picture_of_the_guide_shows_what_init_prints(tmp_path):
    """Its text, and as many lines; else: ``make pictures``."""
    printed = print_init(tmp_path)
    picture = Image.open(PICTURE)
    assert picture.text["Description"] == printed
    assert picture.size == draw_screen(printed).size
    assert "Nhận ra qd-2640-2017 với 5 đơn vị." in printed
