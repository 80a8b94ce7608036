"""What proves that a form was ours? A value bound to the browser's session, in the place where Flask-WTF looks.

Flask-WTF keeps the secret of its tokens in Flask's cookie session. Ours keeps nothing there: the secret is derived from
the session token (or, before login, from a random cookie of its own), so that a token dies with the session it was
made for and cannot be carried from one login to the next.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Any, Final

from flask import g
from flask.sessions import SessionInterface, SessionMixin

if TYPE_CHECKING:
    from flask import Flask, Request, Response

_FIELD: Final = "csrf_token"


class FormSession(dict[str, Any], SessionMixin):
    """Holds the secret of this request's form tokens; `fresh` is the new value for a browser that has none."""

    fresh: str = ""


class FormSessions(SessionInterface):
    """Derives the secret from a cookie; nothing a view writes into `flask.session` is kept."""

    def __init__(self, key: str, session_cookie: str, *, secure: bool) -> None:
        self._key = key.encode()
        self._session_cookie = session_cookie
        self._form_cookie = "__Host-tocsin-form" if secure else "tocsin-form"
        self._secure = secure

    def open_session(self, app: Flask, request: Request) -> FormSession:
        """Return the secret bound to this browser."""
        del app
        session = FormSession()
        bound = request.cookies.get(self._session_cookie) or request.cookies.get(self._form_cookie)
        if not bound:
            bound = session.fresh = secrets.token_urlsafe(32)
        session[_FIELD] = hmac.new(self._key, bound.encode(), hashlib.sha256).hexdigest()
        return session

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Give the browser the new value, if this answer holds a form that needs it."""
        del app
        if isinstance(session, FormSession) and session.fresh and _FIELD in g:
            response.set_cookie(
                self._form_cookie, session.fresh, secure=self._secure, httponly=True, samesite="Lax", path="/"
            )
