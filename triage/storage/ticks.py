"""Which tick may run now, and who has given a sign of life?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from triage.storage.dialect import insert_new, upsert
from triage.storage.tables import Heartbeat, Lease

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection


class Ticks:
    """Leased ticks and heartbeats."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def take(self, name: str, period_seconds: float, holder: str, now: datetime) -> bool:
        """Take the tick `name` if it is due; two schedulers, or ten, run it once a period (F04)."""
        first = {"name": name, "due_at": now, "holder": None}
        self._connection.execute(insert_new(self._connection.dialect, Lease.__table__, ["name"]), [first])
        statement = (
            update(Lease)
            .where(Lease.name == name, Lease.due_at <= now)
            .values(due_at=now + timedelta(seconds=period_seconds), holder=holder)
            .returning(Lease.name)
        )
        return self._connection.execute(statement).one_or_none() is not None

    def beat(self, name: str, now: datetime, busy_until: datetime | None, details: Mapping[str, Any]) -> None:
        """Record a sign of life."""
        values = {"name": name, "seen_at": now, "busy_until": busy_until, "details": dict(details)}
        self._connection.execute(upsert(self._connection.dialect, Heartbeat.__table__, ["name"], values))

    def heartbeats(self) -> dict[str, tuple[datetime, datetime | None]]:
        """Return (seen at, busy until) of everything that ever beat, by name."""
        rows = self._connection.execute(select(Heartbeat.name, Heartbeat.seen_at, Heartbeat.busy_until))
        return {row[0]: (row[1], row[2]) for row in rows}
