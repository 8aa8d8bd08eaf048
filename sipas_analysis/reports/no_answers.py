"""Count blanks and answers “not applicable” of each question, apart from each other."""

import pandas as pd

from sipas_analysis.collect.columns import place_columns
from sipas_analysis.collect.survey import Survey

NOT_APPLICABLE = "not_applicable"


def count_no_answers(survey: Survey) -> pd.DataFrame:
    """Return for each question on satisfaction how many people answered it, and how others did not.

    Returns:
        ``item``, ``answered``, ``blank`` (empty or a code of no answer) and ``not_applicable``.
    """
    codes = survey.instrument.rated_codes
    absent = survey.ledger[survey.ledger["reason"] == NOT_APPLICABLE]
    absent = absent.merge(survey.frame[["file", "row"]], on=["file", "row"])
    code_of: dict[str, str] = {}
    for _, responses in survey.wave.list_sources():
        columns = survey.wave.columns_of(responses)
        placed = place_columns(absent["column"].unique(), columns, survey.instrument)
        code_of = {header: code for code, header in placed.items.items()} | code_of
    counts = absent["column"].map(lambda header: code_of.get(header, "")).value_counts()
    answered = survey.frame[codes].notna().sum()
    n_absent = counts.reindex(codes).fillna(0).astype(int)
    table = pd.DataFrame({"answered": answered, "blank": len(survey.frame) - answered - n_absent})
    return table.assign(not_applicable=n_absent).rename_axis("item").reset_index()
