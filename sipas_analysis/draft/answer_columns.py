"""Tell what the answers of a column are: levels of a scale with odd cells, remarks, or choices.

A few odd cells (a day that Excel made of "4-5", "4/5", "#N/A", a word that is misspelt) never
decide what a question is: it is drafted as if they were not there, and ``check`` names each cell.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sipas_analysis.collect.readings import fold_answer
from sipas_analysis.instrument.answer_levels import (
    is_answer,
    is_no_answer,
    list_words,
    order_columns,
)
from sipas_analysis.instrument.pack_draft import (
    MOST_ANSWERS,
    MOST_LEVELS,
    DraftColumn,
    split_header,
)

USUAL_HIGH = 5  # of a scale of numbers
LEAST_LEVELS = 3  # of a column of numbers with many words
STRAYS = 0.05  # share of the answers of a column that may be mistyped
FEW = 2  # cells with one odd text, in a column of any length
LONG_TEXT = 5  # words; an answer of so many that stands once is a remark
_LABELLED = re.compile(r"(\d{1,2})\s*[.:)(\-–=]\s*(?!\d).+")  # "5 - rất tốt"
Counts = Mapping[str, int]


def make_columns(
    answers: Mapping[str, Sequence[str]], labels: Mapping[str, str]
) -> list[DraftColumn]:
    """Return the columns of answers with their distinct texts; odd cells of a scale are left out.

    Args:
        answers: Texts by header, without blanks.
        labels: Wording by header, where the files keep one.
    """
    counts = {header: Counter(map(fold_answer, texts)) for header, texts in answers.items()}
    highs = _find_highs(counts)
    odd = {header: _list_odd(counts[header], highs[header]) for header in counts}
    columns = {
        header: _make_column(header, texts, labels.get(header, ""), odd[header])
        for header, texts in answers.items()
        if texts
    }
    short = {name: [*column.texts] for name, column in columns.items()}
    levels = order_columns({n: texts for n, texts in short.items() if len(texts) <= MOST_ANSWERS})
    whole = {
        header: _make_whole(header, answers[header], labels.get(header, ""), counts[header])
        for header in columns
        if header not in levels
    }
    return [whole.get(header, column) for header, column in columns.items()]


def _make_column(
    header: str, texts: Sequence[str], label: str, odd: Collection[str]
) -> DraftColumn:
    """Return one column of answers with its distinct texts; its label is its wording."""
    counts = Counter(map(fold_answer, texts))
    written: dict[str, str] = {}
    for text in texts:
        folded = fold_answer(text)
        if folded not in odd:
            written.setdefault(folded, folded if folded.isdigit() else text)
    group, code, wording = split_header(label or header)
    code = (split_header(header)[1] if label else "") or code
    is_choice = len(written) <= MOST_ANSWERS and 2 * len(written) <= len(texts)
    column = DraftColumn(header, wording, written, code, group, is_choice)
    if _is_free_text(wording, written, counts):
        return replace(column, texts={}, is_choice=False)
    return column


def _make_whole(header: str, texts: Sequence[str], label: str, counts: Counts) -> DraftColumn:
    """Return a column whose answers have no order, with all of them; of a scale, no remarks."""
    if not _is_rating(counts):
        return _make_column(header, texts, label, ())
    column = _make_column(header, texts, label, {*filter(_is_long, counts)})
    return replace(column, is_rating=bool(column.texts))


def _find_highs(counts: Mapping[str, Counts]) -> dict[str, int]:
    """Return the highest level that the numbers of each column may have: 5 or 10.

    A column of 1 to 5 has no longer scale for a few cells with other numbers. In few forms one
    such cell is enough to look like many: the other columns tell. So they do of a 0.
    """
    numbers = {
        header: {int(text): n for text, n in texts.items() if text.isdecimal()}
        for header, texts in counts.items()
    }
    totals = {header: sum(found.values()) for header, found in numbers.items() if found}
    n_above = {
        header: sum(n for number, n in numbers[header].items() if number > USUAL_HIGH)
        for header in totals
    }
    short = [header for header in totals if n_above[header] <= _allow(totals[header])]
    n_odd, n_all = (sum(map(part.__getitem__, short)) for part in (n_above, totals))
    is_usual = 2 * len(short) > len(totals) and n_odd <= _allow(n_all)
    highs = dict.fromkeys(counts, MOST_LEVELS)
    for header, total in totals.items():
        n_zeros = numbers[header].get(0, 0)
        if n_above[header] + n_zeros <= STRAYS * total or (is_usual and header in short):
            highs[header] = USUAL_HIGH
    return highs


def _allow(n: int) -> float:
    """Return how many of so many numbers may be mistyped."""
    return max(1, STRAYS * n)


def _list_odd(counts: Counts, high: int) -> set[str]:
    """Return the few texts of a column of levels that are no level.

    Words with a number that many people chose ("over 3 times") are answers, and so is a text
    that many have beside labels.
    """
    levels = {text for text in counts if is_level(text, high)}
    numbers = {text for text in levels if text.isdecimal()}
    others = counts.keys() - levels
    n_answers = sum(counts.values()) - counts.get("0", 0) * ("0" in others)
    n_levels = sum(map(counts.__getitem__, levels))
    if 2 * n_levels <= n_answers:
        return set()
    most = max(FEW, STRAYS * n_answers)
    frequent = {text for text in others if counts[text] > most and text != "0"}
    are_words = not any(re.search(r"\d", text) for text in frequent)
    if frequent and not (are_words and len(numbers) >= LEAST_LEVELS):
        return {"0"} & others
    return set() if len(levels) < 2 and any(map(_is_long, others)) else others


def is_level(text: str, high: int) -> bool:
    """Return whether a folded text is a level up to ``high``, a known label, or no answer."""
    low = 1 if high == USUAL_HIGH else 0
    labelled = _LABELLED.fullmatch(text)
    number = text if text.isdecimal() else labelled[1] if labelled else ""
    return low <= int(number) <= high if number else is_answer(text)


def _is_rating(counts: Counts) -> bool:
    """Return whether most answers are labels of a scale, or numbers beside other signs.

    Words with a number ("over 3 times") beside numbers are choices.
    """
    labels = [text for text in counts if is_answer(text) and not is_no_answer(text)]
    numbers = [text for text in counts if is_level(text, MOST_LEVELS) and text not in labels]
    has_choices = any(re.search(r"\d", text) and re.search(r"[^\W\d_]", text) for text in counts)
    is_scale = len(labels) > 1 or (len(numbers) >= LEAST_LEVELS and not has_choices)
    return is_scale and 2 * sum(counts[text] for text in labels + numbers) > sum(counts.values())


def _is_long(text: str) -> bool:
    """Return whether a text is as long as a remark, and no label."""
    return len(text.split()) >= LONG_TEXT and not is_answer(text)


def _is_free_text(wording: str, written: Mapping[str, str], counts: Counts) -> bool:
    """Return whether a question is answered in own words, or with names of persons.

    Its wording says so, or a long text stands once, or most answers begin with a family name; but
    not where the answers are levels.
    """
    if len(written) > 1 and all(text.isdigit() or is_answer(text) for text in written):
        return False
    remarks = "|".join(map(re.escape, list_words("remarks")))
    if re.search(rf"(?<!\w)(?:{remarks})(?!\w)", wording.casefold()):
        return True
    words = {text: text.split() for text in written}
    is_long = any(counts[text] == 1 and _is_long(text) for text in words)
    family_names = {*list_words("family_names")}
    persons = [text for text in words if words[text][0] in family_names and len(words[text]) > 1]
    return is_long or 2 * len(persons) > len(words)
