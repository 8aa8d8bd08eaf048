"""Find which lines of a text, or rows of a table, differ from those whose hashes were kept."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.proof.cell_hashes import Hashes

Pair = tuple[int, int]  # the place of a line before, and its place now, from 0


@dataclass(frozen=True)
class LineChanges:
    """What differs between two sequences of lines; places are counted from 0.

    Attributes:
        same: Lines that have the same content, wherever they stand.
        altered: Lines with another content in the same place among the others.
        removed: Places before of lines that are gone.
        added: Places now of lines that were not there.
        swapped: Two places now whose lines were exchanged.
        moved: Lines that stand elsewhere and were not swapped.
    """

    same: Sequence[Pair] = ()
    altered: Sequence[Pair] = ()
    removed: Sequence[int] = ()
    added: Sequence[int] = ()
    swapped: Sequence[Pair] = ()
    moved: Sequence[Pair] = ()


def find_line_changes(before: Hashes, now: Hashes) -> LineChanges:
    """Compare two sequences of hashes in O(n log n).

    Lines that occur once in both and keep their order (the longest such series) stay in place, and
    so do equal lines beside them. Other equal lines are moved.

    Example:
        >>> before, now = (np.array(list(map(ord, word)), np.uint64) for word in ("abcde", "abXed"))
        >>> changes = find_line_changes(before, now)
        >>> changes.altered, changes.swapped
        ([(2, 2)], [(3, 4)])
    """
    in_place = _keep_in_place(before, now)
    elsewhere = _match_rest(before, now, in_place)
    same = sorted([*in_place, *elsewhere])
    swapped = _find_swapped(same, elsewhere)
    exchanged = {*chain.from_iterable(swapped)}
    sources, targets = ({pair[way] for pair in same} for way in (0, 1))
    altered, removed, added = list[Pair](), list[int](), list[int]()
    for old_places, new_places in _list_gaps(in_place, len(before), len(now)):
        gone = [place for place in old_places if place not in sources]
        new = [place for place in new_places if place not in targets]
        if len(gone) == len(new):
            altered += zip(gone, new, strict=True)
        else:
            removed += gone
            added += new
    moved = [(old, new) for old, new in elsewhere if new not in exchanged and before[old]]
    return LineChanges(same, altered, removed, added, swapped, moved)


def _find_swapped(same: Sequence[Pair], elsewhere: Iterable[Pair]) -> list[Pair]:
    """Return the places now of two lines that exchanged theirs, not counting other lines."""
    news = [new for _, new in same]  # in the order before
    ranks = {new: rank for rank, new in enumerate(sorted(news))}
    order = [ranks[new] for new in news]
    moved = {new for _, new in elsewhere}
    pairs = [(rank, place) for place, rank in enumerate(order) if news[place] in moved]
    exchanged = {(min(pair), max(pair)) for pair in pairs if order[pair[0]] == pair[1]}
    by_rank = sorted(news)
    return [(by_rank[low], by_rank[high]) for low, high in sorted(exchanged)]


def _keep_in_place(before: Hashes, now: Hashes) -> list[Pair]:
    """Return the lines that stay in place, in order."""
    ends = _count_equal(before, now), 0
    ends = ends[0], _count_equal(before[ends[0] :][::-1], now[ends[0] :][::-1])
    last = len(before) - ends[1], len(now) - ends[1]
    anchors = _find_anchors(before[ends[0] : last[0]], now[ends[0] : last[1]], ends[0])
    pairs = [(at, at) for at in range(ends[0])]
    for (old, new), (next_old, next_new) in pairwise([(ends[0] - 1, ends[0] - 1), *anchors, last]):
        first, second = before[old + 1 : next_old], now[new + 1 : next_new]
        n_below = _count_equal(first, second)
        n_above = _count_equal(first[n_below:][::-1], second[n_below:][::-1])
        pairs += [(old + step, new + step) for step in range(1, n_below + 1)]
        pairs += [(next_old - step, next_new - step) for step in range(n_above, 0, -1)]
        pairs.append((next_old, next_new))
    return pairs[:-1] + [(last[0] + at, last[1] + at) for at in range(ends[1])]


def _count_equal(first: Hashes, second: Hashes) -> int:
    """Return how many lines are equal at the start."""
    n_lines = min(len(first), len(second))
    differs = first[:n_lines] != second[:n_lines]
    return int(differs.argmax()) if differs.any() else n_lines


def _find_anchors(before: Hashes, now: Hashes, start: int) -> list[Pair]:
    """Return the longest series of lines that occur once in both and keep their order."""
    single = [_find_single(lines) for lines in (before, now)]
    _, first, second = np.intersect1d(
        before[single[0]], now[single[1]], assume_unique=True, return_indices=True
    )
    pairs = sorted(zip(single[0][first].tolist(), single[1][second].tolist(), strict=True))
    kept = _find_longest_rise([new for _, new in pairs])
    return [(pairs[at][0] + start, pairs[at][1] + start) for at in kept]


def _find_single(lines: Hashes) -> NDArray[np.intp]:
    """Return the places of lines that occur once."""
    _, places, counts = np.unique(lines, return_index=True, return_counts=True)
    single: NDArray[np.intp] = places[counts == 1]
    return single


def _find_longest_rise(numbers: Sequence[int]) -> list[int]:
    """Return the places of the longest rising series of distinct numbers."""
    ends, places, earlier = list[int](), list[int](), list[int]()
    for place, number in enumerate(numbers):
        length = bisect_left(ends, number)
        ends[length : length + 1], places[length : length + 1] = [number], [place]
        earlier.append(places[length - 1] if length else -1)
    series, place = list[int](), places[-1] if places else -1
    while place >= 0:
        series.append(place)
        place = earlier[place]
    return series[::-1]


def _match_rest(before: Hashes, now: Hashes, in_place: Iterable[Pair]) -> list[Pair]:
    """Return equal lines that stand elsewhere: of several, the first with the first."""
    taken = [np.array([*places], dtype=np.intp) for places in zip(*in_place, strict=True)]
    lines = []
    for hashes, gone in zip((before, now), taken or [np.array([], np.intp)] * 2, strict=True):
        places = np.setdiff1d(np.arange(len(hashes)), gone)
        table = pd.DataFrame({"line": hashes[places], "place": places})
        lines.append(table.assign(number=table.groupby("line").cumcount()))
    both = lines[0].merge(lines[1], on=["line", "number"], suffixes=("_before", "_now"))
    return [*zip(both["place_before"].tolist(), both["place_now"].tolist(), strict=True)]


def _list_gaps(
    in_place: Iterable[Pair], n_before: int, n_now: int
) -> Iterator[tuple[range, range]]:
    """Yield the places before and now between lines that stay in place."""
    for (old, new), (next_old, next_new) in pairwise([(-1, -1), *in_place, (n_before, n_now)]):
        if next_old - old > 1 or next_new - new > 1:
            yield range(old + 1, next_old), range(new + 1, next_new)
