"""Write one page on a wave: the leaders' page, then every unit with a menu of its files.

The page opens from a disk or a USB stick without server and network, in each language of the wave.
The page lists the dropped forms, the failed reports and the units without forms. Without scripts
all rows are shown. The same figures and files give the same bytes.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sipas_analysis import __version__
from sipas_analysis.collect.units import list_groups
from sipas_analysis.documents.model import (
    Block,
    Picture,
    Section,
    Table,
    make_text,
    render_text,
)
from sipas_analysis.documents.writers.html import (
    TEMPLATES,
    load_templates,
    render_markup,
    render_section,
)
from sipas_analysis.figures.published import Figures
from sipas_analysis.files import write_whole
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import Language
from sipas_analysis.reports.chapters.leaders import build_leaders
from sipas_analysis.reports.chapters.leaders_table import MOST_NAMED
from sipas_analysis.reports.chapters.opening import state_reservations
from sipas_analysis.reports.chapters.sources import list_changes
from sipas_analysis.reports.figure_tables import caution_notes
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.portal_files import (
    ReportOutcome,
    list_common_links,
    list_data_files,
    list_links,
)
from sipas_analysis.reports.portal_rows import (
    list_change_heads,
    list_unit_rows,
    list_whole_rows,
    name_record,
    span_axis,
)
from sipas_analysis.reports.subject import Subject, list_unit_names, make_footer


def write_portal(
    figures: Figures,
    outcomes: Sequence[ReportOutcome],
    path: Path,
    languages: Sequence[Language],
    common: Sequence[str] = (),
) -> Path:
    """Write the page of a wave to ``path``, whole or not at all.

    Args:
        figures: The figures of the wave; what they hide stays hidden (rule P2).
        outcomes: Results of the run for the province and for units, in any order.
        path: Usually ``index.html``; only files in its folder or below are linked.
        languages: Languages of the page; the first is shown first.
        common: Receipt and tables beside the page that it leads to.

    Returns:
        The path.
    """
    wave = figures.survey.wave
    subject = Subject(figures)
    wholes = list_whole_rows(subject)
    units = list_unit_rows(subject, outcomes, path.parent)
    text = _fill_template(
        languages,
        title=wave.title,
        footer=make_footer(wave),
        version=__version__,
        banner=make_text("report.synthetic") if wave.is_synthetic else None,
        leaders=_render_in_languages(build_leaders(subject), languages),
        notes=state_reservations(subject),
        downloads=[*list_links(outcomes, "", path.parent), *list_common_links(common)],
        measure=subject.measure_name,
        wholes=wholes,
        units=units,
        record_head=name_record(subject),
        change_heads=list_change_heads(subject, [*wholes, *units]),
        groups=[list_groups(wave)[code] for code in figures.groups],
        axis=span_axis(figures),
        data_files=list_data_files(common),
        marks=(
            *caution_notes([("", row.figure) for row in (*wholes, *units)]),
            # the leaders' page explains the first marks
            *subject.explain_marks([*figures.marks][MOST_NAMED:]),
        ),
        failed=_list_failed(figures, outcomes),
        silent=_list_silent(figures),
        dropped=list_changes(subject),
        read=make_text(
            "portal.read",
            n=number_of(subject, "forms:kept"),
            n_read=number_of(subject, "forms:read"),
        ),
    )
    return write_whole(path, text)


def _fill_template(languages: Sequence[Language], **parts: object) -> str:
    """Fill in the template; a browser may run only the script of the template."""

    def texts_by_language(value: object) -> list[tuple[str, object]]:
        """Return language and text; a single text without language where all texts are equal."""
        if isinstance(value, Bilingual) and not (value.vi and value.en):
            return [("vi" if value.vi else "en", value.vi or value.en)]
        texts = [render_markup(value, language) for language in languages]
        return [("", texts[0])] if len({*texts}) == 1 else [*zip(languages, texts, strict=True)]

    script = (TEMPLATES / "portal.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    template = load_templates().get_template("portal.html.j2")
    return template.render(
        show=render_text,
        texts=texts_by_language,
        make_text=make_text,
        languages=[*languages],
        script=script,
        digest=digest,
        **parts,
    )


def _render_in_languages(
    section: Section, languages: Sequence[Language]
) -> list[tuple[Language, str]]:
    """Return a chapter in each language; all ids of the page stay different."""
    return [
        (language, render_section(_rename_parts(section, language), language, is_framed=False))
        for language in languages
    ]


def _rename_parts(section: Section, language: Language) -> Section:
    """Return a chapter whose ids, and those of its tables and pictures, name the language."""

    def rename(block: Block) -> Block:
        if isinstance(block, Table | Picture):
            return replace(block, id=f"{block.id}-{language}")
        return block

    blocks = tuple(map(rename, section.blocks))
    return replace(section, id=f"{section.id}-{language}", blocks=blocks)


def _list_failed(
    figures: Figures, outcomes: Sequence[ReportOutcome]
) -> list[tuple[object, object]]:
    """Return each unit whose report failed, and why."""
    names: dict[str, object] = {
        "": make_text("portal.province_report"),
        **list_unit_names(figures.survey.units),
    }
    failed = [outcome for outcome in outcomes if render_text(outcome.failed, "vi")]
    return [(names.get(outcome.unit, outcome.unit), outcome.failed) for outcome in failed]


def _list_silent(figures: Figures) -> list[tuple[object, object]]:
    """Return the units of the list without a form that could be used, with their group."""
    units, groups = figures.survey.units, list_groups(figures.survey.wave)
    names, sent = list_unit_names(units), set(figures.survey.frame["unit"])
    codes = units.loc[~units["code"].isin(sent), ["code", "group"]].to_numpy()
    return [(names[code], groups[group]) for code, group in codes]
