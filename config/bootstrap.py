"""Where are the parts joined? The only place that builds engines, clients and readers; importing it builds nothing."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from config.process import load_process_text
from triage.services.processes import ProcessShelf
from triage.services.watchlist import Watchlist
from triage.storage.dialect import build_engine
from triage.storage.unit_of_work import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from config.settings import Settings
    from triage.domain.jobs import Dispatcher
    from triage.domain.process import Process
    from triage.language.reader import TextReader
    from triage.net import Net
    from triage.sources.base import Source
    from triage.sources.child import ParserChild

USER_AGENT = "Tocsin/0.1"


@dataclass
class Container:
    """The parts of one operating-system process; each is built when first used, so after a fork."""

    settings: Settings
    dispatcher: Dispatcher
    clock: Callable[[], datetime] | None = None
    statement_seconds: int = 30
    """How long one statement may take; a page that a person waits for sets less."""

    @cached_property
    def store(self) -> Store:
        """Transactions on this installation's database."""
        if self.settings.embedded_database:
            self.settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        engine = build_engine(self.settings.database(), statement_seconds=self.statement_seconds)
        return Store(engine, self.dispatcher, clock=self.clock)

    @cached_property
    def shelf(self) -> ProcessShelf:
        """The response process in force."""
        return ProcessShelf(self.store, _read_process)

    @cached_property
    def watchlist(self) -> Watchlist:
        """The brand queries in force, compiled."""
        return Watchlist(self.store)

    @cached_property
    def net(self) -> Net:
        """The guarded way out."""
        from triage.net import Net  # noqa: PLC0415  # only workers fetch; the dashboard stays light

        agent = f"{USER_AGENT} (+{self.settings.contact})"
        return Net(user_agent=agent, allow_private=self.settings.allow_private)

    @cached_property
    def parser(self) -> ParserChild:
        """The parser in its killable child."""
        from triage.sources.child import ParserChild  # noqa: PLC0415  # only workers parse

        return ParserChild()

    @cached_property
    def sources(self) -> Mapping[str, Source]:
        """One reader for each kind of source."""
        from triage.sources.registry import build_sources  # noqa: PLC0415  # only workers fetch

        return build_sources(self.net, self.parser)

    @cached_property
    def reader(self) -> TextReader:
        """Language, sentiment and flags of a text."""
        return build_reader(self.settings)

    def secret_key(self) -> str:
        """Return the key that signs forms; made once in TOCSIN_HOME when none is set."""
        if self.settings.secret_key is not None:
            return self.settings.secret_key.get_secret_value()
        path = self.settings.home / "secret_key"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="ascii") as file:
                path.chmod(0o600)
                file.write(secrets.token_urlsafe(48))
        except FileExistsError:
            pass
        return path.read_text(encoding="ascii").strip()

    def close(self) -> None:
        """Close what was built."""
        for name, part in list(vars(self).items()):
            if name in {"store", "net", "parser"}:
                part.close()


def build_reader(settings: Settings) -> TextReader:
    """Return a reader of text; its models are loaded when it is first used or warmed."""
    from triage.language.reader import TextReader  # noqa: PLC0415  # only what reads text loads this

    return TextReader(languages=settings.languages)


def _read_process(text: str, name: str) -> Process:
    return load_process_text(text, name).process
