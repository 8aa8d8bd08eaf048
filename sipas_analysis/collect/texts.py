"""Texts of offices made comparable: Unicode composed, spaces of any kind folded.

Texts are folded only for comparison, so that the ledger can still show the text of the file.
"""

import re
import unicodedata

_SPACES = re.compile(r"[\s\u00a0\u200b\u200c\u200d\u2060\ufeff]+")


def tidy_text(text: str) -> str:
    """Return text composed (NFC), with runs of any spaces made one and none at the ends."""
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()


def fold_text(text: str) -> str:
    """Return text for comparison: tidy, without difference of case."""
    return tidy_text(text).casefold()
