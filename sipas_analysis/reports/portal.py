"""Write one page that leads to every report of a wave: search, sort, see groups and intervals.

It opens from a disk or a USB stick without server and network, in each language of the wave, and
tells what was dropped, what failed and who sent nothing. Without scripts all rows are there. The
same figures and files give the same bytes.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import ceil, floor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from sipas_analysis import __version__
from sipas_analysis.collect.units import list_groups
from sipas_analysis.documents.model import Interval, Number, make_text, render_text
from sipas_analysis.documents.writers.html import TEMPLATES, render_markup
from sipas_analysis.figures.published import Figures, PublishedFigure
from sipas_analysis.figures.suppression import SUPPRESS
from sipas_analysis.files import write_whole
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import Language, say
from sipas_analysis.reports.figure_tables import figure_reference

LINK_ORDER = ("html", "pdf", "docx", "xlsx", "letter pdf", "letter docx")
WIDTH, EDGE = 168, 6  # of a bar, in pixels, and what stays free at its sides


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
    """One file to open: ``label`` is its format, ``language`` empty if it has none."""

    label: str
    language: str
    href: str


@dataclass(frozen=True)
class Axis:
    """From which value to which all bars go, and the targets of the wave on it."""

    low: float
    high: float
    targets: tuple[float, ...]

    def pixels_of(self, value: float) -> str:
        """Return where a value stands, in pixels."""
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
    group_at: int = 0
    reason: object = ""
    n_units: int = 0
    links: tuple[Link, ...] = ()

    @property
    def index(self) -> object:
        """The index as it may be printed."""
        if self.figure.flag == SUPPRESS and self.figure.n_valid > 0:
            return make_text("report.suppressed")
        shown = Number(self.figure.printed or None, figure=figure_reference(self.figure, "printed"))
        return (
            make_text("report.cautioned", value=shown) if self.figure.flag == "caution" else shown
        )

    @property
    def interval(self) -> Interval:
        """The interval of the index."""
        return Interval(self.figure.low, self.figure.high, id=self.figure.id)

    @property
    def rank_range(self) -> object:
        """The places that a ranked unit can have."""
        low, high = self._rank_number("rank_low"), self._rank_number("rank_high")
        return make_text("report.places", low=low, high=high)

    @property
    def rank(self) -> Number:
        """The place itself."""
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
        made: What the run made, for the province and for units, in any order.
        path: Usually ``index.html``; only files that stand beside it are linked.
        languages: Of the page; the first is shown first.
        common: Receipt and tables beside the page that it leads to.

    Returns:
        The path.
    """
    wave = figures.survey.wave
    named = wave.publisher.vi or wave.publisher.en
    footer = make_text(
        "report.footer_publisher" if named else "report.footer",
        publisher=wave.publisher,
        title=wave.title,
    )
    text = _fill_template(
        languages,
        title=wave.title,
        footer=footer,
        version=__version__,
        banner=make_text("report.synthetic") if wave.is_synthetic else None,
        wholes=_whole_rows(figures, outcomes, path.parent),
        units=_unit_rows(figures, outcomes, path.parent),
        groups=[list_groups(wave)[code] for code in figures.groups],
        axis=_span_axis(figures),
        files=[Link(it.rpartition("/")[2], "", quote(it)) for it in common],
        failed=_list_failed(figures, outcomes),
        silent=_list_silent(figures),
        dropped=_count_dropped(figures),
        read=make_text("portal.read", n=len(figures.survey.frame), n_read=figures.survey.n_read),
    )
    return write_whole(path, text)


def _fill_template(languages: Sequence[Language], **parts: object) -> str:
    """Fill in the template; its script is the only one that a browser may run."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def show(value: object, language: Language) -> str:
        return render_text(value, language).replace(" %", "\u00a0%")

    def texts(value: object) -> list[tuple[str, Any]]:
        """Return language and text; one without language where all read alike."""
        if isinstance(value, Bilingual) and not (value.vi and value.en):
            return [("vi" if value.vi else "en", value.vi or value.en)]
        texts = [(language, render_markup(value, language)) for language in languages]
        return [("", texts[0][1])] if len({text for _, text in texts}) == 1 else [*texts]

    script = (TEMPLATES / "portal.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    environment.globals |= {"show": show, "texts": texts, "say_it": make_text, "number": Number}
    template = environment.get_template("portal.html.j2")
    return str(template.render(languages=[*languages], script=script, digest=digest, **parts))


def _whole_rows(
    figures: Figures, outcomes: Sequence[ReportOutcome], folder: Path
) -> list[PortalRow]:
    """Return the rows of the province and of its groups."""
    wave, ranking = figures.survey.wave, figures.ranking
    province = wave.province.vi or wave.province.en
    name = (
        make_text("portal.province", province=wave.province)
        if province
        else make_text("portal.all")
    )
    rows = [
        PortalRow(
            "",
            name,
            figures.by_variable("all")[OVERALL],
            n_units=len(ranking),
            links=_list_links(outcomes, "", folder),
        )
    ]
    for group in figures.groups:
        n_units = int((ranking["group"] == group).sum())
        figure = figures.by_variable("group", group)[OVERALL]
        rows.append(PortalRow(f"group-{group}", list_groups(wave)[group], figure, n_units=n_units))
    return rows


def _unit_rows(
    figures: Figures, outcomes: Sequence[ReportOutcome], folder: Path
) -> list[PortalRow]:
    """Return the rows of the units, group by group, best first."""
    names, groups = _unit_names(figures), list_groups(figures.survey.wave)
    return [
        PortalRow(
            figure.unit,
            names[figure.unit],
            figure,
            groups[group],
            position,
            _explain_rank(figures, figure),
            links=_list_links(outcomes, figure.unit, folder),
        )
        for position, group in enumerate(figures.groups)
        for figure in figures.units_in_order(group)
    ]


def _explain_rank(figures: Figures, figure: PublishedFigure) -> object:
    """Say why a unit has no rank."""
    if figure.rank is not None:
        return ""
    limit = figures.survey.instrument.index.min_forms
    return make_text(f"report.rank.reason.{figure.reason}", min_forms=limit, n=figure.n_valid)


def _list_links(outcomes: Sequence[ReportOutcome], unit: str, folder: Path) -> tuple[Link, ...]:
    """Return the files of a unit that exist, language by language."""
    files = {
        key: file
        for outcome in outcomes
        if outcome.unit == unit
        for key, file in outcome.files.items()
    }
    order = {name: k for k, name in enumerate(LINK_ORDER)}
    keys = sorted(files, key=lambda key: (key[1] != "vi", key[1], order.get(key[0], 9), key[0]))
    return tuple(
        Link(_link_label(*key), key[1], quote(files[key]))
        for key in keys
        if (folder / files[key]).is_file()
    )


def _link_label(kind: str, language: str) -> str:
    """Return what a link says: ``PDF``, or ``THƯ PDF`` for the letter in Vietnamese."""
    what, _, form = kind.rpartition(" ")
    spoken: Language = "vi" if language == "vi" else "en"
    return f"{say(spoken, f'portal.{what}')} {form}".upper() if what else form.upper()


def _span_axis(figures: Figures) -> Axis:
    """Span all intervals that may be shown, to the next tens."""
    scores = figures.scores
    ends = scores.loc[scores["variable"] == OVERALL, ["low", "high"]].to_numpy(dtype=float)
    known_ends = ends[~np.isnan(ends)].tolist() or [0.0, 100.0]
    low, high = 10.0 * floor(min(known_ends) / 10), 10.0 * ceil(max(known_ends) / 10)
    high = max(high, low + 10)
    targets = [target for target in figures.survey.wave.targets if low <= target <= high]
    return Axis(low, high, tuple(sorted(targets)))


def _unit_names(figures: Figures) -> dict[str, Bilingual]:
    """Return the names of all units of the list, by code."""
    units = figures.survey.units[["code", "name_vi", "name_en"]]
    return {code: Bilingual(vi=vi, en=en) for code, vi, en in units.to_numpy()}


def _list_failed(
    figures: Figures, outcomes: Sequence[ReportOutcome]
) -> list[tuple[object, object]]:
    """Return each unit whose report failed, and why."""
    names: dict[str, object] = {"": make_text("portal.province_report"), **_unit_names(figures)}
    failed = [outcome for outcome in outcomes if render_text(outcome.failed, "vi")]
    return [(names.get(outcome.unit, outcome.unit), outcome.failed) for outcome in failed]


def _list_silent(figures: Figures) -> list[tuple[object, object]]:
    """Return the units of the list without a form that could be used, with their group."""
    units, groups = figures.survey.units, list_groups(figures.survey.wave)
    names, sent = _unit_names(figures), set(figures.survey.frame["unit"])
    codes = units.loc[~units["code"].isin(sent), ["code", "group"]].to_numpy()
    return [(names[code], groups[group]) for code, group in codes]


def _count_dropped(figures: Figures) -> list[tuple[object, int, int]]:
    """Return what was read differently or dropped: reason, columns, how often."""
    ledger = figures.survey.ledger
    kinds = ledger.groupby("reason", sort=True)["column"].agg(["nunique", "size"])
    kinds = kinds.sort_values("size", ascending=False, kind="stable")
    cells: Any = zip(kinds.index, kinds["nunique"], kinds["size"], strict=True)
    return [(make_text(f"ledger.{reason}"), int(n), int(m)) for reason, n, m in cells]
