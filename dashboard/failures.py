"""What does a person see when something failed? What happened, what still works, what to do (U44).

Pages for a browser that asked for a page, a short message for htmx; the same status either way.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from flask import Response, g, render_template, request
from werkzeug.exceptions import HTTPException

from dashboard.context import is_fragment
from triage.domain.errors import AlreadyClaimed, NotFound, NotPermitted, TocsinError, Unavailable
from triage.services.accounts import TooManyAttempts

if TYPE_CHECKING:
    from flask import Flask

_log = logging.getLogger(__name__)

RETRY_SECONDS: Final = 5
LOGIN_RETRY_SECONDS: Final = 15 * 60
_EXPLAINED: Final = frozenset({400, 403, 404, 405, 409, 410, 413, 429, 500, 503})


def explain_failures(app: Flask) -> None:
    """Answer every failure of `app` in words."""
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(TocsinError, _tocsin)
    app.register_error_handler(Exception, _unexpected)


def failure(status: int, **facts: Any) -> Response:
    """Return the answer for a status: `reason` is one plain sentence, `owner` and `since` say who has an item."""
    template = "parts/failure.html" if is_fragment() else "failure.html"
    body = render_template(
        template,
        status=status,
        kind=status if status in _EXPLAINED else (500 if status >= 500 else 400),  # noqa: PLR2004  # HTTP's classes
        trace=g.get("trace", ""),
        retries=request.method in {"GET", "HEAD"},
        facts={"reason": "", "owner": "", "since": None} | facts,
    )
    response = Response(body, status)
    if "retry_after" in facts:
        response.headers["Retry-After"] = str(facts["retry_after"])
    return response


def _http(error: HTTPException) -> Response:
    if error.code is not None and error.code < 400:  # noqa: PLR2004  # a redirect that routing asks for
        return Response(status=error.code, headers=[*error.get_headers()])
    own_words = type(error).description != error.description  # Werkzeug's own sentences are not for our readers
    answer = failure(error.code or 500, reason=error.description if own_words else "")
    for name, value in error.get_headers():
        if name == "Allow":
            answer.headers[name] = value
    return answer


def _tocsin(error: TocsinError) -> Response:
    match error:
        case AlreadyClaimed():
            return failure(409, owner=error.owner, since=error.since)
        case NotPermitted():
            return failure(409, reason=str(error))
        case NotFound():
            return failure(404, reason=str(error))
        case TooManyAttempts():
            return failure(429, reason=str(error), retry_after=LOGIN_RETRY_SECONDS)
        case Unavailable():
            return failure(503, retry_after=RETRY_SECONDS)
    return _unexpected(error)


def _unexpected(error: Exception) -> Response:
    _log.error("Request %s %s %s failed", g.get("trace", ""), request.method, request.path, exc_info=error)
    return failure(500)
