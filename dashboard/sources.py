"""Where do mentions come from, and which of those places are in trouble?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from flask import Blueprint, redirect, render_template, url_for

from dashboard import notices
from dashboard.context import acting, container, glances, reading
from dashboard.notices import Notice, Shown
from dashboard.permissions import Permission, requires
from triage.services import sources_admin

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

blueprint = Blueprint("sources", __name__)

_SILENT_AFTER: Final = timedelta(days=30)


@blueprint.get("/sources")
@requires(Permission.SEE)
def show() -> str:
    """Show every source, those in trouble first, then those that have been silent for a month."""
    with reading() as (views, tx):
        rows, now = views.sources(), tx.now
    troubled = [row for row in rows if row.state == "gone" or row.last_error_kind]
    others = [row for row in rows if row not in troubled]
    silent = [row for row in others if row.last_entry_at is not None and now - row.last_entry_at >= _SILENT_AFTER]
    return render_template(
        "sources.html",
        glance=glances().current(),
        groups={"troubled": troubled, "silent": silent, "fine": [row for row in others if row not in silent]},
        notice=notices.asked_for(),
    )


@blueprint.post("/sources/<id:source_id>/poll")
@requires(Permission.OPERATE)
def poll(source_id: int) -> AnyResponse:
    """Read a source now; one that was given up is tried again."""
    sources_admin.poll_now(container().store, source_id, acting())
    return redirect(Shown(Notice.POLLING, source_id).leading_to(url_for("sources.show")), 303)
