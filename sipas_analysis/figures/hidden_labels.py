"""Labels of questions on the person and of keys that must not be shown (rules P2, P5 and P6).

Counts and indices hide the same labels: the people printed beside an index are a count, too.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, permutations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.collect.survey import Survey
from sipas_analysis.figures.crossed_labels import find_crossed
from sipas_analysis.figures.suppression import hide_small_counts
from sipas_analysis.infer.design import Floats, Ints

Cut = tuple[int, ...]  # columns of labels that people have one of, but for the rest of the people


def list_person_keys(survey: Survey) -> list[str]:
    """Return the questions on the person and the keys of the wave that the forms have."""
    indicators = survey.instrument.indicators
    profile = [code for code, question in indicators.items() if question.group == "profile"]
    return [key for key in (*profile, *survey.wave.key_codes) if key in survey.keys]


def list_counted_keys(survey: Survey) -> list[str]:
    """Return the keys by which people are counted: how they answered, who they are."""
    mode = ["mode"] if "mode" in survey.frame else []
    return [*mode, *(key for key in list_person_keys(survey) if key != "mode")]


def list_labels(survey: Survey, key: str) -> list[str]:
    """Return the labels of a key: the levels of a question, else the labels that were given."""
    if key in survey.instrument.indicators:
        return [*survey.instrument.indicators[key].levels]
    labels = survey.frame[key].dropna().astype(str)
    return sorted(labels[labels != ""].unique())


def mark_labels(survey: Survey, key: str) -> pd.DataFrame:
    """Return which forms have each label of a key: one column per label."""
    labels = list_labels(survey, key)
    marks = {label: survey.has_choice(key, label).fillna(False) for label in labels}
    return pd.DataFrame(marks, survey.frame.index, dtype=bool)


def find_hidden_labels(
    survey: Survey, hidden_units: Collection[str] = (), *, of_index: bool = False
) -> dict[str, set[str]]:
    """Return the labels of each key that may not be shown.

    Hidden are labels of too few people, those from which they would follow within a key, and those
    that with the shown labels of another key, or with shown units, would leave too few people.

    Args:
        survey: Validated forms with labels that may be published.
        hidden_units: Units whose index is not published: then a key that follows units is left
            out, or a reader could subtract the other units.
        of_index: Whether the index of each label is shown too: then the people of no shown label,
            those who gave none among them, must not be too few either.

    Source: rules P2, P5 and P6 in docs/method.md.
    """
    fewest, units = survey.wave.min_cell, survey.frame["unit"].astype(str)
    is_answered = survey.frame.filter(items=[*survey.instrument.items]).notna().any(axis=1)
    marks = {key: mark_labels(survey, key) for key in list_counted_keys(survey)}
    if hidden_units:
        marks = {
            key: table
            for key, table in marks.items()
            if not _follows_units(table[is_answered], units[is_answered], fewest)
        }
    hidden = {key: _find_small(table, is_answered, fewest) for key, table in marks.items()}
    indexed = {key: marks[key][is_answered] for key in list_person_keys(survey) if key in marks}
    shown_units = pd.get_dummies(units[is_answered]).drop(columns=hidden_units, errors="ignore")
    groups = pd.get_dummies(survey.frame.loc[is_answered, "group"].astype(str))
    others = [shown_units, groups]
    _hide_nested(indexed, others, hidden, fewest, with_rest=False)
    if of_index:
        _hide_nested(indexed, others, hidden, fewest, with_rest=True)
        _hide_crossed(indexed, others, units[is_answered], hidden, fewest)
    return hidden


def _follows_units(marks: pd.DataFrame, units: "pd.Series[str]", fewest: int) -> bool:
    """Return whether a label is that of whole units but for too few people to hide one."""
    sizes = units.value_counts()
    inside = marks.loc[:, marks.sum() >= fewest].groupby(units).sum().loc[sizes.index]
    outside = inside.rsub(sizes, axis=0)
    is_union = (inside > outside).any() & (inside < outside).any()  # neither no unit nor all
    n_apart = np.minimum(inside, outside).sum()
    return bool((is_union & (n_apart < fewest)).any())


def _find_small(marks: pd.DataFrame, is_answered: "pd.Series[bool]", fewest: int) -> set[str]:
    """Return the labels of one key that are hidden because few people have one of them."""
    return {
        str(label)
        for table in (marks, marks[is_answered])
        for label, n in zip(marks, hide_small_counts(table.sum(), fewest), strict=True)
        if n is None
    }


def _hide_nested(
    marks: Mapping[str, pd.DataFrame],
    others: Sequence[pd.DataFrame],
    hidden: Mapping[str, set[str]],
    fewest: int,
    *,
    with_rest: bool,
) -> None:
    """Hide labels until those shown of two keys nowhere differ by too few people.

    First of a key that hides a label already, then the label of the fewest people.

    Args:
        marks: Forms by label, of each key whose labels have an index.
        others: Forms by unit and by group, which stay shown.
        hidden: The hidden labels of each key; further ones are added.
        fewest: ``min_cell`` of the wave.
        with_rest: Whether parts of too few people count, as those of no label and of all but one.
    """
    if not marks:
        return
    tables = [*marks.values(), *others]
    names = [(key, str(label)) for key, table in marks.items() for label in table]
    forms = np.column_stack([*tables, np.ones(len(tables[0]))]).astype(float)
    common = forms.T @ forms  # people with two labels at once
    exposed_by = dict[tuple[Cut, Cut], NDArray[np.bool_]]()  # most cuts stay as they are
    while True:
        pairs = [*permutations(_cut_forms(marks, others, hidden, fewest), 2)]
        for pair in set(pairs) - {*exposed_by}:
            exposed_by[pair] = _find_exposed(pair, common, fewest, with_rest=with_rest)
        exposed = np.any([exposed_by[pair] for pair in pairs], axis=0)
        if not _hide_smallest(names, exposed, common.diagonal(), hidden):
            return


def _hide_crossed(
    marks: Mapping[str, pd.DataFrame],
    others: Sequence[pd.DataFrame],
    units: "pd.Series[str]",
    hidden: Mapping[str, set[str]],
    fewest: int,
) -> None:
    """Hide labels until those shown of three keys leave no few people, nor a unit less its own.

    Args:
        marks: Forms by label, of each key whose labels have an index.
        others: Forms by unit and by group, which stay shown.
        units: The unit of each form, shown or not: it knows its own forms (P5).
        hidden: The hidden labels of each key; further ones are added.
        fewest: ``min_cell`` of the wave.
    """
    if not marks:
        return
    forms = np.column_stack([*marks.values(), *others]).astype(bool)
    names = [(key, str(label)) for key, table in marks.items() for label in table]
    owner = pd.factorize(units)[0]
    exposed_by = dict[tuple[Cut, ...], NDArray[np.bool_]]()
    while True:
        cuts = sorted(filter(None, _cut_forms(marks, others, hidden, fewest)), key=len)[::-1]
        codes = {cut: _code_forms(forms, cut) for cut in cuts}
        triples = [*combinations(cuts, 3), *((cut,) for cut in cuts)]
        for triple in set(triples) - {*exposed_by}:
            parts = [codes[cut] for cut in triple]
            found = find_crossed(parts, fewest) if parts[1:] else _find_own(parts[0], owner, fewest)
            exposed_by[triple] = _mark_columns(found, triple, len(names))
        exposed = np.any([exposed_by[triple] for triple in triples], axis=0)
        if not _hide_smallest(names, exposed, forms.sum(axis=0), hidden):
            return


def _code_forms(forms: NDArray[np.bool_], cut: Cut) -> Ints:
    """Return the number of the part of each form, that of the rest last."""
    parts = forms[:, cut]
    return np.where(parts.any(axis=1), parts.argmax(axis=1), len(cut)).astype(np.int64)


def _find_own(codes: Ints, owner: Ints, fewest: int) -> Iterator[tuple[int, ...]]:
    """Yield the parts of which all forms but too few are of one unit."""
    people = np.zeros((codes.max(initial=0) + 1, owner.max(initial=0) + 1))
    np.add.at(people, (codes, owner), 1)
    of_others = people.sum(axis=1, keepdims=True) - people
    few = ((of_others > 0) & (of_others < fewest)).any(axis=1)
    yield from zip(np.flatnonzero(few).tolist(), strict=True)


def _mark_columns(
    found: Iterable[tuple[int, ...]], cuts: Sequence[Cut], n_labels: int
) -> NDArray[np.bool_]:
    """Mark the labels of exposed people; the rest of a cut is known from all its labels."""
    exposed = np.zeros(n_labels, dtype=bool)
    for parts in found:
        for cut, part in zip(cuts, parts, strict=True):
            columns = np.array(cut)[part : part + 1] if part < len(cut) else np.array(cut)
            exposed[columns[columns < n_labels]] = True
    return exposed


def _hide_smallest(
    names: Sequence[tuple[str, str]],
    exposed: NDArray[np.bool_],
    people: Floats,
    hidden: Mapping[str, set[str]],
) -> bool:
    """Hide the exposed label of the fewest people, first of a key that hides one; if there is any.

    Args:
        names: Key and label of the first columns; the others stay shown.
        exposed: Marks of columns.
        people: Forms of each column.
        hidden: The hidden labels of each key; one is added.
    """
    choices = [
        (not hidden[key], people[at], at)
        for at, (key, label) in enumerate(names)
        if exposed[at] and label not in hidden[key]
    ]
    if choices:
        key, label = names[min(choices)[2]]
        hidden[key].add(label)
    return bool(choices)


def _cut_forms(
    marks: Mapping[str, pd.DataFrame],
    others: Sequence[pd.DataFrame],
    hidden: Mapping[str, set[str]],
    fewest: int,
) -> Iterator[Cut]:
    """Yield each way to cut the forms into shown parts and the rest: the columns of the parts.

    Labels of several choices are one cut if fewer than ``min_cell`` people chose more than one,
    else each label is a cut of its own.
    """
    tables = [*marks.values(), *others]
    start = 0
    yield ()
    for key, table in zip([*marks, *[""] * len(others)], tables, strict=True):
        withheld = hidden[key] if key else set[str]()
        shown = tuple(start + at for at, label in enumerate(table) if label not in withheld)
        is_one_cut = int((table.sum(axis=1) > 1).sum()) < fewest
        yield from [shown] if is_one_cut else zip(shown, strict=True)
        start += table.shape[1]


def _find_exposed(
    pair: tuple[Cut, Cut], common: Floats, fewest: int, *, with_rest: bool
) -> NDArray[np.bool_]:
    """Mark the columns of parts whose sums in two cuts differ by too few people."""
    first, second = pair
    block = _sum_parts(second, _sum_parts(first, common).T).T
    exposed = np.zeros(len(common), bool)
    both = _mark_apart(np.clip(block, 0, None), fewest, with_rest=with_rest)
    for cut, marks in zip(pair, both, strict=True):
        exposed[[*cut]] |= marks[:-1] | marks[-1]  # the rest is known from all shown parts
    return exposed


def _sum_parts(cut: Cut, people: Floats) -> Floats:
    """Return the rows of the parts and of the rest: all people, the last row, less the parts."""
    parts = people[[*cut]]
    return np.vstack([parts, people[-1] - parts.sum(axis=0)])


def _mark_apart(
    block: Floats, fewest: int, *, with_rest: bool
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Mark the rows and columns of a table of people whose sums differ by too few people.

    A row, or rows that large cells join, are set beside the columns that are mostly theirs.
    """
    large = (block >= fewest).astype(float)
    alone = np.eye(len(block))
    joined, wider = alone, np.fmin(alone + large @ large.T, 1)
    while not np.array_equal(joined, wider):
        joined, wider = wider, np.fmin(wider @ wider, 1)
    sums = np.vstack([alone, joined])
    inside = sums @ block
    outside = block.sum(axis=0) - inside
    n_apart = np.minimum(inside, outside).sum(axis=1)
    is_close = (n_apart > 0) & (n_apart < fewest)
    people = inside.sum(axis=1)
    is_close &= with_rest | ((people >= fewest) & (block.sum() - people >= fewest))
    return (sums[is_close] > 0).any(axis=0), (inside > outside)[is_close].any(axis=0)
