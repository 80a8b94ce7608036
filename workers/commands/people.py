"""The commands that say what is watched and who works: brand, source, user."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Any

import click

from triage.domain.mentions import Role
from triage.services.accounts import NewUser, add_user
from triage.services.watching import add_brand, slug_of
from triage.storage.brands import NewBrand
from triage.storage.sources import NewSource
from triage.storage.views import Views
from workers.commands.context import console, opened
from workers.installation import watch_sources

_MEDIA = ("news", "blog", "forum", "social", "review", "press_release", "video", "podcast", "other")


@click.group()
def brand() -> None:
    """Say which names are watched."""


@brand.command("add")
@click.argument("name")
@click.option(
    "--query", help="What counts as a mention, as in '\"Acme Corp\" OR acme NOT jobs'; the name when left out."
)
@click.option("--context", "context_terms", multiple=True, help="For an ambiguous name: a word that shows it is you.")
def add_brand_command(name: str, query: str | None, context_terms: tuple[str, ...]) -> None:
    """Watch a brand."""
    with opened() as container:
        add_brand(container.store, NewBrand(slug_of(name), name, query or f'"{name}"', context_terms))
    click.echo(f"{name} is watched.")


@click.group()
def source() -> None:
    """Say where mentions come from."""


@source.command("add")
@click.argument("addresses", nargs=-1, required=True)
@click.option("--medium", type=click.Choice(_MEDIA), default="blog", show_default=True)
@click.option("--tier", type=click.IntRange(1, 5), help="1 = national or trade press.")
@click.option("--reach", type=click.IntRange(0), help="People who read it.")
@click.option("--confirmed/--unconfirmed", default=True, help="A source you know may raise a crisis level by itself.")
def add_source_command(addresses: tuple[str, ...], **about: Any) -> None:
    """Watch feeds: addresses (https://…) or local files."""
    with opened() as container:
        added = watch_sources(container, [_new_source(each, about) for each in addresses])
    click.echo(f"{added} of {len(addresses)} sources are new; they are polled within seconds.")


def _new_source(address: str, about: dict[str, Any]) -> NewSource:
    if "://" in address:
        return NewSource("feed", address, **about)
    path = Path(address).resolve()
    if not path.is_file():
        raise click.BadParameter(f"{address} is neither an address (https://…) nor a file")
    return NewSource("file", str(path), title=path.name, **about)


@source.command("import")
@click.argument("file", type=click.File("rb"))
def import_command(file: Any) -> None:
    """Watch every feed of an OPML file."""
    from triage.sources.opml import read_opml  # noqa: PLC0415

    feeds = read_opml(file.read(2 * 2**20 + 1))
    sources = [NewSource("feed", feed.url, title=feed.title, tags=feed.tags) for feed in feeds]
    with opened() as container:
        added = watch_sources(container, sources)
    click.echo(f"{added} of {len(feeds)} feeds are new; they are polled within seconds.")


@source.command("list")
@click.option("--failing", is_flag=True, help="Only sources that could not be read.")
def list_command(failing: bool) -> None:  # noqa: FBT001  # click passes options by name
    """List the sources with their health; failing ones first."""
    with opened() as container, container.store.read() as tx:
        rows = [row for row in Views(tx.connection).sources() if row.last_error_kind or not failing]
    screen = console()
    for row in rows:
        state = f"[red]{row.last_error_kind}: {row.last_error}[/]" if row.last_error_kind else f"{row.entries} entries"
        screen.print(f"{row.id:>5}  {row.title or row.address}  {state}")
    if not rows:
        screen.print("No source fails." if failing else "No sources yet. Add one: tocsin source add https://…")


@click.group()
def user() -> None:
    """Say who may log in."""


@user.command("add")
@click.argument("email")
@click.option("--name", required=True)
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), default=Role.COMMUNITY_MANAGER.value, show_default=True
)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def add_user_command(email: str, name: str, role: str, password_stdin: bool) -> None:  # noqa: FBT001  # click
    """Let a person log in; a password is made and shown once, unless one is given on standard input."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else secrets.token_urlsafe(12)
    with opened() as container:
        add_user(container.store, NewUser(email, name, Role(role), password))
    click.echo(f"{name} may log in as {email}." + ("" if password_stdin else f" Password, shown once: {password}"))
