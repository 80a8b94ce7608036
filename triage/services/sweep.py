"""What happens to work whose nudge was lost? It is found again from its rows, every few seconds.

The sweep also ends what cannot succeed: work that used up its attempts becomes a dead letter (O5). Losing the whole
broker costs seconds, never a mention.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from triage.domain.errors import SourceError, SourceErrorKind, Unavailable
from triage.domain.jobs import ASSESS_BATCH, MAX_ATTEMPTS, POLL_BATCH, Job
from triage.services.polling import failure_values
from triage.services.response import return_expired_claims
from triage.storage.audit import SYSTEM, AuditRecord
from triage.storage.dead_letters import NewDeadLetter

if TYPE_CHECKING:
    from collections.abc import Callable

    from triage.storage.unit_of_work import Store, Transaction

_log = logging.getLogger(__name__)
T = TypeVar("T")

_MOST_SOURCES: Final = 500
_MOST_MENTIONS: Final = 2_000


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What a sweep found."""

    polls: int = 0
    assessments: int = 0
    buried: int = 0


def sweep(store: Store, *, period_seconds: float, holder: str) -> SweepReport:
    """Nudge all work that is due and that nobody does; harmless when run twice, or by two schedulers (F04).

    A stage that fails does not keep the others from running.
    """
    if not store.write(lambda tx: tx.ticks.take("sweep", period_seconds, holder, tx.now)):
        return SweepReport()
    buried = _stage("bury what cannot succeed", lambda: store.write(_bury)) or 0
    polls, assessments = _stage("nudge what is due", lambda: store.write(_nudge)) or (0, 0)
    _stage("return claims that ran out", lambda: return_expired_claims(store))
    return SweepReport(polls, assessments, buried)


def _stage(name: str, run: Callable[[], T]) -> T | None:
    try:
        return run()
    except Unavailable:
        raise
    except Exception:  # noqa: BLE001  # whatever is wrong with one stage, the others must run
        _log.exception("The sweep could not %s", name)
        return None


def tend(store: Store, *, holder: str) -> None:
    """Do the hourly upkeep: forget expired sessions and old failed logins."""
    if store.write(lambda tx: tx.ticks.take("tend", 3_600, holder, tx.now)):
        store.write(lambda tx: tx.accounts.forget_old(tx.now))


def _nudge(tx: Transaction) -> tuple[int, int]:
    sources = tx.sources.due(tx.now, _MOST_SOURCES)
    for start in range(0, len(sources), POLL_BATCH):
        tx.after_commit(Job.POLL, sources[start : start + POLL_BATCH])
    mentions = tx.mentions.due(tx.now, _MOST_MENTIONS)
    for start in range(0, len(mentions), ASSESS_BATCH):
        tx.after_commit(Job.ASSESS, mentions[start : start + ASSESS_BATCH])
    return len(sources), len(mentions)


def _bury(tx: Transaction) -> int:
    return _bury_mentions(tx) + _bury_polls(tx)


def _bury_mentions(tx: Transaction) -> int:
    dead = tx.mentions.bury(tx.now)
    letters = [NewDeadLetter(Job.ASSESS, "mention", mention_id, reason, MAX_ATTEMPTS) for mention_id, reason in dead]
    tx.dead_letters.add(letters, tx.now)
    records = [AuditRecord("mention.dead", "mention", mention_id, {"reason": reason}) for mention_id, reason in dead]
    tx.audit.append(tx.now, SYSTEM, records)
    return len(dead)


def _bury_polls(tx: Transaction) -> int:
    """Slow down sources whose polls died without an outcome, and tell a person."""
    error = SourceError(SourceErrorKind.CRASHED, "Reading this source ended the worker three times; it is slowed down.")
    crashed = [
        source
        for source in tx.sources.exhausted(tx.now)
        if tx.sources.record_crash(source.id, failure_values(source, error, tx))
    ]
    letters = [NewDeadLetter(Job.POLL, "source", source.id, str(error), MAX_ATTEMPTS) for source in crashed]
    tx.dead_letters.add(letters, tx.now)
    records = [AuditRecord("source.crash", "source", source.id, {}) for source in crashed]
    tx.audit.append(tx.now, SYSTEM, records)
    return len(crashed)
