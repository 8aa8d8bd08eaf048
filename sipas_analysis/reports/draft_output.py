"""What ``sipas init`` prints: what it recognised, what it left out and what must be confirmed."""

from collections.abc import Iterable, Iterator, Sequence

from sipas_analysis.draft.recognised import Draft
from sipas_analysis.errors import shorten
from sipas_analysis.messages import Language, say


def describe_draft(draft: Draft, language: Language) -> Iterator[tuple[str, None]]:
    """Yield the sentences in the order in which they are printed."""
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
        ("to_confirm", draft.to_confirm),
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
