"""HOW LONG DOES A PUBLISHER ASK US TO WAIT? The two ways in which a feed can say so, in seconds."""

from __future__ import annotations

from typing import Final

_PERIODS: Final = {"hourly": 3_600, "daily": 86_400, "weekly": 604_800, "monthly": 2_592_000, "yearly": 31_536_000}
_MOST_DIGITS: Final = 7


def ttl_seconds(minutes: str) -> float:
    """Return RSS `ttl` in seconds, 0 if it is missing or no number."""
    return float(_number(minutes) * 60)


def update_seconds(period: str, frequency: str) -> float:
    """Return the interval of the syndication module (`sy:updatePeriod`, `sy:updateFrequency`), 0 if not stated."""
    return _PERIODS.get(period.strip().lower(), 0) / max(1, _number(frequency))


def _number(text: str) -> int:
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS else 0
