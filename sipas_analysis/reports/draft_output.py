"""What ``sipas init`` prints: what it recognised, what it left out and what must be confirmed."""

from collections.abc import Iterable, Iterator, Sequence

from sipas_analysis.draft.recognised import Draft
from sipas_analysis.errors import shorten
from sipas_analysis.messages import Language, say


def describe_proposals(draft: Draft, language: Language, again: str) -> Iterator[tuple[str, None]]:
    """Yield the proposed columns, each with the item or question that it may be.

    Args:
        draft: What was recognised, with the proposals in use or not.
        language: Language of the sentences.
        again: The command that drafts the same with the proposals in use.
    """
    files: dict[tuple[str, str], list[str]] = {}
    for sheet in draft.sheets:
        for code, header in draft.chosen.items_in(sheet).items():
            files.setdefault((code, header), []).append(sheet.path.name)
    used, pack = draft.chosen.is_made, draft.pack
    questions = draft.chosen.questions if used else draft.questions
    if not files and not questions:
        return
    yield say(language, "cli.said.columns_used" if used else "cli.said.columns_proposed"), None
    shared = draft.shared_items.items()
    for (code, header), names in sorted(files.items(), key=lambda e: (e[0][0], e[0] not in shared)):
        is_own = (code, header) not in shared and len(draft.sheets) > 1
        where = f" ({', '.join(names)})" if is_own else ""
        yield f"  “{header}” → {code}. {pack.label_of(code, language)}{where}", None
    for code, header in questions.items():
        yield f"  “{header}” → {code}. {pack.indicators[code].text(language)}", None
    if not used:
        yield say(language, "cli.said.use_proposals", command=again), None


def describe_draft(
    draft: Draft, language: Language, *, is_listed: bool = False
) -> Iterator[tuple[str, None]]:
    """Yield the sentences in the order in which they are printed.

    Args:
        draft: What was recognised.
        language: Language of the sentences.
        is_listed: Whether ``describe_proposals`` lists the proposed columns.
    """
    to_confirm = draft.to_confirm
    if is_listed:
        left = draft.questions if draft.chosen.is_made else {}
        columns = [f"{code} = {shorten(header)}" for code, header in left.items()]
        to_confirm = [*columns, *draft.words_to_confirm]
    sentences: list[tuple[str, bool, dict[str, object]]] = [
        ("drafted", True, {"pack": draft.pack.id, "n_units": len(draft.unit_list)}),
        (
            "pack_drafted",
            bool(draft.pack_file),
            {"path": draft.pack_file, "n": len(draft.pack.items)},
        ),
        (
            "nearest_pack",
            bool(draft.choice.nearest),
            {"name": draft.choice.nearest, "pack": draft.choice.nearest.partition(" ")[0]},
        ),
        *_describe_pack(draft, language),
        ("unlike_pack", bool(draft.choice.unlike), {"name": draft.choice.unlike}),
        ("file_is_unit", draft.file_is_unit, {}),
        ("no_year", not draft.year, {}),
    ]
    for message, names in (
        ("records", [path.name for path in draft.records.paths]),
        ("no_survey", draft.skipped),
        ("not_read", draft.dropped),
        ("unordered", draft.choice.unordered),
        ("numbered", draft.numbered),
        ("unplaced", draft.list_left("unknown")),
        ("to_confirm", to_confirm),
        ("maybe_unit", draft.unit_columns),
        ("ungrouped", draft.units_to_place),
    ):
        sentences.append((message, bool(names), {"names": _join(names)}))
    for message, is_said, fields in sentences:
        if is_said:
            yield say(language, f"cli.said.{message}", **fields), None
    if draft.choice.numbered:
        yield draft.say_numbered().strip("# \n"), None
    yield say(language, "cli.said.next", path=draft.wave), None


def _describe_pack(draft: Draft, language: Language) -> list[tuple[str, bool, dict[str, object]]]:
    """Return what the questions of a drafted pack are, so that a person sees a wrong one."""
    pack = draft.pack
    overall = [pack.overall_item.text(language)] if pack.overall_item else []
    beside = [question.text(language) for question in pack.beside_items.values()]
    profile = [question.text(language) for question in pack.indicators.values()]
    items = [item.text(language) for item in pack.items.values()]
    scale = {"low": pack.scale.low, "high": pack.scale.high, "from": pack.scale.satisfied_from}
    parts: list[tuple[str, Sequence[str], dict[str, object]]] = [
        ("pack_items", items, {"n": len(items), **scale}),
        ("pack_beside", [*overall, *beside], {}),
        ("pack_profile", profile, {}),
        ("pack_no_answer", draft.choice.no_answer, {}),
    ]
    return [
        (message, bool(names) and bool(draft.pack_file), fields | {"names": _join(names)})
        for message, names, fields in parts
    ]


def _join(names: Iterable[str]) -> str:
    """Return shortened names in one line, each once."""
    return "; ".join(dict.fromkeys(map(shorten, names)))
