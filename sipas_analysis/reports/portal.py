"""Write one page with links to every report of a wave: search, sort, see groups and intervals.

The page opens from a disk or a USB stick without server and network, in each language of the wave.
The page lists the dropped forms, the failed reports and the units without forms. Without scripts
all rows are shown. The same figures and files give the same bytes.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import ceil, floor
from pathlib import Path
from urllib.parse import quote

import numpy as np

from sipas_analysis import __version__
from sipas_analysis.collect.units import list_groups
from sipas_analysis.documents.model import Interval, Number, make_text, render_text
from sipas_analysis.documents.writers.html import (
    TEMPLATES,
    load_templates,
    render_markup,
)
from sipas_analysis.figures.published import Figures, PublishedFigure
from sipas_analysis.files import write_whole
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import Language, say
from sipas_analysis.reports.chapters.sources import list_changes
from sipas_analysis.reports.figure_tables import explain_no_rank, figure_reference
from sipas_analysis.reports.subject import (
    Subject,
    list_marked_names,
    list_unit_names,
    make_footer,
)

LINK_ORDER = ("html", "pdf", "docx", "xlsx", "letter pdf", "letter docx")
WIDTH, EDGE = 168, 6  # pixels: width of a bar, and the margin at each side


@dataclass(frozen=True)
class ReportOutcome:
    """What a run made for one unit, or why it made nothing.

    Attributes:
        unit: Code of the unit; empty for the province.
        files: Path from the portal's folder, with ``/``, by one of ``FORMATS`` and language,
            such as ``{("html", "vi"): "units/so-a/report.vi.html"}``.
        failed: Reason, in one text or in both languages; empty if nothing failed.
    """

    unit: str
    files: Mapping[tuple[str, str], str] = field(default_factory=dict)
    failed: str | Bilingual = ""


@dataclass(frozen=True)
class Link:
    """A link to a file: ``label`` is its format; ``language`` is empty if the file has none."""

    label: str
    language: str
    href: str


@dataclass(frozen=True)
class Axis:
    """The axis of all bars: its lowest and highest value, and the targets of the wave."""

    low: float
    high: float
    targets: tuple[float, ...]

    def pixels_of(self, value: float) -> str:
        """Return the place of a value on the axis, in pixels."""
        share = (value - self.low) / (self.high - self.low)
        return f"{EDGE + share * (WIDTH - 2 * EDGE):.1f}"

    @property
    def ticks(self) -> tuple[float, ...]:
        """Ends and middle."""
        return (self.low, (self.low + self.high) / 2, self.high)


@dataclass(frozen=True)
class PortalRow:
    """One row of the page: a unit, a group or the whole."""

    code: str
    name: object
    figure: PublishedFigure
    group: object = ""
    group_position: int = 0
    reason: object = ""
    n_units: int = 0
    links: tuple[Link, ...] = ()

    @property
    def index(self) -> object:
        """The index as it may be printed."""
        if self.figure.is_hidden:
            return make_text("report.suppressed")
        reference = figure_reference(self.figure, "printed")
        index = Number(self.figure.printed or None, figure=reference)
        is_cautioned = self.figure.flag == "caution"
        return make_text("report.cautioned", value=index) if is_cautioned else index

    @property
    def interval(self) -> Interval:
        """The interval of the index."""
        return Interval(self.figure.low, self.figure.high, id=self.figure.id)

    @property
    def rank_range(self) -> object:
        """The lowest and highest possible rank of a ranked unit."""
        low, high = self._rank_number("rank_low"), self._rank_number("rank_high")
        return make_text("report.places", low=low, high=high)

    @property
    def rank(self) -> Number:
        """The rank itself."""
        return self._rank_number("rank")

    def _rank_number(self, column: str) -> Number:
        return Number(getattr(self.figure, column), figure=figure_reference(self.figure, column))

    @property
    def files_by_language(self) -> list[list[Link]]:
        """The files to open, language by language."""
        return [[*links] for _, links in groupby(self.links, key=lambda link: link.language)]

    @property
    def sort_key(self) -> str:
        """The unrounded index to sort by; empty if there is none."""
        return f"{self.figure.value:.10g}" if self.figure.is_known else ""

    @property
    def has_bar(self) -> bool:
        """Whether point and interval can be drawn."""
        return self.figure.is_known and self.figure.low <= self.figure.high


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
    survey, folder = figures.survey, path.parent
    text = _fill_template(
        languages,
        title=wave.title,
        footer=make_footer(wave),
        version=__version__,
        banner=make_text("report.synthetic") if wave.is_synthetic else None,
        wholes=_whole_rows(figures, outcomes, folder),
        units=_unit_rows(figures, outcomes, folder),
        groups=[list_groups(wave)[code] for code in figures.groups],
        axis=_span_axis(figures),
        files=[Link(file.rpartition("/")[2], "", quote(file)) for file in common],
        marks=Subject(figures).explain_marks(figures.ranking["unit"]),
        failed=_list_failed(figures, outcomes),
        silent=_list_silent(figures),
        dropped=list_changes(survey.ledger),
        read=make_text("portal.read", n=len(survey.frame), n_read=survey.n_read),
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


def _whole_rows(
    figures: Figures, outcomes: Sequence[ReportOutcome], folder: Path
) -> list[PortalRow]:
    """Return the rows of the province and of its groups."""
    wave, ranking = figures.survey.wave, figures.ranking
    province = make_text("portal.all")
    if wave.province.vi or wave.province.en:
        province = make_text("portal.province", province=wave.province)
    index, links = figures.by_variable("all")[OVERALL], _list_links(outcomes, "", folder)
    rows = [PortalRow("", province, index, n_units=len(ranking), links=links)]
    for group in figures.groups:
        n_units = int((ranking["group"] == group).sum())
        index, name = figures.by_variable("group", group)[OVERALL], list_groups(wave)[group]
        rows.append(PortalRow(f"group-{group}", name, index, n_units=n_units))
    return rows


def _unit_rows(
    figures: Figures, outcomes: Sequence[ReportOutcome], folder: Path
) -> list[PortalRow]:
    """Return the rows of the units, group by group, best first."""
    names, groups = list_marked_names(figures), list_groups(figures.survey.wave)
    subject = Subject(figures)
    return [
        PortalRow(
            figure.unit,
            names[figure.unit],
            figure,
            groups[group],
            position,
            "" if figure.rank is not None else explain_no_rank(subject, figure),
            links=_list_links(outcomes, figure.unit, folder),
        )
        for position, group in enumerate(figures.groups)
        for figure in figures.units_in_order(group)
    ]


def _list_links(outcomes: Sequence[ReportOutcome], unit: str, folder: Path) -> tuple[Link, ...]:
    """Return the files of a unit that exist, language by language."""
    files = {
        key: file
        for outcome in outcomes
        if outcome.unit == unit
        for key, file in outcome.files.items()
    }
    order = {kind: position for position, kind in enumerate(LINK_ORDER)}
    keys = sorted(files, key=lambda key: (key[1] != "vi", key[1], order.get(key[0], 9), key[0]))
    return tuple(
        Link(_link_label(*key), key[1], quote(files[key]))
        for key in keys
        if (folder / files[key]).is_file()
    )


def _link_label(kind: str, language: str) -> str:
    """Return the text of a link: ``PDF``, or ``THƯ PDF`` for the letter in Vietnamese."""
    letter, _, file_format = kind.rpartition(" ")
    label_language: Language = "vi" if language == "vi" else "en"
    name = say(label_language, f"portal.{letter}") if letter else ""
    return f"{name} {file_format}".strip().upper()


def _span_axis(figures: Figures) -> Axis:
    """Span all intervals that may be shown, to the next tens."""
    scores = figures.scores
    ends = scores.loc[scores["variable"] == OVERALL, ["low", "high"]].to_numpy(dtype=float)
    known_ends = ends[~np.isnan(ends)].tolist() or [0.0, 100.0]
    low, high = 10.0 * floor(min(known_ends) / 10), 10.0 * ceil(max(known_ends) / 10)
    high = max(high, low + 10)
    targets = [target for target in figures.survey.wave.targets if low <= target <= high]
    return Axis(low, high, tuple(sorted(targets)))


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
