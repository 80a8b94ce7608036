"""Prepare an installation for a bench: a brand and its feeds, or make them due again. Not part of what is measured."""

from __future__ import annotations

import sys

from sqlalchemy import text

from config.bootstrap import Container
from config.settings import load_settings
from triage.services.watching import add_brand, add_sources
from triage.storage.brands import NewBrand
from triage.storage.schema import migrate
from triage.storage.sources import NewSource
from workers.commands.context import InlineDispatcher
from workers.commands.process import STARTER
from workers.installation import put_process_into_force


def main(arguments: list[str]) -> None:
    container = Container(load_settings(), InlineDispatcher())
    if arguments == ["--due"]:
        container.store.write(lambda tx: tx.connection.execute(text("UPDATE source SET next_check_at = created_at")))
    else:
        brand, *urls = arguments
        migrate(container.store.engine)
        put_process_into_force(container.store, STARTER)
        add_brand(container.store, NewBrand(brand.lower(), brand, brand))
        with container.store.read() as tx:
            since = tx.now
        add_sources(
            container.store,
            container.net.check,
            [NewSource("feed", url, confirmed=True, watched_since=since) for url in urls],
        )
    container.close()


main(sys.argv[1:])
