"""What happens to work that failed for good? A person sees it and replays or discards it (O5)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from triage.domain.errors import NotPermitted
from triage.domain.jobs import Job
from triage.domain.mentions import MentionId
from triage.storage.audit import AuditRecord

if TYPE_CHECKING:
    from triage.services.response import Person
    from triage.storage.unit_of_work import Store, Transaction


def replay(store: Store, letter_id: int, person: Person) -> None:
    """Try the work again from its row, with new attempts. Raises NotPermitted when it was settled before."""
    store.write(partial(_settle, letter_id, person, "replayed"))


def discard(store: Store, letter_id: int, person: Person) -> None:
    """Give the work up; its row stays and says so. Raises NotPermitted when it was settled before."""
    store.write(partial(_settle, letter_id, person, "discarded"))


def _settle(letter_id: int, person: Person, state: str, tx: Transaction) -> None:
    letter = tx.dead_letters.settle(letter_id, state, person.name, tx.now)
    if letter is None:
        raise NotPermitted("This dead letter was settled before.")
    if state == "replayed":
        if letter.subject == "mention":
            tx.mentions.revive(MentionId(letter.subject_id), tx.now)
            tx.after_commit(Job.ASSESS, [letter.subject_id])
        else:
            tx.sources.poll_now(letter.subject_id, tx.now)
            tx.after_commit(Job.POLL, [letter.subject_id])
    details = {"job": letter.job, "subject": letter.subject, "subject_id": letter.subject_id}
    tx.audit.append(tx.now, person.actor, [AuditRecord(f"dead_letter.{state}", "dead_letter", letter_id, details)])
