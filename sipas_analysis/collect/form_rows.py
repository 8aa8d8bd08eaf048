"""Decide which rows of a table are forms, by the shape of the table.

A running number or an id that nearly every form has tells forms from other rows. A row without it
that holds sums, means or a signature is no form, and neither is a row with a label of totals where
the others have a number, an id or a unit. What is cut is listed with its row; where two readings
fit, the run asks.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.collect.columns import PlacedColumns, is_state
from sipas_analysis.collect.readings import Reading
from sipas_analysis.collect.tables import LeftOut, Table
from sipas_analysis.collect.vocabulary import read_vocabulary
from sipas_analysis.errors import FormError
from sipas_analysis.sheets.text_columns import Numbers, number_column
from sipas_analysis.sheets.texts import are_plain_ids, fold_text, plain_text, tidy_text

Readers = Mapping[str, Callable[[str], Reading]]  # how to read each item, by header
Counts = NDArray[np.int_]
Flags = NDArray[np.bool_]
Names = NDArray[np.object_]

_FIGURE = re.compile(r"[-+(]?\d[\d.,\s&]*%?\)?|#.*")  # numbers, a percentage or an error value
_NUMBER = re.compile(r"\W*\d+\w?\W*|[=#].*")  # a running number (5, 05, 5a, (5)), or no value
_CODE = re.compile(r"(?:\S++\s++){0,2}+[^\s\d]*+\d\S*+")  # an id with a digit (P-005), or a day
_ID = re.compile(r"[A-Za-z]*[0-9]+")
_DIGITS = 15  # of a running number
_END_DIGITS = re.compile(r"\d+\Z")
_LAST_NUMBER = re.compile(rf"(\d{{1,{_DIGITS}}})\D*$")
_FEWEST = 5  # rows above the last one, all with something the last one lacks, that make it unclear
_ORDINARY = 0.1  # share of the forms from which on a word is a value of its column, not a label
_LABEL = 24  # characters of a label that the ledger shows, before a colon or a bracket
_BESIDE, _NAME, _CODE_PLACE = 1, 2, 3  # where a label stands, the plainest sign of a total last


@dataclass
class Evidence:
    """What each row of a table holds; one entry per row.

    Attributes:
        answers: Number of items with an answer.
        figures: Number of items with a number that is no answer.
        texts: Number of items with another text.
        has_profile: Whether a question beside the index, a name or a mode is filled in by hand.
        has_number: Whether a column of running numbers is filled as the forms fill it.
        has_name: Whether an id of the form or a column of a form service is filled as usual.
        has_other: Whether a column that is no item holds something else than a label.
        label: Text of a cell that starts with a word for totals or signatures.
        place: Where the label stands: 3 among numbers, ids or days; 2 in the column of the unit
            or the form; 1 in another column; 0 nowhere.
        columns: The kinds of columns that nearly every form fills: "number" and "name".
        is_apart: Whether the row is the last, below an empty one.
    """

    answers: Counts
    figures: Counts
    texts: Counts
    has_profile: Flags
    has_number: Flags
    has_name: Flags
    has_other: Flags
    label: Names
    place: Counts
    columns: set[str]
    is_apart: Flags

    @property
    def is_sum(self) -> Flags:
        """Whether at least half of the filled items are numbers that are no answers."""
        return (self.figures > 0) & (self.figures >= self.answers + self.texts)

    @property
    def is_sparse(self) -> Flags:
        """Whether fewer items are answered than half of what is usual."""
        answered = self.answers[self.answers > 0]
        return 2 * self.answers < (np.median(answered) if len(answered) else 0)

    @property
    def has_words(self) -> Flags:
        """Whether the items hold no number, and at most two texts."""
        return (self.answers + self.figures < 1) & (self.texts <= 2)

    @property
    def is_blank(self) -> Flags:
        """Whether all items are blank."""
        return self.answers + self.figures + self.texts < 1

    @property
    def is_nameless(self) -> Flags:
        """Whether nothing names the form as other forms are named."""
        if self.columns:
            is_numbered = "number" in self.columns
            return ~(self.has_number if is_numbered else self.has_name) & ~self.has_profile
        is_form = (self.answers > 0) & ~self.is_sum  # what stands below can be told from forms
        is_below = np.arange(len(is_form)) > max(np.flatnonzero(is_form), default=-1)
        is_end = np.arange(len(is_form)) >= max(len(is_form) - 1, _FEWEST)
        is_end = is_end & self.has_other[:-1].all() | self.is_apart
        is_bare = ~self.has_other & ((self.place > 0) | is_end)
        return is_below & ~(self.is_blank & self.has_profile) | is_bare


def leave_out_rows(table: Table, placed: PlacedColumns, readers: Readers) -> Table:
    """Return the table with its forms only; rows that are no forms are listed, or asked about."""
    evidence = _weigh_rows(table.frame, placed, readers)
    evidence.is_apart[-1:] = [
        not any(map(tidy_text, table.sheet.rows[row - 2])) for row in table.frame.index[-1:]
    ]
    reason = _name_reasons(evidence)
    reason[_find_wordings(table.frame, evidence, readers)] = "header_row"
    if "unit" not in placed.roles:
        reason[_find_unit_headings(table.frame, reason)] = "unclear"
    rows, is_unclear = np.asarray(table.frame.index), reason == "unclear"
    labels = {
        at: re.split(r"[:(]", evidence.label[at])[0].strip()[:_LABEL]
        for at in np.flatnonzero(reason != "")
    }
    left_out = [
        LeftOut(str(reason[at]), int(rows[at]), text=label)
        for at, label in labels.items()
        if not is_unclear[at]
    ]
    places = [table.place(int(rows[at]), value=labels[at]) for at in np.flatnonzero(is_unclear)]
    return replace(
        table,
        frame=table.frame[reason == ""] if labels else table.frame,
        left_out=(*table.left_out, *left_out),
        errors=(*table.errors, *([FormError("row_unclear", places)] if places else [])),
    )


def _name_reasons(evidence: Evidence) -> Names:
    """Return why each row is no form: "" for a form, "unclear" where both readings fit."""
    is_total, is_note, is_empty = _find_other_rows(evidence)
    is_form = ~(is_total | is_note | is_empty)
    is_unclear = is_form & evidence.is_nameless & (evidence.answers > 0)
    position = np.arange(len(is_form))
    is_weak = evidence.is_blank | evidence.is_sparse | evidence.is_sum
    is_weak &= ~evidence.has_number & ~evidence.has_name
    last = max(np.flatnonzero(is_form & ~is_unclear & ~is_weak), default=-1)
    first_cut = min(position[(is_total | is_note) & (position > last)], default=len(position))
    is_below = is_form & is_weak & (position > first_cut)  # names, another table
    is_form, is_unclear = is_form & ~is_below, is_unclear & ~is_below
    last = max([last, *position[is_form]])
    reason = np.full(len(position), "", dtype=object)
    reason[is_empty] = "empty_line"
    reason[is_note] = "heading"
    reason[is_total] = "total"
    reason[(is_total | is_note | is_below) & (position > last)] = "footer"
    reason[is_unclear] = "unclear"
    return reason


def _find_other_rows(evidence: Evidence) -> tuple[Flags, Flags, Flags]:
    """Return which rows are totals or means, which hold only words, and which are empty lines."""
    place, is_nameless = evidence.place, evidence.is_nameless
    is_odd = evidence.is_sum | evidence.is_sparse
    is_total = (place == _CODE_PLACE) | (place == _NAME) & (is_nameless | is_odd)
    is_total |= is_nameless & (evidence.is_sum | (place > 0) & is_odd)
    is_note = (
        is_nameless & evidence.has_words & ~is_total & ~(evidence.is_blank & evidence.has_name)
    )
    is_empty = evidence.is_blank & ~evidence.has_profile & ~is_total & ~is_note
    return is_total, is_note, is_empty


def _weigh_rows(frame: pd.DataFrame, placed: PlacedColumns, readers: Readers) -> Evidence:
    """Return what each row of a table holds."""
    counts = np.zeros((3, len(frame)), dtype=int)
    for header, read in readers.items():
        number, distinct = number_column(frame[header])
        kinds = np.array([_sort_text(text, read) for text in distinct])
        counts += (kinds == np.array([["answer"], ["figure"], ["text"]]))[:, number]
    *flags, is_apart = (np.zeros(len(frame), dtype=bool) for _ in range(5))
    label, place = np.full(len(frame), "", dtype=object), np.zeros(len(frame), dtype=int)
    evidence = Evidence(*counts, *flags, label, place, set(), is_apart)  # type: ignore[call-arg]
    for header in frame.columns:
        if header not in readers:
            _weigh_column(evidence, frame[header], header, placed)
    return evidence


def _sort_text(text: str, read: Callable[[str], Reading]) -> str:
    """Return whether the text of an item is an answer, a figure, another text, or blank."""
    folded = fold_text(text)
    if not folded or read(text).ok:
        return "answer" if folded else ""
    return "figure" if _FIGURE.fullmatch(folded) else "text"


def _weigh_column(
    evidence: Evidence, column: "pd.Series[str]", header: str, placed: PlacedColumns
) -> None:
    """Add to the evidence what a column that is no item holds."""
    number, distinct = number_column(column)
    texts, *flags = _look_at_texts(distinct)
    is_filled, is_label, *looks = (flag[number] for flag in flags)
    is_form = (evidence.answers > 0) & ~evidence.is_sum
    among = is_form & is_filled & ~is_label
    usual = next((flags for flags in looks if _are_most(flags, among)), None)
    roles = {role for role, name in placed.roles.items() if name == header}
    n_equal = np.bincount(number[is_form], minlength=len(texts))[number]
    if header in placed.keys.values():
        is_label &= n_equal == 1  # else a value of the key, such as an average income
    elif usual is None and (is_label & is_form).sum() > max(1, _ORDINARY * among.sum()):
        is_label = np.zeros_like(is_label)
    if not roles & {"weight", "fpc", "count"}:
        evidence.has_other |= is_filled & ~is_label
    place = _NAME if roles & {"unit", "form"} else _BESIDE
    if header in {*placed.indicators.values(), *placed.personal} or roles & {"mode", "operator"}:
        evidence.has_profile |= is_filled & ~is_label
    elif (roles or header in chain(*placed.dropped.values())) and _are_most(
        is_filled, is_form & ~is_label
    ):
        place = place if usual is None else _CODE_PLACE
        is_running = usual is not None and _is_running(texts, number[among])
        if is_running or "form" in roles or (header in placed.system and not is_state(header)):
            evidence.columns.add("number" if is_running else "name")
            names = evidence.has_number if is_running else evidence.has_name
            names |= (is_filled if usual is None else usual) & ~is_label
    is_better = is_label & (evidence.place < place)
    evidence.place[is_better], evidence.label[is_better] = place, texts[number][is_better]


def _look_at_texts(distinct: Iterable[str]) -> tuple[Names, Flags, Flags, Flags, Flags]:
    """Return texts tidied, and which are filled, labels, running numbers, and ids or days."""
    raw = np.asarray(distinct, dtype=object)
    if are_plain_ids(raw):  # a million at once
        all_flags, no_flags = np.ones(len(raw), dtype=bool), np.zeros(len(raw), dtype=bool)
        return raw, all_flags, no_flags, _match(str.isdecimal, raw), all_flags
    texts = np.array([tidy_text(text) for text in raw], dtype=object)
    tests = (is_label_text, _NUMBER.fullmatch, _CODE.fullmatch)
    is_label, is_number, is_code = (_match(test, texts) for test in tests)
    return texts, texts != "", is_label, is_number, is_code


def _is_running(distinct: Names, number: Numbers) -> bool:
    """Return whether most texts end with the number after that of the text before."""
    steps = np.diff(_read_last_numbers(distinct)[number]) == 1
    return _are_most(steps, np.ones_like(steps))


def _read_last_numbers(texts: Names) -> Counts:
    """Return the last number of each text, -1 if it has none; quickly of P0001, P0002, …."""
    start = _END_DIGITS.sub("", texts[0]) if len(texts) else ""
    numbers = [text[len(start) :] for text in texts if text.startswith(start)]
    is_alike = len(numbers) == len(texts) and all(map(str.isdecimal, numbers))
    if is_alike and max(map(len, numbers), default=0) <= _DIGITS:
        return np.array([*map(int, numbers)], dtype=np.int64)
    matches = map(_LAST_NUMBER.search, texts)
    return np.array([int(match[1]) if match else -1 for match in matches], dtype=np.int64)


def is_label_text(text: str) -> bool:
    """Return whether a text starts with a word for totals, notes or signatures, or is a date."""
    if _ID.fullmatch(text):  # most ids of forms: no word ends before the digits
        return False
    folded = fold_text(text)
    is_date = "ngày" in folded and "tháng" in folded and "năm" in folded
    return is_date or _compile_labels().match(folded) is not None


@cache
def _compile_labels() -> re.Pattern[str]:
    """Return a pattern of the words that labels start with, also if typed without accents."""
    vocabulary = read_vocabulary()
    footers, others = (
        "|".join(re.escape(word) for name in words for word in {name, plain_text(name)})
        for words in (vocabulary["footers"], vocabulary["not_footers"])
    )
    return re.compile(rf"[\W\d_]*(?:[ivx]+\. )?(?!{others})(?:{footers})(?!\w)")


def _find_wordings(frame: pd.DataFrame, evidence: Evidence, readers: Readers) -> Flags:
    """Return whether the first row holds the wordings of items that the header names by code."""
    texts = [fold_text(text) for text in frame[[*readers]].iloc[0] if fold_text(text)]
    are_wordings = len(texts) > max(2, len(readers) / 2) and len(set(texts)) == len(texts)
    return (evidence.texts >= len(texts)) & (np.arange(len(frame)) < are_wordings)


def _find_unit_headings(frame: pd.DataFrame, reason: Names) -> Flags:
    """Return which headings between forms name a unit: the forms below may be of another unit."""
    vocabulary = read_vocabulary()
    starts = (*vocabulary["roles"]["unit"], *chain(*vocabulary["groups"].values()))
    forms, names_unit = np.flatnonzero(reason == ""), np.zeros(len(frame), dtype=bool)
    for at in np.flatnonzero(np.isin(reason, ["heading", "empty_line"])):
        texts = [fold_text(text).lstrip("0123456789.ivx- ") for text in frame.iloc[at]]
        is_between = len(forms) > 0 and forms[0] < at < forms[-1]
        names_unit[at] = is_between and any(text.startswith(starts) for text in texts)
    return names_unit


def _match(test: Callable[[str], object], texts: Names) -> Flags:
    """Return for each text whether a test is met."""
    return np.array([bool(test(text)) for text in texts], dtype=bool)


def _are_most(flags: Flags, among: Flags) -> bool:
    """Return whether a flag is set in four of five rows; one row may always be without it."""
    n_set, n_rows = int((flags & among).sum()), int(among.sum())
    return 2 * n_set > n_rows and n_rows - n_set <= max(1, n_rows / 5)
