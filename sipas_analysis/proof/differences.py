"""Explain how a published file differs from the one that was made again from the inputs.

Under the program and libraries of the receipt the bytes must be equal. Under others the same text
may be set in other bytes. Then a difference in what a reader sees, or in what is hidden from a
reader, is a fault; without one, a file of other bytes is not verified, because a receipt that was
forged may name other libraries, and markup can show what no comparison of texts sees.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from math import isclose
from pathlib import Path

from sipas_analysis.proof.file_contents import KINDS, READERS, read_pieces
from sipas_analysis.proof.findings import Finding
from sipas_analysis.proof.program import Facts
from sipas_analysis.proof.read_back import PrintedNumber, read_printed

NO_WORDS = ("layout", "digits")  # kinds of a file that says the same
CLOSE = 1e-9  # largest difference by another processor or library
NUMBER = re.compile(r"(-?\d+\.\d+(?:e-?\d+)?)")


def explain_difference(
    published: Path, remade: Path, name: str, figures: Mapping[str, Facts], version: tuple[str, str]
) -> list[Finding]:
    """Return what differs in two files whose bytes differ: numbers by figure, else by kind.

    Args:
        published: The file of the run.
        remade: The same file, made again.
        name: Its name in the receipt.
        figures: Rows of the published figures by id.
        version: Version of the program in the receipt, and of this program: words that may differ
            if the versions do.

    Returns:
        One finding for each wrong number, else the first difference of each kind. ``layout`` if
        no text differs; ``digits`` if nothing differs but numbers of a plain text, by 1e-9.
    """
    try:
        printed = [*find_wrong_numbers(read_printed(published), name, figures)]
        now, expected = read_pieces(published), read_pieces(remade)
    except ValueError as error:
        return [Finding("printed", name, new=error)]
    differing = [*_compare_pieces(name, expected, now, version)]
    if printed:  # the numbers explain why the text differs
        differing = [finding for finding in differing if finding.kind not in ("text", "layout")]
    faults = [finding for finding in differing if finding.kind not in NO_WORDS]
    return [*printed, *(faults or ([] if printed else differing))]


def find_wrong_numbers(
    printed: Iterable[PrintedNumber], name: str, figures: Mapping[str, Facts]
) -> Iterator[Finding]:
    """Yield each printed number of a file that is not its figure."""
    for number in printed:
        exact = figures.get(number.id, {}).get(number.column)
        if not number.agrees(exact):
            yield Finding("printed", name, f"{number.id}#{number.column}", exact, number.text)


def _compare_pieces(
    name: str,
    expected: Mapping[str, Sequence[str]],
    now: Mapping[str, Sequence[str]],
    version: tuple[str, str],
) -> Iterator[Finding]:
    """Yield the first difference of each kind; one of layout if there is no other."""
    has_difference = False
    for kind in KINDS:
        pairs = zip_longest(expected[kind], now[kind])
        pair = next((pair for pair in pairs if not _are_same(*pair, version)), None)
        if pair is not None:
            has_difference = True
            yield Finding(kind, name, "", *_cut_same_ends(*pair))
    if not has_difference:
        yield Finding("digits" if Path(name).suffix not in READERS else "layout", name)


def _are_same(old: str | None, new: str | None, version: tuple[str, str]) -> bool:
    """Return whether two pieces are the same, numbers to ``CLOSE``."""
    if old == new:
        return True
    if old is None or new is None:
        return False
    before, now = NUMBER.split(old), NUMBER.split(new.replace(*version))
    return len(before) == len(now) and all(
        one == other or (k % 2 and isclose(float(one), float(other), rel_tol=CLOSE, abs_tol=CLOSE))
        for k, (one, other) in enumerate(zip(before, now, strict=True))
    )


def _cut_same_ends(old: str | None, new: str | None) -> tuple[str, str]:
    """Return the words of two pieces from the first letter that differs, with some before it."""
    old, new = old or "", new or ""
    pairs = enumerate(zip(old, new, strict=False))
    same = next((k for k, pair in pairs if len({*pair}) > 1), min(len(old), len(new)))
    start = max(0, same - 30)
    return old[start : start + 100], new[start : start + 100]
