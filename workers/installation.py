"""What does an installation need before it can run? A response process in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.process import load_process
from triage.services.processes import ProcessText, put_into_force
from triage.storage.audit import SYSTEM

if TYPE_CHECKING:
    from pathlib import Path

    from triage.storage.unit_of_work import Store


def put_process_into_force(store: Store, path: Path) -> None:
    """Put the process file into force. Raises InvalidFile: then the process that was in force stays."""
    loaded = load_process(path)
    put_into_force(store, ProcessText(path.name, loaded.source, loaded.digest), SYSTEM)
