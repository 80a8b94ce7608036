"""What waits, for whom, and since when? The queues, one's own items, and what was closed."""

from __future__ import annotations

import gzip
import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for

from dashboard import notices
from dashboard.assets import shelf, takes_gzip
from dashboard.context import glances, person, reading
from dashboard.permissions import Permission, requires

if TYPE_CHECKING:
    from collections.abc import Iterable

    from werkzeug.wrappers import Response as AnyResponse

    from dashboard.glance import Glance

blueprint = Blueprint("queues", __name__)

_MAX_KEY: Final = 2**63 - 1


@blueprint.get("/")
@requires(Permission.SEE)
def home() -> AnyResponse:
    """Lead to the queue that needs a person most."""
    first = glances().current().first_with_work
    return redirect(url_for("queues.show", name=first.name) if first else url_for("queues.overview"))


@blueprint.get("/queues")
@requires(Permission.SEE)
def overview() -> str:
    """Show all queues with their counts."""
    with reading():
        return render_template("queues.html", glance=glances().current())


@blueprint.get("/queues/<name>")
@requires(Permission.SEE)
def show(name: str) -> str:
    """Show one page of a queue, most urgent due time first."""
    glance = glances().current()
    queue = glance.queue(name) or abort(404, f"There is no queue named {name}.")
    after = cursor_of(request.args.get("after"))
    with reading() as (views, _):
        page = views.queue_page(name, after)
        return render_template(
            "queue.html", glance=glance, queue=queue, page=page, is_first=after is None, notice=notices.asked_for()
        )


@blueprint.get("/queues/<name>/rows")
@requires(Permission.SEE)
def show_rows(name: str) -> Response:
    """Send the first page of a queue again, or 304 when nothing on it has changed."""
    glance = glances().current()
    queue = glance.queue(name) or abort(404, f"There is no queue named {name}.")
    with reading() as (views, tx):
        tag = _tag(glance, tx.now, views.queue_state(name))
        if tag in request.if_none_match:
            return _unchanged(tag)
        page = views.queue_page(name)
        return _packed(render_template("parts/live.html", glance=glance, queue=queue, page=page), tag)


@blueprint.get("/mine")
@requires(Permission.SEE)
def mine() -> str:
    """Show what the person has claimed."""
    after = cursor_of(request.args.get("after"))
    with reading() as (views, _):
        page = views.owner_page(person().id, after)
        return render_template(
            "mine.html",
            glance=glances().current(),
            page=page,
            is_first=after is None,
            notice=notices.asked_for(),
        )


@blueprint.get("/mine/rows")
@requires(Permission.SEE)
def mine_rows() -> Response:
    """Send one's own items again, or 304."""
    glance = glances().current()
    with reading() as (views, tx):
        page = views.owner_page(person().id)
        tag = _tag(glance, tx.now, ((row.id, row.revision) for row in page.rows))
        if tag in request.if_none_match:
            return _unchanged(tag)
        return _packed(render_template("parts/live.html", glance=glance, queue=None, page=page), tag)


@blueprint.get("/closed")
@requires(Permission.SEE)
def closed() -> str:
    """Show what was closed last."""
    with reading() as (views, _):
        return render_template(
            "closed.html", glance=glances().current(), rows=views.closed_page(), notice=notices.asked_for()
        )


def cursor_of(text: str | None) -> tuple[datetime, int] | None:
    """Read a keyset cursor (`filters.cursor` writes it); 404 for what is none."""
    if text is None:
        return None
    at, _, key = text.rpartition("_")
    try:
        place = datetime.fromisoformat(at), int(key)
    except ValueError:
        abort(404)
    if place[0].tzinfo is None or not 0 <= place[1] <= _MAX_KEY:
        abort(404)
    return place


def _tag(glance: Glance, now: datetime, state: Iterable[tuple[int, int]]) -> str:
    """Name all that the rows show: items and revisions, counts, the person, and the minute (for spans of time)."""
    counts = [(queue.name, queue.open, queue.claimed) for queue in glance.queues]
    shown = (tuple(state), counts, glance.health, glance.broker_alive, person().id, int(now.timestamp() // 60))
    return hashlib.sha256(repr((shown, shelf()["tocsin.css"].version)).encode()).hexdigest()[:20]


def _unchanged(tag: str) -> Response:
    response = Response(status=304)
    response.set_etag(tag)
    return response


def _packed(body: str, tag: str) -> Response:
    """Send rows compressed. Pages with a form token are not: hostile text beside it makes an oracle (BREACH)."""
    response = Response(body)
    response.set_etag(tag)
    response.headers["Vary"] = "Accept-Encoding, Cookie"
    if takes_gzip():
        response.set_data(gzip.compress(response.get_data(), 5, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response
