"""Let a person decide on a draft: which column is what, what words mean, which units are alike.

Every choice has the headers of the files as options and the proposal of ``sipas init`` as value.
What is decided is written into ``wave.yaml`` without a #.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from sipas_analysis.collect.readings import make_choice_reader
from sipas_analysis.collect.units import GROUPS
from sipas_analysis.draft.proposals import propose_same_units, propose_units
from sipas_analysis.draft.recognised import Decisions, Draft, share_roles
from sipas_analysis.draft.sheets import DraftSheet
from sipas_analysis.instrument.pack import Indicator, Item
from sipas_analysis.messages import say
from sipas_analysis.sheets.texts import tidy_text

ROLES = ("unit", "mode", "date", "form", "weight", "stratum", "cluster", "dossier")
AS_FOUND = "*"  # each file as it was recognised: the headers differ from file to file
NO_ANSWER = "blank"
NOT_READ = "ignore"  # of a column that nothing else names
Kind = Literal["role", "item", "question", "label", "column"]
KINDS: Sequence[Kind] = ("role", "item", "question", "label", "column")
Key = tuple[Kind, str]


@dataclass(frozen=True)
class Choice:
    """One decision that is asked for.

    Attributes:
        kind: What is chosen: the column of a role, an item or a question, or the meaning of a
            word, or of a column that was not recognised.
        code: The role, the code, the word, or the header.
        label: What to show beside it.
        options: What may be chosen; empty for nothing.
        value: What is proposed.
        names: What to show for an option that is no text to show.
    """

    kind: Kind
    code: str
    label: str
    options: Sequence[str]
    value: str
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """The choice among the answers of ``decide``."""
        return self.kind, self.code


def list_headers(draft: Draft) -> list[str]:
    """Return the headers of all files that may be chosen, once each; none of personal data."""
    personal = {header for sheet in draft.sheets for header in sheet.placed.personal}
    headers = (str(header) for sheet in draft.sheets for header in sheet.table.frame.columns)
    return [header for header in dict.fromkeys(headers) if header not in personal]


def list_choices(draft: Draft) -> list[Choice]:
    """Return the choices of a draft: roles, items, questions, words, columns not recognised."""
    headers, language, pack = list_headers(draft), draft.language, draft.pack
    roles = [
        (role, say(language, f"start.role.{role}"), [sheet.roles.get(role, "") for sheet in sheets])
        for role in ROLES
        if (sheets := draft.sheets)
    ]
    items = [
        (code, f"{code}. {item.text(language)}", [find_header(code, sheet) for sheet in sheets])
        for code, item in pack.items.items()
        if (sheets := draft.sheets)
    ]
    if pack.overall_item:
        code, label = pack.overall_item.code, pack.overall_item.text(language)
        by_word = [sheet.roles.get("overall", "") for sheet in draft.sheets]
        pairs = zip(draft.sheets, by_word, strict=True)
        items.append((code, label, [find_header(code, sheet) or word for sheet, word in pairs]))
    choices = [_make_choice("role", *role, headers) for role in roles]
    free = draft.list_left("unknown")
    headers_free_first = [*free, *(header for header in headers if header not in free)]
    choices += [_make_choice("item", *item, headers_free_first) for item in items]
    for code, header in draft.questions.items():
        label = pack.indicators[code].text(language)
        choices.append(Choice("question", code, label, ["", *headers], header))
    return choices + _list_words(draft) + _list_columns(draft)


def _list_columns(draft: Draft) -> list[Choice]:
    """Return a choice for each column that was not recognised: what it may be."""
    names = {NOT_READ: say(draft.language, "start.columns.ignore")}
    parts: dict[str, dict[str, Item] | dict[str, Indicator]] = {
        "item": {code: draft.pack.items[code] for code in draft.list_missing()},
        "question": {code: draft.pack.indicators[code] for code in _list_free_questions(draft)},
    }
    for kind, labels in parts.items():
        for code, label in labels.items():
            shown = {"code": code, "text": label.text(draft.language)}
            names[f"{kind} {code}"] = say(draft.language, f"start.columns.is_{kind}", **shown)
    for role in ROLES:
        if not all(role in sheet.roles for sheet in draft.sheets):
            text = say(draft.language, f"start.role.{role}")
            names[f"role {role}"] = say(draft.language, "start.columns.is_role", text=text)
    columns = draft.list_left("unknown")
    return [Choice("column", header, header, ["", *names], "", names) for header in columns]


def _list_free_questions(draft: Draft) -> list[str]:
    """Return the questions beside the index that have no column in any sheet."""
    placed = {code for sheet in draft.sheets for code in sheet.placed.indicators}
    return [code for code in draft.pack.indicators if code not in {*placed, *draft.questions}]


def _list_words(draft: Draft) -> list[Choice]:
    """Return a choice for each word that is no level: the level that it means, or no answer."""
    levels = [str(level) for level in draft.pack.scale.levels]
    options = ["", *levels, NO_ANSWER]
    words = {word: str(level or "") for word, level in draft.labels.items()}
    words |= dict.fromkeys(draft.no_answer, NO_ANSWER)
    return [Choice("label", word, word, options, value) for word, value in words.items()]


def _make_choice(
    kind: Kind, code: str, label: str, by_sheet: Sequence[str], headers: Sequence[str]
) -> Choice:
    """Return a choice of columns; where files differ, each may stay as it was recognised."""
    proposed = {*by_sheet} - {""}
    if len(proposed) > 1:
        return Choice(kind, code, label, [AS_FOUND, "", *headers], AS_FOUND)
    return Choice(kind, code, label, ["", *headers], next(iter(proposed), ""))


def find_header(code: str, sheet: DraftSheet) -> str:
    """Return the header of an item in a sheet: recognised, or proposed; else nothing."""
    return sheet.placed.items.get(code, "") or sheet.nearest.get(code, "")


def decide(
    draft: Draft,
    answers: Mapping[Key, str],
    facts: Mapping[str, object] | None = None,
    groups: Mapping[str, str] | None = None,
    *,
    ignores_rest: bool = False,
) -> Draft:
    """Return a draft with what a person decided; it is written without a #.

    Args:
        draft: From ``recognise_wave``.
        answers: Chosen option by key of ``list_choices``; the proposal where there is none.
        facts: Keys of ``wave.yaml``, such as ``year`` and ``title``.
        groups: Group by name of a unit.
        ignores_rest: Whether columns that nobody placed are not read.
    """
    chosen = {choice.key: answers.get(choice.key, choice.value) for choice in list_choices(draft)}
    by_kind = {
        kind: {code: value for (of_kind, code), value in chosen.items() if of_kind == kind}
        for kind in KINDS
    }
    sheets = [_decide_sheet(sheet, by_kind) for sheet in draft.sheets]
    items = {code: header for code, header in by_kind["item"].items() if header}
    questions = {code: header for code, header in by_kind["question"].items() if header}
    questions = dict(_list_of("question", by_kind["column"])) | questions
    levels = {word: int(level) for word, level in by_kind["label"].items() if level.isdigit()}
    blank = [word for word, level in by_kind["label"].items() if level == NO_ANSWER]
    decisions = Decisions(
        is_made=True,
        items=_keep_declared(items, draft.sheets),
        questions=questions,
        blank=blank,
        ignored=[*_list_displaced(draft.sheets, items), *_list_not_read(by_kind)],
        facts=facts or {},
    )
    units = propose_units(sheets, draft.language)
    proposed = dict(zip(units["name_vi"], units["group"], strict=True))
    units["group"] = [(groups or {}).get(name, group) for name, group in proposed.items()]
    decided = replace(
        draft,
        sheets=sheets,
        choice=replace(draft.choice, labels={**draft.choice.labels, **levels}),
        shared=share_roles(sheets),
        labels={},
        no_answer=[],
        questions={},
        unit_list=units,
        near_units=propose_same_units([*units["name_vi"]]),
        chosen=decisions,
    )
    if not ignores_rest:
        return decided
    ignored = [*decisions.ignored, *decided.list_left("unknown")]
    return replace(decided, chosen=replace(decisions, ignored=ignored))


def accept_columns(draft: Draft) -> Draft:
    """Return a draft in which the proposed columns are used: they are written without a #.

    A question beside the index is used where all its answers are known; labels, words of no answer
    and names of units stay proposals.
    """
    used = list_readable(draft)
    left = {code: header for code, header in draft.questions.items() if code not in used}
    return replace(draft, questions=left, chosen=Decisions(is_made=True, questions=used))


def list_readable(draft: Draft) -> dict[str, str]:
    """Return the proposed questions beside the index whose answers are all known, by code."""
    questions = draft.questions.items()
    return {code: header for code, header in questions if is_readable(code, header, draft)}


def is_readable(code: str, header: str, draft: Draft) -> bool:
    """Return whether all files have a column, and a question knows all answers in it."""
    read_choice = make_choice_reader(draft.pack.indicators[code])
    frames = [sheet.table.frame for sheet in draft.sheets]
    if not all(header in frame.columns for frame in frames):
        return False
    texts = {tidy_text(str(text)) for frame in frames for text in frame[header].unique()}
    return all(read_choice(text).ok for text in texts if text)


def _decide_sheet(sheet: DraftSheet, by_kind: Mapping[Kind, Mapping[str, str]]) -> DraftSheet:
    """Return a sheet with the chosen roles that it has; proposals are kept where files differ."""
    roles, items = by_kind["role"], by_kind["item"]
    kept = {role: name for role, name in sheet.roles.items() if roles.get(role, AS_FOUND) == "*"}
    columns = sheet.table.frame.columns
    kept |= {role: header for role, header in roles.items() if header in columns}
    kept.pop("overall", "")
    nearest = {code: name for code, name in sheet.nearest.items() if items.get(code) == AS_FOUND}
    unit = "" if "unit" in kept else sheet.unit
    decided = replace(sheet, roles=kept, unit=unit, nearest=nearest)
    return _place_columns(decided, by_kind["column"])


def _list_not_read(by_kind: Mapping[Kind, Mapping[str, str]]) -> list[str]:
    """Return the columns that are not to be read, without those that have a use after all."""
    parts: Sequence[Kind] = ("role", "item", "question")
    taken = {header for kind in parts for header in by_kind[kind].values()}
    uses = by_kind["column"]
    return [name for name, use in uses.items() if use == NOT_READ and name not in taken]


def _list_of(kind: Kind, columns: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return code and header of the columns for which a part of a kind was chosen."""
    pairs = ((use.partition(" "), header) for header, use in columns.items())
    return [(code, header) for (word, _, code), header in pairs if word == kind]


def _place_columns(sheet: DraftSheet, columns: Mapping[str, str]) -> DraftSheet:
    """Return a sheet with items and roles in columns that were not recognised.

    What the sheet has already is not replaced.
    """
    headers = sheet.table.frame.columns
    items = {code: name for code, name in _list_of("item", columns) if name in headers}
    roles = {role: name for role, name in _list_of("role", columns) if name in headers}
    items = {code: name for code, name in items.items() if code not in sheet.placed.items}
    roles |= sheet.roles
    unit = "" if "unit" in roles else sheet.unit
    return replace(sheet, nearest={**items, **sheet.nearest}, roles=roles, unit=unit)


def _keep_declared(items: Mapping[str, str], sheets: Iterable[DraftSheet]) -> dict[str, str]:
    """Return the items whose chosen header is not the one that its code or wording tells."""
    told = {(code, header) for sheet in sheets for code, header in sheet.placed.items.items()}
    return {
        code: header
        for code, header in items.items()
        if header != AS_FOUND and (code, header) not in told
    }


def _list_displaced(sheets: Iterable[DraftSheet], items: Mapping[str, str]) -> list[str]:
    """Return recognised headers of items for which another header, or none, was chosen."""
    displaced = [
        header
        for sheet in sheets
        for code, header in sheet.placed.items.items()
        if items.get(code, "") not in (AS_FOUND, header)
    ]
    return [header for header in dict.fromkeys(displaced) if header not in items.values()]


def list_groups(draft: Draft) -> list[str]:
    """Return the groups that a unit may belong to, in the language of the draft."""
    return [label.text(draft.language) for label in GROUPS.values()]
