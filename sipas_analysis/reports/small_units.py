"""What is said of units of too few forms, and of those that are hidden to protect them.

No number of a unit that is hidden to protect another is printed.
"""

from collections.abc import Iterator
from itertools import islice

from sipas_analysis.collect.survey import Survey
from sipas_analysis.figures.published import figures_of
from sipas_analysis.figures.suppression import find_units_to_hide
from sipas_analysis.messages import Language, join_first, say

SHOWN_UNITS = 20  # units that are named
Lines = Iterator[tuple[str, None]]


def describe_small_units(survey: Survey, language: Language) -> Lines:
    """Name units of fewer than ``min_cell`` forms, and the units to be hidden with them."""
    forms, min_cell = survey.frame["unit"].value_counts(), survey.wave.min_cell
    small = [code for code in survey.unit_names if 0 < forms.get(code, 0) < min_cell]
    if not small or len(forms) < 2:
        return
    names = [
        say(language, "disclosure.unit", unit=survey.unit_names[code], n=int(forms[code]))
        for code in small
    ]
    fields = {
        "names": join_first(names, SHOWN_UNITS),
        "min_cell": min_cell,
        "file": survey.wave.path,
    }
    yield say(language, "cli.said.small_units", **fields), None
    protecting = find_units_to_hide(figures_of(survey).estimates, survey)
    if protecting:
        names = [name for code, name in survey.unit_names.items() if code in protecting]
        yield say(language, "cli.said.units_protect", names=join_first(names, SHOWN_UNITS)), None
    yield from _show_merging(survey, small, language)


def describe_hidden(survey: Survey, language: Language) -> Lines:
    """Name the units of enough forms whose results are hidden to protect others; no number."""
    protecting = figures_of(survey).protecting_units
    names = [name for code, name in survey.unit_names.items() if code in protecting]
    if names:
        yield say(language, "cli.said.units_hidden", names=join_first(names, SHOWN_UNITS)), None


def _show_merging(survey: Survey, small: list[str], language: Language) -> Lines:
    """Write how a unit of too few forms is counted with another of its group and parent.

    The example has the largest such unit; where there is none, no unit is named.
    """
    units = survey.units.assign(n=survey.units["code"].map(survey.frame["unit"].value_counts()))
    rows = units[units["n"] > 0].sort_values("n", kind="stable").to_dict("records")
    file = survey.wave.path_of(survey.wave.units).name
    yield say(language, "cli.said.merge_units", file=file), None
    pairs = (
        (row, other)
        for row in rows
        for other in reversed(rows)
        if row["code"] in small
        and row["parent"]
        and other is not row
        and (other["group"], other["parent"]) == (row["group"], row["parent"])
    )
    for row, other in islice(pairs, 1):
        names = [other["aliases"], row["name_vi"] or row["name_en"], row["aliases"]]
        fields = {
            "small": survey.unit_names[row["code"]],
            "other": survey.unit_names[other["code"]],
            "aliases": "; ".join(filter(None, names)),
        }
        yield say(language, "cli.said.merge_example", **fields), None
