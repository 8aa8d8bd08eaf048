"""The page and table of `sipas compare`: changes between waves, and why some are not shown."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Column,
    Document,
    Joined,
    Number,
    Paragraph,
    Section,
    Table,
    Text,
    make_text,
)
from sipas_analysis.documents.writers.html import write_html
from sipas_analysis.figures.csv_files import write_tables
from sipas_analysis.figures.published import Figures
from sipas_analysis.figures.suppression import SUPPRESS
from sipas_analysis.files import check_writable
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.measure.change import NUMBER_COLUMNS, Changes, compare
from sipas_analysis.measure.wave_breaks import link_units, recode_units
from sipas_analysis.messages import Language, say
from sipas_analysis.reports.chapters.trend import draw_trend, explain_break, order_by_year
from sipas_analysis.reports.subject import Subject

Lines = Iterator[tuple[str, pd.DataFrame | None]]  # a sentence, or a title with its table
OUT = Path("outputs/compare")


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
    changes = hide_withheld(compare(*ordered, crosswalk=path), ordered)
    page = build_comparison_page(changes, ordered)
    return changes, [
        *write_tables({"changes": changes.frame}, folder / "tables"),
        write_html(page, folder / f"compare.{language}.html", language),
    ]


def hide_withheld(changes: Changes, ordered: Sequence[Survey]) -> Changes:
    """Blank each change of a figure that either wave suppresses, also to protect another."""
    frame = changes.frame.copy()
    keys = ["domain", "group", "unit", "variable"]
    row_keys = [tuple(row) for row in frame[keys].to_numpy().tolist()]
    for before, after in pairwise(ordered):
        for survey in (recode_units(before, after, link_units(before, after)), after):
            scores = Figures(survey).scores
            suppressed = scores.loc[scores["flag"] == SUPPRESS, keys]
            withheld = set(map(tuple, suppressed.to_numpy().tolist()))
            is_withheld = np.array([key in withheld for key in row_keys], dtype=bool)
            is_withheld &= frame["before"].to_numpy() == before.wave.id
            frame.loc[is_withheld, [*NUMBER_COLUMNS, "value_before", "value_after"]] = np.nan
            frame.loc[is_withheld, "reason"] = "suppressed"
    return Changes(frame, changes.breaks)


def build_comparison_page(changes: Changes, ordered: Sequence[Survey]) -> Document:
    """Return the page: the trend of the overall index, then each pair of years."""
    years = {survey.wave.id: str(survey.wave.year) for survey in ordered}
    trend = tuple(draw_trend(changes, ordered))
    sections = [Section("trend", make_text("compare.chapter.trend"), trend)]
    pairs = zip(changes.breaks.itertuples(index=False), pairwise(ordered), strict=True)
    for number, (pair, surveys) in enumerate(pairs, 1):
        before, after = years[str(pair.before)], years[str(pair.after)]
        title = make_text("compare.chapter.pair", before=before, after=after)
        rows = changes.frame[changes.frame["before"] == pair.before]
        bridge = _describe_bridge(int(str(pair.n_shared))) if pair.bridged else None
        blocks = _pair_blocks(rows, str(pair.reason), bridge, surveys)
        sections.append(Section(f"pair-{number}", title, tuple(blocks)))
    is_synthetic = any(survey.wave.is_synthetic for survey in ordered)
    titles = {survey.wave.id: survey.wave.title for survey in ordered}
    return Document(
        "compare",
        make_text("compare.title"),
        make_text("compare.subtitle", waves=Joined([*titles.values()], " · ")),
        make_text("report.synthetic") if is_synthetic else None,
        tuple(sections),
        make_text("compare.footer"),
    )


def describe_changes(changes: Changes, language: Language) -> Lines:
    """Yield for the console the table of each pair of waves, then why some pairs have none."""
    columns = ["group", "unit", "value_before", "value_after", "value", "low", "high"]
    overall = changes.frame[changes.frame["level"] == OVERALL]
    is_comparable = changes.breaks["reason"] == ""
    for pair in changes.breaks[is_comparable].itertuples(index=False):
        rows = overall.loc[overall["before"] == pair.before, columns]
        title = f"{pair.before} → {pair.after}"
        if pair.bridged:
            yield _describe_bridge(int(str(pair.n_shared))).text(language), None
        yield title, rows.rename(columns={"value": "change"}).round(2)
    for pair in changes.breaks[~is_comparable].itertuples(index=False):
        why = explain_break(str(pair.reason)).text(language)
        fields = {"before": pair.before, "after": pair.after, "why": why}
        yield say(language, "cli.said.no_line", **fields), None


def _describe_bridge(n_shared: int) -> Text:
    """State which items of two questionnaires are compared: alike ones, or those of a crosswalk."""
    return (
        make_text("compare.shared_items", n=n_shared) if n_shared else make_text("compare.bridged")
    )


def _pair_blocks(
    rows: pd.DataFrame, reason: str, bridge: Text | None, pair: tuple[Survey, Survey]
) -> list[Block]:
    """Return what changed between two waves, or why they must not be compared."""
    if reason:
        reasons = tuple(make_text(f"compare.why.{word}") for word in reason.split())
        return [Paragraph(make_text("compare.no_line"), "warning"), Bullets(reasons)]
    subject = Subject(Figures(pair[1]))
    blocks: list[Block] = [Paragraph(bridge, "warning")] if bridge else []
    overall, is_unit = rows["level"] == OVERALL, rows["domain"] == "unit"
    wholes = rows[overall & ~is_unit]
    names = [_whole_name(subject, str(group)) for group in wholes["group"]]
    blocks.append(_change_table("whole", wholes, names))
    for group in dict.fromkeys(rows.loc[is_unit, "group"]):
        units = rows[overall & (rows["unit"] != "") & (rows["group"] == group)]
        unit_names = [_unit_name(pair, str(code)) for code in units["unit"]]
        group_name = subject.group_name(group)
        blocks.append(_change_table(f"units-{group}", units, unit_names, group_name))
    factors = rows[(rows["domain"] == "all") & (rows["level"] == "factor")]
    if len(factors):
        factor_names = [subject.short_name(code) for code in factors["variable"]]
        blocks.append(_change_table("factors", factors, factor_names))
    return blocks


def _whole_name(subject: Subject, group: str) -> Text:
    """Return the name of the overall index: of one group, or of the province."""
    if not group:
        return make_text("report.level.overall")
    return make_text("report.whole_group", group=subject.group_name(group))


def _unit_name(pair: Sequence[Survey], code: str) -> Bilingual:
    """Return the name of a unit in the later wave, else in the earlier wave."""
    for survey in reversed(pair):
        row = survey.units[survey.units["code"] == code]
        if len(row):
            return Bilingual(vi=row["name_vi"].iloc[0], en=row["name_en"].iloc[0])
    return Bilingual(vi=code)


def _change_table(
    name: str, changes: pd.DataFrame, labels: Sequence[object], group: object = ""
) -> Table:
    """Return before, after, change, interval, verdict and, where known, the expected change."""
    headers = ["before", "after", "change", "interval_change", "verdict"]
    has_expected = bool(changes["expected"].notna().any())
    headers += ["expected_change"] if has_expected else []
    numbers = changes[["value_before", "value_after", "value", "low", "high", "expected"]]
    rows = []
    values = numbers.to_numpy(float).tolist()
    for label, change, row in zip(labels, changes.itertuples(), values, strict=True):
        before, after, value, low, high, expected = row
        cells: list[object] = [Number(before, 2), Number(after, 2), Number(value, 2)]
        cells += [_interval_text(low, high), _state_verdict(change)]
        cells += [Number(expected, 1)] if has_expected else []
        rows.append((label, *cells))
    columns = [
        Column(make_text(f"report.column.{name}"), "text" if name == "verdict" else "number")
        for name in headers
    ]
    kind = name.split("-", maxsplit=1)[0]
    return Table(
        f"table-{name}",
        make_text(f"compare.table.{kind}", group=group),
        (Column(make_text("report.column.index"), "row"), *columns),
        tuple(rows),
        (make_text("compare.note"),) if kind == "units" else (),
    )


def _interval_text(low: float, high: float) -> Text | None:
    if np.isnan(low):
        return None
    return make_text("report.pairs.interval", low=Number(low, 1), high=Number(high, 1))


def _state_verdict(change: object) -> Text:
    """State whether a change is more than chance: for units by Holm's p, else by the interval."""
    reason = str(getattr(change, "reason", ""))
    if reason not in ("", "bridged"):
        return explain_break(reason)
    low, high, p = (float(getattr(change, name)) for name in ("low", "high", "p_holm"))
    is_change = (p < 0.05) if not np.isnan(p) else not low <= 0 <= high
    if not is_change:
        return make_text("compare.verdict.open")
    return make_text("compare.verdict.up" if low + high > 0 else "compare.verdict.down")
