"""Write a draft as ``wave.yaml``: what was recognised as it is, what was proposed behind a #.

A line that a person may use has no blank after the #, so that it is right without the #; a sentence
has one.
"""

import re
from collections.abc import Iterable, Mapping

from sipas_analysis.draft.proposals import (
    USUAL_EXPORTS,
    propose_keys,
    propose_units,
    relate_path,
    write_flow,
    write_key,
    write_part,
    write_rules,
    write_yaml,
)
from sipas_analysis.draft.recognised import Draft
from sipas_analysis.draft.record_files import write_records
from sipas_analysis.draft.sheets import DraftSheet
from sipas_analysis.errors import shorten
from sipas_analysis.instrument.pack import Instrument
from sipas_analysis.instrument.pack_draft import make_code
from sipas_analysis.sheets.texts import fold_text

FIRST_KEYS = ("decision", "collected")  # what a report needs, and no file of answers tells
PROVINCE = re.compile(  # of a province only: a city may be part of one
    r"(?:ubnd|[uủ][yỷ] ban nhân dân) (tỉnh \w+(?: (?:- )?\w+){0,4})", re.IGNORECASE
)


def find_province(draft: Draft) -> str:
    """Return the province that the title rows name (``UBND TỈNH …``); nothing if not just one."""
    cells = (text for sheet in draft.sheets for row in sheet.titles for text in row)
    found = filter(None, map(PROVINCE.fullmatch, cells))
    names = {match[1].title().replace("Tỉnh", "tỉnh", 1) for match in found}
    return names.pop() if len(names) == 1 else ""


def _draft_facts(draft: Draft) -> dict[str, object]:
    """Return the keys of the whole wave; texts are in the language of the draft only."""
    language, year, place = draft.language, draft.year, find_province(draft)
    titles = {"vi": "Chỉ số hài lòng", "en": "Satisfaction index"}
    years = {"vi": f" năm {year}", "en": f" {year}"} if year else {"vi": "", "en": ""}
    facts: dict[str, object] = {
        "id": "",
        "title": {language: titles[language] + years[language]},
        "year": year,
        "instrument": draft.choice.name,
        "languages": [language],
        "province": {"vi" if place else language: place},
        "publisher": {language: ""},
        **draft.chosen.facts,
    }
    return facts | {"id": _draft_id(draft.folder.resolve().name, place, facts["year"])}


def _draft_id(folder: str, place: str, year: object) -> str:
    """Return an id for the wave: the name of a folder that has a year, else place and year."""
    is_dated = bool(re.search(r"20\d\d", folder)) or not year
    name = folder if is_dated else f"{place.removeprefix('tỉnh ') or folder} {year}"
    return make_code(name, (), "dot")


def write_wave(draft: Draft) -> str:
    """Return the draft as YAML with a comment at each place that a person must look at."""
    sheets, pack, year = draft.sheets, draft.pack, draft.year
    facts = _draft_facts(draft)
    keys = propose_keys(sheets, draft.others, pack, year, draft.folder)
    keys |= {} if draft.records.paths else {"records_none": USUAL_EXPORTS}
    keys = {key: value for key, value in keys.items() if key not in draft.chosen.facts}
    first = [key for key in FIRST_KEYS if key in keys]
    n_items = max(len(_list_used(sheet, draft) & {*pack.items}) for sheet in sheets)
    publisher = {"publisher": facts.pop("publisher")}
    is_settled = bool(not draft.is_open and year and find_province(draft))
    parts = [
        draft.say("head", items=n_items, pack=pack.id),
        draft.say("numbered", names="; ".join(draft.numbered)) if draft.numbered else "",
        "\n" + draft.say("publisher"),
        write_yaml(publisher),
        draft.say("first_keys") if first else "",
        *(_write_key(key, keys.pop(key), draft) for key in first),
        "\n" + draft.say("rest") if is_settled else "",
        "\n" + draft.say("facts"),
        "" if year else draft.say("year"),
        draft.say_numbered() if draft.choice.numbered else "",
        write_yaml(facts),
        "\n" + draft.say("keys"),
        *(_write_key(key, value, draft) for key, value in keys.items()),
        "" if is_settled or draft.is_open else "\n" + draft.say("rest"),
        "\n" + draft.say("responses"),
        draft.say("file_is_unit") if any(sheet.unit for sheet in sheets) else "",
        draft.say("skipped", names="; ".join(draft.skipped)) if draft.skipped else "",
        "responses:\n",
        *(_write_entry(sheet, draft) for sheet in sheets),
        _write_others(draft) if draft.others else "",
        "\n" + draft.say("columns"),
        _write_columns(draft),
        "\n" + draft.say("units" if draft.has_unit_list else "no_units"),
        *(draft.say("near_unit", name=name, near=near) for name, near in draft.near_units.items()),
        write_yaml({**({"units": "units.csv"} if draft.has_unit_list else {}), "min_forms": 30}),
        "\n" + draft.say("states") if draft.states else "",
        *write_rules(draft.states),
    ]
    return "".join(parts) + write_records(draft.records, draft.language)


def _write_key(key: str, value: object, draft: Draft) -> str:
    """Return a key behind a #, with what it is for."""
    return f"#{write_key(key, value)}  {draft.say(key)}"


def _list_used(sheet: DraftSheet, draft: Draft) -> set[str]:
    """Return the codes of the items that a sheet has by name, or by a proposal that is used."""
    decided = draft.chosen.items_in(sheet) if draft.chosen.is_made else {}
    return {*sheet.placed.items, *decided}


def _write_entry(sheet: DraftSheet, draft: Draft) -> str:
    """Return one entry of ``responses:``, with the wordings to be confirmed as a comment."""
    near = {} if draft.chosen.is_made else draft.own_items(sheet)
    facts = _draft_entry(sheet, draft)
    columns = _draft_columns(sheet.roles.items() - draft.shared.items(), draft.pack)
    lines = write_yaml({"columns": {"items": {**near}}}).splitlines() if near else []
    lines = lines[bool(columns) + ("items" in columns) :]
    comments = [f"  #{line}\n" for line in lines]
    comments[:0] = ["  " + draft.say("confirm")] if near else []
    if draft.no_answer:
        comments += [
            "  " + draft.say("no_answer"),
            f"  #blank: {write_flow([*draft.no_answer])}\n",
        ]
    return "".join([write_yaml([facts]), *comments])


def _draft_entry(sheet: DraftSheet, draft: Draft) -> dict[str, object]:
    """Return file, sheet, header, unit and own columns of one entry."""
    header, roles = sheet.table.header, sheet.roles.items() - draft.shared.items()
    is_read = any(sheet is read for read in draft.sheets)
    chosen = draft.own_items(sheet) if draft.chosen.is_made and is_read else {}
    facts: dict[str, object] = {
        "file": relate_path(sheet.path, draft.folder),
        "sheet": sheet.table.sheet.name,
        "header": [*header] if len(header) > 1 else header[0] if header != (1,) else None,
        "unit": sheet.unit if draft.has_unit_list or sheet.unit != sheet.path.stem else "",
        "columns": _draft_columns(roles, draft.pack, chosen),
        "blank": [*draft.chosen.blank],
    }
    return {key: value for key, value in facts.items() if value}


def _write_others(draft: Draft) -> str:
    """Return entries of the skipped files and lines of their units, all behind a #."""
    parts = [draft.say("others")]
    for sheet in draft.others:
        facts = _draft_entry(sheet, draft)
        columns = _draft_columns(sheet.roles.items() - draft.shared.items(), draft.pack)
        columns |= {"items": {**sheet.nearest}} if sheet.nearest else {}
        text = write_yaml([facts | ({"columns": columns} if columns else {})])
        parts += [f"#{line}\n" for line in text.splitlines()]
    units = propose_units(draft.others, draft.language)
    units = units[~units["name_vi"].map(fold_text).isin(draft.unit_list["name_vi"].map(fold_text))]
    lines = units.to_csv(index=False, header=False, lineterminator="\n").splitlines()
    parts += [draft.say("other_units"), *(f"#   {line}\n" for line in lines)] if lines else []
    return "".join(parts)


def _draft_columns(
    roles: Iterable[tuple[str, str]], pack: Instrument, chosen: Mapping[str, str] | None = None
) -> dict[str, object]:
    """Return roles, items, and the column of the overall item, as ``columns:`` has them."""
    columns: dict[str, object] = dict(sorted(roles))
    overall = columns.pop("overall", "")
    items = {pack.overall_item.code: overall} if overall and pack.overall_item else {}
    items |= chosen or {}
    return {**columns, "items": items} if items else columns


def _list_missing(draft: Draft) -> list[str]:
    """Return the items without a column, with their wordings, for a person to pair them."""
    items = [f"#   {c}: {draft.pack.items[c].text(draft.language)}" for c in draft.list_missing()]
    return [draft.say("missing"), *(f"{line}\n" for line in items)] if items else []


def _write_items(draft: Draft, live: object) -> list[str]:
    """Return the proposals that hold for all files, each behind a #; ``live`` are items in use."""
    if draft.chosen.is_made or not draft.shared_items:
        return []
    lines = write_yaml({"items": draft.shared_items}).splitlines()[bool(live) :]
    return [draft.say("confirm_all"), *(f"#{line}\n" for line in lines)]


def _write_columns(draft: Draft) -> str:
    """Return the recognised columns, labels to be confirmed, and a place for columns to ignore."""
    chosen = draft.shared_items if draft.chosen.is_made else {}
    columns = _draft_columns(draft.shared.items(), draft.pack, chosen)
    items = columns.pop("items", {})
    unplaced = draft.list_left("unknown")
    dropped = "; ".join(map(shorten, draft.list_left("personal", "system")))
    labels = write_yaml({"labels": {**draft.labels}}).splitlines() if draft.labels else []
    lines = [
        *_write_items(draft, items),
        *([draft.say("labels")] if labels else []),
        *(f"#{line}\n" for line in labels),
        *([draft.say("questions")] if draft.questions else []),
        *write_part("indicators", draft.questions),
        *([draft.say("versions")] if draft.joins else []),
        *write_part("join", draft.joins),
        *([draft.say("dropped", names=dropped)] if dropped else []),
        "ignore:\n",
        *(f"- {write_yaml(name).splitlines()[0]}\n" for name in draft.list_ignored()),
        *([draft.say("unplaced")] if unplaced else []),
        *(f"#- {write_yaml(header).splitlines()[0]}\n" for header in unplaced),
        *(_list_missing(draft) if unplaced else []),
    ]
    columns |= {"labels": draft.choice.labels} if draft.choice.labels else {}
    columns |= {"indicators": {**draft.chosen.questions}} if draft.chosen.questions else {}
    columns |= {"items": items} if items else {}
    placed = write_yaml({"columns": columns}) if columns else "columns:\n"
    return placed + "".join(f"  {line}" for line in lines)
