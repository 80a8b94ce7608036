"""What is the demo made of? A sample organisation in its own folder, fed from loopback, the same at the next start."""

from __future__ import annotations

import json
import secrets
import socket
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from config.sample import read_sample
from triage.domain.errors import SettingsError
from triage.domain.mentions import Role
from triage.services.accounts import NewUser, add_user
from triage.services.watching import add_brand, add_sources
from triage.storage.brands import NewBrand
from triage.storage.sources import NewSource
from workers.commands.process import STARTER
from workers.demo_feeds import DemoFeeds, serve_until_told
from workers.installation import put_process_into_force
from workers.stack import is_free
from workers.supervisor import Part

if TYPE_CHECKING:
    from pathlib import Path

    from config.bootstrap import Container
    from config.sample import SampleOrganisation, SampleUser
    from config.settings import Settings
    from triage.storage.unit_of_work import Transaction

_PASSWORD_WORDS: Final = (
    "amber", "basin", "cedar", "delta", "ember", "fjord", "grove", "heron", "islet", "juniper", "kelp", "larch",
    "maple", "north", "otter", "pebble", "quartz", "river", "slate", "thistle", "umber", "vale", "willow", "yarrow",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DemoState:
    """What stays the same between two starts: when the story began, where the feeds are, the password."""

    started_at: str
    feeds_port: int
    password: str

    @property
    def base_url(self) -> str:
        """Address of the feed server."""
        return f"http://127.0.0.1:{self.feeds_port}"


def load_or_begin(home: Path) -> DemoState:
    """Return the state of the demo in `home`; begin one if there is none.

    Raises:
        SettingsError: the port of its feeds is taken by another program.
    """
    path = home / "demo.json"
    if path.exists():
        state = DemoState(**json.loads(path.read_text(encoding="utf-8")))
        if not is_free(f"127.0.0.1:{state.feeds_port}"):
            raise SettingsError(
                f"Port {state.feeds_port}, where the demo's feeds were, is taken. Free it, or start with --fresh."
            )
        return state
    # The story begins a little later than the first poll, so that "appears while one watches" is watched.
    begin = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=10)
    state = DemoState(begin.isoformat(), any_port(), make_password())
    beside = path.with_suffix(".new")
    beside.touch(mode=0o600)
    beside.write_text(json.dumps(asdict(state), indent=2), encoding="utf-8")
    beside.replace(path)  # whole or not at all, whenever we are killed
    return state


def environment(home: Path, state: DemoState, settings: Settings) -> dict[str, str]:
    """Return the settings of the demo's parts: their own folder, and the one loopback port that may be fetched."""
    own = {"TOCSIN_HOME": str(home), "TOCSIN_ALLOW_PRIVATE": f"127.0.0.1:{state.feeds_port}"}
    return own | {"TOCSIN_SWEEP_SECONDS": str(min(settings.sweep_seconds, 5))}


def feeds_part(state: DemoState) -> Part:
    """Return the part that serves the sample feeds."""
    feeds = DemoFeeds(read_sample(), started_at=datetime.fromisoformat(state.started_at), port=state.feeds_port)
    return Part(
        "demo-feeds",
        partial(serve_until_told, feeds),
        is_ready=lambda: not is_free(f"127.0.0.1:{state.feeds_port}"),
    )


def install(container: Container, state: DemoState) -> None:
    """Put the sample organisation into an empty database; go on where an earlier start was cut off, else do nothing."""
    put_process_into_force(container.store, STARTER)
    organisation = read_sample()
    with container.store.read() as tx:
        watched = {brand.slug for brand in tx.brands.watched()}
        people = {user.email for user in organisation.users if tx.accounts.by_email(user.email)}
        complete = tx.sources.count() > 0
    if complete:
        return
    for brand in organisation.brands:
        if brand.slug not in watched:
            add_brand(
                container.store, NewBrand(brand.slug, brand.name, brand.query, brand.context_terms, brand.known_myths)
            )
    container.store.write(partial(_add_authors, organisation))
    for user in organisation.users:
        if user.email not in people:
            add_user(container.store, NewUser(user.email, user.name, _role(user), state.password))
    add_sources(container.store, container.net.check, _sources(organisation, state))  # last: then all is there


def users() -> tuple[SampleUser, ...]:
    """Return the people of the sample organisation."""
    return read_sample().users


def make_password() -> str:
    """Return a password that one can read out: four words and a number, about 25 bits over the words alone."""
    words = "-".join(secrets.choice(_PASSWORD_WORDS) for _ in range(4))
    return f"{words}-{secrets.randbelow(9_000) + 1_000}"


def _add_authors(organisation: SampleOrganisation, tx: Transaction) -> None:
    tx.brands.add_authors([(author.handle, author.kind) for author in organisation.authors])


def _sources(organisation: SampleOrganisation, state: DemoState) -> list[NewSource]:
    watched_since = datetime.fromisoformat(state.started_at) - timedelta(days=2)
    return [
        NewSource(
            "feed",
            state.base_url + source.path,
            title=source.name,
            medium=source.kind,
            tier=source.tier,
            reach=source.reach,
            hostile=source.hostile,
            confirmed=True,
            language=source.language,
            owner=source.owner,
            min_interval_seconds=organisation.check_every_seconds,
            max_interval_seconds=organisation.check_every_seconds * 4,
            watched_since=watched_since,
        )
        for source in organisation.sources
    ]


def _role(user: SampleUser) -> Role:
    known = [role for role in Role if role.value in user.roles]
    return known[0] if known else Role.MANAGER


def any_port() -> int:
    """Return a port that nothing uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
