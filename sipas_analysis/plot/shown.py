"""What of a result is drawn: its rows without those that must not be published, and why not."""

from collections.abc import Sequence

import pandas as pd

from sipas_analysis.errors import ParameterError
from sipas_analysis.infer.result_table import SUPPRESS
from sipas_analysis.messages import LANGUAGES, Language, say
from sipas_analysis.plot.row_axes import RowAxes


def take_shown(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the rows that may be drawn, and how many are hidden because of too few people.

    A figure without answers is not hidden: there is nothing to draw.
    """
    is_hidden = pd.Series(False, frame.index)
    if "flag" in frame:
        is_hidden = frame["flag"].eq(SUPPRESS)
        if "n_valid" in frame:
            is_hidden &= frame["n_valid"].ne(0)
    shown = frame[~is_hidden & frame["value"].notna()]
    return shown, int(is_hidden.sum())


def note_hidden(pen: RowAxes, n_hidden: int) -> None:
    """State below the picture how many figures are not drawn because of too few people."""
    if n_hidden:
        pen.notes.append(say(pen.language, "plot.hidden", n=n_hidden))


def refuse_empty(rows: Sequence[object] | pd.DataFrame, reason: str, **fields: object) -> None:
    """Refuse a result of which nothing can be drawn; ``reason`` ends a message id ``plot.no.*``."""
    if len(rows):
        return
    why: dict[Language, str] = {
        language: say(language, f"plot.no.{reason}", **fields) for language in LANGUAGES
    }
    raise ParameterError("plot_empty", why=why)
