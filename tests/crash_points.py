"""WHAT DIES WHERE? `python -m tests.crash_points POINT TIME` runs everything that is due and kills itself at a named point.

The parts of a container are wrapped from outside, so that the program needs no hook. `TIME` is what the container's clock
says, ISO 8601. A point that is never reached shows as exit code 0.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from config.bootstrap import Container
from config.settings import load_settings
from triage.domain.jobs import Job
from triage.storage.dialect import build_engine
from triage.storage.unit_of_work import Store
from workers.commands.context import InlineDispatcher
from workers.commands.once import run_all

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

INGEST: Final = ("triage.services.ingest", "_store")
FINISH: Final = ("triage.services.polling", "_finish")
ASSESS: Final = ("triage.services.assessment", "_store")
# point → how often it is passed before the process dies there
POINTS: Final = {
    "poll: after the claim": 0,
    "poll: after the third fetch": 2,
    "poll: rows inserted, not committed": 3,
    "poll: rows committed, nudge not sent": 3,
    "poll: rows committed, cursor not moved": 2,
    "assess: after the claim": 0,
    "assess: in the middle of the reading": 70,
    "assess: items written, not committed": 1,
    "assess: items committed": 1,
}
POISON: Final = "assess: whenever a certain text is read"
POISONOUS: Final = "house 3007 "


class Fate:
    """Kills this process when its point has been passed often enough."""

    def __init__(self, point: str) -> None:
        self.point = point
        self.left = POINTS.get(point, 0)

    def meet(self, point: str) -> None:
        if point == self.point:
            self.left -= 1
            if self.left < 0:
                os.kill(os.getpid(), signal.SIGKILL)


class MortalStore(Store):
    fate: Fate

    def write(self, use_case: Callable[..., Any]) -> Any:
        function = getattr(use_case, "func", use_case)
        name = (function.__module__, function.__name__)

        def mortal(tx: Any) -> Any:
            result = use_case(tx)
            if name == INGEST:
                self.fate.meet("poll: rows inserted, not committed")
            if name == ASSESS:
                self.fate.meet("assess: items written, not committed")
            return result

        if name == FINISH:
            self.fate.meet("poll: rows committed, cursor not moved")
        result = super().write(mortal)
        if name == ASSESS:
            self.fate.meet("assess: items committed")
        return result


class MortalDispatcher(InlineDispatcher):
    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self.fate = fate

    def send(self, job: Job, ids: Sequence[int]) -> bool:
        if job is Job.ASSESS:
            self.fate.meet("poll: rows committed, nudge not sent")
        return super().send(job, ids)


class MortalSource:
    def __init__(self, source: Any, fate: Fate) -> None:
        self.source, self.fate = source, fate

    def fetch(self, address: str, cursor: Any) -> Any:
        self.fate.meet("poll: after the claim")
        harvest = self.source.fetch(address, cursor)
        self.fate.meet("poll: after the third fetch")
        return harvest


class MortalReader:
    def __init__(self, reader: Any, fate: Fate) -> None:
        self.reader, self.fate = reader, fate

    def read(self, text: Any) -> Any:
        self.fate.meet("assess: after the claim")
        self.fate.meet("assess: in the middle of the reading")
        if POISONOUS in text.body:
            self.fate.meet(POISON)
        return self.reader.read(text)


def main(point: str, now: datetime) -> None:
    fate = Fate(point)
    settings = load_settings()
    dispatcher = MortalDispatcher(fate)
    container = Container(settings, dispatcher)
    store = MortalStore(build_engine(settings.database()), dispatcher, clock=lambda: now)
    store.fate = fate
    sources = {kind: MortalSource(source, fate) for kind, source in container.sources.items()}
    vars(container).update(store=store, sources=sources, reader=MortalReader(container.reader, fate))
    run_all(container)


if __name__ == "__main__":
    main(sys.argv[1], datetime.fromisoformat(sys.argv[2]))
