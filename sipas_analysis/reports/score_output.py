"""What ``sipas score`` prints: the units of each group in order, worded as in the report."""

from collections.abc import Iterator

import pandas as pd

from sipas_analysis.collect.units import list_groups
from sipas_analysis.documents.model import Interval, render_text
from sipas_analysis.figures.published import Figures
from sipas_analysis.measure.ranking import MOST_UNITS
from sipas_analysis.messages import Language, format_number, say
from sipas_analysis.reports.subject import list_marked_names, name_measure

SHOWN_UNITS = 100  # of a group of more than ``MOST_UNITS``


def describe_ranking(figures: Figures, language: Language) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the table of each group with its title; numbers in the format of the language.

    Of a group of more than 300 units the first 100 are shown: nobody reads thousands of lines.
    """
    names, groups = list_marked_names(figures), list_groups(figures.survey.wave)
    ranking = figures.ranking.assign(places=figures.ranked_units.range_texts())
    for group, all_units in ranking.groupby("group", sort=False):
        is_long = len(all_units) > MOST_UNITS
        units = all_units.head(SHOWN_UNITS) if is_long else all_units
        ends = zip(units["low"], units["high"], strict=True)
        columns = {
            "letter": units["letter"],
            "rank": units["rank"],
            "places": units["places"],
            "unit": [names[unit].text(language) for unit in units["unit"]],
            "measure": [format_number(printed, language) for printed in units["printed"]],
            "interval": [render_text(Interval(low, high), language) for low, high in ends],
            "forms": [format_number(n, language) for n in units["n"]],
        }
        heads = {name: say(language, f"report.column.{name}") for name in columns}
        heads["measure"] = name_measure(figures.survey.instrument, "head").text(language)
        name = groups[str(group)].text(language)
        n, total = (format_number(len(table), language) for table in (units, all_units))
        title = (
            say(language, "cli.table.scores_first", group=name, n=n, total=total)
            if is_long
            else say(language, "cli.table.scores", group=name)
        )
        yield title, pd.DataFrame(columns, units.index).rename(columns=heads)
