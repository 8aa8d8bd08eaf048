"""The text of every code that a result may name, in both languages."""

from collections.abc import Iterable, Sequence

from sipas_analysis.instrument.pack import OVERALL, Instrument
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import LANGUAGES, Language, say

IN_PLACE = "label:"  # before a code: its text stands in place of the code, not beside it
AFTER_CODE = (".", ":", ")", " (", " –", " -")  # what parts a code from its wording
BESIDE = ("comprehensive", "mean_score", "mean_score_100")  # measures beside the index
INDICES = (OVERALL, *BESIDE)  # codes that no questionnaire prints
SHOWN_CODES = 4  # items that a sentence names


def list_wording(pack: Instrument) -> dict[str, Bilingual]:
    """Return the text of items, factors, blocks, questions and indices by code.

    A code without a text in the pack is left out. The name of a question beside the index is also
    under ``label:<code>``: it stands in place of the code; a level is under ``<code>:<level>``. A
    question whose scale was turned is marked, so
    that nobody reads its figure the wrong way round.

    Example:
        >>> from sipas_analysis.instrument.pack import read_instrument
        >>> list_wording(read_instrument("qd-2640-2017"))["overall"].en
        'Overall index'
    """
    parts = (pack.indicators, pack.questions_beside, pack.blocks, pack.factors, pack.items)
    texts = {OVERALL: _read_message("leaders.overall")}
    texts |= {code: _read_message(f"report.beside.{code}") for code in BESIDE}
    for part in parts:
        texts |= {code: Bilingual(vi=text.vi, en=text.en) for code, text in part.items()}
    for code, indicator in pack.indicators.items():
        texts[f"{IN_PLACE}{code}"] = texts[code]
        texts |= {f"{code}:{level}": text for level, text in indicator.levels.items()}
    texts |= {
        code: _mark_reversed(texts[code], code)
        for code in pack.rated_codes
        if pack.find_question(code).reverse
    }
    return {code: text for code, text in texts.items() if text.text("vi")}


def repeats_code(code: str, text: str) -> bool:
    """Return whether a wording is its code, or begins with it and a mark such as a full stop.

    Such a wording stands alone in print: headers of columns are often the questions themselves.

    Example:
        >>> repeats_code("C1. Fees are clear", "C1. Fees are clear"), repeats_code("C1", "C1: Fees")
        (True, True)
        >>> repeats_code("C1", "C10 is clear")
        False
    """
    return text == code or text.startswith(tuple(f"{code}{mark}" for mark in AFTER_CODE))


def say_scales(pack: Instrument, codes: Iterable[str], language: Language) -> list[str]:
    """Return a sentence on items of different scales, or thresholds; none if all have the same.

    The items of the scale that most have are counted, the others named.
    """
    codes_of: dict[tuple[int, int, int], list[str]] = {}
    for code in codes:
        if code in pack.items:
            scale = pack.scale_of(code)
            codes_of.setdefault((scale.low, scale.high, scale.satisfied_from), []).append(code)
    if len(codes_of) < 2 or pack.index.points:
        return []
    usual = max(codes_of, key=lambda key: len(codes_of[key]))
    parts = []
    for key, listed in codes_of.items():
        low, high, least = key
        items = name_codes(listed, language)
        if key == usual and len(listed) > 1:
            items = say(language, "view.scales.items", n=len(listed))
        fields = {"low": low, "high": high, "satisfied_from": least, "items": items}
        parts.append(say(language, "view.scales.part", **fields))
    return [say(language, "view.scales", scales="; ".join(parts))]


def name_codes(codes: Sequence[str], language: Language) -> str:
    """Return the first codes as a text, and how many there are besides."""
    text = ", ".join(codes[:SHOWN_CODES])
    n_more = len(codes) - SHOWN_CODES
    return say(language, "view.scales.more", items=text, n=n_more) if n_more > 0 else text


def _mark_reversed(text: Bilingual, code: str) -> Bilingual:
    """Return the text of a question, or its code, with the mark of a turned scale."""
    vi, en = (
        say(language, "instrument.reversed", name=text.text(language) or code)
        for language in LANGUAGES
    )
    return Bilingual(vi=vi, en=en)


def _read_message(message_id: str) -> Bilingual:
    return Bilingual(vi=say("vi", message_id), en=say("en", message_id))
