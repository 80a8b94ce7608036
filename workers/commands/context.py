"""What does a command start from? Settings, a container, a dispatcher that fits, and a console."""

from __future__ import annotations

import logging
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from config.bootstrap import Container
from config.logging import set_up_logging
from config.settings import Settings, load_settings
from triage.domain.errors import SettingsError
from triage.storage.schema import is_current

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from triage.domain.jobs import Job

_CHATTY: Final = ("alembic", "celery", "kombu")
"""Libraries that write a line or more for each message or step; what they warn of is kept."""


class InlineDispatcher:
    """Keeps nudges in this process; `run-once` takes them out and does the work itself."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[Job, tuple[int, ...]]] = deque()

    def send(self, job: Job, ids: Sequence[int]) -> bool:
        """Remember a nudge."""
        self.waiting.append((job, tuple(ids)))
        return True


def settings_and_logging(**changes: Any) -> Settings:
    """Read the settings and set logging up; chatty libraries are heard when TOCSIN_LOG_LEVEL is debug."""
    settings = load_settings(**changes)
    set_up_logging(settings)
    least = logging.DEBUG if settings.log_level == "debug" else logging.WARNING
    for name in _CHATTY:
        logging.getLogger(name).setLevel(least)
    return settings


@contextmanager
def opened(settings: Settings | None = None) -> Iterator[Container]:
    """Give a container on a migrated database, without a broker.

    Raises:
        SettingsError: the schema is not the one this program needs.
    """
    container = Container(settings or settings_and_logging(), InlineDispatcher())
    try:
        if not is_current(container.store.engine):
            raise SettingsError("The database's schema is not up to date. Run `tocsin migrate` first.")
        yield container
    finally:
        container.close()


def console(*, stderr: bool = False) -> Console:
    """Return a console for people; machine-readable output goes to standard output without it."""
    from rich.console import Console  # noqa: PLC0415  # only for people, and slow to import

    return Console(stderr=stderr, highlight=False)
