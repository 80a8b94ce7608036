"""How is an instant said? As a span from now in its largest whole unit, and exactly, in UTC (U46)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from flask import g

if TYPE_CHECKING:
    from triage.storage.views import ItemRow

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_HOURS_UP_TO: Final = 2 * _DAY
_WARN_AT: Final = 0.75
"""Share of the time used up at which a target is shown as soon to be missed (U31)."""


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time as a person says it: `count` of `unit` (minute, hour, day), or less than a minute."""

    count: int
    unit: str


@dataclass(frozen=True, slots=True)
class Due:
    """The target that runs out next: `target` is ack, respond or close; `state` is fine, soon or late."""

    target: str
    at: datetime
    state: str


def now() -> datetime:
    """Return the instant that this page counts from."""
    at: datetime = g.get("now") or datetime.now(UTC)
    return at


def span(seconds: float) -> Span:
    """Return a length of time in its largest whole unit; up to two days are said in hours."""
    seconds = abs(seconds)
    if seconds < _MINUTE:
        return Span(0, "minute")
    if seconds < _HOUR:
        return Span(int(seconds // _MINUTE), "minute")
    if seconds < _HOURS_UP_TO:
        return Span(int(seconds // _HOUR), "hour")
    return Span(int(seconds // _DAY), "day")


def until(at: datetime) -> float:
    """Return the seconds from now until `at`; negative when it is past."""
    return (at - now()).total_seconds()


def due_of(row: ItemRow) -> Due | None:
    """Return the open target that runs out first, or None when none is open.

    A claim meets the first target; closing ends all of them.
    """
    if row.closed_at is not None:
        return None
    targets = (("ack", None if row.owner_id else row.ack_due_at), ("respond", row.respond_due_at))
    open_targets = [(at, name) for name, at in (*targets, ("close", row.close_due_at)) if at is not None]
    if not open_targets:
        return None
    at, name = min(open_targets)
    return Due(name, at, due_state(row.queued_at, at))


def due_state(started_at: datetime, due_at: datetime) -> str:
    """Return `late` after the target, `soon` when three quarters of its time are gone, else `fine`."""
    if now() >= due_at:
        return "late"
    whole = (due_at - started_at).total_seconds()
    return "soon" if whole <= 0 or (now() - started_at).total_seconds() / whole >= _WARN_AT else "fine"


def exact(at: datetime) -> str:
    """Return an instant in full: `25 Nov 2026, 11:15 UTC`."""
    return f"{at.astimezone(UTC):%d %b %Y, %H:%M} UTC"


def exact_short(at: datetime) -> str:
    """Return an instant without what today says already: `11:15 UTC`, or `26 Nov, 11:15 UTC` on another day."""
    at = at.astimezone(UTC)
    return f"{at:%H:%M} UTC" if at.date() == now().astimezone(UTC).date() else f"{at:%d %b, %H:%M} UTC"


def machine(at: datetime) -> str:
    """Return an instant for `<time datetime>`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
