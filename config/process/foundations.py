"""Who works when, in which queues, with which numbers and actions? The sections that the others refer to."""

from __future__ import annotations

import re
import warnings
from datetime import date
from math import nan
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, available_timezones

from config.process.document import Listing, Map, Scalar
from config.process.reading import hint_for, is_null
from triage.domain.calendars import Calendar, Shift
from triage.domain.process import REQUIRED_THRESHOLDS, Queue

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from config.process.document import Node
    from config.process.reading import Reader

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS: Final = re.compile(r"(\d{2}):(\d{2})-(\d{2}):(\d{2})")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_MINUTES_PER_DAY: Final = 1440
_THRESHOLD_RANGES: Final = {
    "negative": (-1.0, 1.0),
    "very_negative": (-1.0, 1.0),
    "positive": (-1.0, 1.0),
    "relevance": (0.0, 1.0),
    "influencer_reach": (1.0, 1e10),
    "vip_reach": (1.0, 1e10),
    "spread": (1.0, 1e6),
}


def read_roles(reader: Reader, node: Node | None) -> dict[str, str] | None:
    """Return role -> what it does; None when the section is absent or unusable."""
    roles = {}
    for entry in reader.named(node, "roles"):
        role = reader.section(entry.value, "role", f'role "{entry.key.text}"')
        roles[entry.key.text] = (role and reader.text(role.get("does"), f'"does" of role "{entry.key.text}"')) or ""
    return roles or None


def read_calendars(reader: Reader, node: Node | None, years: range) -> dict[str, Calendar] | None:
    """Return calendar name -> calendar, with public holidays resolved for `years`."""
    calendars = {}
    for entry in reader.named(node, "calendars"):
        where = f'calendar "{entry.key.text}"'
        # A broken calendar keeps its name, so that the queues on it are not called faulty as well.
        found = reader.section(entry.value, "calendar", where) or Map(1, 1, ())
        calendars[entry.key.text] = Calendar(
            zone=_zone(reader, found.get("tz"), where),
            week=_week(reader, found.get("week"), where),
            holidays=frozenset(_holidays(reader, found.get("holidays"), years, where)),
        )
    return calendars or None


def read_queues(
    reader: Reader, node: Node | None, roles: Collection[str] | None, calendars: Collection[str] | None
) -> dict[str, Queue] | None:
    """Return queue name -> queue; equal ranks are a warning, since their order is then undefined."""
    queues: dict[str, Queue] = {}
    for entry in reader.named(node, "queues"):
        name, where = entry.key.text, f'queue "{entry.key.text}"'
        found = reader.section(entry.value, "queue", where) or Map(1, 1, ())
        rank = reader.integer(found.get("rank"), f"rank of {where}", 0, 999)
        twin = next((other.name for other in queues.values() if other.rank == rank), None)
        if twin is not None:
            reader.warn(entry.key, f'{where} has the same rank as "{twin}"', "give each queue its own rank")
        awaiting = reader.boolean(found.get("awaiting_action"), f"awaiting_action of {where}")
        sample = reader.number(found.get("sample_for_review"), f"sample_for_review of {where}", 0, 1)
        queues[name] = Queue(
            name=name,
            rank=rank or 0,
            owner=reader.one_of(found.get("owner"), "role", roles, where) or "",
            calendar=reader.one_of(found.get("calendar"), "calendar", calendars, where) or "",
            awaiting_action=awaiting is not False,
            sample_for_review=sample or 0.0,
            keep_days=reader.integer(_unless_null(found.get("keep_days")), f"keep_days of {where}", 1, 36_500),
        )
    return queues or None


def read_thresholds(reader: Reader, node: Node | None) -> dict[str, float] | None:
    """Return the named numbers, NaN for a broken one; those the product uses must be there, in a sensible order."""
    found: dict[str, float] = {}
    for entry in reader.named(node, "thresholds"):
        low, high = _THRESHOLD_RANGES.get(entry.key.text, (-1.0, 1e10))
        value = reader.number(entry.value, f'threshold "{entry.key.text}"', low, high)
        # A broken number keeps its name, so that the rules that use it are not called faulty as well.
        found[entry.key.text] = nan if value is None else value
    if not isinstance(node, Map) or not found:
        return None
    own = found.keys() - {*REQUIRED_THRESHOLDS, "relevance"}
    for name in REQUIRED_THRESHOLDS:
        if name not in found:
            reader.fault(node, f'thresholds lacks "{name}"', _renamed(name, own))
    for lower, higher in (("very_negative", "negative"), ("negative", "positive"), ("influencer_reach", "vip_reach")):
        if lower in found and higher in found and found[lower] > found[higher]:
            at = node.get(lower) or node
            reader.fault(at, f'threshold "{lower}" is above "{higher}"', "swap the two numbers or correct one")
    return found


def _renamed(name: str, others: Collection[str]) -> str:
    hint = hint_for(name, others) if others else ""
    return (
        f'is "{hint.split(chr(34))[1]}" meant to be it?' if hint.startswith("did you mean") else f"add {name}: a number"
    )


def _unless_null(node: Node | None) -> Node | None:
    return None if is_null(node) else node


def _zone(reader: Reader, node: Node | None, where: str) -> str:
    name = reader.text(node, f"tz of {where}")
    if node is None or name is None:
        return "UTC"
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # the library raises all three for names that are no zone
        reader.fault(node, f'unknown time zone "{name[:60]}" in {where}', _zone_hint(name))
        return "UTC"
    return name


def _zone_hint(name: str) -> str:
    hint = hint_for(name, available_timezones())
    return hint if hint.startswith("did you mean") else "write an IANA name as Europe/Paris"


def _week(reader: Reader, node: Node | None, where: str) -> tuple[tuple[Shift, ...], ...]:
    """Return the shifts of seven days; nothing written means round the clock."""
    if is_null(node):
        return ()
    if not isinstance(node, Map):
        reader.fault(node or Scalar(1, 1, ""), f"week of {where} must be a map", 'write {mon-fri: ["09:00-18:00"]}')
        return ()
    week: dict[int, tuple[Shift, ...]] = {}
    for entry in node.entries:
        days = _days(entry.key.text)
        if not days:
            reader.fault(entry.key, f'"{entry.key.text}" in {where} is no day', "write mon, mon-fri or sat,sun")
        if any(day in week for day in days):
            reader.fault(entry.key, f'"{entry.key.text}" in {where} names a day that already has hours', "name it once")
        week.update(dict.fromkeys(days, _shifts(reader, entry.value, where)))
    if not node.entries:
        reader.fault(node, f"{where} is never open, so nothing would ever be due", "leave week out for round the clock")
    return tuple(week.get(day, ()) for day in range(len(DAYS)))


def _days(text: str) -> list[int]:
    """Return the weekdays that `mon`, `mon-fri` or `sat,sun` name; empty when one of them is no day."""
    found: list[int] = []
    for part in text.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            return []
        start, end = DAYS.index(first), DAYS.index(last or first)
        found.extend(range(start, end + 1) if start <= end else [*range(start, len(DAYS)), *range(end + 1)])
    return found


def _shifts(reader: Reader, node: Node, where: str) -> tuple[Shift, ...]:
    shifts: list[Shift] = []
    for item in (node,) if isinstance(node, Scalar) else reader.listing(node, f"the hours of {where}"):
        shift = _shift(reader, item, where)
        if shift is not None and shifts and shift.start_minute < shifts[-1].end_minute:
            reader.fault(item, f"hours of {where} overlap or are out of order", "write them earliest first")
        elif shift is not None:
            shifts.append(shift)
    return tuple(shifts)


def _shift(reader: Reader, node: Node, where: str) -> Shift | None:
    match = _HOURS.fullmatch(node.text) if isinstance(node, Scalar) else None
    numbers = [int(group) for group in match.groups()] if match else []
    if not numbers or max(numbers[1], numbers[3]) > 59:  # noqa: PLR2004 - minutes of an hour
        reader.fault(node, f"hours of {where} are no hours", 'write them in quotes, as "09:00-18:00"')
        return None
    start, end = numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]
    if not start < end <= _MINUTES_PER_DAY:
        reader.fault(
            node, f"hours of {where} must end after they start, 24:00 at the latest", "split a night shift at 24:00"
        )
        return None
    return Shift(start, end)


def _holidays(reader: Reader, node: Node | None, years: range, where: str) -> Iterator[date]:
    """Yield the dates of `FR`, `FR-57`, `2026-12-24` or a list of these."""
    if node is None or is_null(node):
        return
    for item in node.items if isinstance(node, Listing) else (node,):
        text = reader.text(item, f"a holiday of {where}") or ""
        if _DATE.fullmatch(text):
            try:
                yield date.fromisoformat(text)
            except ValueError:
                reader.fault(item, f"{text} in {where} is no date", "write year-month-day, as 2026-12-24")
        elif text:
            yield from _public_holidays(reader, item, text, years)


def _public_holidays(reader: Reader, node: Node, code: str, years: range) -> list[date]:
    # The library is slow to import; only what loads a process file with public holidays pays for it.
    from holidays import country_holidays, list_supported_countries  # noqa: PLC0415 - see the line above

    country, _, region = code.partition("-")
    try:
        with warnings.catch_warnings():
            # Renamed regions are the library's business; a file that worked must not fail on its deprecations.
            warnings.simplefilter("ignore")
            return list(country_holidays(country, subdiv=region or None, years=years))
    except NotImplementedError:
        # Only now is the list of all countries read: it imports every one of them.
        supported = list_supported_countries()
    if country in supported:
        message = f'no public holidays are known for region "{region[:40]}" of {country}'
        reader.fault(node, message, f"known regions: {', '.join(supported[country]) or 'none'}")
    else:
        fix = "write an ISO country code, as FR, or a region, as FR-57"
        reader.fault(node, f'no public holidays are known for "{code[:40]}"', fix)
    return []
