"""Formats of reports that nobody writes."""

import pytest

from sipas_analysis import cli
from sipas_analysis.errors import ParameterError


def test_wrong_formats_are_refused_together_before_forms_are_read(tmp_path):
    """The wave is not even there: what is told are the formats."""
    with pytest.raises(ParameterError) as caught:
        cli.run(tmp_path / "none.yaml", formats="html,word,doc")
    assert caught.value.message_id == "run_format"
    assert "“word”, “doc”" in caught.value.text("vi")
