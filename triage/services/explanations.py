"""How is a decision kept so that a page can explain it later? Readings and routes as plain JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from triage.domain.risk import Risk
    from triage.domain.routing import Route
    from triage.language.reader import Reading

_DIGITS = 4


def as_reading(reading: Reading, risk: Risk) -> dict[str, Any]:
    """Return what was read in a text and how it was weighed; see docs/architecture.md for the shape."""
    return {
        "language": reading.language,
        "language_reason": reading.language_reason,
        "sentiment": {
            "value": reading.sentiment.value,
            "scorer": reading.sentiment.scorer,
            "note": reading.sentiment.note,
            "sentences": [[each.text, each.value] for each in reading.sentiment.sentences],
        },
        "flags": [[each.name, each.rule_id, each.severity, each.words, each.lowered] for each in reading.flags],
        "flags_checked": reading.flags_checked,
        "relevance": {"score": reading.relevance.score, "reasons": list(reading.relevance.reasons)},
        "risk": {
            "score": round(risk.score, _DIGITS),
            "level": risk.level,
            "floor": risk.floor,
            "parts": [[part.name, round(part.share, _DIGITS), part.reason] for part in risk.parts],
        },
    }


def as_route(route: Route) -> dict[str, Any]:
    """Return where a mention went and why."""
    return {
        "roles": list(route.roles),
        "actions": list(route.actions),
        "targets": {
            "ack_seconds": route.targets.ack_seconds,
            "respond_seconds": route.targets.respond_seconds,
            "close_seconds": route.targets.close_seconds,
        },
        "needs_approval": route.needs_approval,
        "public_reply": route.public_reply,
        "reasons": list(route.reasons),
        "unscored": route.unscored,
    }
