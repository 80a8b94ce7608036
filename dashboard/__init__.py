"""WHAT DO PEOPLE SEE AND PRESS? A Flask application over the services and the views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Flask, g
from jinja2 import StrictUndefined
from werkzeug.routing import IntegerConverter

from dashboard import assets, dead_letters, health, help, items, process, queues, session, sources  # noqa: A004  # a noun
from dashboard.context import CONTAINER, GLANCES
from dashboard.failures import explain_failures
from dashboard.filters import teach
from dashboard.glance import Glances
from dashboard.security import secure

if TYPE_CHECKING:
    from werkzeug.routing import Map

    from config.bootstrap import Container
    from triage.services.accounts import LoggedIn

_NOUNS: Final = (session, queues, items, sources, dead_letters, process, health, help, assets)


class _RowId(IntegerConverter):
    """The id of a row: a number that fits a 64-bit key, so that no address can make the database refuse one."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, min=1, max=2**63 - 1)


def create_app(container: Container) -> Flask:
    """Return the dashboard on the parts of this process; it opens nothing before its first request."""
    app = Flask(__name__, static_folder=None)
    app.extensions[CONTAINER] = container
    app.extensions[GLANCES] = Glances(container)
    app.jinja_options = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    app.url_map.converters["id"] = _RowId
    secure(app, container)
    explain_failures(app)
    teach(app)
    app.context_processor(_always_known)
    for noun in _NOUNS:
        app.register_blueprint(noun.blueprint)
    return app


def _always_known() -> dict[str, LoggedIn | None]:
    """Give every template the person who asks, or None."""
    return {"person": g.get("person")}
