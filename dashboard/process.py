"""Which response process routes now? Its decision table in plain words; to change it, a person edits the file."""

from __future__ import annotations

from flask import Blueprint, render_template

from dashboard.context import container, glances, reading
from dashboard.permissions import Permission, requires

blueprint = Blueprint("process", __name__)


@blueprint.get("/process")
@requires(Permission.SEE)
def show() -> str:
    """Show the process in force. Raises NotFound before the first was put into force."""
    in_force = container().shelf.in_force()
    with reading() as (_, tx):
        stored = tx.processes.get(in_force.version_id)
    return render_template(
        "process.html", glance=glances().current(), in_force=in_force, process=in_force.process, stored=stored
    )
