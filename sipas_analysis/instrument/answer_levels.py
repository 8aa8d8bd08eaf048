"""Order the answers of a question that no pack knows: by their numbers, or by families of labels.

The families are data, see ``label_families.yaml``. Texts are given folded: composed, lower case.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

_NUMBERED = re.compile(  # 5, "5. rất tốt", "5 (rất tốt)"; 4.1 is a mean
    r"(\d{1,2})(?:\s*[.:)(\-–=]\s*((?!\d).*?)\)?)?"
)
_NUMBER = re.compile(r"^\d+\s*[.:)(\-–=]\s*")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
NO_ANSWER = ("blank", "not_applicable")
SATISFIED_FROM = {2: 2, 3: 3, 4: 3, 5: 4, 7: 6, 10: 8}  # by the highest level


@dataclass(frozen=True)
class AnswerLevels:
    """The levels of some answers.

    Attributes:
        low: Lowest level.
        high: Highest level.
        level_by_text: Level of each text.
        labels: Label of each level; empty if the answers are numbers.
        no_answer: Texts of no answer, by ``blank`` and ``not_applicable``.
    """

    low: int
    high: int
    level_by_text: Mapping[str, int]
    labels: Mapping[int, str] = field(default_factory=dict)
    no_answer: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def satisfied_from(self) -> int:
        """The level from which an answer usually counts as satisfied."""
        return SATISFIED_FROM.get(self.high, self.high)


@cache
def read_families() -> dict[str, dict[int, list[str]]]:
    """Return the labels of each family by level, worst first."""
    return {name: {**levels} for name, levels in _read_words()["families"].items()}


def list_words(kind: str) -> list[str]:
    """Return a list of words: of no answer, of profile questions, the overall item or the NPS."""
    return [*_read_words()[kind]]


def is_no_answer(text: str) -> bool:
    """Return whether a folded text is a usual word for no answer, or for not applicable."""
    return any(text in _list_no_answer(kind) for kind in NO_ANSWER)


def _list_no_answer(kind: str) -> list[str]:
    """Return the words of a kind of no answer; no opinion counts as blank (rule M1)."""
    return list_words(kind) + (list_words("no_opinion") if kind == "blank" else [])


@cache
def _read_words() -> dict[str, dict[str, dict[int, list[str]]]]:
    text = (Path(__file__).parent / "label_families.yaml").read_text("utf-8")
    words: dict[str, dict[str, dict[int, list[str]]]] = yaml.load(text, Loader=_LOADER)  # noqa: S506
    return words


def order_columns(columns: Mapping[str, Sequence[str]]) -> dict[str, AnswerLevels]:
    """Return the levels of every column whose answers have a known order.

    Numbers are taken together: columns of 1 to 5 share one scale, those that reach 6 or more
    another. Numbers with labels need labels of a family, or the same labels in two columns. Of
    several families that hold all answers of a column, the one that most columns use
    is taken.

    Args:
        columns: Folded distinct answers of each column, without blanks.
    """
    answers = {name: _set_no_answer_apart(texts) for name, texts in columns.items()}
    shared = Counter(text for texts, _ in answers.values() for text in texts)
    columns_of_answers = [texts for texts, _ in answers.values()]
    numbers = {
        name: _read_numbers(texts, shared, columns_of_answers)
        for name, (texts, _) in answers.items()
    }
    families = {name: _list_families(texts) for name, (texts, _) in answers.items()}
    usage = Counter(family for names in families.values() for family in names)
    ordered: dict[str, AnswerLevels] = {}
    for name, (texts, no_answer) in answers.items():
        if numbers[name]:
            low, high = _find_ends(numbers[name], [*numbers.values()])
            labels = _read_labels(texts)
            typed = {text: level for text, level in numbers[name].items() if not text[0].isdigit()}
            as_number = {*_list_numbers(texts)}
            labels |= {level: text for text, level in typed.items() if level not in as_number}
            ordered[name] = AnswerLevels(low, high, numbers[name], labels, no_answer)
        elif families[name]:
            family = max(families[name], key=lambda family: usage[family])
            levels = _level_by_label(family)
            labels = {level: words[0] for level, words in read_families()[family].items()}
            labels |= {levels[text]: text for text in reversed(texts)}
            found = {text: levels[text] for text in texts}
            ordered[name] = AnswerLevels(1, 5, found, labels, no_answer)
    return ordered


def is_answer(text: str) -> bool:
    """Return whether a folded text is a label of a family, with or without its number."""
    bare = _NUMBER.sub("", text)
    return is_no_answer(bare) or any(bare in _level_by_label(name) for name in read_families())


def span_scale(texts: Sequence[str]) -> bool:
    """Return whether labels are known to rise from the worst level of a family to the best."""
    levels = [[*map(_level_by_label(name).__getitem__, texts)] for name in _list_families(texts)]
    return any(found == sorted({*found}) and found[:: len(found) - 1] == [1, 5] for found in levels)


def _set_no_answer_apart(texts: Sequence[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Return the answers of a column, and its texts of no answer by kind."""
    middle = _find_numbered_middle(texts)
    no_answer = {
        kind: [
            text
            for text in texts
            if _NUMBER.sub("", text) in _list_no_answer(kind) and text not in middle
        ]
        for kind in NO_ANSWER
    }
    apart = {text for words in no_answer.values() for text in words}
    return [text for text in texts if text not in apart], no_answer


def _find_numbered_middle(texts: Sequence[str]) -> list[str]:
    """Return the texts of no opinion whose number lies between those of other answers."""
    words = list_words("no_opinion")
    numbers = {text: int(match[1]) for text in texts if (match := _NUMBERED.fullmatch(text))}
    middle = [text for text in numbers if _NUMBER.sub("", text).rstrip(")") in words]
    others = [numbers[text] for text in numbers if text not in middle]
    return [text for text in middle if others and min(others) < numbers[text] < max(others)]


def _read_numbers(
    texts: Sequence[str], shared: Mapping[str, int], columns: Collection[Sequence[str]]
) -> dict[str, int]:
    """Return the level that each text begins with; nothing if some text has none up to 10."""
    labels = {*_read_labels(texts).values()}
    known_labels = {word for family in read_families() for word in _level_by_label(family)}
    if 0 < len(texts) <= 2 * len(labels) and (
        labels <= {*list_words("profile_answers")}
        or not (labels & known_labels or all(shared[text] > 1 for text in texts))
    ):
        return {}
    matches = {text: _NUMBERED.fullmatch(text) for text in texts}
    numbers = {text: int(match[1]) for text, match in matches.items() if match}
    numbers |= _place_words(texts, columns) if numbers else {}
    fits = len(numbers) == len(texts) > 0 and max(numbers.values()) <= max(SATISFIED_FROM)
    return numbers if fits and {*numbers.values()} - {0, 1} else {}


def _place_words(texts: Sequence[str], columns: Collection[Sequence[str]]) -> dict[str, int]:
    """Return the level of labels among numbers: that of their family, or an end of 1–7 or 0–10.

    Beside 1 to 5 a label is an answer typed in words. Nothing is returned where the numbers of
    other columns leave open how long the scale is.
    """
    words = [text for text in texts if not _NUMBERED.fullmatch(text)]
    families = [*map(_level_by_label, read_families())]
    fits = [levels for levels in families if all(word in levels for word in words)]
    if not words or not fits:
        return {}
    levels = {word: fits[0][word] for word in words}
    mixed = [_list_numbers(column) for column in columns if {*words} & {*column}]
    numbers = {number for column in mixed for number in column}
    plain = [_list_numbers(column) for column in columns if all(map(_NUMBERED.fullmatch, column))]
    plain = [column for column in plain if column]
    tops = {*map(max, plain)}
    is_open = 5 not in tops and len(mixed) <= len(plain) and (5 not in numbers or max(tops) > 5)
    if numbers and min(numbers) > 0 and max(numbers) <= 5:
        return {} if is_open else levels
    own = {*_list_numbers(texts)}
    if len(own) <= len(words) or max(own) >= max(SATISFIED_FROM):
        return {}
    high = 7 if max(own) < 7 else 10
    ends = {1: 0 if high == 10 else 1, 5: high}
    levels = {word: ends.get(level, -1) for word, level in levels.items()}
    is_free = not {-1, *own} & {*levels.values()}
    return levels if is_free and len({*levels.values()}) == len(levels) else {}


def _list_numbers(texts: Sequence[str]) -> list[int]:
    """Return the numbers with which texts begin."""
    return [int(match[1]) for match in map(_NUMBERED.fullmatch, texts) if match]


def _read_labels(texts: Sequence[str]) -> dict[int, str]:
    """Return the words after the number of each text, by level."""
    matches = [match for text in texts if (match := _NUMBERED.fullmatch(text))]
    return {int(match[1]): match[2] for match in matches if match[2]}


def _find_ends(numbers: Mapping[str, int], columns: Sequence[Mapping[str, int]]) -> tuple[int, int]:
    """Return the lowest and highest level of a column of numbers, as columns like it show."""
    is_long = max(numbers.values()) > 5 or min(numbers.values()) < 1
    alike = [
        level
        for column in columns
        if column and (max(column.values()) > 5 or min(column.values()) < 1) == is_long
        for level in column.values()
    ]
    high = next(high for high in (*SATISFIED_FROM, 10) if high >= max(alike))
    return (0, 10) if is_long and (min(alike) < 1 or high > 7) else (1, high)


def _list_families(texts: Sequence[str]) -> list[str]:
    """Return the families that have all texts as labels, at least one of them not neutral."""
    fits = {name: _level_by_label(name) for name in read_families()}
    return [
        name
        for name, levels in fits.items()
        if texts and all(text in levels for text in texts) and {*map(levels.get, texts)} != {3}
    ]


def _level_by_label(family: str) -> dict[str, int]:
    """Return the level of each label of a family."""
    return {word: level for level, words in read_families()[family].items() for word in words}
