"""Find the nearest wording or unit, to be proposed; a person decides.

Last year's form, a name without marks or in short, a tone mark in another place: none of them is
taken for the listed name without a word.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache

from sipas_analysis.arguments import find_nearest
from sipas_analysis.collect.vocabulary import read_vocabulary
from sipas_analysis.sheets.texts import fold_text, plain_text

LEAST = 0.6  # likeness from which a wording is proposed
MARGIN = 0.1  # by which the nearest wording must lead
UNLIKE = 0.3  # likeness below which a wording asks something else


@lru_cache(maxsize=2**14)
def _number_words(text: str) -> frozenset[tuple[str, int]]:
    """Return the words of a text, each with the number of times that it stood before."""
    words = plain_text(text).split()
    return frozenset((word, words[:at].count(word)) for at, word in enumerate(words))


def rate_likeness(text: str, wording: str) -> float:
    """Return the likeness of two texts, 0 to 1.

    Mean of the common words' share in the shorter text and in both texts. A text of less than
    three words is like no other.
    """
    words, others = _number_words(text), _number_words(wording)
    n_common, n_shorter = len(words & others), min(len(words), len(others))
    if n_shorter < 3:
        return 0.0
    return n_common / n_shorter / 2 + n_common / (len(words) + len(others))


def is_unlike(text: str, wordings: Iterable[str]) -> bool:
    """Return whether a text is like none of some wordings; shorter texts cannot be judged."""
    long = [wording for wording in (text, *wordings) if len(_number_words(wording)) >= 3]
    ratings = [rate_likeness(text, wording) for wording in long[1:]] if text in long else []
    return bool(ratings) and max(ratings) < UNLIKE


def is_opposite(text: str, wordings: Iterable[str]) -> bool:
    """Return whether a text asks for the good where all wordings ask for the bad, or the reverse.

    A short text without a word for the bad cannot be judged.
    """
    is_bad = _is_negative(text)
    others = {_is_negative(wording) for wording in wordings}
    return others == {not is_bad} and (is_bad or len(_number_words(text)) >= 3)


@cache
def _is_negative(text: str) -> bool:
    """Return whether a text names something bad; a negation turns its direction."""
    pattern, is_not, is_bad = _compile_turning()
    rest = pattern.sub(" ", fold_text(text))
    return bool(is_not.search(rest)) != bool(is_bad.search(rest))


@cache
def _compile_turning() -> tuple[re.Pattern[str], ...]:
    """Return patterns of neutral texts, of negations before a word, and of words for the bad."""
    turning, ends = read_vocabulary()["turning"], {"not": r"(?=\s+[^\W\d_])"}
    return tuple(
        re.compile(
            rf"(?<!\w)(?:{'|'.join(map(re.escape, turning[part]))})(?!\w){ends.get(part, '')}"
        )
        for part in ("neutral", "not", "bad")
    )


def find_nearest_code(
    text: str, wordings: Mapping[str, Iterable[str]], least: float = LEAST
) -> str:
    """Return the code whose wordings are nearest to a text; empty if none leads clearly."""
    ratings = sorted(
        (max((rate_likeness(text, wording) for wording in texts), default=0.0), code)
        for code, texts in wordings.items()
        if not is_opposite(text, texts)
    )
    if not ratings or ratings[-1][0] < least:
        return ""
    leads = len(ratings) == 1 or ratings[-1][0] - ratings[-2][0] >= MARGIN
    return ratings[-1][1] if leads else ""


def pair_nearest(
    headers: Iterable[str], wordings: Mapping[str, Iterable[str]], least: float = LEAST
) -> dict[str, str]:
    """Return by code the only header that is nearest to its wording."""
    headers_by_code: dict[str, list[str]] = {}
    for header in headers:
        headers_by_code.setdefault(find_nearest_code(header, wordings, least), []).append(header)
    return {code: near[0] for code, near in headers_by_code.items() if code and len(near) == 1}


def find_nearest_name(text: str, names: Iterable[str], least: float = 0.8) -> str:
    """Return the name that a text may mean: other marks, in short, or misspelt."""
    by_plain = {_plain_name(name): name for name in names}
    plain = _plain_name(text)
    glued, digits = plain.replace(" ", ""), re.findall(r"\d+", plain)
    short = [name for key, name in by_plain.items() if glued in _list_initials(key)]
    if plain not in by_plain and short:
        return short[0] if len(short) == 1 else ""
    close = find_nearest(plain, by_plain, least)
    return by_plain[close] if close and re.findall(r"\d+", close) == digits else ""


@cache
def _plain_name(name: str) -> str:
    """Return the plain words of a name, the usual short words in full, without its prefix."""
    vocabulary = read_vocabulary()
    short = {plain_text(text): plain_text(full) for text, full in vocabulary["short"].items()}
    words = " ".join(short.get(word, word) for word in plain_text(name).split() if word != "va")
    for prefix in map(plain_text, vocabulary["prefixes"]):
        words = words.removeprefix(f"{prefix} ")
    return words.removesuffix(" 0") if words.replace(" ", "").isdigit() else words


def _list_initials(words: str) -> list[str]:
    """Return the usual short forms of a name: initials, with the first word in full or not."""
    first, *others = words.split() or [""]
    initials = "".join(word[0] for word in others)
    return [first + initials, first[:1] + initials, *[initials] * (len(initials) > 2)]
