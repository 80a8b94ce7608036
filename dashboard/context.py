"""What does a request have at hand? The parts of this process, the person who asks, one read transaction."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

from flask import current_app, g, request

from triage.services.response import Person
from triage.storage.views import Views

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.bootstrap import Container
    from dashboard.glance import Glances
    from dashboard.visitors import Visitors
    from triage.services.accounts import LoggedIn
    from triage.storage.unit_of_work import Transaction

CONTAINER: Final = "tocsin.container"
GLANCES: Final = "tocsin.glances"
VISITORS: Final = "tocsin.visitors"


def container() -> Container:
    """Return the parts of this process."""
    return cast("Container", current_app.extensions[CONTAINER])


def glances() -> Glances:
    """Return what every page shows about the whole."""
    return cast("Glances", current_app.extensions[GLANCES])


def visitors() -> Visitors:
    """Return what is known about sessions in this process."""
    return cast("Visitors", current_app.extensions[VISITORS])


def person() -> LoggedIn:
    """Return the person who asks; only in views that are not public."""
    return cast("LoggedIn", g.person)


def acting() -> Person:
    """Return the person who asks, as services name them."""
    return Person(person().id, person().name)


def is_fragment() -> bool:
    """Say whether htmx asks, so that a part of a page is wanted and not a page."""
    return request.headers.get("HX-Request") == "true"


@contextmanager
def reading() -> Iterator[tuple[Views, Transaction]]:
    """Open the views on one read transaction, and fix the instant that this page's relative times count from.

    Raises:
        Unavailable: the database does not answer.
    """
    with container().store.read() as tx:
        g.now = tx.now
        yield Views(tx.connection), tx
