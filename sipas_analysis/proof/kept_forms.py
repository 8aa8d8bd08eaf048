"""What a figure would be if the forms dropped for one reason were kept."""

from collections.abc import Iterator

import pandas as pd

from sipas_analysis.collect.survey import DROP_REASONS, Survey, read_survey
from sipas_analysis.collect.wave import Wave
from sipas_analysis.collect.wave_parts import Duplicates
from sipas_analysis.errors import ParameterError, SipasError
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.measure.scores import score
from sipas_analysis.messages import LANGUAGES, Language, format_number, say

KEPT = Bilingual(vi="–", en="–")


def list_reasons(survey: Survey, reason: str = "") -> list[str]:
    """Return the reasons for which forms of a survey were dropped, or the one that is named.

    Raises:
        ParameterError: No form was dropped for this reason.
    """
    there = {*survey.ledger["reason"]}
    reasons = [name for name in DROP_REASONS if name in there]
    if reason and not reasons:
        raise ParameterError("trace_no_reason")
    if reason and reason not in reasons:
        known = {
            language: "; ".join(f"{name} ({say(language, f'ledger.{name}')})" for name in reasons)
            for language in LANGUAGES
        }
        raise ParameterError("trace_reason", found=reason, known=known)
    return [reason] if reason else reasons


def keep_forms(survey: Survey, reason: str) -> Survey:
    """Read a survey again without the rule by which forms were dropped.

    Args:
        survey: Survey of a wave on files.
        reason: One of ``DROP_REASONS``: ``form_dropped`` (``min_answered``), ``copy``
            (``duplicates: drop``), ``only`` or ``leave_out``.

    Raises:
        SipasError: The forms that were dropped hold mistakes.
    """
    copies = survey.wave.duplicates
    changes: dict[str, dict[str, object]] = {
        "form_dropped": {"min_answered": 0},
        "copy": {"duplicates": Duplicates(keep=(*copies.keep, *copies.drop), because=KEPT)},
        "only": {"only": {}},
        "leave_out": {"leave_out": {}},
    }
    wave: Wave = survey.wave.model_copy(update=changes[reason])
    return read_survey(wave)


def explain_kept_forms(
    survey: Survey, row: pd.Series, language: Language, reason: str = ""
) -> Iterator[tuple[str, str]]:
    """Yield heading and sentence for each reason: the figure with the forms dropped for it.

    Args:
        survey: Survey behind the figure.
        row: Result of ``trace``; nothing is said of a figure that is no score, or that is
            hidden.
        language: Language of the sentences.
        reason: One reason; all for which forms were dropped if left out.

    Raises:
        ParameterError: No form was dropped for this reason.
    """
    reasons = list_reasons(survey, reason)
    is_shown = isinstance(row["variable"], str) and pd.notna(row["value"])
    if not is_shown or not survey.inputs:
        return
    head, decimals = say(language, "trace.head.kept"), survey.instrument.index.decimals + 2
    for name in reasons:
        n_forms = int((survey.ledger["reason"] == name).sum())
        fields = {"reason": say(language, f"ledger.{name}"), "n": n_forms}
        try:
            value = _score_again(keep_forms(survey, name), row)
        except SipasError as error:
            yield head, say(language, "trace.kept_refused", why=error.text(language), **fields)
            continue
        change = format_number(value - float(row["value"]), language, decimals)
        sign = "" if change.startswith("−") else "+"
        shown = format_number(value, language, decimals)
        yield head, say(language, "trace.kept", value=shown, change=sign + change, **fields)


def _score_again(survey: Survey, row: pd.Series) -> float:
    """Return the value of a score of the same unit, group or whole in another survey."""
    by = next((key for key in ("unit", "group") if row[key]), "")
    scores = score(survey, by or ()).frame
    is_wanted = (scores["variable"] == row["variable"]) & (scores["level"] == row["level"])
    if by:
        is_wanted &= scores[by] == row[by]
    values = scores.loc[is_wanted, "value"]
    return float(values.iloc[0]) if len(values) else float("nan")
