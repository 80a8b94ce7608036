"""WHEN DOES THE SERVER WISH TO BE ASKED AGAIN? Seconds from caching headers and Retry-After; junk means no wish."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_FLOOR_SECONDS: Final = 6 * 3600.0
MAX_RETRY_AFTER_SECONDS: Final = 24 * 3600.0

_MAX_AGE: Final = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?([0-9]{1,12})", re.IGNORECASE)
_SECONDS: Final = re.compile(r"[0-9]{1,12}")
# All three forms of RFC 9110 §5.6.7 but the one without a time zone, and the near misses that servers send.
_HTTP_DATE: Final = re.compile(r"(\d{1,2})[ -]([A-Za-z]{3})[ -](\d{4}) (\d{1,2}):(\d{2}):(\d{2})")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def floor_seconds(headers: Mapping[str, str], now: datetime) -> float:
    """Return how long the answer says it stays fresh: the larger of max-age and Expires, 0 to 6 h."""
    max_age = _MAX_AGE.search(headers.get("cache-control", ""))
    expires = http_date(headers.get("expires", ""))
    asked = float(max_age[1]) if max_age else 0.0
    if expires:
        # Against the server's own clock where it tells it: the two clocks need not agree.
        asked = max(asked, (expires - (http_date(headers.get("date", "")) or now)).total_seconds())
    return min(asked, MAX_FLOOR_SECONDS)


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the server's wish in seconds, above 0 and at most 24 h; None if it states none that can be read."""
    value = headers.get("retry-after", "").strip()
    at = http_date(value)
    if _SECONDS.fullmatch(value):
        asked = float(value)
    elif at:
        asked = (at - (http_date(headers.get("date", "")) or now)).total_seconds()
    else:
        return None
    return min(asked, MAX_RETRY_AFTER_SECONDS) if asked > 0 else None


def http_date(text: str) -> datetime | None:
    """Read a date of an HTTP header, which is always GMT; None for anything else."""
    match = _HTTP_DATE.search(text)
    if match is None or match[2].lower() not in _MONTHS:
        return None
    day, hour, minute, second = (int(match[group]) for group in (1, 4, 5, 6))
    try:
        midnight = datetime(int(match[3]), _MONTHS.index(match[2].lower()) + 1, day, tzinfo=UTC)
        return midnight + timedelta(hours=hour, minutes=minute, seconds=second)
    except (ValueError, OverflowError):
        return None
