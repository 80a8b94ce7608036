"""When is a source polled next? The interval follows how often it publishes; failures slow it, nothing stops it unseen.

Source of the rules: collection reference §3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

_SHARE_OF_GAP: Final = 0.5
_NEWEST_WEIGHT: Final = 0.3
_MOST_FAILURES: Final = 12.0
_PUBLISHER_CAP_SECONDS: Final = 21_600.0
_JITTER: Final = 0.1
MOVES_BEFORE_REWRITE: Final = 3


@dataclass(frozen=True, slots=True)
class Pace:
    """What a source's interval depends on; all in seconds. `gap_seconds` is None until two entries were seen."""

    min_seconds: float
    max_seconds: float
    gap_seconds: float | None


def interval_seconds(pace: Pace, *, floor_seconds: float, jitter: float) -> float:
    """Return the seconds until the next poll after a success.

    `floor_seconds` is the publisher's wish, respected up to six hours; `jitter` in [-1, 1] spreads polls by ±10 %.
    """
    wanted = _clamped(pace) * (1 + _JITTER * jitter)
    return max(wanted, min(floor_seconds, _PUBLISHER_CAP_SECONDS))


def backoff_seconds(pace: Pace, *, failures: float, retry_after_seconds: float | None, jitter: float) -> float:
    """Return the seconds until the next poll after a failure: linear in the failures, never below Retry-After."""
    wanted = _clamped(pace) * min(max(failures, 1.0), _MOST_FAILURES) * (1 + _JITTER * jitter)
    return max(min(wanted, max(pace.max_seconds, pace.min_seconds)), retry_after_seconds or 0.0)


def failures_after(failures: float, *, permanent: bool) -> float:
    """Return the failure count after one more: what may heal by itself (timeouts, server faults) counts half."""
    return failures + (1.0 if permanent else 0.5)


def gap_after(
    gap_seconds: float | None, last_entry_at: datetime | None, now: datetime, new_entries: int
) -> float | None:
    """Return the moving average of the time between two entries after a poll that brought `new_entries`."""
    if new_entries == 0 or last_entry_at is None:
        return gap_seconds
    seen = max((now - last_entry_at).total_seconds(), 1.0) / new_entries
    return seen if gap_seconds is None else (1 - _NEWEST_WEIGHT) * gap_seconds + _NEWEST_WEIGHT * seen


def _clamped(pace: Pace) -> float:
    wanted = pace.min_seconds if pace.gap_seconds is None else _SHARE_OF_GAP * pace.gap_seconds
    return min(max(wanted, pace.min_seconds), pace.max_seconds)
