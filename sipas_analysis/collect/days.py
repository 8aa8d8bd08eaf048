"""Read days and hours, and decide whether a column writes the day or the month first.

A day of a spreadsheet (2024-03-15) is never ambiguous. ``3/4/2024`` is: the other days of the
column and the fieldwork decide, else the wave must say ``dates: d/m`` or ``dates: m/d``.
"""

import re
from collections.abc import Iterable
from datetime import date, time

from sipas_analysis.collect.readings import Reader, Reading
from sipas_analysis.sheets.texts import fold_text

_HOUR = r"(?:[ ,t]+(?P<hour>[0-9]{1,2}:[0-9]{2}.*))?"
_ISO = re.compile(rf"(?P<year>[0-9]{{4}})([-/.])(?P<b>[0-9]{{1,2}})\2(?P<a>[0-9]{{1,2}}){_HOUR}")
_DAY = re.compile(
    rf"(?P<a>[0-9]{{1,2}})(?P<sign>[-/.])(?P<b>[0-9]{{1,2}})(?P=sign)(?P<year>[0-9]{{4}}){_HOUR}"
)
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(?:[.,][0-9]+)? ?(am|pm|sa|ch)?")
_FEW = 3  # so many days of each kind show that a spreadsheet turned some of them


def _read_date(text: str, order: str) -> date | None:
    """Return the date of a text; ``order`` is ``m/d`` where the month stands first."""
    iso, parts = _ISO.fullmatch(fold_text(text)), _DAY.fullmatch(fold_text(text))
    match = iso or parts
    if match is None:
        return None
    day, month = int(match["a"]), int(match["b"])
    if parts and not iso and order == "m/d" and parts["sign"] != ".":
        day, month = month, day
    try:
        return date(int(match["year"]), month, day)
    except ValueError:
        return None


def find_day_order(
    texts: Iterable[str], start: date | None, end: date | None
) -> tuple[str, set[str]]:
    """Return which comes first in the days of a column, or why that is not clear.

    The day is first where a day above 12 shows it, where month and day are the same, or where the
    days are then closer together. The fieldwork decides for the day if only then all days lie in
    it; for the month also, if the days are closer together and are not one or two. Else two
    readings fit.

    Args:
        texts: Texts of the column.
        start: First day of the fieldwork, if the wave states it.
        end: Last day of the fieldwork, if the wave states it.

    Returns:
        ``d/m``, ``m/d``, or a mistake with the folded texts that show it: ``day_order`` (two
        readings fit), ``day_order_mixed`` (days of two kinds, or turned by a spreadsheet).
    """
    folded = {fold_text(text) for text in texts}
    iso = [day for text in folded if _ISO.fullmatch(text) and (day := _read_date(text, "d/m"))]
    written = [match for text in folded if (match := _DAY.fullmatch(text)) and match["sign"] != "."]
    first_only = {match[0] for match in written if int(match["a"]) > 12}
    second_only = {match[0] for match in written if int(match["b"]) > 12} - first_only
    is_turned = min(len(iso), len(written)) >= _FEW and all(day.day <= 12 for day in iso)
    if second_only and (first_only or iso):
        return "day_order_mixed", second_only
    if is_turned and len(first_only) == len(written):
        return "day_order_mixed", first_only
    unclear = {match[0] for match in written}
    by_day, by_month = ([_read_date(text, order) for text in unclear] for order in ("d/m", "m/d"))
    if first_only or by_day == by_month:
        return "d/m", set()
    low, high = start or date.min, end or date.max
    fits, also_fits = (
        all(day is not None and low <= day <= high for day in days) for days in (by_day, by_month)
    )
    span, other_span = (_measure_span([*iso, *days]) for days in (by_day, by_month))
    if not second_only and (not also_fits or (fits and span < other_span)):
        return "d/m", set()
    is_settled = also_fits and not fits and other_span < span and len({*by_month}) >= _FEW
    return ("m/d", set()) if is_settled and (start or end) else ("day_order", unclear)


def _measure_span(days: Iterable[date | None]) -> int:
    """Return the number of days from the first to the last; very many if one does not exist."""
    ordinals = [day.toordinal() if day else 10**7 for day in days]
    return max(ordinals) - min(ordinals)


def make_day_reader(order: str) -> Reader:
    """Return how to read a day written 2021-03-15 or 15/3/2021, with or without an hour."""

    def read_day(text: str) -> Reading:
        day = _read_date(text, order)
        return Reading(day and day.isoformat(), ok=day is not None or not fold_text(text))

    return read_day


def make_time_reader(order: str) -> Reader:
    """Return how to read a day with its hour, as 2021-03-15T08:30:00; blank if it has none."""

    def read_time(text: str) -> Reading:
        day, folded = _read_date(text, order), fold_text(text)
        match = _ISO.fullmatch(folded) or _DAY.fullmatch(folded)
        clock = _CLOCK.match(match["hour"] or "") if match else None
        if day is None or clock is None:
            return Reading(None, "time_unread" if folded else "")
        hour, afternoon = int(clock[1]), clock[4] in ("pm", "ch")
        if clock[4]:
            hour = hour % 12 + 12 * afternoon
        try:
            moment = time(hour, int(clock[2]), int(clock[3] or 0))
        except ValueError:
            return Reading(None, "time_unread")
        return Reading(f"{day.isoformat()}T{moment.isoformat()}")

    return read_time
