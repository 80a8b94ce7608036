"""Who sent this request? The session cookie, and when a session's use is worth a write."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from flask import request

from triage.domain.errors import Unavailable
from triage.services import accounts
from triage.storage.accounts import SESSION_LIFE

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response

    from config.bootstrap import Container
    from triage.services.accounts import LoggedIn

_NOTE_EVERY_SECONDS: Final = 60.0
_MOST_REMEMBERED: Final = 10_000


class Visitors:
    """Reads and sets the session cookie; the session itself is a row (S08).

    `__Host-` binds the cookie to this host, to https and to the path `/`; browsers refuse it over plain http, so that
    an installation without https uses the bare name.
    """

    def __init__(self, container: Container, clock: Callable[[], float] = time.monotonic) -> None:
        self._container = container
        self._clock = clock
        self._secure = container.settings.https
        self.cookie_name = "__Host-tocsin" if self._secure else "tocsin"
        self._noted: dict[str, float] = {}
        self._lock = threading.Lock()

    @property
    def token(self) -> str:
        """The session token that the browser sent, or an empty string."""
        return request.cookies.get(self.cookie_name, "")

    def who(self) -> LoggedIn | None:
        """Return the person behind the request's cookie, or None. Raises Unavailable."""
        return accounts.who_is(self._container.store, self.token) if self.token else None

    def note_activity(self) -> None:
        """Keep the session from ending by idleness; at most one write a minute, and none that could fail a page."""
        digest, now = accounts.digest(self.token), self._clock()
        with self._lock:
            if now - self._noted.get(digest, float("-inf")) < _NOTE_EVERY_SECONDS:
                return
            if len(self._noted) >= _MOST_REMEMBERED:
                self._noted.clear()
            self._noted[digest] = now
        try:
            accounts.keep_alive(self._container.store, self.token)
        except Unavailable:
            return

    def remember(self, response: Response, token: str) -> None:
        """Give the browser the token of a session that was just opened."""
        response.set_cookie(
            self.cookie_name,
            token,
            max_age=int(SESSION_LIFE.total_seconds()),
            secure=self._secure,
            httponly=True,
            samesite="Lax",
            path="/",
        )

    def forget(self, response: Response) -> None:
        """Take the token back from the browser."""
        response.delete_cookie(self.cookie_name, path="/", secure=self._secure, httponly=True, samesite="Lax")
