"""Which response process is in force, and which were before? Versions are kept for ever."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from triage.domain.mentions import ProcessVersionId
from triage.storage.dialect import insert_new, lock_for_process_change
from triage.storage.tables import ProcessVersion

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class ProcessSource:
    """The text of a process version; it was validated before it was stored."""

    id: ProcessVersionId
    name: str
    source: str
    digest: str
    put_into_force_at: datetime


class ProcessVersions:
    """Reads and changes the process in force."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def in_force_id(self) -> ProcessVersionId | None:
        """Return the id of the version in force, or None before the first."""
        found = self._connection.execute(select(ProcessVersion.id).where(ProcessVersion.active)).scalar_one_or_none()
        return None if found is None else ProcessVersionId(found)

    def get(self, version_id: ProcessVersionId) -> ProcessSource | None:
        """Return a version, or None."""
        columns = ProcessVersion.columns_for(ProcessSource)
        row = self._connection.execute(select(*columns).where(ProcessVersion.id == version_id)).one_or_none()
        return None if row is None else ProcessSource(*row)

    def put_into_force(
        self, name: str, source: str, digest: str, actor: str, now: datetime
    ) -> tuple[ProcessVersionId, bool]:
        """Make this text the version in force; return its id and whether that changed anything."""
        lock_for_process_change(self._connection)  # two at once would leave two in force, or none
        table = ProcessVersion.__table__
        values = {
            "digest": digest,
            "name": name,
            "source": source,
            "active": False,
            "put_into_force_at": now,
            "put_into_force_by": actor,
        }
        self._connection.execute(insert_new(self._connection.dialect, table, ["digest"]), [values])
        wanted = self._connection.execute(select(ProcessVersion.id).where(ProcessVersion.digest == digest)).scalar_one()
        if self.in_force_id() == wanted:
            return ProcessVersionId(wanted), False
        self._connection.execute(update(ProcessVersion).where(ProcessVersion.active).values(active=False))
        self._connection.execute(
            update(ProcessVersion)
            .where(ProcessVersion.id == wanted)
            .values(active=True, put_into_force_at=now, put_into_force_by=actor)
        )
        return ProcessVersionId(wanted), True
