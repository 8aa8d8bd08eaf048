"""The page and table of `sipas compare`: changes between waves, and why some are not shown."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Column,
    Document,
    Interval,
    Joined,
    Number,
    Paragraph,
    Section,
    Table,
    Text,
    make_text,
    render_text,
)
from sipas_analysis.documents.writers.html import write_html
from sipas_analysis.figures.csv_files import write_tables
from sipas_analysis.figures.last_year import LastYear, hide_withheld
from sipas_analysis.figures.published import Figures
from sipas_analysis.files import check_writable
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.measure.change import COMPARED, Changes, compare
from sipas_analysis.messages import Language, say
from sipas_analysis.reports.chapters.trend import (
    draw_trend,
    explain_break,
    name_unit_changes,
    order_by_year,
)
from sipas_analysis.reports.figure_tables import sign_number
from sipas_analysis.reports.subject import Subject
from sipas_analysis.reports.unit_pictures import draw_changes_picture

Lines = Iterator[tuple[str, pd.DataFrame | None]]  # a sentence, or a title with its table
OUT = Path("outputs/compare")
FIRST_COLUMN = {"whole": "index", "units": "unit", "factors": "factor", "items": "item"}


def write_comparison(
    surveys: Sequence[Survey], out: Path | None, language: Language, crosswalk: Path | None
) -> tuple[Changes, list[Path]]:
    """Compare waves and write the table and the page; return the changes and the files.

    A figure that a wave must not publish, alone or beside its totals (rule P2), is left out.

    Source: rules C1, C2 and P2 in docs/method.md.
    """
    folder = check_writable(out or OUT)
    ordered = order_by_year(surveys)
    declared = ordered[-1].wave.crosswalk if ordered else ""
    path = crosswalk or (ordered[-1].wave.path_of(declared) if declared else "")
    waves = {id(survey): Figures(survey) for survey in ordered}

    def find_tables(survey: Survey) -> Figures:
        return waves.get(id(survey), Figures(survey))

    changes = hide_withheld(compare(*ordered, crosswalk=path), ordered, find_tables, path)
    page = build_comparison_page(changes, [*waves.values()])
    return changes, [
        *write_tables({"changes": changes.frame}, folder / "tables"),
        write_html(page, folder / f"compare.{language}.html", language),
    ]


def list_pairs(changes: Changes, waves: Sequence[Figures]) -> list[LastYear]:
    """Return each wave beside the next, in their order."""
    return [
        LastYear(
            before.survey,
            after.survey,
            reason=str(pair.reason),
            bridged=bool(pair.bridged),
            n_shared=int(str(pair.n_shared)),
            frame=changes.frame[changes.frame["before"] == pair.before],
        )
        for pair, (before, after) in zip(
            changes.breaks.itertuples(index=False), pairwise(waves), strict=True
        )
    ]


def build_comparison_page(changes: Changes, waves: Sequence[Figures]) -> Document:
    """Return the page: the trend of the overall index, then each pair of years."""
    pairs = list_pairs(changes, waves)
    trend = draw_trend(waves, [(pair.reason, pair.bridged) for pair in pairs])
    sections = [Section("trend", make_text("compare.chapter.trend"), tuple(trend))]
    for number, pair in enumerate(pairs, 1):
        after = str(pair.after.wave.year)
        title = make_text("compare.chapter.pair", before=pair.year, after=after)
        sections.append(Section(f"pair-{number}", title, tuple(_pair_blocks(pair))))
    is_synthetic = any(figures.survey.wave.is_synthetic for figures in waves)
    titles = [figures.survey.wave.title for figures in waves]
    return Document(
        "compare",
        make_text("compare.title"),
        make_text("compare.subtitle", waves=Joined(titles, " · ")),
        make_text("report.synthetic") if is_synthetic else None,
        tuple(sections),
        make_text("compare.footer"),
    )


def describe_changes(changes: Changes, surveys: Sequence[Survey], language: Language) -> Lines:
    """Yield for the console the tables of each pair of waves, then why some pairs have none."""
    pairs = list_pairs(changes, [Figures(survey) for survey in order_by_year(surveys)])
    for pair in pairs:
        if not pair.reason:
            yield f"{pair.wave.id} → {pair.after.wave.id}", None
            if pair.bridged:
                yield _describe_bridge(pair).text(language), None
            for text in name_unit_changes(pair):
                yield text.text(language), None
            for table in _list_tables(pair):
                yield table.caption.text(language), _tabulate_text(table, language)
    for pair in pairs:
        if pair.reason:
            why = explain_break(pair.reason).text(language)
            fields = {"before": pair.wave.id, "after": pair.after.wave.id, "why": why}
            yield say(language, "cli.said.no_line", **fields), None


def _tabulate_text(table: Table, language: Language) -> pd.DataFrame:
    """Return the cells of a table as texts, names first."""
    rows = [[render_text(cell, language) for cell in row] for row in table.rows]
    return pd.DataFrame(rows, columns=[render_text(head.label, language) for head in table.columns])


def _describe_bridge(pair: LastYear) -> Text:
    """State which items of two questionnaires are compared: alike ones, or those of a crosswalk."""
    if pair.n_shared:
        return make_text("compare.shared_items", n=pair.n_shared)
    return make_text("compare.bridged")


def _pair_blocks(pair: LastYear) -> list[Block]:
    """Return what changed between two waves, or why they must not be compared."""
    if pair.reason:
        reasons = tuple(make_text(f"compare.why.{word}") for word in pair.reason.split())
        return [Paragraph(make_text("compare.no_line"), "warning"), Bullets(reasons)]
    blocks: list[Block] = [Paragraph(_describe_bridge(pair), "warning")] if pair.bridged else []
    blocks += [Paragraph(text) for text in name_unit_changes(pair)]
    blocks.append(Paragraph(make_text("compare.note_family"), "note"))
    figures = Figures(pair.after)
    vars(figures)["last_year"] = pair  # whatever the wave names as its earlier ones
    pictures = {
        f"table-units-{group}": draw_changes_picture(Subject(figures), group)
        for group in figures.groups
        if not pair.bridged
    }
    for table in _list_tables(pair):
        picture = pictures.get(table.id)
        blocks += [picture, table] if picture else [table]
    return blocks


def _list_tables(pair: LastYear) -> list[Table]:
    """Return the tables of a pair: the whole and groups, units by group, factors and items."""
    rows, subject = pair.frame, Subject(Figures(pair.after))
    overall, is_unit = rows["level"] == OVERALL, rows["domain"] == "unit"
    wholes = rows[overall & ~is_unit]
    names: list[object] = [_whole_name(subject, str(group)) for group in wholes["group"]]
    tables = [_change_table(pair, "whole", wholes, names)]
    for group in dict.fromkeys(rows.loc[is_unit, "group"]):
        units = rows[overall & is_unit & (rows["group"] == group)]
        unit_names = pair.name_units(units["unit"].tolist())
        group_name = subject.group_name(group)
        tables.append(_change_table(pair, f"units-{group}", units, unit_names, group_name))
    for kind in ("factor", "item"):
        parts = rows[(rows["domain"] == "all") & (rows["level"] == kind)]
        if len(parts):
            part_names = [_name_part(subject, kind, code) for code in parts["variable"]]
            tables.append(_change_table(pair, f"{kind}s", parts, part_names))
    return tables


def _name_part(subject: Subject, kind: str, code: str) -> object:
    """Return the name of a factor, or of an item with its code; the code of one that is gone."""
    known = subject.pack.factors if kind == "factor" else subject.pack.items
    if code not in known:
        return code
    return subject.short_name(code) if kind == "factor" else subject.item_name(code)


def _whole_name(subject: Subject, group: str) -> Text:
    """Return the name of the overall index: of one group, or of the province."""
    if not group:
        return make_text("report.level.overall")
    return make_text("report.whole_group", group=subject.group_name(group))


def _change_table(
    pair: LastYear,
    name: str,
    changes: pd.DataFrame,
    labels: Sequence[object],
    group: Bilingual | str = "",
) -> Table:
    """Return both years, change, interval, verdict and, where known, the expected change."""
    has_expected = bool(changes["expected"].notna().any())
    numbers = changes[["value_before", "value_after", "value", "low", "high", "expected"]]
    rows = []
    values = numbers.to_numpy(float).tolist()
    words = zip(changes["verdict"], changes["reason"], strict=True)
    for label, (verdict, reason), row in zip(labels, words, values, strict=True):
        before, after, value, low, high, expected = row
        cells = [Number(before, 2), Number(after, 2), sign_number(Number(value, 2))]
        cells += [_state_verdict(verdict, reason), Interval(low, high)]
        cells += [sign_number(Number(expected, 1))] if has_expected else []
        rows.append((label, *cells))
    kind = name.split("-", maxsplit=1)[0]
    return Table(
        f"table-{name}",
        make_text(f"compare.table.{kind}", group=group),
        _list_columns(pair, kind, has_expected=has_expected),
        tuple(rows),
        (make_text("compare.note"),) if has_expected else (),
    )


def _list_columns(pair: LastYear, kind: str, *, has_expected: bool) -> tuple[Column, ...]:
    """Return the columns of a table of changes."""
    years = (pair.year, str(pair.after.wave.year))
    words = ["change", "beyond_chance", "change_interval"]  # a phone shows the first
    words += ["expected_change"] if has_expected else []
    return (
        Column(make_text(f"report.column.{FIRST_COLUMN[kind]}"), "row"),
        *(Column(make_text("report.column.last_year", year=year)) for year in years),
        *(
            Column(
                make_text(f"report.column.{word}"), "text" if word == "beyond_chance" else "number"
            )
            for word in words
        ),
    )


def _state_verdict(verdict: str, reason: str) -> Text:
    """State whether a change is more than chance, or why it is not compared."""
    if reason not in COMPARED:
        return explain_break(reason)
    return make_text(f"report.change.{'open' if verdict == 'open' else 'sure'}")
