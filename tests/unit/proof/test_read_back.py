"""A printed number agrees with its figure: digits, and the sign too."""

import pytest

from sipas_analysis.proof.read_back import PrintedNumber


@pytest.mark.parametrize("name", ["change:A4", "gap:A4@so-nv", "A4"])
def test_a_lost_minus_is_not_the_figure(name):
    """A fall of 9.27 points is no rise; a sentence that says "fell" names the column ``fall``."""
    for text, exact, is_same in (
        ("−9,27", -9.2711, True),
        ("9,27", -9.2711, False),
        ("−9,27", 9.2711, False),
        ("9,27", 9.2711, True),
        ("9,27", None, False),
    ):
        assert PrintedNumber(name, "value", text, "vi").agrees(exact) == is_same
