"""The commands that run the whole system on one machine: demo to look around, up for real use."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import time
import webbrowser
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import click
import psutil

from config.bootstrap import Container
from triage.domain.errors import SettingsError
from triage.domain.mentions import Role
from triage.services.accounts import NewUser, add_user
from triage.services.watching import add_brand, slug_of
from triage.storage.brands import NewBrand
from triage.storage.schema import migrate
from triage.storage.sources import NewSource
from workers import demo
from workers.commands.context import InlineDispatcher, console, settings_and_logging
from workers.commands.process import STARTER
from workers.installation import put_process_into_force, watch_sources
from workers.processes import remember_title
from workers.stack import build_parts, is_free, preload
from workers.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from config.settings import Settings
    from workers.supervisor import Part

_LOCK: Final = "lock"
_LAST_PART_ENDS_SECONDS: Final = 20.0
_LEGEND: Final = "Press Ctrl-C to stop; nothing is lost, and the next start goes on from here."


@click.command("demo")
@click.option("--fresh", is_flag=True, help="Forget the demo that ran before and begin again.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8080, show_default=True, help="Port of the dashboard.")
@click.option("--open/--no-open", "open_browser", default=False, help="Open the dashboard in a browser.")
def demo_command(fresh: bool, port: int, open_browser: bool) -> None:  # noqa: FBT001  # click
    """Run the whole system with a sample organisation, its own feeds on loopback and a crisis that unfolds.

    Needs nothing: no broker, no database server, no network. Everything is kept in TOCSIN_HOME/demo.
    """
    started = time.monotonic()
    screen = console()
    screen.print("[bold]Tocsin demo[/]: a sample organisation, on this machine only.")
    settings = settings_and_logging()
    home = settings.home / "demo"
    with _only_one(home, screen):
        if fresh:
            _empty(home)
        state = demo.load_or_begin(home)
        _export(demo.environment(home, state, settings))
        settings = settings_and_logging()
        bind = f"127.0.0.1:{_free_port(port)}"
        container = Container(settings, InlineDispatcher())
        screen.print("  preparing the database and the sample organisation …")
        migrate(container.store.engine)
        demo.install(container, state)
        container.close()  # the parts are forked from here: nothing may be open
        parts = [demo.feeds_part(state), *build_parts(settings, container.store, bind)]
        about = [
            f"[bold]Dashboard[/]  http://{bind}/   (ready in {{seconds:.1f}} s)",
            *(
                f"[bold]Log in[/]     {user.email}   password {state.password}   ({user.title})"
                for user in demo.users()
            ),
            "New mentions appear during the first three minutes; a product-safety crisis is among them.",
        ]
        _run(settings, parts, screen, (started, about), f"http://{bind}/" if open_browser else None)


@click.command()
@click.option("--brand", "brands", multiple=True, help="Name to watch; may be repeated.")
@click.option("--feed", "feeds", multiple=True, help="Address of a feed; may be repeated.")
@click.option("--opml", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="File of feeds to import.")
@click.option("--user", "email", help="E-mail address of the first person who may log in.")
@click.option("--bind", help="host:port of the dashboard; TOCSIN_BIND, else 127.0.0.1:8080.")
def up(brands: tuple[str, ...], feeds: tuple[str, ...], opml: Path | None, email: str | None, bind: str | None) -> None:
    """Run the whole system on this machine for real use.

    The first start asks for what it needs, or takes --brand, --feed, --opml and --user.
    Example: tocsin up --brand "Acme" --feed https://example.org/news.xml --user me@example.org
    """
    started = time.monotonic()
    screen = console()
    settings = settings_and_logging(**({"bind": bind} if bind else {}))
    with _only_one(settings.home, screen):
        if not is_free(settings.bind):
            raise SettingsError(f"Another program listens on {settings.bind} already. Free it, or choose with --bind.")
        container = Container(settings, InlineDispatcher())
        migrate(container.store.engine)
        _first_process(container)
        _first_brands(container, brands)
        _first_sources(container, feeds, opml)
        _first_person(container, email, screen)
        container.close()  # the parts are forked from here: nothing may be open
        parts = build_parts(settings, container.store, settings.bind)
        about = [f"[bold]Dashboard[/]  http://{settings.bind}/   (ready in {{seconds:.1f}} s)"]
        _run(settings, parts, screen, (started, about), None)


def _run(
    settings: Settings, parts: Sequence[Part], screen: Console, said: tuple[float, list[str]], address: str | None
) -> None:
    started, about = said
    preload(settings)
    supervisor = Supervisor(parts, settings.home / "logs", lambda line: screen.print(f"  {line}"))
    supervisor.stop_on_signals()
    try:
        if not supervisor.start():
            return
        for line in about:
            screen.print(line.format(seconds=time.monotonic() - started), soft_wrap=True)
        screen.print(f"Logs: {settings.home / 'logs'}", soft_wrap=True)
        screen.print(_LEGEND)
        if address:
            webbrowser.open(address)
        supervisor.run()
    except TimeoutError as error:
        raise SettingsError(f"{error}.") from None
    finally:
        screen.print("Stopping …")
        supervisor.stop()
        screen.print("Stopped. Everything is kept.")


@contextmanager
def _only_one(home: Path, screen: Console) -> Iterator[None]:
    """Hold the lock of `home`: two supervisors on one folder would start two brokers on one file.

    The parts inherit the lock. When their supervisor was killed, they hold it until the last of them has ended.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / _LOCK).open("a+", encoding="ascii") as lock:
        if not _locked(lock) and not (_holder_is_dead(lock) and _awaited(lock, screen)):
            raise SettingsError(f"Tocsin is running already in {home}. Stop it first (Ctrl-C in its window).")
        os.set_inheritable(lock.fileno(), True)  # noqa: FBT003  # positional only
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _holder_is_dead(lock: IO[str]) -> bool:
    lock.seek(0)
    holder = lock.read()
    return holder.isdigit() and not psutil.pid_exists(int(holder))


def _awaited(lock: IO[str], screen: Console) -> bool:
    screen.print("  the run before was killed; waiting until its parts have ended …")
    deadline = time.monotonic() + _LAST_PART_ENDS_SECONDS
    while time.monotonic() < deadline:
        if _locked(lock):
            return True
        time.sleep(0.1)
    return False


def _empty(home: Path) -> None:
    """Forget everything in `home` but the lock that we hold."""
    for path in home.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != _LOCK:
            path.unlink()


def _export(environment: dict[str, str]) -> None:
    """The parts read their settings from the environment, as everywhere."""
    remember_title()
    os.environ.update(environment)


def _free_port(wanted: int) -> int:
    """Return `wanted` if nothing listens there, else a free port."""
    return wanted if wanted and is_free(f"127.0.0.1:{wanted}") else demo.any_port()


def _first_process(container: Container) -> None:
    """Put the configured process into force; without one, the starter, unless one was put into force before."""
    configured = container.settings.process_file
    with container.store.read() as tx:
        known = tx.processes.in_force_id() is not None
    if configured or not known:
        put_process_into_force(container.store, configured or STARTER)


def _first_brands(container: Container, names: Sequence[str]) -> None:
    with container.store.read() as tx:
        known = {brand.slug for brand in tx.brands.watched()}
    if not names and not known:
        names = [click.prompt("Which brand shall be watched?")] if _is_interactive() else []
    for name in names:
        if slug_of(name) not in known:
            add_brand(container.store, NewBrand(slug_of(name), name, f'"{name}"'))


def _first_sources(container: Container, feeds: Sequence[str], opml: Path | None) -> None:
    from triage.sources.opml import read_opml  # noqa: PLC0415

    sources = [NewSource("feed", feed, confirmed=True) for feed in feeds]
    if opml is not None:
        sources += [NewSource("feed", feed.url, feed.title, tags=feed.tags) for feed in read_opml(opml.read_bytes())]
    with container.store.read() as tx:
        known = tx.sources.count()
    if not sources and not known and _is_interactive():
        sources = [NewSource("feed", click.prompt("Address of a feed to watch"), confirmed=True)]
    watch_sources(container, sources)


def _first_person(container: Container, email: str | None, screen: Console) -> None:
    with container.store.read() as tx:
        known = tx.accounts.count()
    if known or not (email or _is_interactive()):
        if not known:
            screen.print("Nobody can log in yet: tocsin user add EMAIL --name NAME --role admin")
        return
    email = email or click.prompt("Your e-mail address")
    password = demo.make_password()
    add_user(container.store, NewUser(email, email.partition("@")[0], Role.ADMIN, password))
    screen.print(f"[bold]Log in[/]     {email}   password {password}   (shown once; change it in the dashboard)")


def _is_interactive() -> bool:
    return sys.stdin.isatty()
