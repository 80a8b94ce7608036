"""The commands of upkeep: migrate the schema, check everything that can be wrong, show the settings."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from config.bootstrap import Container
from config.settings import Settings
from triage.domain.errors import NotFound, TocsinError
from triage.storage.schema import is_current
from triage.storage.schema import migrate as migrate_schema
from workers import broker
from workers.commands.context import InlineDispatcher, console, settings_and_logging

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.command()
def migrate() -> None:
    """Bring the database's schema up to date. Safe to run again, and from several hosts at once."""
    container = Container(settings_and_logging(), InlineDispatcher())
    revision = migrate_schema(container.store.engine)
    container.close()
    click.echo(f"The schema is at revision {revision}.")


@click.command()
def doctor() -> None:
    """Check everything that can be wrong, and say in plain words what to do. Exit 1 if something is."""
    settings = settings_and_logging()
    screen, faults = console(), 0
    for name, fault in _checks(settings):
        faults += fault is not None
        screen.print(
            f"[{'red' if fault else 'green'}]{'✗' if fault else '✓'}[/] {name}" + (f": {fault}" if fault else "")
        )
    screen.print("All is well." if not faults else f"{faults} thing{'s' if faults > 1 else ''} to put right.")
    sys.exit(1 if faults else 0)


def _checks(settings: Settings) -> Iterator[tuple[str, str | None]]:
    yield f"Python {sys.version_info.major}.{sys.version_info.minor}", None
    yield "the packages triage, workers, dashboard and config are ours", None
    container = Container(settings, InlineDispatcher())
    fault = _database_fault(container)
    yield "the database answers and its schema is up to date", fault
    yield "the broker", _broker_fault(settings)
    if fault is None:
        yield "a response process is in force", _process_fault(container)
        yield "brands and sources are watched", _watch_fault(container)
        yield "somebody can log in", _people_fault(container)
    container.close()


def _database_fault(container: Container) -> str | None:
    try:
        current = is_current(container.store.engine)
    except Exception as error:  # noqa: BLE001  # whatever the driver says is what the person needs
        return f"it does not answer ({type(error).__name__}). Check DATABASE_URL, and that the server runs."
    return None if current else "the schema is not up to date. Run `tocsin migrate`."


def _broker_fault(settings: Settings) -> str | None:
    if settings.redis_url is not None:
        return None if broker.answers(settings) else "it does not answer. Check REDIS_URL, and that the server runs."
    try:
        broker.server_command(settings)
    except TocsinError as error:
        return str(error)
    return None


def _process_fault(container: Container) -> str | None:
    try:
        container.shelf.in_force()
    except NotFound as error:
        return str(error)
    return None


def _watch_fault(container: Container) -> str | None:
    with container.store.read() as tx:
        if not tx.brands.watched():
            return "no brand yet. Run `tocsin brand add NAME`, or `tocsin up --brand NAME`."
        if not tx.sources.count():
            return "no source yet. Run `tocsin source add ADDRESS`, or `tocsin source import FILE.opml`."
    return None


def _people_fault(container: Container) -> str | None:
    with container.store.read() as tx:
        return None if tx.accounts.count() else "no person yet. Run `tocsin user add EMAIL --name NAME`."


@click.command("config")
def show_config() -> None:
    """Show the effective settings, without secrets, and the variable that sets each."""
    settings = settings_and_logging()
    for name, field in Settings.model_fields.items():
        variable = field.alias or f"TOCSIN_{name.upper()}"
        click.echo(f"{variable:<28} {_shown(getattr(settings, name)):<32} {field.description}")


def _shown(value: Any) -> str:
    if hasattr(value, "get_secret_value"):
        return "(set)"
    if isinstance(value, tuple):
        return ",".join(value) or "(none)"
    return "(unset)" if value is None else str(value)
