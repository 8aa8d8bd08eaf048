"""Count blanks and answers “not applicable” of each question, apart from each other."""

import pandas as pd

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
    n_absent = absent["code"].value_counts().reindex(codes).fillna(0).astype(int)
    answered = survey.frame[codes].notna().sum()
    table = pd.DataFrame({"answered": answered, "blank": len(survey.frame) - answered - n_absent})
    return table.assign(not_applicable=n_absent).rename_axis("item").reset_index()
