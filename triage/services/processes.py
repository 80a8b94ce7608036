"""What happens when a response process is put into force, and which one routes now?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from triage.domain.errors import NotFound
from triage.domain.routing import CompiledProcess, compile_process
from triage.storage.audit import Actor, AuditRecord

if TYPE_CHECKING:
    from triage.domain.mentions import ProcessVersionId
    from triage.domain.process import Process
    from triage.storage.processes import ProcessSource
    from triage.storage.unit_of_work import Store, Transaction


@dataclass(frozen=True, slots=True)
class ProcessText:
    """A process file that was read and found valid: `digest` is SHA-256 of `source`."""

    name: str
    source: str
    digest: str


class ReadProcess(Protocol):
    """Turns the text of a process file into a process; the reader lives in `config`, above us."""

    def __call__(self, text: str, name: str) -> Process:
        """Return the process. Raises InvalidFile."""
        ...


@dataclass(frozen=True, slots=True)
class InForce:
    """The process that routes now, compiled."""

    version_id: ProcessVersionId
    name: str
    digest: str
    process: Process
    compiled: CompiledProcess


class ProcessShelf:
    """Gives the process in force; compiles a version once per operating-system process."""

    def __init__(self, store: Store, read: ReadProcess) -> None:
        self._store = store
        self._read = read
        self._compiled: dict[ProcessVersionId, InForce] = {}

    def in_force(self) -> InForce:
        """Return the process in force. Raises NotFound before the first was put into force."""
        with self._store.read() as tx:
            version_id = tx.processes.in_force_id()
            if version_id is None:
                raise NotFound("No response process is in force. Run `tocsin up`, or `tocsin process apply FILE`.")
            if version_id in self._compiled:
                return self._compiled[version_id]
            stored = tx.processes.get(version_id)
        if stored is None:
            raise NotFound("The response process in force has vanished from the database.")
        return self._compiled.setdefault(version_id, self._compile(stored))

    def _compile(self, stored: ProcessSource) -> InForce:
        process = self._read(stored.source, stored.name)
        return InForce(stored.id, stored.name, stored.digest, process, compile_process(process))


def put_into_force(store: Store, text: ProcessText, actor: Actor) -> bool:
    """Route with this process from now on; say whether that changed anything. Versions are kept for ever.

    Open items keep the version that routed them.
    """
    return store.write(partial(_put_into_force, text, actor))


def _put_into_force(text: ProcessText, actor: Actor, tx: Transaction) -> bool:
    version_id, changed = tx.processes.put_into_force(text.name, text.source, text.digest, actor.name, tx.now)
    if changed:
        details = {"name": text.name, "digest": text.digest}
        tx.audit.append(tx.now, actor, [AuditRecord("process.in_force", "process_version", version_id, details)])
    return changed
