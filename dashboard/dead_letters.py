"""Which work failed for good, and shall it be tried again? (O5)"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, render_template, url_for

from dashboard import notices
from dashboard.context import acting, container, glances, reading
from dashboard.notices import Notice, Shown
from dashboard.permissions import Permission, requires
from triage.services import dead_letters

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

blueprint = Blueprint("dead_letters", __name__)


@blueprint.get("/dead-letters")
@requires(Permission.SEE)
def show() -> str:
    """Show what waits for a decision, oldest first."""
    with reading() as (_, tx):
        letters = tx.dead_letters.waiting()
    return render_template("dead_letters.html", glance=glances().current(), letters=letters, notice=notices.asked_for())


@blueprint.post("/dead-letters/<id:letter_id>/replay")
@requires(Permission.OPERATE)
def replay(letter_id: int) -> AnyResponse:
    """Try the work again."""
    dead_letters.replay(container().store, letter_id, acting())
    return redirect(Shown(Notice.REPLAYED).leading_to(url_for("dead_letters.show")), 303)


@blueprint.post("/dead-letters/<id:letter_id>/discard")
@requires(Permission.OPERATE)
def discard(letter_id: int) -> AnyResponse:
    """Give the work up."""
    dead_letters.discard(container().store, letter_id, acting())
    return redirect(Shown(Notice.DISCARDED).leading_to(url_for("dead_letters.show")), 303)
