"""Texts of offices made comparable: Unicode composed, spaces of any kind folded.

Texts are folded only for comparison, so that the ledger can still show the text of the file.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_PLAIN_IDS = re.compile(r"(?:[A-Za-z]*[0-9]+\n)*+")
_SPACES = re.compile(rf"[\s\u00a0\u200b\u200c\u200d\u2060\ufeff{CONTROL.pattern[1:-1]}]+")


@lru_cache(maxsize=2**16)  # ids of forms are read several times
def tidy_text(text: str) -> str:
    """Return text composed (NFC), with runs of any spaces made one and none at the ends."""
    if text.isascii() and text.isprintable() and "  " not in text:  # most cells; nothing to compose
        return text.strip()
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()


@lru_cache(maxsize=2**16)
def fold_text(text: str) -> str:
    """Return text for comparison: tidy, without difference of case."""
    return tidy_text(text).casefold()


def are_plain_ids(texts: Iterable[str]) -> bool:
    """Return whether all texts are ASCII letters, if any, and digits: most ids of forms.

    Such a text is tidy, and folded it is its small letters; so a million are read at once.

    Example:
        >>> are_plain_ids(["P0001", "17"]), are_plain_ids(["P0001", "P-2"])
        (True, False)
    """
    return _PLAIN_IDS.fullmatch("\n".join([*map(str, texts), ""])) is not None


@lru_cache(maxsize=2**14)  # headers are compared with the wordings of every questionnaire
def plain_text(text: str) -> str:
    """Return text to find the nearest name: words of letters and digits, without marks or case."""
    decomposed = unicodedata.normalize("NFD", fold_text(text).replace("đ", "d"))
    return " ".join(re.findall(r"[^\W_]+", re.sub(r"[\u0300-\u036f]", "", decomposed)))
