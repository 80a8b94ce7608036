"""What is this item, why is it here, and what shall become of it?

Every action is a form that works without JavaScript. htmx gets the changed part and a short message; a browser without
it is led back to where it was. Each may be sent twice with one effect.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for

from dashboard import notices
from dashboard.context import acting, container, glances, is_fragment, person, reading
from dashboard.explanation import explain
from dashboard.failures import failure
from dashboard.highlights import mark, mark_long, spans_of
from dashboard.notices import Notice, Shown
from dashboard.permissions import Permission, requires
from dashboard.security import own_path
from triage.domain.errors import AlreadyClaimed, NotFound, NotPermitted, Refusal
from triage.domain.mentions import Disposition, ItemState
from triage.services import response as response_service
from triage.services.response import Closing
from triage.services.typed_text import tidy

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response as AnyResponse

    from triage.storage.views import ItemDetail, ItemRow

blueprint = Blueprint("items", __name__)

_SAME_NOTE_WITHIN: Final = timedelta(minutes=1)


@blueprint.get("/items/<id:item_id>")
@requires(Permission.SEE)
def show(item_id: int) -> str:
    """Show everything about an item."""
    with reading() as (views, _):
        detail = views.item(item_id)
    if detail is None:
        raise NotFound("There is no such item.")
    return render_template("item.html", notice=notices.asked_for(), **_shown(detail))


@blueprint.post("/items/<id:item_id>/claim")
@requires(Permission.WORK)
def claim(item_id: int) -> AnyResponse:
    """Give the item to the person who asks."""
    return _act(item_id, Notice.CLAIMED, lambda: response_service.claim(container().store, item_id, acting()))


@blueprint.post("/items/<id:item_id>/release")
@requires(Permission.WORK)
def release(item_id: int) -> AnyResponse:
    """Give the item back to its queue."""
    return _act(item_id, Notice.RELEASED, lambda: response_service.release(container().store, item_id, acting()))


@blueprint.post("/items/<id:item_id>/close")
@requires(Permission.WORK)
def close(item_id: int) -> AnyResponse:
    """Close the item with a disposition and, if the person gives one, a reason."""
    try:
        disposition = Disposition(request.form.get("disposition", ""))
    except ValueError:
        abort(400, "Choose how the item ends.")
    closing = Closing(disposition, request.form.get("reason", ""))
    return _act(item_id, Notice.CLOSED, lambda: response_service.close(container().store, item_id, acting(), closing))


@blueprint.post("/items/<id:item_id>/reassign")
@requires(Permission.WORK)
def reassign(item_id: int) -> AnyResponse:
    """Hand the item to another queue."""
    queue, parts = request.form.get("queue", ""), container()

    def move() -> None:
        response_service.reassign(parts.store, item_id, acting(), queue, parts.shelf.in_force().process)

    return _act(item_id, Notice.REASSIGNED, move)


@blueprint.post("/items/<id:item_id>/note")
@requires(Permission.WORK)
def note(item_id: int) -> AnyResponse:
    """Write a note for colleagues."""
    return _act(item_id, Notice.NOTED, lambda: _add_note(item_id, request.form.get("text", "")))


@blueprint.post("/undo")
@requires(Permission.WORK)
def undo() -> AnyResponse:
    """Take back the person's newest step; a button that names another step than that is out of date."""
    wanted = request.form.get("step", 0, int)
    if wanted and wanted != notices.newest_step():
        raise NotPermitted("This step was undone before, or you have done something since.")
    undone = response_service.undo(container().store, acting())
    shown = notices.confirm(Notice.UNDONE, undone.item_id)
    if is_fragment() and request.form.get("view") == "row":
        message = Response(render_template("parts/message.html", shown=shown))
        message.headers["HX-Trigger"] = "tocsin:refresh"
        return message
    return _lead_to(shown.leading_to(url_for("items.show", item_id=undone.item_id)))


def _act(item_id: int, notice: Notice, move: Callable[[], None]) -> AnyResponse:
    try:
        move()
    except (AlreadyClaimed, NotPermitted) as refusal:
        if not is_fragment():
            raise
        return _answer_refused(item_id, refusal)
    return _answer_done(notices.confirm(notice, item_id))


def _answer_done(shown: Shown) -> AnyResponse:
    """Answer an action: the changed part for htmx, else the page that the person goes on with."""
    leaves = shown.notice in {Notice.CLOSED, Notice.REASSIGNED}
    glances().forget()
    if request.form.get("view") == "item":
        if leaves:
            return _lead_to(shown.leading_to(_next_after(shown.about)))
        if is_fragment():
            return _part(shown.about, shown)
        return _lead_to(shown.leading_to(url_for("items.show", item_id=shown.about)))
    if not is_fragment():
        return _lead_to(shown.leading_to(own_path(request.form.get("back"))))
    if not leaves:
        return _part(shown.about, shown)
    gone = Response(render_template("parts/message.html", shown=shown))
    gone.headers["HX-Reswap"] = "delete"
    return gone


def _answer_refused(item_id: int, refusal: Refusal) -> AnyResponse:
    """Answer 409 with the item as it is now, and with who has it and since when."""
    facts = (
        {"owner": refusal.owner, "since": refusal.since}
        if isinstance(refusal, AlreadyClaimed)
        else {"reason": str(refusal)}
    )
    with reading():  # fixes the instant for "since"
        answer = failure(409, **facts)
    answer.set_data(_part(item_id, None).get_data(as_text=True) + answer.get_data(as_text=True))
    return answer


def _part(item_id: int, shown: Shown | None) -> Response:
    """Render an item again as the part that was asked for: a row of a list, or the middle of its page."""
    with reading() as (views, _):
        detail = views.item(item_id)
    if detail is None:
        raise NotFound("There is no such item.")
    if request.form.get("view") == "item":
        return Response(render_template("parts/item.html", shown=shown, **_shown(detail)))
    return Response(render_template("parts/row.html", shown=shown, row=detail.row))


def _shown(detail: ItemDetail) -> dict[str, object]:
    spans = spans_of(detail.match)
    glance = glances().current()
    return {
        "detail": detail,
        "row": detail.row,
        "title": mark(detail.row.title, spans, "title"),
        "body": mark_long(detail.text, spans, "body"),
        "why": explain(detail),
        "glance": glance,
        "queue": glance.queue(detail.row.queue),
    }


def _add_note(item_id: int, text: str) -> None:
    """Add a note, unless the same person has just written the same one (a button pressed twice)."""
    with reading() as (views, tx):
        detail, now = views.item(item_id), tx.now
    last = detail.notes[-1] if detail and detail.notes else None
    if last and (last.author, last.text) == (acting().name, tidy(text)) and now - last.at < _SAME_NOTE_WITHIN:
        return
    response_service.add_note(container().store, item_id, acting(), text)


def _next_after(item_id: int) -> str:
    """Return the address of what the person works on next: the next item of the queue that is free or own."""
    with reading() as (views, _):
        detail = views.item(item_id)
        if detail is None:
            return url_for("queues.home")
        behind = views.queue_page(_left_queue(detail), (detail.row.priority_at, detail.row.id)).rows
        chosen = next(filter(_workable, (*behind, *views.queue_page(_left_queue(detail)).rows)), None)
    if chosen is None:
        return url_for("queues.show", name=_left_queue(detail))
    return url_for("items.show", item_id=chosen.id)


def _left_queue(detail: ItemDetail) -> str:
    """Return the queue that the person worked in; an item that was handed over stands in another by now."""
    newest = detail.history[0].details if detail.history else {}
    left = newest.get("from") if detail.row.state == ItemState.OPEN else None
    return left if isinstance(left, str) and glances().current().queue(left) else detail.row.queue


def _workable(row: ItemRow) -> bool:
    return row.owner_id in {None, person().id}


def _lead_to(address: str) -> AnyResponse:
    if is_fragment():
        return Response("", headers={"HX-Redirect": address})
    return redirect(address, 303)
