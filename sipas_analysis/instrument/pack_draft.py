"""Draft a pack from columns of answers that no pack knows, or from the sheets of an XLSForm.

The draft is for a person to correct: what could not be ordered is listed in it, not guessed.
"""

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from sipas_analysis.instrument.answer_levels import (
    NO_ANSWER,
    AnswerLevels,
    list_words,
    order_columns,
)
from sipas_analysis.instrument.pack import OVERALL, RESERVED
from sipas_analysis.messages import Language, say

SAME_ANSWERS = 3  # so many questions with the same unknown answers are taken for a scale
LONGEST_PROFILE = 4  # words; "Khu vực chờ sạch sẽ" is no question on the person
MOST_LEVELS = 10  # a higher number is no level of a scale
MOST_ANSWERS = 12  # a column with more distinct texts is no scale
_BRACKETS = re.compile(r"(.+?)\s*\[(.+)\]")
_PATH = re.compile(r"([\w-]+)/([\w/-]+)")
_NUMBERED = re.compile(r"(?:câu|question)?\s*([a-z]{0,3}\d+(?:\.\d+)*)\s*[.:)–-]\s*(.+)", re.I)
_CODE = re.compile(r"[a-z]{1,4}[_.]?\d+(?:[_.]\d+)*", re.I)


@dataclass(frozen=True)
class DraftColumn:
    """One column of answers, or one question of a form.

    Attributes:
        header: Header of the column.
        wording: The question.
        texts: Its answers as written, by folded text.
        code: Its code, if it has one.
        group: The group of questions to which it belongs.
        is_choice: Whether its answers repeat as choices do, so that they may stand in a pack.
        choice_codes: Code of each answer in the data, if the data hold codes.
        many: Whether several answers may be chosen.
        is_rating: Whether most answers are known labels of a scale, which others break.
    """

    header: str
    wording: str
    texts: Mapping[str, str]
    code: str = ""
    group: str = ""
    is_choice: bool = True
    choice_codes: Mapping[str, str] = field(default_factory=dict)
    many: bool = False
    is_rating: bool = False


@dataclass(frozen=True)
class PackDraft:
    """A drafted pack, and what the draft of the wave must say beside it.

    Attributes:
        content: The pack, by key.
        labels: Further texts of the files with their level, for ``columns: labels``.
        ignored: Headers and wordings of free text.
        unordered: Headers of questions whose answers have no known order.
        answers: Those answers.
        no_answer: Texts of the files that are taken for no answer.
    """

    content: dict[str, object]
    labels: dict[str, int]
    ignored: list[str]
    unordered: list[str]
    answers: list[str]
    no_answer: list[str]

    def write(self, language: Language) -> str:
        """Return the pack as YAML, with comments on what a person must check."""
        scale = self.content["scale"]
        assert isinstance(scale, dict)
        parts = [f"# {say(language, 'draft.pack_head', low=scale['low'], high=scale['high'])}\n"]
        if self.no_answer:
            names = ", ".join(f'"{text}"' for text in self.no_answer)
            parts.append(f"# {say(language, 'draft.pack_no_answer', names=names)}\n")
        if self.unordered:
            fields = {"n": len(self.unordered), "answers": "; ".join(self.answers)}
            parts.append(f"# {say(language, 'draft.pack_unordered', **fields)}\n")
            parts += [f"# - {header}\n" for header in self.unordered]
        parts.append(yaml.safe_dump(self.content, allow_unicode=True, sort_keys=False, width=1000))
        return "".join(parts)


def split_header(header: str) -> tuple[str, str, str]:
    """Return group, code and wording of a header: ``group [wording]``, ``group/code``, ``1. …``."""
    for pattern in (_BRACKETS, _PATH):
        if match := pattern.fullmatch(header):
            return match[1], "", match[2]
    if match := _NUMBERED.fullmatch(header):
        return "", match[1] if not match[1].isdigit() else f"C{match[1]}", match[2]
    return "", header if _CODE.fullmatch(header) else "", header


def make_code(text: str, taken: Iterable[str] = (), default: str = "x") -> str:
    """Return a code in a–z, 0–9 and - for a text, different from the codes in use."""
    decomposed = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    code = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or default
    used, numbers = {*taken, *RESERVED, OVERALL}, range(2, 10_000)
    names = itertools.chain([code], (f"{code}-{number}" for number in numbers))
    return next(name for name in names if name not in used)


def draft_pack(
    columns: Sequence[DraftColumn],
    pack_id: str,
    title: str,
    language: Language,
    headers: Iterable[str] = (),
) -> PackDraft | None:
    """Draft a pack of the questions whose answers can be ordered; None if there is no such one.

    Args:
        columns: Columns of answers, without roles and personal data.
        pack_id: Id of the pack.
        title: Name of the file, for its title and source.
        language: Language of its texts.
        headers: All headers of the files, also of roles: no other question takes their codes.
    """
    single = [column for column in columns if not column.many]
    short = [column for column in single if 0 < len(column.texts) <= MOST_ANSWERS]
    levels = order_columns({column.header: [*column.texts] for column in short})
    profile_headers = {column.header for column in short if _is_profile(column, levels)}
    levels = {header: levels[header] for header in levels.keys() - profile_headers}
    rated = [column for column in columns if column.header in levels]
    choices = [c for c in columns if c.is_choice or c.is_rating or c in rated]
    if not rated:
        return None
    others = [column for column in choices if column not in rated]
    unordered = _find_unordered(others)
    profile = [column for column in others if column not in unordered]
    named = {language: say(language, "draft.pack_title", name=title)}
    content: dict[str, object] = {"id": pack_id, "title": named, "source": title}
    content |= {"status": "unverified", **_draft_questions(rated, levels, language, headers)}
    taken = [*_list_codes(content)]
    indicators: dict[str, object] = {}
    for column in profile:
        code = make_code(column.code or column.wording, [*taken, *indicators])
        indicators[code] = _draft_indicator(column, language)
    content |= {"indicators": indicators} if indicators else {}
    return PackDraft(
        content,
        _list_other_labels(rated, levels),
        [text for c in columns if c not in choices for text in {c.header, c.wording}],
        [column.header for column in unordered],
        [*dict.fromkeys(text for column in unordered for text in column.texts.values())],
        _list_no_answer(rated, levels),
    )


def _list_no_answer(rated: Sequence[DraftColumn], levels: Mapping[str, AnswerLevels]) -> list[str]:
    """Return the texts of no answer among the levels of some columns, as written."""
    texts = [
        column.texts[text]
        for column in rated
        for part in levels[column.header].no_answer.values()
        for text in part
    ]
    return [*dict.fromkeys(texts)]


def _is_profile(column: DraftColumn, levels: Mapping[str, AnswerLevels]) -> bool:
    """Return whether a question is on who answers: a short one of such words, without labels."""
    has_labels = column.header in levels and levels[column.header].labels
    if has_labels or len(column.wording.split()) > LONGEST_PROFILE:
        return False
    words = "|".join(map(re.escape, list_words("profile")))
    return re.search(rf"(?<!\w)(?:{words})(?!\w)", column.wording.casefold()) is not None


def _find_unordered(columns: Sequence[DraftColumn]) -> list[DraftColumn]:
    """Return the columns that share their answers with others, as the items of a scale do.

    So is a column of numbers or labels and of words that together are no known scale.
    """
    single = [column for column in columns if not column.many]
    usage = Counter(text for column in single for text in column.texts)
    return [
        column
        for column in single
        if (column.is_rating and not _is_profile(column, {}))
        or _mixes_numbers(column)
        or (len(column.texts) > 2 and min(map(usage.__getitem__, column.texts)) >= SAME_ANSWERS)
    ]


def _mixes_numbers(column: DraftColumn) -> bool:
    """Return whether some answers are numbers of a scale and the others words without a number."""
    numbers = [text for text in column.texts if text.isdigit() and int(text) <= MOST_LEVELS]
    words = [text for text in column.texts if text not in numbers]
    return len(numbers) > 2 and bool(words) and not any(re.search(r"\d", text) for text in words)


def _draft_questions(
    rated: Sequence[DraftColumn],
    levels: Mapping[str, AnswerLevels],
    language: Language,
    headers: Iterable[str],
) -> dict[str, object]:
    """Return scale, factors, items, overall item and questions beside the index."""
    names = [*dict.fromkeys([*headers, *(column.header for column in rated)])]
    kinds = {column.header: _describe_kind(levels[column.header]) for column in rated}
    main = Counter(kinds.values()).most_common(1)[0][0]
    places = _place_questions(rated, levels, kinds, main)
    sizes = Counter(c.group for c in rated if c.group and places[c.header] == "items")
    factors: dict[str, str] = {}
    for group in (group for group, size in sizes.items() if size > 1):
        factors[group] = make_code(group, factors.values())
    parts: dict[str, dict[str, object]] = {"items": {}, "overall_item": {}, "beside_items": {}}
    scales = {
        kind: _draft_scale([c for c in rated if kinds[c.header] == kind], levels, language)
        for kind in kinds.values()
    }
    for column in rated:
        others = _list_header_codes(name for name in names if name != column.header)
        kind, taken = kinds[column.header], {*factors.values(), *_list_codes(parts)}
        part = places[column.header]
        free = (code for code in (column.code, *map("C{}".format, range(1, 10_000))) if code)
        taken |= {*RESERVED, OVERALL}
        code = next(c for c in free if c not in taken and c.casefold() not in others)
        question: dict[str, object] = {}
        if column.wording != code:
            question[language] = column.wording
        if part == "items" and column.group in factors:
            question = {"factor": factors[column.group], **question}
        if part == "nps":
            codes = {name: scales[kind][name] for name in NO_ANSWER if name in scales[kind]}
            part, question["scale"] = "beside_items", {"score": "nps", **codes}
        elif kind != main:
            question["scale"] = scales[kind]
        if part == "overall_item":
            parts[part] = {"code": code, **question}
        else:
            parts[part][code] = question
    used = {name: part for name, part in parts.items() if part}
    named = {code: {language: group} for group, code in factors.items()}
    return {"scale": scales[main], **({"factors": named} if named else {}), **used}


def _list_header_codes(headers: Iterable[str]) -> set[str]:
    """Return headers and the codes before their wording, in lower case.

    A column is known by its code: a question of another column must not have it.
    """
    names = [part for header in headers for part in (header, split_header(header)[1])]
    return {name.casefold() for name in names if name}


def _describe_kind(levels: AnswerLevels) -> tuple[int, int, str]:
    """Return what columns of one scale have in common: its ends, and the best label."""
    return levels.low, levels.high, levels.labels.get(levels.high, "")


def _place_questions(
    rated: Sequence[DraftColumn],
    levels: Mapping[str, AnswerLevels],
    kinds: Mapping[str, tuple[int, int, str]],
    main: tuple[int, int, str],
) -> dict[str, str]:
    """Return where each question belongs; numbers of another scale are not added to the index.

    The first question on the whole is the overall item. If no item is left, every question is one.
    """
    places: dict[str, str] = {}
    for column in rated:
        wording, answers = column.wording.casefold(), levels[column.header]
        if answers.high == 10 and any(word in wording for word in list_words("nps")):
            place = "nps"
        elif any(word in wording for word in list_words("overall")) and (
            "overall_item" not in places.values()
        ):
            place = "overall_item"
        else:
            is_item = kinds[column.header] == main or answers.labels
            place = "items" if is_item else "beside_items"
        places[column.header] = place
    return places if "items" in places.values() else dict.fromkeys(places, "items")


def _draft_scale(
    columns: Sequence[DraftColumn], levels: Mapping[str, AnswerLevels], language: Language
) -> dict[str, object]:
    """Return the scale of some columns, with the labels and the codes of no answer in them."""
    written = {text: words for column in columns for text, words in column.texts.items()}
    found = [levels[column.header] for column in columns]
    scale: dict[str, object] = {"low": found[0].low, "high": found[0].high}
    scale["satisfied_from"] = found[0].satisfied_from
    for kind in NO_ANSWER:
        texts = [written[text] for column in found for text in column.no_answer[kind]]
        codes = [match[0] for text in texts if (match := re.match(r"\d+", text))]
        scale |= {kind: [*dict.fromkeys([*codes, *texts])]} if texts else {}
    words = [pair for column in found[::-1] for pair in column.labels.items()]
    labels = dict(sorted(words, key=lambda pair: pair[1] in written))  # those of the files win
    shown = {level: written.get(labels[level]) or _capitalise(labels[level]) for level in labels}
    if shown:
        scale["labels"] = {level: {language: shown[level]} for level in sorted(shown)}
    return scale


def _capitalise(text: str) -> str:
    return text[:1].upper() + text[1:]


def _list_other_labels(
    rated: Sequence[DraftColumn], levels: Mapping[str, AnswerLevels]
) -> dict[str, int]:
    """Return texts of the files that mean a level and are neither its number nor its label."""
    labels: dict[str, int] = {}
    shown = {text for column in rated for text in levels[column.header].labels.values()}
    for column in rated:
        for text, level in levels[column.header].level_by_text.items():
            words = column.texts[text]
            names = [words, column.choice_codes.get(words, "")]
            labels |= {
                name: level
                for name in names
                if name and not name[0].isdigit() and name.casefold() not in shown
            }
    return labels


def _draft_indicator(column: DraftColumn, language: Language) -> dict[str, object]:
    """Return a profile question with its choices."""
    levels: dict[str, object] = {}
    for words in column.texts.values():
        code = column.choice_codes.get(words) or make_code(words, levels)
        levels[code] = {language: words.removeprefix(f"{code}. ")}
    kind = {"kind": "many"} if column.many else {}
    return {"group": "profile", **kind, language: column.wording, "levels": levels}


def _list_codes(content: Mapping[str, object]) -> Iterator[str]:
    """Yield the codes of all parts of a pack."""
    for name in ("factors", "items", "beside_items"):
        part = content.get(name)
        yield from part if isinstance(part, dict) else ()
    overall = content.get("overall_item")
    yield from [str(overall["code"])] if isinstance(overall, dict) and overall else []
