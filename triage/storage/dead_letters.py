"""Which work failed for good? A person replays or discards it (O5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from triage.storage.tables import DeadLetter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection
    from sqlalchemy.orm import InstrumentedAttribute


@dataclass(frozen=True, slots=True)
class NewDeadLetter:
    """Work that used up its attempts."""

    job: str
    subject: str
    subject_id: int
    reason: str
    attempts: int


@dataclass(frozen=True, slots=True)
class DeadLetterRecord:
    """A dead letter that waits for a person."""

    id: int
    job: str
    subject: str
    subject_id: int
    reason: str
    attempts: int
    at: datetime


class DeadLetters:
    """Adds dead letters and settles them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, letters: Sequence[NewDeadLetter], now: datetime) -> None:
        """Store dead letters; work whose letter still waits gets no second one, the first is brought up to date."""
        for letter in letters:
            values = {"reason": letter.reason[:500], "attempts": letter.attempts, "at": now}
            waiting = (
                update(DeadLetter)
                .where(
                    DeadLetter.state == "open",
                    DeadLetter.subject == letter.subject,
                    DeadLetter.subject_id == letter.subject_id,
                )
                .values(values)
                .returning(DeadLetter.id)
            )
            if self._connection.execute(waiting).first() is None:
                subject = {"job": letter.job, "subject": letter.subject, "subject_id": letter.subject_id}
                self._connection.execute(insert(DeadLetter).values(**subject, **values, state="open"))

    def settle(self, letter_id: int, state: str, actor: str, now: datetime) -> DeadLetterRecord | None:
        """Mark an open dead letter as `replayed` or `discarded`; None when it is not open."""
        statement = (
            update(DeadLetter)
            .where(DeadLetter.id == letter_id, DeadLetter.state == "open")
            .values(state=state, settled_at=now, settled_by=actor)
            .returning(*_columns())
        )
        row = self._connection.execute(statement).one_or_none()
        return None if row is None else DeadLetterRecord(*row)

    def waiting(self, limit: int = 200) -> tuple[DeadLetterRecord, ...]:
        """Return open dead letters, oldest first."""
        statement = select(*_columns()).where(DeadLetter.state == "open").order_by(DeadLetter.at, DeadLetter.id)
        return tuple(DeadLetterRecord(*row) for row in self._connection.execute(statement.limit(limit)))


def _columns() -> list[InstrumentedAttribute[Any]]:
    return DeadLetter.columns_for(DeadLetterRecord)
