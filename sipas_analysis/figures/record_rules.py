"""Which rules and calendars the figures of records rest on, and how sure each of them is."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import NamedTuple

from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import LANGUAGES
from sipas_analysis.records.calendar import Calendar
from sipas_analysis.records.channels import read_channel_rules
from sipas_analysis.records.columns import EXPORTS, find_export
from sipas_analysis.records.service_levels import read_service_levels

OURS = ("clock", "pauses", "form_places", "petition_case", "publication_score")  # no source found
UNVERIFIED = "unverified"


class RecordRule(NamedTuple):
    """A rule or a part of a calendar: a message ``record.rule.<name>`` with its fields.

    Attributes:
        name: End of the id of its message.
        fields: Fields of the message.
        status: ``sourced``, ``derived``, ``reconstructed`` or ``unverified``.
        source: Where it was read; empty if nowhere.
    """

    name: str
    fields: Mapping[str, object]
    status: str
    source: str = ""


def list_record_rules(calendar: Calendar) -> list[RecordRule]:
    """Return the rules and calendars of the records, those without a source first."""
    rules = [*_list_rules(), *_list_calendar(calendar)]
    return sorted(rules, key=lambda rule: rule.status != UNVERIFIED)


def _list_rules() -> Iterator[RecordRule]:
    """Yield our rules, then those of levels, channels and headers of exports."""
    yield from (RecordRule(name, {}, UNVERIFIED) for name in OURS)
    levels, channels = read_service_levels(), read_channel_rules()
    yield RecordRule("levels", {}, levels.status, levels.source)
    eligible = channels.eligible_for_post
    yield RecordRule("eligible", {}, eligible.status, eligible.source)
    for share in channels.shares.values():
        name = Bilingual(vi=share.vi, en=share.en)
        yield RecordRule("share", {"share": name}, share.status, share.source)
    for kind in EXPORTS:
        export = find_export(kind)
        yield RecordRule(f"export_{kind}", {}, export.status, export.source)


def _list_calendar(calendar: Calendar) -> Iterator[RecordRule]:
    """Yield hours, weekly days off and cut-off hour once, then the days of each year by status."""
    parts = [
        RecordRule(name, {}, part.status, part.source)
        for year in calendar.years
        for name, part in (
            ("hours", year.hours),
            ("weekend", year.weekend),
            ("cutoff", year.cutoff),
        )
    ]
    yield from {(rule.name, rule.status, rule.source): rule for rule in parts}.values()
    for year in calendar.years:
        ordered = sorted(year.holidays, key=lambda part: part.status)
        for status, days in groupby(ordered, lambda part: part.status):
            listed = [*days]
            names = {key: ", ".join(day.name.text(key) for day in listed) for key in LANGUAGES}
            sources = "; ".join(dict.fromkeys(day.source for day in listed if day.source))
            fields = {"year": str(year.year), "names": Bilingual(**names)}
            yield RecordRule("days", fields, status, sources)
        for day in year.make_up_days:
            yield RecordRule("make_up", {"day": day.day}, day.status, day.source)
