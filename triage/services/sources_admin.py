"""What happens when a person tends a source? It is read at once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from triage.domain.errors import NotFound
from triage.domain.jobs import Job
from triage.storage.audit import AuditRecord

if TYPE_CHECKING:
    from triage.services.response import Person
    from triage.storage.unit_of_work import Store, Transaction


def poll_now(store: Store, source_id: int, person: Person) -> None:
    """Make a source due at once, also one that was given up or paused, and nudge a worker. Raises NotFound."""
    store.write(partial(_poll_now, source_id, person))


def _poll_now(source_id: int, person: Person, tx: Transaction) -> None:
    if not tx.sources.poll_now(source_id, tx.now):
        raise NotFound("There is no such source.")
    tx.audit.append(tx.now, person.actor, [AuditRecord("source.poll_now", "source", source_id)])
    tx.after_commit(Job.POLL, [source_id])
