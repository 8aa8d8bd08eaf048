"""The drivers of a survey: each person's mean level in each factor, and the outcome beside them."""

import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import ConfigError
from sipas_analysis.infer.design import Design
from sipas_analysis.instrument.pack import Instrument


def score_factors(survey: Survey) -> pd.DataFrame:
    """Return each person's mean level over the items answered in each factor, shape (n, f)."""
    pack = survey.instrument
    levels = align_levels(survey.frame[[*pack.items]], pack)
    scores = {code: levels[pack.items_of(code)].mean(axis=1) for code in pack.factors}
    return pd.DataFrame(scores, index=survey.frame.index)


def align_levels(answers: pd.DataFrame, pack: Instrument) -> pd.DataFrame:
    """Return answers on the scale of the pack, so that levels of different scales may be averaged.

    x′ = low + (x − a)/(b − a)·(high − low) for an item with levels a to b.
    """
    aligned, low, high = answers.copy(), pack.scale.low, pack.scale.high
    for code in answers:
        scale = pack.scale_of(str(code))
        if scale.levels != pack.scale.levels:
            part = (answers[code] - scale.low) / (scale.high - scale.low)
            aligned[code] = low + part * (high - low)
    return aligned


def find_outcome(survey: Survey) -> str:
    """Return the code of the outcome that has answers; empty if there is none.

    Raises:
        ConfigError: The outcome is itself an item of a factor.
    """
    pack = survey.instrument
    outcome = survey.wave.outcome or (pack.overall_item.code if pack.overall_item else "")
    if outcome in pack.items:
        raise ConfigError("outcome_in_driver", outcome=outcome)
    return outcome if outcome and bool(survey.frame[outcome].notna().any()) else ""


def find_cut(survey: Survey) -> int:
    """Return the lowest level of the outcome that counts as satisfied."""
    return survey.instrument.scale_of(find_outcome(survey)).satisfied_from


def design_with_scores(survey: Survey) -> Design:
    """Return the sample of a survey with the factor scores as further columns."""
    scores = score_factors(survey)
    return survey.design(
        pd.concat([survey.frame.drop(columns=scores, errors="ignore"), scores], axis=1)
    )
