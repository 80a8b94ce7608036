"""How is this used? The keys and the ideas, on one page that needs no JavaScript."""

from __future__ import annotations

from flask import Blueprint, render_template

from dashboard import notices
from dashboard.context import glances
from dashboard.permissions import Permission, requires

blueprint = Blueprint("help", __name__)


@blueprint.get("/help")
@requires(Permission.SEE)
def show() -> str:
    """Show the help page."""
    return render_template("help.html", glance=glances().current(), notice=notices.asked_for())
