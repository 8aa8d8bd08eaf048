"""Published tables on what stands beside the counts: what was set aside, and the office's own form.

No value of a cell is in them, and no file is named: only reasons, columns and numbers.
"""

import pandas as pd

from sipas_analysis.figures.record_tables import RecordSource, name_rows
from sipas_analysis.records.official_form import compare_with_count
from sipas_analysis.records.timeliness import count_as_form, count_timeliness, place_unlimited

COUNTED = ("stay_of_no_dossier",)  # lines that name a first row and say how many there are


def tabulate_aside(source: RecordSource) -> pd.DataFrame:
    """Count by reason what was set aside or read differently in the records (rule T2).

    A line of the ledger without a row counts so many lines as it says.
    """
    ledger = source.records.ledger
    said = ledger["found"].astype(str).str.extract(r"^\+? ?(\d+)$")[0].astype(float)
    is_count = ledger["row"].isna() | ledger["reason"].isin(COUNTED)
    n = said.where(is_count).fillna(1.0).astype(int)
    counts = (
        n.groupby(ledger["reason"].astype(str)).sum().sort_values(ascending=False, kind="stable")
    )
    table = counts.rename_axis("label").rename("n").reset_index()
    return name_rows(table, "reason", source).assign(key=table["label"])


def tabulate_form(source: RecordSource) -> pd.DataFrame:
    """Return cells of the office's form II.06a that break a sum, or differ from the count (T4).

    ``label`` is the rule that a cell breaks, or the field; ``section`` the cell. Cells of few
    dossiers are left out (P2).
    """
    form = source.records.form
    if form is None:
        return pd.DataFrame()
    breaks = form.breaks.rename(columns={"rule": "label"})
    counts = count_timeliness(place_unlimited(source.dossiers), "field_name", period=source.period)
    differences = compare_with_count(form, count_as_form(counts))
    is_few = differences[["form", "counted"]].apply(lambda n: n.between(1, source.min_cell - 1))
    differences = differences[~is_few.any(axis=1)].rename(columns={"field_name": "label"})
    parts = []
    for domain, cells in (("break", breaks), ("difference", differences)):
        places = cells["column"].astype(str) + cells["row"].astype(str)
        named = cells.assign(section=places).reset_index(drop=True)
        numbers = named.drop(columns=["file", "row", "column", "name"], errors="ignore")
        parts.append(name_rows(numbers, domain, source))
    return pd.concat(parts, ignore_index=True)
