"""Does this process live, and can it serve? Answers for supervisors and load balancers (O1, O2)."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from dashboard.context import container, glances
from dashboard.permissions import Permission, requires
from triage.domain.errors import Unavailable
from triage.storage.schema import is_current

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@requires(Permission.PUBLIC)
def healthz() -> Response:
    """Say that this process answers; touches nothing else."""
    return Response("ok\n", content_type="text/plain; charset=utf-8")


@blueprint.get("/readyz")
@requires(Permission.PUBLIC)
def readyz() -> tuple[Response, int]:
    """Say whether pages can be served: the database answers and has our schema.

    A broker that does not answer is reported and is no reason to take the dashboard away: claims work without it.
    """
    state = {"database": "ok", "schema": "ok", "broker": "ok" if glances().broker_alive() else "down"}
    store = container().store
    try:
        with store.read() as tx:
            _ = tx.now
        if not is_current(store.engine):
            state["schema"] = "not up to date; run `tocsin migrate`"
    except Unavailable:
        state["database"] = "down"
    ready = state["database"] == state["schema"] == "ok"
    return jsonify({"ready": ready, **state}), 200 if ready else 503
