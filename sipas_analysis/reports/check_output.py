"""What ``sipas check`` prints and writes: changes while reading, findings, gaps in the data."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from sipas_analysis.collect.duplicates import are_named
from sipas_analysis.collect.survey import DROP_REASONS, Survey
from sipas_analysis.collect.wave import UNIT_CHANGES_FILE
from sipas_analysis.errors import Place, group_places, list_places
from sipas_analysis.figures.last_year import WavePair
from sipas_analysis.figures.published import figures_of
from sipas_analysis.figures.rare_labels import find_rare_labels
from sipas_analysis.infer.unit_counts import FEWEST_UNITS
from sipas_analysis.measure.wave_breaks import find_bridge
from sipas_analysis.messages import Language, format_number, say
from sipas_analysis.quality.findings import Findings
from sipas_analysis.quality.keyed_twice import Keyings, compare_keyings
from sipas_analysis.reports.check_reminders import describe_plans, describe_reminders
from sipas_analysis.reports.no_answers import count_no_answers
from sipas_analysis.reports.small_units import describe_small_units

MANY_BLANK = 20.0  # percent of forms
TINY = 0.001  # a smaller p is printed in words
NOUNS = ("forms", "rows", "cells", "columns")  # what was changed, most important first
SHOWN_FILES = 20  # files whose rows are printed; the table beside has all
SHOWN_CELLS = 20  # disagreements of two keyings that are printed; the file has all
SHOWN_UNITS = 20  # units without counterpart that are named; the others are counted
SHOWN_PAIRS = 10  # pairs of equal forms that are printed; the file has all
Lines = Iterator[tuple[str, pd.DataFrame | None]]  # a sentence, or a title with its table


def describe_check(survey: Survey, language: Language) -> Lines:
    """Return sentences, and tables with their titles, in the order in which they are printed.

    The second keying, the earlier waves and plans are read before, so that they are refused before
    anything is printed.
    """
    _ = figures_of(survey).earlier
    keyings = compare_keyings(survey) if survey.wave.keyed_twice else None
    plans = describe_plans(survey, language)
    return chain(_describe_check(survey, keyings, language), plans)


def _describe_check(survey: Survey, keyings: Keyings | None, language: Language) -> Lines:
    """Yield what is printed of a survey, of its findings and of its second keying."""
    findings = figures_of(survey).quality
    if findings.has_many_straight:
        share = format_number(findings.straight_percent, language, 0)
        yield say(language, "cli.said.many_straight", share=share), None
    if len(findings.noticed()):
        yield say(language, "cli.said.findings"), _tabulate_findings(findings, language)
    yield from describe_flagged(survey, language)
    yield from _describe_repeats(findings, survey, language)
    if keyings:
        yield from _describe_keyings(keyings, language)
    yield from _describe_items(survey, language)
    for key, counts in find_rare_labels(survey).items():
        least, n_forms = survey.wave.min_cell, sum(counts.values())
        amount = {"n": len(counts), "n_forms": n_forms, "min_cell": least}
        yield say(language, "cli.said.rare_labels", key=key, **amount), None
    yield from _describe_gaps(survey, language)
    yield from describe_reminders(survey, language)
    yield from _describe_counterparts(survey, language)
    if _has_days(survey) and not (survey.wave.collected.start or survey.wave.collected.end):
        yield say(language, "cli.said.no_fieldwork"), None
    yield from _describe_reading(survey, language)


def _describe_reading(survey: Survey, language: Language) -> Lines:
    """Yield what was read as usual, last: the forms of each file, and what was changed or dropped.

    Of one file this is a sentence.
    """
    findings = figures_of(survey).quality
    if survey.frame["unit"].nunique() < FEWEST_UNITS:
        yield say(language, "cli.said.not_compared"), None
    elif findings.noticed().empty and findings.repeats.empty:
        yield say(language, "cli.said.no_findings"), None
    title, files = _tabulate_files(survey, language)
    if len(files) == 1:
        message = "one_file" if _has_days(survey) else "one_file_no_days"
        fields = {str(name): files[name].iloc[0] for name in files}
        yield say(language, f"cli.said.{message}", **fields), None
    else:
        yield title, files
    if survey.ledger.empty:
        yield say(language, "cli.said.nothing_changed"), None
    else:
        yield say(language, "cli.table.ledger"), _tabulate_ledger(survey.ledger, language)


def _describe_counterparts(survey: Survey, language: Language) -> Lines:
    """Name units without counterpart in the wave before, and propose lines on renamed units."""
    earlier, wave = figures_of(survey).earlier, survey.wave
    crosswalk = wave.path_of(wave.crosswalk) if wave.crosswalk else ""
    if not earlier or find_bridge(earlier[-1].survey, survey, crosswalk).reason:
        return
    pair = WavePair(earlier[-1].survey, survey)
    for word, codes in (("units_new", pair.new_units), ("units_gone", pair.gone_units)):
        if codes:
            shown = [name.text(language) for name in pair.name_units(codes[:SHOWN_UNITS])]
            names = "; ".join([*shown, *["…"] * (len(codes) > SHOWN_UNITS)])
            yield say(language, f"cli.said.{word}", n=len(codes), year=pair.year, names=names), None
    lines = pair.propose_changes()
    if lines:
        file = wave.path_of(wave.unit_changes or UNIT_CHANGES_FILE)
        yield say(language, "cli.said.unit_lines", file=file), None
        yield "\n".join(["date,from,to,share,kind,status", *lines]), None


def count_forms(survey: Survey) -> pd.DataFrame:
    """Return for each file the number of forms that count, and the first and the last row."""
    rows = survey.frame.groupby("file", sort=False)["row"]
    return rows.agg(n="size", first_row="min", last_row="max").reset_index()


def _tabulate_files(survey: Survey, language: Language) -> tuple[str, pd.DataFrame]:
    """Return from which row to which row forms were read: a mean below them is no form."""
    counts = count_forms(survey)
    shown, message = (
        counts.head(SHOWN_FILES),
        "files" if len(counts) <= SHOWN_FILES else "files_some",
    )
    rows = [
        f"{first}–{last}" for first, last in zip(shown["first_row"], shown["last_row"], strict=True)
    ]
    title = say(language, f"cli.table.{message}", shown=len(shown), n=len(counts))
    table = shown[["file", "n"]].assign(rows=rows)
    return title, table.assign(days=_span_days(survey, shown["file"])) if _has_days(
        survey
    ) else table


def _has_days(survey: Survey) -> bool:
    """Return whether some form has a day."""
    return "date" in survey.frame and bool(survey.frame["date"].notna().any())


def _span_days(survey: Survey, files: "pd.Series[str]") -> list[str]:
    """Return the first and the last day of the forms of each file; empty without a day."""
    days = survey.frame.dropna(subset="date").groupby("file")["date"].agg(["min", "max"])
    spans = days["min"].astype(str) + " – " + days["max"].astype(str)
    return [*spans.reindex(files, fill_value="")]


def _tabulate_ledger(ledger: pd.DataFrame, language: Language) -> pd.DataFrame:
    """Count what was changed or left out, by reason: forms, rows, cells, then whole columns.

    What is alike in several files is one row; ``check/ledger.csv`` has every file.
    """
    is_row, is_column = ledger["row"].notna(), ledger["column"] != ""
    is_noun = {
        "forms": ledger["reason"].isin(DROP_REASONS),
        "rows": is_row & ~is_column,
        "columns": ~is_row,
    }
    nouns = np.select([*is_noun.values()], [*is_noun], "cells")
    counts = ledger.assign(noun=nouns).groupby(["reason", "noun"], sort=False)
    table = counts.agg(
        columns=("column", "nunique"),
        n=("column", "size"),
        file=("file", "first"),
        files=("file", "nunique"),
    ).reset_index()
    table = table.sort_values("noun", key=lambda names: names.map(NOUNS.index), kind="stable")
    amounts = [
        say(
            language,
            f"cli.count.{noun}",
            n=format_number(columns if noun == "columns" else n, language),
            columns=columns,
        )
        for noun, n, columns in table[["noun", "n", "columns"]].itertuples(index=False)
    ]
    reasons = [say(language, f"ledger.{reason}") for reason in table["reason"]]
    printed = pd.DataFrame({"reason": reasons, "amount": amounts})
    if len(set(ledger["file"])) == 1:
        return printed
    many = [
        file if n == 1 else say(language, "cli.count.files", n=n)
        for file, n in table[["file", "files"]].itertuples(index=False)
    ]
    return printed.assign(file=many)


def _tabulate_findings(findings: Findings, language: Language) -> pd.DataFrame:
    """Return the findings in words, with numbers as they are printed."""
    noticed = findings.noticed()
    facts = [say(language, f"report.quality.{fact}") for fact in noticed["fact"]]
    p_texts = [
        say(language, "report.quality.tiny") if p < TINY else format_number(float(p), language, 3)
        for p in noticed["p_holm"]
    ]
    columns = {"unit_name": noticed["unit_name"], "finding": facts}
    columns |= {name: noticed[name].round(1) for name in ("count", "n", "expected_percent", "low")}
    return pd.DataFrame({**columns, "p_holm": p_texts})


def _describe_repeats(findings: Findings, survey: Survey, language: Language) -> Lines:
    """Name the pairs of forms that chance does not explain, but for files that the wave keeps."""
    pairs = findings.repeats
    pairs = pairs[~are_named(pairs["file"], survey.wave.duplicates.keep)]
    is_equal = pairs["n_equal"] == pairs["n_items"]
    for kind, sign, part in (("equal", "=", pairs[is_equal]), ("near", "≈", pairs[~is_equal])):
        if part.empty:
            continue
        shown, texts = part.head(SHOWN_PAIRS), []
        for (other, file), of_files in shown.groupby(["other_file", "file"], sort=False):
            rows = of_files[["other_row", "row"]].itertuples(index=False)
            it = ", ".join(f"{earlier} {sign} {later}" for earlier, later in rows)
            files = dict.fromkeys(Path(str(name)).name for name in (other, file))
            texts.append(f"{f' {sign} '.join(files)}, {say(language, 'place.rows', it=it)}")
        more = len(part) - len(shown)
        texts += [say(language, "place.more", n=more)] if more else []
        n = len(part[["file", "row"]].drop_duplicates())
        names = [f'"{name}"' for name in part["file"].unique()]
        file = names[0] if len(names) == 1 else f"[{', '.join(names)}]"
        fields = {"n": n, "places": "; ".join(texts), "file": file}
        yield say(language, f"cli.said.repeats_{kind}", **fields), None


def describe_doubts(survey: Survey, language: Language) -> Lines:
    """Name what should be settled before figures are used: items turned round, units unranked.

    Raises:
        SipasError: An earlier wave or the list of changes of units cannot be read.
    """
    for figures in figures_of(survey).earlier[-1:]:
        _ = WavePair(figures.survey, survey).unit_changes
    yield from _describe_opposed_items(survey, language)
    yield from describe_flagged(survey, language)
    yield from describe_small_units(survey, language)


def describe_flagged(survey: Survey, language: Language) -> Lines:
    """Name the units without a rank until their forms are accepted, and what to write for that."""
    findings = figures_of(survey).quality
    accepted = survey.wave.accepted
    flagged_units = [unit for unit in survey.units["code"] if unit in findings.flagged_units]
    for unit in flagged_units:
        facts = [say(language, f"report.quality.{fact}") for fact in findings.facts_of(unit)]
        why = "; ".join(facts)
        message = "accepted" if unit in accepted else "flagged"
        yield say(language, f"cli.said.{message}", unit=survey.unit_names[unit], why=why), None
    open_units = [unit for unit in flagged_units if unit not in accepted]
    if open_units:
        lines = [f'  {unit}: {{by: "…", because: "…"}}' for unit in open_units]
        head = [say(language, "cli.said.accept"), *([] if accepted else ["accepted:"])]
        yield "\n".join([*head, *lines]), None
    unneeded = [unit for unit in accepted if unit not in flagged_units]
    if unneeded:
        yield say(language, "cli.said.accepted_none", units=", ".join(unneeded)), None


def _describe_keyings(keyings: Keyings, language: Language) -> Lines:
    """Name the answers that two keyings read differently, and how often they differ (rule Q7)."""
    alone, differing = keyings.unmatched, keyings.disagreements
    if len(alone):
        rows = alone[["file", "row"]].itertuples(index=False)
        places = list_places(
            group_places(Place(str(file), int(row)) for file, row in rows), language
        )
        yield say(language, "cli.said.keyed_alone", n=len(alone), places=places), None
    whole = keyings.items.iloc[:1].to_dict("records")
    for rate in whole:
        shares = {
            name: format_number(rate[name], language, 2) for name in ("percent", "low", "high")
        }
        counts = {"forms": keyings.n_forms, "n": rate["n"], "differ": rate["differ"]}
        message_id = "keyed_twice" if rate["differ"] else "keyed_same"
        yield say(language, f"cli.said.{message_id}", **counts, **shares), None
    if differing.empty:
        return
    cells = differing[["form", "item"]].head(SHOWN_CELLS)
    for head, end in (("keyed_first", ""), ("keyed_second", "_2")):
        names = [f"{name}{end}" for name in ("file", "cell", "value")]
        columns = differing[names].head(SHOWN_CELLS).itertuples(index=False)
        cells[head] = [f"{file}, {cell}: {value or '–'}" for file, cell, value in columns]
    yield say(language, "cli.table.keyed_twice"), cells
    for name, table in (("items", keyings.items.iloc[1:]), ("operators", keyings.operators)):
        rates = table[table["differ"] > 0].rename(
            columns={"n": "n_answers", "percent": "differ_percent"}
        )
        yield say(language, f"cli.table.keyed_{name}"), rates.round(2)


def _describe_gaps(survey: Survey, language: Language) -> Lines:
    """Name units with few forms or none, and items that many people left blank."""
    forms, min_forms = survey.frame["unit"].value_counts(), survey.instrument.index.min_forms
    silent = [name for code, name in survey.unit_names.items() if code not in forms]
    if silent:
        yield say(language, "cli.said.silent", n=len(silent), names="; ".join(silent)), None
    few = [
        say(language, "cli.said.few_forms_unit", unit=name, n=forms[code], min_forms=min_forms)
        for code, name in survey.unit_names.items()
        if forms.get(code, min_forms) < min_forms
    ]
    if few:
        yield say(language, "cli.said.few_forms", min_forms=min_forms, names="; ".join(few)), None
    yield from describe_small_units(survey, language)
    counts = count_no_answers(survey).set_index("item")
    if counts["not_applicable"].any():
        yield say(language, "cli.table.no_answers"), counts.reset_index()
    blank = 100 * counts["blank"][[*survey.instrument.items]] / len(survey.frame)
    many_blank = blank[blank >= MANY_BLANK]
    if len(many_blank):
        items = ", ".join(f"{code} ({percent:.0f}%)" for code, percent in many_blank.items())
        yield say(language, "cli.said.many_blank", items=items), None


def _describe_items(survey: Survey, language: Language) -> Lines:
    """Name the items without wording, and those that run against the others."""
    items = survey.instrument.items
    unworded = [code for code, item in items.items() if not (item.vi or item.en)]
    if unworded:
        yield say(language, "cli.said.item_unworded", items=", ".join(unworded)), None
    yield from _describe_opposed_items(survey, language)


def _describe_opposed_items(survey: Survey, language: Language) -> Lines:
    """Name the items that run against the others, and what to write if a scale is reversed."""
    for item, r, n in figures_of(survey).opposed_items.to_numpy().tolist():
        shown = format_number(r, language, 2)
        turned = survey.instrument.scale_of(item).turned
        yield say(language, "cli.said.item_against", item=item, r=shown, n=n, turned=turned), None


def list_check_tables(survey: Survey) -> dict[str, pd.DataFrame]:
    """Return the tables of a check, by file name: changes by column, findings, and no answers.

    Findings of units whose figures are withheld stay out (rule P2).
    """
    changes = survey.ledger.groupby(["file", "column", "reason"], sort=True)["row"]
    ledger = changes.agg(n="size", first_row="min").reset_index()
    figures = figures_of(survey)
    copies = pd.concat([figures.findings.copies, figures.findings.repeats], ignore_index=True)
    copies = copies.drop_duplicates(["file", "row", "other_file", "other_row"])
    tables = {
        "files": count_forms(survey),
        "ledger": ledger,
        "quality": figures.findings.to_frame(),
        "copies": copies[~copies["unit"].isin(figures.hidden_units)],
        "no_answers": count_no_answers(survey),
    }
    if not survey.wave.keyed_twice:
        return tables
    keyings = compare_keyings(survey)
    tables |= {"keyed_twice": keyings.to_frame(), "keyed_alone": keyings.unmatched}
    return tables | {"keyed_items": keyings.items, "keyed_operators": keyings.operators}
