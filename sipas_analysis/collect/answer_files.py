"""Which inputs hold answers or records; of those a published file names one hash over all.

The hash or the size of one such file would give its content away: the form of a unit of two people
has few possible contents, and each can be tried.
"""

import hashlib
import re
from collections.abc import Iterable

_KINDS = "wave|pack|units|unit_changes|crosswalk|measures|plan|judged_plan-[0-9]+|calendar-[0-9]+"
_NO_ANSWERS = re.compile(rf"(?:earlier-[0-9]+/)?(?:{_KINDS})(?:\.[^/]*)?")


def holds_answers(name: str) -> bool:
    """Return whether an input, by its public name, holds answers or records of people.

    Example:
        >>> holds_answers("earlier-1/responses-2.csv"), holds_answers("units.csv")
        (True, False)
    """
    return not _NO_ANSWERS.fullmatch(name)


def hash_answers(files: Iterable[tuple[str, str]]) -> str:
    """Return the SHA-256 over all files that hold answers; empty if none does.

    Args:
        files: Public name and SHA-256 of each input, in the order of the receipt.

    Returns:
        The hash of the lines ``<SHA-256>  <name>`` of these files, as ``sha256sum`` prints them.

    Source: rules P and P3 in docs/method.md.

    Example:
        >>> hash_answers([("units.csv", "ab")])
        ''
    """
    lines = [f"{sha256}  {name}\n" for name, sha256 in files if holds_answers(name)]
    return hashlib.sha256("".join(lines).encode("utf-8")).hexdigest() if lines else ""
