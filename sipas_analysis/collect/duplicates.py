"""Find forms that were handed in twice: a file saved again, a sheet copied, a block pasted twice.

Forms are compared by all that they say. Equal forms alone are no evidence, because straight lines
are often equal by nature. Blocks of rows and pairs of sheets that chance does not explain, and ids
that repeat, are refused until ``wave.yaml`` says what becomes of them (rule Q2).
"""

from collections.abc import Sequence
from functools import reduce
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.arguments import find_nearest
from sipas_analysis.collect.cells import list_places
from sipas_analysis.collect.near_copies import Flags, find_near_copies
from sipas_analysis.collect.wave import Wave
from sipas_analysis.errors import ConfigError, FormError, Place, SipasError
from sipas_analysis.input_copies import copy_input, hash_of_copy
from sipas_analysis.instrument.pack import Instrument
from sipas_analysis.sheets.texts import fold_text

ALARM = 0.01  # largest share of correct waves that are refused
FEWEST = 3  # rows of a block, or forms that two sheets share
_PASTED = 3  # a row that follows another more often is a habit of the sheet, not pasted
_PRIOR = 100  # pairs of forms that the rate of the wave counts for, where a sheet has few
_BASE = 0x9E3779B97F4A7C15  # of the hash of a block; odd, so that it has an inverse

Rows = NDArray[np.int64]


def find_same_files(wave: Wave) -> list[SipasError]:
    """Return an error for each pair of files with the same bytes: their forms would count twice."""
    first_paths: dict[tuple[str, str], Path] = {}
    errors: list[SipasError] = []
    for path, responses in wave.list_sources():
        copy = copy_input(path)
        if copy == path:  # it is missing
            continue
        first = first_paths.setdefault((hash_of_copy(copy), responses.sheet), path)
        if first != path:
            errors.append(FormError("same_file", [Place(first.name), Place(path.name)]))
    return errors


def settle_copies(
    frame: pd.DataFrame, wave: Wave, pack: Instrument
) -> tuple[pd.DataFrame, pd.DataFrame, list[SipasError]]:
    """Drop the copies that the wave drops; refuse those that it does not mention.

    Args:
        frame: The forms of all sheets: file, row, and the typed columns.
        wave: The facts of the year, with ``duplicates``.
        pack: The questionnaire.

    Returns:
        The forms that count, the ledger of the dropped ones, and the errors.

    Source: rule Q2 in docs/method.md.
    """
    is_answered = np.zeros(len(frame), dtype=bool)
    for code in pack.rated_codes:
        is_answered |= frame[code].notna().to_numpy()
    answered = frame if is_answered.all() else frame[is_answered]
    is_pattern = answered.get("count", pd.Series(index=answered.index)).notna().to_numpy()
    first, errors = np.arange(len(answered)), list[SipasError]()
    if not is_pattern.all():
        forms = answered[~is_pattern] if is_pattern.any() else answered
        first[~is_pattern], errors = _match_forms(forms, wave, pack)
        first[~is_pattern] = np.flatnonzero(~is_pattern)[first[~is_pattern]]
    if is_pattern.any():
        first[is_pattern] = np.flatnonzero(is_pattern)[_match_tables(answered[is_pattern])]
    copies = answered[["file", "row"]].assign(at=answered.index, first=first)
    copies = copies[pd.Series(first).duplicated(keep=False).to_numpy()]
    errors += _check_names(copies, frame["file"], wave)
    dropped, undecided = _decide_copies(copies, wave)
    ledger = dropped[["file", "row", "found"]].assign(column="", became="", reason="copy")
    counted = frame if dropped.empty else frame.drop(index=[*dropped["at"]])
    return counted.reset_index(drop=True), ledger, errors + undecided


def _match_forms(
    answered: pd.DataFrame, wave: Wave, pack: Instrument
) -> tuple[Rows, list[SipasError]]:
    """Return the first form of which each form is a copy, itself if of none; and the errors."""
    forms = _number_forms(answered, pack.rated_codes, [*pack.indicators, *wave.key_codes])
    first, errors = _match_blocks(forms), list[SipasError]()
    if forms["sheet"].any():  # several sheets
        by_id, errors = _match_ids(answered, forms)
        by_sheet = _match_sheets(forms)
        first = np.select([by_id >= 0, by_sheet >= 0], [by_id, by_sheet], first)
    if wave.duplicates.drop or wave.duplicates.keep:
        first = np.where(first < 0, _match_singles(answered, first < 0, wave, pack), first)
    first = np.where(first < 0, np.arange(len(first)), first)
    while (first[first] != first).any():
        first = first[first]
    return first, errors


def _match_tables(patterns: pd.DataFrame) -> Rows:
    """Return for each row of tables of frequencies the row of the first table that is equal.

    Tables of two units may list the same patterns; equal are tables with all rows alike, each with
    its unit and its count, in any order.
    """
    content, sheet = _number_rows(patterns.drop(columns=["file", "row"])), patterns["file"]
    first, tables = np.arange(len(patterns)), dict[bytes, Rows]()
    for label in sheet.unique():
        rows = np.flatnonzero(sheet == label)
        rows = rows[np.argsort(content[rows], kind="stable")]
        if len(rows) >= FEWEST:
            first[rows] = tables.setdefault(content[rows].tobytes(), rows)
    return first


def _number_codes(codes: Rows | NDArray[np.uint64]) -> Rows:
    """Return the place of each code among the distinct codes; a hash table needs more memory."""
    order = np.argsort(codes)
    in_order = codes[order]
    is_new = in_order[1:] != in_order[:-1]
    del in_order
    numbers = np.zeros(len(codes), dtype=np.int64)
    numbers[order[1:]] = np.cumsum(is_new)
    return numbers


def _number_pairs(first: Rows, second: Rows) -> Rows:
    """Return a number for each distinct pair of numbers from -1."""
    return _number_codes(first * (second.max(initial=0) + 2) + second)


def _number_rows(columns: pd.DataFrame) -> Rows:
    """Return a number for each distinct row.

    Columns are packed into one number of 62 bits, so that few numbers are looked up.
    """
    rows, n_rows = np.zeros(len(columns), dtype=np.int64), 1
    for place in range(columns.shape[1]):
        level, levels = pd.factorize(columns.iloc[:, place])
        n_levels = len(levels) + 1  # a blank is one, too
        if n_rows * n_levels > 2**62:
            rows = _number_codes(rows)
            n_rows = int(rows.max(initial=0)) + 1
        rows *= n_levels
        rows += level
        rows += 1
        n_rows *= n_levels
    return _number_codes(rows)


def _count_equal(numbers: Rows) -> Rows:
    """Return for each number how often it is there."""
    return np.bincount(numbers)[numbers]


def _find_largest(values: NDArray[np.number], numbers: Rows) -> NDArray[np.float64]:
    """Return for each number the largest of its values, which are not negative."""
    largest = np.zeros(numbers.max(initial=0) + 1)
    np.maximum.at(largest, numbers, values)
    return largest[numbers]


def _number_forms(answered: pd.DataFrame, items: list[str], questions: list[str]) -> pd.DataFrame:
    """Return per form: sheet, content, rate, chance, and whether rare.

    A content that a unit has c > 2 times among the n forms of a sheet has the frequency
    (c - 1) / n there, else it is rare. Of the rare forms k pairs are equal: the rate of such pairs
    is (k + 1 + 100 q) / (pairs + 100), where q is the rate of the wave. The chance of a content is
    its largest frequency and rate; 1 for a straight line without profile.
    """
    profile = [name for name in (*questions, "mode", "operator", "time") if name in answered]
    cell = _number_rows(answered[[name for name in ("file", "unit") if name in answered]])
    content = _number_rows(answered[[*items, *profile]])
    answers = [answered[item].to_numpy(dtype=float) for item in items]
    is_bare = reduce(np.fmin, answers) == reduce(np.fmax, answers)  # the least and the largest
    is_bare &= ~answered[profile].notna().any(axis=1).to_numpy()
    twins = _number_pairs(content, cell)
    count, total = _count_equal(twins), _count_equal(content)
    is_rare = (_find_largest(count, content) <= 2) & ~is_bare
    is_pair = is_rare & (count == 2)
    is_single = _mark_singles(content, twins, is_rare, is_pair)
    del twins  # as large as a column of the forms, as the others are
    n_rare, n_pairs, n_single = (
        np.bincount(cell, weights) for weights in (is_rare, is_pair / 2, is_single / 2)
    )
    pairs = n_rare * (n_rare - 1) / 2
    rate, rate_of_singles = (
        (n_equal + _PRIOR * (n_equal.sum() + 1) / (pairs.sum() + _PRIOR)) / (pairs + _PRIOR)
        for n_equal in (n_pairs, n_single)
    )
    frequency = (count - 1) * (count > 2) / _count_equal(cell)
    frequency = np.maximum(frequency, (total - 2) / len(content))
    del count, total
    chance = _find_largest(frequency + rate_of_singles[cell], content)
    return pd.DataFrame(
        {
            "sheet": pd.factorize(answered["file"])[0],
            "content": content,
            "rare": is_rare,
            "rate": (rate + 1 / (pairs + _PRIOR))[cell],
            "chance": np.where(is_bare, 1.0, np.minimum(chance, 1)),
        },
        copy=False,
    )


def _mark_singles(content: Rows, twins: Rows, is_rare: Flags, is_pair: Flags) -> Flags:
    """Return which forms of pairs stand beside no other pair of the same two places."""
    at = np.arange(len(content))
    twin = np.where(is_pair, np.bincount(twins, at).astype(np.int64)[twins] - at, at)
    around = np.pad(np.where(is_rare, content, -2 - at), 1, constant_values=-1)
    is_alone = (around[at] != around[twin]) & (around[at + 2] != around[twin + 2])
    return np.asarray(is_pair & is_alone)


def _match_blocks(forms: pd.DataFrame) -> Rows:
    """Return the first form of which a block of rows makes each form a copy, or -1."""
    starts, ends = _list_blocks(forms)
    blocks, lengths = _number_blocks(forms["content"].to_numpy(), starts, ends), ends - starts
    firsts = starts[np.unique(blocks, return_index=True)[1]][blocks]
    is_copy = starts >= firsts + lengths
    starts, firsts, lengths = starts[is_copy], firsts[is_copy], lengths[is_copy]
    steps = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    first = np.full(len(forms), -1)
    first[np.repeat(starts, lengths) + steps] = np.repeat(firsts, lengths) + steps
    return first


def _list_blocks(forms: pd.DataFrame) -> tuple[Rows, Rows]:
    """Return the first row of each block, and the row behind its last.

    A block from row i ends where n² / 2 · Π chance falls below half of the alarm: fewer blocks are
    then expected twice in a correct wave. The chance of a later row is at least the share of such
    a row among those below the row above it, if more than 3, and 1 where it repeats that row.
    """
    n, sheet, content = len(forms), forms["sheet"].to_numpy(), forms["content"].to_numpy()
    information, following = (
        (-1e6 * np.log(np.maximum(forms["chance"].to_numpy(), least))).astype(np.int64)
        for least in (0.0, _rate_followers(sheet, content))  # in millionths, to add exactly
    )
    total = np.concatenate([[0], np.cumsum(following)])
    starts = np.arange(n)
    ends = np.searchsorted(total, int(1e6 * np.log(n * n / ALARM)) - information + total[1:])
    ends = np.maximum(ends, starts + FEWEST)
    is_within = ends <= np.searchsorted(sheet, sheet, "right")
    return starts[is_within], ends[is_within]


def _rate_followers(sheet: Rows, content: Rows) -> NDArray[np.float64]:
    """Return how often a row follows the row above it in a sheet; 1 where it repeats that row."""
    above = np.where(np.diff(sheet, prepend=-1) == 0, np.roll(content, 1), -1)
    steps = _number_pairs(above, content)
    count = _count_equal(_number_pairs(sheet, steps))
    follows = (count - 1) * (count > _PASTED) / _count_equal(_number_pairs(sheet, above))
    return np.where(above != content, _find_largest(follows, steps), 1.0)


def _number_blocks(content: Rows, starts: Rows, ends: Rows) -> Rows:
    """Return a number for each distinct block: equal blocks have one length and one hash."""
    return _number_pairs(_number_codes(_hash_blocks(content, starts, ends)), ends - starts)


def _hash_blocks(content: Rows, starts: Rows, ends: Rows) -> NDArray[np.uint64]:
    """Return the hash of each block: Σ hash(content) · baseᵏ modulo 2**64."""

    def list_powers(base: int) -> NDArray[np.uint64]:
        return np.multiply.accumulate(np.full(len(content), base, dtype=np.uint64))

    hashes = np.cumsum(pd.util.hash_array(content) * list_powers(_BASE))
    hashes = np.concatenate([np.zeros(1, dtype=np.uint64), hashes])
    inverse = list_powers(pow(_BASE, -1, 2**64))
    return np.asarray((hashes[ends] - hashes[starts]) * inverse[starts])


def _match_sheets(forms: pd.DataFrame) -> Rows:
    """Return the equal form of an earlier sheet that shares forms with the sheet of each, or -1.

    Two sheets share forms if they have K ≥ 3 rare contents in common, and a Poisson number of mean
    λ = n₁ n₂ rate reaches K with a probability, at most exp(K - λ) (λ / K)ᴷ, that times the number
    of pairs of sheets falls below half of the alarm.
    """
    rare = forms[forms["rare"]].drop_duplicates(["sheet", "content"])
    n_sheets = forms["sheet"].iloc[-1] + 1
    n = np.bincount(rare["sheet"], minlength=n_sheets)
    rate = np.bincount(rare["sheet"], rare["rate"], n_sheets) / np.maximum(n, 1)
    common = rare[rare.duplicated("content", keep=False)]
    is_there = np.zeros((n_sheets, len(common)), dtype=np.float32)
    is_there[common["sheet"], pd.factorize(common["content"])[0]] = 1
    shared = np.maximum(is_there @ is_there.T, 1)
    expected = np.clip(np.outer(n, n) * np.maximum.outer(rate, rate), 1e-9, shared)
    log_chance = shared - expected + shared * np.log(expected / shared)
    log_chance += np.log(n_sheets * n_sheets)  # twice the pairs, for half of the alarm
    shares = np.tril((shared >= FEWEST) & (log_chance < np.log(ALARM)), -1)
    nth = forms.groupby(["sheet", "content"]).cumcount()
    first = np.full(len(forms), -1)
    for sheet in np.flatnonzero(shares.any(axis=1)):
        is_earlier = np.isin(forms["sheet"], np.flatnonzero(shares[sheet]))
        places = pd.Series(forms.index, [forms["content"], nth])[is_earlier]
        places = places[~places.index.duplicated()]
        rows = np.flatnonzero(forms["sheet"] == sheet)
        keys = pd.MultiIndex.from_arrays([forms["content"].iloc[rows], nth.iloc[rows]])
        first[rows] = places.reindex(keys).fillna(-1).to_numpy(dtype=np.int64)
    return first


def _match_singles(answered: pd.DataFrame, is_left: Flags, wave: Wave, pack: Instrument) -> Rows:
    """Return the earlier form of the unit that equals each form, or -1, of files that are named.

    Only pairs that chance does not explain count; without a name they are listed, not refused.
    """
    first, places = np.full(len(answered), -1), np.flatnonzero(is_left)
    pairs = find_near_copies(answered[is_left], pack, [*pack.indicators, *wave.key_codes])
    pairs = pairs[pairs["n_equal"] == pairs["n_items"]].sort_values("other", kind="stable")
    later, earlier = (
        places[pairs.drop_duplicates("form")[name].to_numpy(int)] for name in ("form", "other")
    )
    named = are_named(answered["file"], [*wave.duplicates.drop, *wave.duplicates.keep]).to_numpy()
    is_named = named[later] | named[earlier]
    first[later[is_named]] = earlier[is_named]
    return first


def _match_ids(answered: pd.DataFrame, forms: pd.DataFrame) -> tuple[Rows, list[SipasError]]:
    """Return the form of an earlier sheet with the id of each form, or -1; refuse if they differ.

    Whole numbers from about 1 to about the number of forms only count the rows of a sheet.
    """
    first = np.full(len(forms), -1)
    if "form" not in answered:
        return first, []
    ids = answered["form"].astype(object).to_numpy()
    number = pd.Series(pd.to_numeric(ids, errors="coerce")).groupby(forms["sheet"])
    is_count = number.transform("max") <= 2 * number.transform("size") + 10
    is_count &= number.transform("count") == number.transform("size")
    table = forms[["sheet", "content"]].assign(id=ids, at=forms.index)
    table = table[table["id"].notna() & ~is_count]
    table = table.merge(table.drop_duplicates("id"), on="id", suffixes=("", "_first"))
    table = table[table["sheet"] != table["sheet_first"]]
    is_same = table["content"] == table["content_first"]
    first[table["at"][is_same]] = table["at_first"][is_same]
    table = table[~is_same]
    places = list_places(answered.iloc[[*table["at_first"], *table["at"]]])
    return first, [FormError("form_ids_differ", places, n=len(table))] if places else []


def are_named(labels: "pd.Series[str]", names: Sequence[str]) -> "pd.Series[bool]":
    """Return which labels are named, by the file or by the file with its sheet.

    Args:
        labels: ``file`` or ``file [sheet]`` of forms.
        names: Names of files as a wave gives them.

    Returns:
        One truth value per label.
    """
    folded = {fold_text(name) for name in names}
    is_named = {
        label: bool(folded & {fold_text(label), fold_text(Place.at_row(label, 1).file)})
        for label in labels.unique()
    }
    return labels.map(is_named).astype(bool)


def _decide_copies(copies: pd.DataFrame, wave: Wave) -> tuple[pd.DataFrame, list[SipasError]]:
    """Return the copies that the wave drops, with where the form counts, and the errors."""
    if copies.empty:
        return copies.assign(found=""), []
    is_dropped = are_named(copies["file"], wave.duplicates.drop)
    is_dropped &= copies["first"].duplicated() | ~is_dropped.groupby(copies["first"]).transform(
        "all"
    )
    counted = copies[~is_dropped].drop_duplicates("first").set_index("first")
    origins = (counted["file"] + ", " + counted["row"].astype(str)).reindex(copies["first"])
    dropped = copies.assign(found=origins.to_numpy())[is_dropped]
    left = copies[~is_dropped & ~are_named(copies["file"], wave.duplicates.keep)]
    left = left.merge(left.drop_duplicates("first"), on="first", suffixes=("", "_first"))
    left = left[left["at"] != left["at_first"]]
    errors: list[SipasError] = []
    for (file, first_file), rows in left.groupby(["file", "file_first"], sort=False):
        firsts = rows[["file_first", "row_first"]].set_axis(["file", "row"], axis=1)
        places = [*list_places(firsts), *list_places(rows)]
        errors.append(FormError("copies", places, n=len(rows), file=file, first=first_file))
    return dropped, errors


def _check_names(copies: pd.DataFrame, labels: "pd.Series[str]", wave: Wave) -> list[SipasError]:
    """Refuse a name under ``duplicates`` that is no file or has no copy, or ``keep`` alone."""
    here, names = [Place(wave.path.name)], [*labels.unique()]
    names += [Place.at_row(label, 1).file for label in names]
    errors: list[SipasError] = []
    for name in (*wave.duplicates.drop, *wave.duplicates.keep):
        if not are_named(labels.drop_duplicates(), [name]).any():
            close = find_nearest(name, names, least=0)
            errors.append(ConfigError("duplicates_unknown", here, name=name, known=close))
        elif not are_named(copies["file"], [name]).any():
            errors.append(ConfigError("duplicates_none", here, name=name))
    if wave.duplicates.keep and not wave.duplicates.because.vi:
        errors.append(ConfigError("duplicates_because", here))
    return errors
