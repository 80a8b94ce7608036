"""Why is this item here? What matching, reading and routing stored, ready to be shown (U09).

Old rows may lack what newer code stores, so every key is optional: what is missing is left out, never guessed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from triage.storage.views import ItemDetail

_VISIBLE: Final = 0.0005
"""Shares smaller than this round to 0.000 and are not shown as a difference."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One part of the risk in the waterfall: it runs from `start` to `start + share`; the last ends at the score."""

    name: str
    share: float
    start: float
    reason: str


@dataclass(frozen=True, slots=True)
class Flagged:
    """A flag of the text: its name, the words that raised it, and what lowered it ("" for nothing)."""

    name: str
    rule_id: str
    words: str
    lowered: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence that was rated, and its tone in [-1, 1]."""

    text: str
    value: float


@dataclass(frozen=True, slots=True)
class Tone:
    """The tone: `value` None means not scored, and `note` says why."""

    value: float | None
    scorer: str
    note: str
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that the page says under "why here"."""

    matched: str
    query: str
    query_version: int | None
    language: str | None
    language_reason: str
    tone: Tone
    flags: tuple[Flagged, ...]
    flags_checked: bool
    relevance: float | None
    relevance_reasons: tuple[str, ...]
    risk_score: float | None
    risk_level: str
    bars: tuple[Bar, ...]
    reasons: tuple[str, ...]
    roles: tuple[str, ...]
    actions: tuple[str, ...]
    needs_approval: str | None
    public_reply: bool


def explain(detail: ItemDetail) -> Explanation:
    """Return what is known of how an item got its place."""
    match, reading, route = _map(detail.match), _map(detail.reading), _map(detail.route)
    risk, relevance = _map(reading.get("risk")), _map(reading.get("relevance"))
    score = _number(risk.get("score", detail.row.risk_score))
    version = match.get("query_version")
    return Explanation(
        matched=_text(match.get("sentence")),
        query=_text(match.get("query")),
        query_version=version if isinstance(version, int) else None,
        language=detail.row.language or reading.get("language"),
        language_reason=_text(reading.get("language_reason")),
        tone=_tone(_map(reading.get("sentiment")), detail.row.sentiment),
        flags=tuple(_flags(reading.get("flags"))),
        flags_checked=reading.get("flags_checked") is not False,
        relevance=_number(relevance.get("score")),
        relevance_reasons=_texts(relevance.get("reasons")),
        risk_score=score,
        risk_level=_text(risk.get("level") or detail.row.risk_level),
        bars=tuple(waterfall(risk.get("parts"), score)),
        reasons=_texts(route.get("reasons")),
        roles=_texts(route.get("roles")),
        actions=_texts(route.get("actions")),
        needs_approval=_text(route.get("needs_approval")) or None,
        public_reply=route.get("public_reply") is not False,
    )


def waterfall(parts: object, score: float | None) -> Iterable[Bar]:
    """Yield the parts of a risk one after the other, and what a flag's floor adds, so that they sum to the score."""
    at = 0.0
    for part in _rows(parts):
        match part:
            case [str(name), int() | float() as share, *rest] if math.isfinite(share):
                yield Bar(name, float(share), at, _text(next(iter(rest), "")))
                at += share
    if score is not None and abs(score - at) > _VISIBLE:
        yield Bar("floor", score - at, at, "")


def _tone(stored: Mapping[str, Any], value: float | None) -> Tone:
    sentences = []
    for row in _rows(stored.get("sentences")):
        match row:
            case [str(text), int() | float() as rated]:
                sentences.append(Sentence(text, float(rated)))
    return Tone(
        _number(stored.get("value", value)), _text(stored.get("scorer")), _text(stored.get("note")), tuple(sentences)
    )


def _flags(stored: object) -> Iterable[Flagged]:
    for row in _rows(stored):
        match row:
            case [str(name), rule_id, _, words, *rest]:
                yield Flagged(name, _text(rule_id), _text(words), _text(next(iter(rest), "")))


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _rows(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(each for each in _rows(value) if isinstance(each, str))


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
