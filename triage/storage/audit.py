"""Who changed what, when? The audit trail, written in the transaction of the change (I7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select, update

from triage.storage.tables import AuditEvent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

    from triage.domain.mentions import UserId


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person, or a part of the system (`id` None)."""

    id: UserId | None
    name: str


SYSTEM: Final = Actor(None, "Tocsin")


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One state change of one row; `details` holds what is needed to explain and to undo it."""

    action: str
    subject: str
    subject_id: int
    details: Mapping[str, Any] = field(default_factory=dict)


class Audit:
    """Appends to the trail and reads it back."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, now: datetime, actor: Actor, records: Sequence[AuditRecord]) -> None:
        """Append one event per record."""
        if not records:
            return
        self._connection.execute(
            insert(AuditEvent),
            [
                {
                    "at": now,
                    "actor_id": actor.id,
                    "actor": actor.name,
                    "action": record.action,
                    "subject": record.subject,
                    "subject_id": record.subject_id,
                    "details": record.details,
                }
                for record in records
            ],
        )

    def last_undoable(self, actor_id: UserId, actions: Sequence[str]) -> RowMapping | None:
        """Return the newest own event among `actions` that was not undone, or None."""
        statement = (
            select(AuditEvent.__table__)
            .where(AuditEvent.actor_id == actor_id, AuditEvent.action.in_(actions), AuditEvent.undone_at.is_(None))
            .order_by(AuditEvent.id.desc())
            .limit(1)
        )
        return self._connection.execute(statement).mappings().one_or_none()

    def newest_move(self, item_id: int, actions: Sequence[str]) -> int | None:
        """Return the id of the newest event among `actions` on an item that was not undone, or None."""
        statement = (
            select(AuditEvent.id)
            .where(
                AuditEvent.subject == "item",
                AuditEvent.subject_id == item_id,
                AuditEvent.action.in_(actions),
                AuditEvent.undone_at.is_(None),
            )
            .order_by(AuditEvent.id.desc())
            .limit(1)
        )
        return self._connection.execute(statement).scalar_one_or_none()

    def mark_undone(self, event_id: int, now: datetime) -> bool:
        """Mark an event as undone; False when somebody did so before."""
        statement = (
            update(AuditEvent)
            .where(AuditEvent.id == event_id, AuditEvent.undone_at.is_(None))
            .values(undone_at=now)
            .returning(AuditEvent.id)
        )
        return self._connection.execute(statement).one_or_none() is not None
