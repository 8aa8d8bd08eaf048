"""Which rules and calendars the figures of records rest on, and how sure each of them is."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import NamedTuple

from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.records.calendar import Calendar
from sipas_analysis.records.channels import read_channel_rules
from sipas_analysis.records.columns import find_export
from sipas_analysis.records.service_levels import read_service_levels

OURS = ("clock", "pauses", "form_places", "petition_case", "publication_score")  # no source found
EXPORTS = ("dossiers", "movements", "petitions", "publication")
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
    yield from (RecordRule(f"export_{kind}", {}, find_export(kind).status) for kind in EXPORTS)


def _list_calendar(calendar: Calendar) -> Iterator[RecordRule]:
    """Yield hours, weekly days off and cut-off hour once, then how many days of each year."""
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
        statuses = sorted(part.status for part in (*year.holidays, *year.make_up_days))
        for status, days in groupby(statuses):
            yield RecordRule("days", {"year": str(year.year), "n": len([*days])}, status)
