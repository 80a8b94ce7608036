"""How much could this mention hurt, and why?

Six parts add up to a score: the strongest flag, the tone, the reach, the spread, who wrote it, and where. A flag also
sets a floor that no other part lowers: a recall headline has no tone at all, and danger must not need any. Risk is not
minus sentiment. Every part states its share and its reason, and more of a part never gives less risk.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

# What each part can add at most; together 1.
_WEIGHTS: Final = {"flag": 0.40, "tone": 0.20, "reach": 0.12, "spread": 0.10, "author": 0.10, "source": 0.08}

# A flag of severity 1 alone is critical, one of 0.8 high, one of 0.6 medium; the square keeps a plain complaint (0.35)
# from hiding what else is known of it. Lowered evidence (negated, hypothetical, reported) counts half.
_FLOOR_OF_SEVERITY: Final = 0.8
_LOWERED: Final = 0.5

# An unscored text is not neutral: its tone is unknown, and unknown stands between neutral and bad.
_UNKNOWN_TONE: Final = 0.5
_NEUTRAL_TONE: Final = 0.3

_LARGE_REACH: Final = 1_000_000  # people; more adds nothing
_MANY_OUTLETS: Final = 8
_AUTHORS: Final = {"regulator": 1.0, "journalist": 0.8, "vip": 0.8, "known_troll": 0.3}
_TIERS: Final = {1: 1.0, 2: 0.7, 3: 0.3}

_LEVELS: Final = ((0.75, "critical"), (0.50, "high"), (0.25, "medium"), (0.0, "low"))


@dataclass(frozen=True, slots=True)
class Flag:
    """Something the text says that matters before tone does.

    `severity` is that of the rule, in [0, 1]; `lowered` is "negated", "hypothetical", "reported" or "". `start` and
    `end` are offsets in the text that was read, `words` what stands there.
    """

    name: str
    rule_id: str
    severity: float
    start: int
    end: int
    words: str
    lowered: str = ""

    @property
    def weight(self) -> float:
        """Return the severity as it counts: half when lowered, never nothing."""
        return self.severity * (_LOWERED if self.lowered else 1.0)


@dataclass(frozen=True, slots=True)
class RiskInput:
    """What is known of one mention: `sentiment` in [-1, 1] or None for not scored; reach in people (0 = unknown).

    `outlets` counts independent ones that carry the story, itself included; `source_tier` is 1 to 3 or None.
    """

    flags: tuple[Flag, ...] = ()
    sentiment: float | None = None
    reach: int = 0
    outlets: int = 1
    author_kinds: frozenset[str] = frozenset()
    source_tier: int | None = None


@dataclass(frozen=True, slots=True)
class RiskPart:
    """One part of a risk: what it added to the score, and why."""

    name: str
    share: float
    reason: str


@dataclass(frozen=True, slots=True)
class Risk:
    """A score in [0, 1], its level, and its parts.

    The shares sum to the score, unless a flag's floor is higher: then the score is the floor, and `floor` says so.
    """

    score: float
    level: str
    parts: tuple[RiskPart, ...]
    floor: float = 0.0


class _Degree(NamedTuple):
    """How much of its part a fact fills, in [0, 1], and the reason."""

    degree: float
    reason: str


def assess_risk(facts: RiskInput) -> Risk:
    """Weigh the facts of one mention."""
    degrees = {
        "flag": _flag(facts.flags),
        "tone": _tone(facts.sentiment),
        "reach": _reach(facts.reach),
        "spread": _spread(facts.outlets),
        "author": _author(facts.author_kinds),
        "source": _source(facts.source_tier),
    }
    parts = tuple(RiskPart(name, _WEIGHTS[name] * degree, reason) for name, (degree, reason) in degrees.items())
    floor = _FLOOR_OF_SEVERITY * max((flag.weight for flag in facts.flags), default=0.0) ** 2
    score = min(1.0, max(floor, math.fsum(part.share for part in parts)))
    return Risk(score, level_of(score), parts, floor)


def level_of(score: float) -> str:
    """Return "low", "medium" (from 0.25), "high" (from 0.5) or "critical" (from 0.75)."""
    return next(level for least, level in _LEVELS if score >= least)


def _flag(flags: tuple[Flag, ...]) -> _Degree:
    if not flags:
        return _Degree(0.0, "no flag")
    strongest = max(flags, key=lambda flag: flag.weight)
    lowered = f" ({strongest.lowered})" if strongest.lowered else ""
    return _Degree(strongest.weight, f"{strongest.name}{lowered}: “{strongest.words}”")


def _tone(value: float | None) -> _Degree:
    if value is None:
        return _Degree(_UNKNOWN_TONE, "tone not scored: unknown, not neutral")
    # Straight lines through praise = 0, neutral = 0.3 and the worst = 1.
    degree = _NEUTRAL_TONE * (1 - value) if value >= 0 else _NEUTRAL_TONE - (1 - _NEUTRAL_TONE) * value
    return _Degree(degree, f"tone {value:+.2f}")


def _reach(people: int) -> _Degree:
    if people <= 0:
        return _Degree(0.0, "reach unknown")
    degree = min(1.0, math.log1p(people) / math.log1p(_LARGE_REACH))
    return _Degree(degree, f"reach {people:,}")


def _spread(outlets: int) -> _Degree:
    if outlets <= 1:
        return _Degree(0.0, "one outlet")
    return _Degree(min(1.0, (outlets - 1) / (_MANY_OUTLETS - 1)), f"{outlets} independent outlets")


def _author(kinds: frozenset[str]) -> _Degree:
    # Sorted, so that the same facts always give the same reason.
    kind = max(sorted(kinds), key=lambda kind: _AUTHORS.get(kind, 0.0), default="")
    degree = _AUTHORS.get(kind, 0.0)
    return _Degree(degree, f"author: {kind.replace('_', ' ')}" if degree else "author not special")


def _source(tier: int | None) -> _Degree:
    if tier is None:
        return _Degree(0.0, "source without a tier")
    return _Degree(_TIERS.get(tier, 0.0), f"source of tier {tier}")
