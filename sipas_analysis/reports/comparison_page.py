"""The page and table of `sipas compare`: what changed between waves, and where no line goes."""

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
from sipas_analysis.figures.published import Figures, write_tables
from sipas_analysis.figures.suppression import SUPPRESS
from sipas_analysis.files import check_writable
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.measure.change import NUMBER_COLUMNS, Changes, compare, recode_units
from sipas_analysis.messages import Language
from sipas_analysis.reports.chapters.trend import draw_trend, explain_break
from sipas_analysis.reports.subject import Subject

OUT = Path("outputs/compare")


def write_comparison(
    surveys: Sequence[Survey], out: Path | None, language: Language, crosswalk: Path | None
) -> tuple[Changes, list[Path]]:
    """Compare waves and write the table and the page; return the changes and the files.

    What a wave itself would not publish, alone or beside its totals (rule P2), stays out.

    Source: rules C1, C2 and P2 in docs/method.md.
    """
    folder = check_writable(out or OUT)
    surveys_by_year = sorted(surveys, key=lambda one: (one.wave.year, one.wave.id))
    declared = surveys_by_year[-1].wave.crosswalk if surveys_by_year else ""
    path = crosswalk or (surveys_by_year[-1].wave.path_of(declared) if declared else "")
    changes = hide_withheld(compare(*surveys_by_year, crosswalk=path), surveys_by_year)
    page = build_comparison_page(changes, surveys_by_year)
    return changes, [
        *write_tables({"changes": changes.frame}, folder / "tables"),
        write_html(page, folder / f"compare.{language}.html", language),
    ]


def hide_withheld(changes: Changes, ordered: Sequence[Survey]) -> Changes:
    """Blank each change of a figure that either wave withholds, also to protect another."""
    frame = changes.frame.copy()
    keys = ["domain", "group", "unit", "variable"]
    for before, after in pairwise(ordered):
        for survey in (recode_units(before, after)[0], after):
            scores = Figures(survey).scores
            suppressed = scores.loc[scores["flag"] == SUPPRESS, keys]
            withheld = set(map(tuple, suppressed.to_numpy().tolist()))
            is_withheld = (frame["before"] == before.wave.id) & np.array(
                [tuple(row) in withheld for row in frame[keys].to_numpy().tolist()], dtype=bool
            )
            frame.loc[is_withheld, [*NUMBER_COLUMNS, "value_before", "value_after"]] = np.nan
            frame.loc[is_withheld, "reason"] = "suppressed"
    return Changes(frame, changes.breaks)


def build_comparison_page(changes: Changes, ordered: Sequence[Survey]) -> Document:
    """Return the page: the trend of the whole, then each pair of years."""
    names = {one.wave.id: one.wave.title for one in ordered}
    years = {one.wave.id: str(one.wave.year) for one in ordered}
    sections = [
        Section("trend", make_text("compare.chapter.trend"), tuple(draw_trend(changes, ordered)))
    ]
    for number, one in enumerate(changes.breaks.itertuples(index=False)):
        title = make_text(
            "compare.chapter.pair", before=years[str(one.before)], after=years[str(one.after)]
        )
        own = changes.frame[(changes.frame["before"] == one.before)]
        blocks = tuple(
            _pair_blocks(own, str(one.reason), bool(one.bridged), ordered[number : number + 2])
        )
        sections.append(Section(f"pair-{number + 1}", title, blocks))
    banner = make_text("report.synthetic") if any(it.wave.is_synthetic for it in ordered) else None
    subtitle = make_text("compare.subtitle", waves=Joined([*names.values()], " · "))
    footer = make_text("compare.footer")
    return Document(
        "compare", make_text("compare.title"), subtitle, banner, tuple(sections), footer
    )


def list_tables(changes: Changes) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each pair of waves that may be compared with its table for the console."""
    names = {"value": "change"}
    for pair in changes.breaks.query("reason == ''").itertuples(index=False):
        rows = changes.frame[
            (changes.frame["before"] == pair.before) & (changes.frame["level"] == OVERALL)
        ]
        columns = ["group", "unit", "value_before", "value_after", "value", "low", "high"]
        yield f"{pair.before} → {pair.after}", rows[columns].rename(columns=names).round(2)


def _pair_blocks(
    rows: pd.DataFrame, reason: str, bridged: bool, pair: Sequence[Survey]
) -> list[Block]:
    """Return what changed between two waves, or why nothing may be said."""
    if reason:
        words = tuple(make_text(f"compare.why.{word}") for word in reason.split())
        return [Paragraph(make_text("compare.no_line"), "warning"), Bullets(words)]
    subject = Subject(Figures(pair[1]), "")
    blocks: list[Block] = [Paragraph(make_text("compare.bridged"), "warning")] if bridged else []
    whole = rows[(rows["level"] == OVERALL) & (rows["domain"] != "unit")]
    blocks.append(
        _change_table("whole", whole, [_domain_name(subject, row) for row in whole.itertuples()])
    )
    for group in dict.fromkeys(rows.loc[rows["domain"] == "unit", "group"]):
        units = rows[(rows["level"] == OVERALL) & (rows["unit"] != "") & (rows["group"] == group)]
        labels = [_unit_name(pair, str(code)) for code in units["unit"]]
        blocks.append(_change_table(f"units-{group}", units, labels, subject.group_name(group)))
    parts = rows[(rows["domain"] == "all") & (rows["level"] == "factor")]
    if len(parts):
        blocks.append(
            _change_table(
                "factors", parts, [subject.short_name(code) for code in parts["variable"]]
            )
        )
    return blocks


def _domain_name(subject: Subject, row: object) -> object:
    group = str(getattr(row, "group", ""))
    return (
        make_text("report.whole_group", group=subject.group_name(group))
        if group
        else make_text("report.level.overall")
    )


def _unit_name(pair: Sequence[Survey], code: str) -> Bilingual:
    """Return the name of a unit: that of the later wave, else of the earlier one."""
    for survey in reversed(pair):
        row = survey.units[survey.units["code"] == code]
        if len(row):
            return Bilingual(vi=row["name_vi"].iloc[0], en=row["name_en"].iloc[0])
    return Bilingual(vi=code)


def _change_table(
    name: str, rows: pd.DataFrame, labels: Sequence[object], group: object = ""
) -> Table:
    """Return before, after, change, interval and verdict of some figures."""
    numbers = rows[["value_before", "value_after", "value", "low", "high", "expected"]]
    verdicts = [_state_verdict(one) for one in rows.itertuples()]
    both = zip(labels, numbers.to_numpy(float).tolist(), verdicts, strict=True)
    rows: tuple[tuple[object, ...], ...] = tuple(
        (
            label,
            *(Number(x, 2) for x in one[:3]),
            _interval_text(*one[3:5]),
            verdict,
            Number(one[5], 1),
        )
        for label, one, verdict in both
    )
    heads = ("before", "after", "change", "interval_change", "verdict", "expected_change")
    columns = (
        Column(make_text("report.column.index"), "row"),
        *(
            Column(make_text(f"report.column.{it}"), "text" if it == "verdict" else "number")
            for it in heads
        ),
    )
    if rows["expected"].isna().all():
        rows, columns = tuple(row[:-1] for row in rows), columns[:-1]
    kind = name.split("-", maxsplit=1)[0]
    notes = (make_text("compare.note"),) if kind == "units" else ()
    return Table(
        f"table-{name}", make_text(f"compare.table.{kind}", group=group), columns, rows, notes
    )


def _interval_text(low: float, high: float) -> Text | None:
    if np.isnan(low):
        return None
    return make_text("report.pairs.interval", low=Number(low, 1), high=Number(high, 1))


def _state_verdict(row: object) -> Text:
    """Say whether a change is more than chance: for units by Holm's p, else by the interval."""
    reason = str(getattr(row, "reason", ""))
    if reason not in ("", "bridged"):
        return explain_break(reason)
    low, high, p = (float(getattr(row, name)) for name in ("low", "high", "p_holm"))
    sure = (p < 0.05) if not np.isnan(p) else not low <= 0 <= high
    if not sure:
        return make_text("compare.verdict.open")
    return make_text("compare.verdict.up" if low + high > 0 else "compare.verdict.down")
