"""What ``sipas check --disclosure`` prints: what of a wave is hidden, why, and what it costs."""

from collections.abc import Iterator

import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.figures.published import figures_of
from sipas_analysis.messages import Language, format_number, say


def describe_disclosure(
    survey: Survey, language: Language
) -> Iterator[tuple[str, pd.DataFrame | None]]:
    """Yield the table of what is hidden, by cause; counts only (rule P4)."""
    counts = figures_of(survey).disclosure
    rows = [
        {
            "hidden": say(language, f"disclosure.{measure}", min_cell=survey.wave.min_cell),
            "amount": "" if pd.isna(n) else format_number(int(n), language),
            "share": "" if pd.isna(percent) else f"{format_number(percent, language, 2)}%",
        }
        for measure, n, percent in counts.itertuples(index=False)
    ]
    yield say(language, "cli.table.disclosure"), pd.DataFrame(rows)
