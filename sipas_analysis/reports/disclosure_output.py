"""What ``sipas check --disclosure`` prints: what of a wave is hidden, why, and what it costs."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.collect.units import list_groups
from sipas_analysis.figures.published import figures_of
from sipas_analysis.figures.suppression import mark_small
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.measure.rules import COMPREHENSIVE, MEAN_100, MEAN_SCORE
from sipas_analysis.messages import Language, format_number, join_first, say
from sipas_analysis.reports.subject import Subject

CAUSES = ("small", "sum", "bound")  # as ``Suppression.cause`` has them
SHOWN_PLACES = 40  # units and groups whose hidden figures are named; the table has all
Lines = Iterator[tuple[str, pd.DataFrame | None]]  # a sentence, or a title with its table


def describe_disclosure(survey: Survey, language: Language) -> Lines:
    """Yield what units hide it for, what each place hides, and the numbers by cause (rule P4)."""
    yield say(language, "disclosure.searching"), None
    yield from _name_causes(survey, language)
    yield from _name_hidden(survey, language)
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


def _name_causes(survey: Survey, language: Language) -> Lines:
    """Say whether without the forms of the smallest units anything need be hidden."""
    figures = figures_of(survey)
    table, is_small = figures.estimates, mark_small(figures.estimates)
    if not is_small.any():
        yield say(language, "disclosure.nothing"), None
        return
    is_unit = table["domain"].eq("unit").to_numpy()
    small = [*table.loc[is_small & is_unit & table["variable"].eq(OVERALL), "unit"]]
    is_rest = is_small & ~(is_unit & table["unit"].isin(small).to_numpy())
    if small:
        forms = survey.frame["unit"].value_counts()
        names = [_name_unit(survey, unit, int(forms[unit]), language) for unit in small]
        word = "less" if is_rest.any() else "not_without"
        yield say(language, f"disclosure.{word}", names=join_first(names, SHOWN_PLACES)), None


def _name_hidden(survey: Survey, language: Language) -> Lines:
    """Name for each place what is hidden there, and why."""
    figures = figures_of(survey)
    cause = figures.suppression.cause
    keys = ["domain", "group", "unit"]
    table = figures.estimates[[*keys, "variable", "level", "n", "n_valid"]].assign(cause=cause)
    answered = table[table["n_valid"] > 0].fillna({"group": "", "unit": ""})
    places = (rows for _, rows in answered.groupby(keys, sort=False) if rows["cause"].any())
    for rows in islice(places, SHOWN_PLACES):
        is_hidden = rows["cause"].ne("")
        causes = [word for word in CAUSES if rows["cause"].eq(word).any()]
        codes = [*rows.loc[is_hidden, "variable"]]
        fields = {
            "place": _name_place(survey, rows.iloc[0], language),
            "why": "; ".join(say(language, f"disclosure.why.{word}") for word in causes),
            "names": ", ".join(_name_codes(survey, codes, language)),
        }
        word = "all" if is_hidden.all() else "some"
        yield say(language, f"disclosure.place_{word}", n=len(codes), **fields), None


def _name_place(survey: Survey, row: "pd.Series[Any]", language: Language) -> str:
    """Return the name of the whole, of a group, or of a unit with its number of forms."""
    if row["domain"] == "all":
        return say(language, "report.level.province")
    if row["unit"]:
        return _name_unit(survey, row["unit"], int(row["n"]), language)
    return list_groups(survey.wave)[row["group"]].text(language)


def _name_codes(survey: Survey, codes: list[str], language: Language) -> Iterator[str]:
    """Yield the names of the index, of blocks and factors, the codes of items, then the means."""
    subject = Subject(figures_of(survey))
    if OVERALL in codes:
        yield say(language, "report.level.overall")
    parts = [*survey.instrument.blocks, *survey.instrument.factors]
    yield from (subject.short_name(code).text(language) for code in parts if code in codes)
    yield from (code for code in survey.instrument.rated_codes if code in codes)
    beside = (COMPREHENSIVE, MEAN_SCORE, MEAN_100)
    yield from (say(language, f"report.beside.{code}") for code in beside if code in codes)


def _name_unit(survey: Survey, unit: str, n: int, language: Language) -> str:
    return say(language, "disclosure.unit", unit=survey.unit_names[unit], n=n)
