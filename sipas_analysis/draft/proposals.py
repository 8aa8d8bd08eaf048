"""Propose what a wave may say of its columns: lines of a draft, each behind a # for a person.

Units, profile questions under a wording of the office, versions of one question, states of
forms; and keys that a report is better for, such as decision, fieldwork, earlier years and plans.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path, PurePosixPath

import pandas as pd
import yaml

from sipas_analysis.collect import columns
from sipas_analysis.collect.days import find_day_order, make_day_reader
from sipas_analysis.collect.likeness import find_nearest_name
from sipas_analysis.collect.units import GROUPS, UNIT_COLUMNS
from sipas_analysis.collect.wave import PLAN_FILES
from sipas_analysis.draft.sheets import DraftSheet, guess_group
from sipas_analysis.errors import FileError
from sipas_analysis.instrument.pack import Instrument
from sipas_analysis.instrument.pack_draft import make_code
from sipas_analysis.instrument.strict_yaml import decode_yaml
from sipas_analysis.messages import Language
from sipas_analysis.sheets.texts import fold_text, plain_text, tidy_text

USUAL_EXPORTS = {"dossiers": "ho-so/*.xlsx", "movements": "luan-chuyen/*.xlsx"}
USUAL_TARGETS = [80, 95]  # of decisions of provinces
MOST_WAVES = 3  # of earlier years
SHOWN_STATES = 6
SHOWN_LABELS = 20
LONGEST_LABEL = 30  # characters; a longer text may be a remark
SHORT_LABEL = 12  # characters of a label that stands in one cell only


def propose_units(sheets: Sequence[DraftSheet], language: Language) -> pd.DataFrame:
    """Return one unit per distinct name, of unit columns and of whole sheets."""
    counts: Counter[str] = Counter()
    for sheet in sheets:
        counts.update(sheet.count_units())
    names: dict[str, str] = {}
    for name in filter(None, counts):  # the spelling of most forms
        usual = names.setdefault(fold_text(name), name)
        names[fold_text(name)] = max(usual, name, key=counts.__getitem__)
    rows: list[dict[str, str]] = []
    for name in names.values():
        code, group = make_code(name, [row["code"] for row in rows], "don-vi"), guess_group(name)
        label = GROUPS[group].text(language) if group else ""
        rows.append({"code": code, "name_vi": name, "group": label})
    return pd.DataFrame(rows).reindex(columns=list(UNIT_COLUMNS), fill_value="")


def propose_same_units(names: Sequence[str]) -> dict[str, str]:
    """Return by name of a unit the name before it that may mean the same unit."""
    nearest = {
        name: find_nearest_name(name, names[:at], least=1.0) for at, name in enumerate(names)
    }
    return {name: near for name, near in nearest.items() if near}


def propose_questions(sheets: Sequence[DraftSheet], pack: Instrument) -> dict[str, str]:
    """Return by code of a question beside the index the only column that may hold its answers.

    The header, or its label, holds a word for the question; with or without marks and spaces.
    """
    headers_by_code: dict[str, dict[str, str]] = {}
    for sheet in sheets:
        likely = columns.propose_questions(sheet.placed, pack, sheet.table.sheet.labels)
        for code, headers in likely.items():
            named = {fold_text(name): name for name in headers if name not in sheet.roles.values()}
            if named:
                headers_by_code.setdefault(code, {}).update(named)
    shortest = {code: min(names, key=len) for code, names in headers_by_code.items()}
    return {
        code: names[shortest[code]]
        for code, names in headers_by_code.items()
        if all(f"{name}/".startswith(f"{shortest[code]}/") for name in names)  # or of one choice
    }


def propose_joins(sheets: Iterable[DraftSheet]) -> dict[str, list[str]]:
    """Return the columns of each code that has several in a sheet."""
    return {code: headers for sheet in sheets for code, headers in sheet.placed.twice.items()}


def propose_states(sheets: Iterable[DraftSheet]) -> dict[str, list[str]]:
    """Return the texts of each column that tells finished forms from others, the usual first."""
    return {
        header: texts[:SHOWN_STATES]
        for sheet in sheets
        for header, texts in columns.list_states(sheet.placed, sheet.table.frame).items()
    }


def propose_labels(sheets: Sequence[DraftSheet], pack: Instrument) -> dict[str, int | None]:
    """Return words among the answers that are no level, with the level they may mean.

    A text with a digit, a sign or a long text is none; it may be a remark.
    """
    counts: Counter[str] = Counter()
    for sheet in sheets:
        for header, read_level in sheet.readers.items():
            for text, n in sheet.table.frame[header].value_counts().items():
                if not read_level(str(text)).ok:
                    counts[tidy_text(str(text))] += n
    words = [
        text
        for text, n in counts.most_common()
        if len(text) <= (LONGEST_LABEL if n > 1 else SHORT_LABEL)
        and re.fullmatch(r"\D*[^\W\d_]{2}\D*", text)
    ]
    return {text: _guess_level(text, pack) for text in words[:SHOWN_LABELS]}


def _guess_level(text: str, pack: Instrument) -> int | None:
    """Return the level whose label has these initials, or the same letters without marks."""
    plain = plain_text(text)
    for level, label in pack.scale.labels.items():
        words = plain_text(label.vi).split()
        if plain in (" ".join(words), "".join(words), "".join(word[:1] for word in words)):
            return level
    return None


def propose_keys(
    sheets: Sequence[DraftSheet],
    others: Sequence[DraftSheet],
    pack: Instrument,
    year: int | None,
    folder: Path,
) -> dict[str, object]:
    """Return keys that a report is better for.

    Days of fieldwork are those of all files, the skipped ones too; else there are none.
    """
    spans = [_read_days(sheet) for sheet in [*sheets, *others]]
    days = [day for span in spans for day in span] if all(spans) else []
    overall = pack.overall_item.code if pack.overall_item else ""
    has_overall = any(
        "overall" in sheet.roles or overall in {**sheet.placed.items, **sheet.nearest}
        for sheet in sheets
    )
    earlier = _find_earlier_waves(folder, year)
    return {
        "decision": {"number": "…/QĐ-UBND", "date": None, "status": "sourced"},
        "collected": {"from": min(days, default=None), "to": max(days, default=None)},
        "targets": USUAL_TARGETS,
        **({"outcome": overall} if overall and has_overall else {}),
        "earlier": earlier,
        "plan": list_plans(folder, earlier),
        "measures": "",
    }


def _read_days(sheet: DraftSheet) -> list[date]:
    """Return the days of the forms of a sheet, if their order is clear."""
    if "date" not in sheet.roles:
        return []
    texts = [str(text) for text in sheet.table.frame[sheet.roles["date"]]]
    order, unclear = find_day_order(texts, None, None)
    values = [] if unclear else [make_day_reader(order)(text).value for text in texts]
    return [date.fromisoformat(str(day)) for day in values if day]


def find_year(sheets: Sequence[DraftSheet]) -> int | None:
    """Return the year that most sheets name: in a title, by most days, or in the file's name."""
    years: Counter[int] = Counter()
    for sheet in sheets:
        titles = " ".join(text for row in sheet.titles for text in row)
        days = " ".join(sheet.table.frame[sheet.roles["date"]]) if "date" in sheet.roles else ""
        for text in (titles, days, sheet.path.stem):
            matches = Counter(re.findall(r"(?<!\d)20\d\d(?!\d)", text))
            if matches:
                years[int(matches.most_common(1)[0][0])] += 1
                break
    return years.most_common(1)[0][0] if years else None


def _find_earlier_waves(folder: Path, year: int | None) -> list[str]:
    """Return the latest ``wave.yaml`` of earlier years in the folders beside that of the draft.

    A synthetic wave, as ``sipas demo`` makes, is no earlier year of a survey.
    """
    base = folder.resolve()
    waves: dict[str, int] = {}
    for path in sorted(base.parent.glob("*/wave.yaml")):
        try:
            text = decode_yaml(path.read_bytes(), path.name)
        except FileError:
            continue  # no report can read it
        match = re.search(r"^year: *(20\d\d)", text, re.MULTILINE)
        is_synthetic = re.search(r"^synthetic: *['\"]?true\b", text, re.MULTILINE)
        if match and year and int(match[1]) < year and not is_synthetic:
            waves[f"../{path.parent.name}/wave.yaml"] = int(match[1])
    return sorted(waves, key=waves.__getitem__)[-MOST_WAVES:]


def list_plans(folder: Path, waves: Iterable[str]) -> list[str]:
    """Return the path of the plan beside each wave that has one; of two files the workbook."""
    plans: list[str] = []
    for wave in waves:
        paths = [PurePosixPath(wave).with_name(name).as_posix() for name in PLAN_FILES]
        plans += [path for path in paths if (folder / path).is_file()][:1]
    return plans


def write_rules(states: Mapping[str, Sequence[str]]) -> list[str]:
    """Return two lines for each column of states: the usual state counts, or the others do not."""
    return [
        f"#{rule}: {write_flow({header: texts})}\n"
        for header, (usual, *others) in states.items()
        for rule, texts in (("only", [usual]), ("leave_out", others))
    ]


def write_part(name: str, content: Mapping[str, object]) -> list[str]:
    """Return the lines of a part of ``columns:``, each behind a #."""
    lines = [f"#  {write_flow({key: value})[1:-1]}\n" for key, value in content.items()]
    return [f"#{name}:\n", *lines] if lines else []


def write_flow(content: object) -> str:
    """Return YAML in one line, keys in their order, nothing for None."""
    flow = yaml.safe_dump(
        content, allow_unicode=True, default_flow_style=True, sort_keys=False, width=10**6
    )
    return flow.strip().replace(": null", ": ")


def write_key(name: str, value: object) -> str:
    """Return a key of ``wave.yaml`` in one line; ``records_none`` is ``records``."""
    return write_flow({name.removesuffix("_none"): value})[1:-1]


def relate_path(path: Path, folder: Path) -> str:
    """Return a path relative to the folder of wave.yaml where that is possible."""
    full, base = path.resolve(), folder.resolve()
    return full.relative_to(base).as_posix() if full.is_relative_to(base) else full.as_posix()


def write_yaml(content: object) -> str:
    """Return YAML in the given order of keys, one line a text; for None nothing after the key."""
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=10**6)
    return text.replace(": null\n", ":\n")
