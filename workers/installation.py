"""What does an installation need before it can run? A response process in force, and sources at its own pace."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from config.process import load_process
from triage.services.processes import ProcessText, put_into_force
from triage.services.watching import add_sources
from triage.storage.audit import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from config.bootstrap import Container
    from triage.storage.sources import NewSource
    from triage.storage.unit_of_work import Store


def put_process_into_force(store: Store, path: Path) -> None:
    """Put the process file into force. Raises InvalidFile: then the process that was in force stays."""
    loaded = load_process(path)
    put_into_force(store, ProcessText(path.name, loaded.source, loaded.digest), SYSTEM)


def watch_sources(container: Container, sources: Sequence[NewSource]) -> int:
    """Watch sources at the pace of this installation's settings; return how many were new. Raises AddressRefused."""
    settings = container.settings
    paced = [
        replace(each, min_interval_seconds=settings.poll_min_seconds, max_interval_seconds=settings.poll_max_seconds)
        for each in sources
    ]
    return add_sources(container.store, container.net.check, paced)
