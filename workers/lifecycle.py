"""What does one operating-system process hold? One container, built after the fork and never shared across it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from config.bootstrap import Container, build_reader
from triage.services.assessment import AssessTools
from triage.services.polling import PollTools

if TYPE_CHECKING:
    from config.settings import Settings
    from triage.domain.jobs import Dispatcher
    from triage.language.reader import TextReader

_containers: dict[int, Container] = {}
_readers: list[TextReader] = []
_recipe: list[tuple[Settings, Dispatcher]] = []


def prepare(settings: Settings, dispatcher: Dispatcher) -> None:
    """Remember how to build this program's container; no connection is opened yet."""
    _recipe[:] = [(settings, dispatcher)]


def warm_reader(settings: Settings) -> None:
    """Load the models that read text now, so that processes forked later share their memory."""
    if not _readers:
        reader = build_reader(settings)
        reader.warm()
        _readers[:] = [reader]


def container() -> Container:
    """Return this process's container; a forked child gets its own, so that no connection is shared."""
    pid = os.getpid()
    if pid not in _containers:
        _containers.clear()
        _containers[pid] = Container(*_recipe[0])
        if _readers:
            _containers[pid].reader = _readers[0]
    return _containers[pid]


def poll_tools() -> PollTools:
    """Return what a poll needs."""
    parts = container()
    return PollTools(parts.store, parts.sources, parts.watchlist)


def assess_tools() -> AssessTools:
    """Return what an assessment needs."""
    parts = container()
    return AssessTools(parts.store, parts.reader, parts.shelf, parts.watchlist)
