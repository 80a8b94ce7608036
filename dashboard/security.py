"""What must hold before a view runs, and what does every answer carry? (security.md S08, S10, S11, S17, §5)

In this order: the host is one of ours, the person has the view's permission, a change comes from our own pages. The
check of form tokens (Flask-WTF) follows last.
"""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from flask import abort, current_app, g, redirect, request, url_for
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from dashboard.context import VISITORS, container, glances, is_fragment, visitors
from dashboard.form_session import FormSessions
from dashboard.permissions import Permission, may, permission_of
from dashboard.visitors import Visitors

if TYPE_CHECKING:
    from flask import Flask, Response
    from werkzeug.wrappers import Response as AnyResponse

    from config.bootstrap import Container

_log = logging.getLogger(__name__)

MAX_BODY_BYTES: Final = 256 * 1024
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES: Final = frozenset({"same-origin", "none"})  # "none": the person typed, reloaded or used a bookmark
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_HSTS: Final = "max-age=31536000"
_ANY_HOST: Final = frozenset({"health.healthz", "health.readyz"})
"""Probes name whatever address they were given; what these two answer names no host and holds no secret."""


def secure(app: Flask, parts: Container) -> None:
    """Put every guard in front of `app`'s views and the headers on its answers."""
    app.secret_key = parts.secret_key()
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_BODY_BYTES,
        WTF_CSRF_TIME_LIMIT=None,  # a token lives as long as its session
        WTF_CSRF_SSL_STRICT=False,  # `_check_origin` is stricter and does not need a Referer
    )
    guests = app.extensions[VISITORS] = Visitors(parts)
    app.session_interface = FormSessions(app.secret_key, guests.cookie_name, secure=parts.settings.https)
    if proxies := parts.settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=0)  # type: ignore[method-assign]  # Flask's documented way
    for guard in (_name_request, _check_host, _permit, _check_origin):
        app.before_request(guard)
    CSRFProtect(app)
    app.after_request(_add_headers)


def _name_request() -> None:
    g.trace = secrets.token_hex(6)


def _check_host() -> None:
    if request.endpoint in _ANY_HOST:
        return
    try:
        name = urlsplit(f"//{request.host}").hostname
    except ValueError:  # not a host at all
        name = None
    if name not in container().settings.hosts:
        abort(400, "This address is not one of the names that Tocsin answers to (TOCSIN_HOSTS).")


def _permit() -> AnyResponse | None:
    if request.endpoint is None:
        return None  # no such page: routing says so
    permission = permission_of(current_app.view_functions.get(request.endpoint))
    if permission is Permission.PUBLIC:
        return None
    if permission is None:
        _log.error("The view %s declares no permission and is closed.", request.endpoint)
        abort(404)
    found = visitors().who()
    if found is None:
        return _to_login()
    g.person = found
    if not may(found.role, permission):
        abort(404)  # what a person may not do looks like what does not exist
    if not request.path.endswith("/rows"):  # a page that refreshes itself is not a person at work
        visitors().note_activity()
    return None


def _to_login() -> AnyResponse:
    """Send the browser to the login page, and from there back to the page it was on."""
    wanted = request.full_path.removesuffix("?") if request.method in _SAFE_METHODS else "/"
    if is_fragment():
        wanted = urlsplit(request.headers.get("HX-Current-URL", "/")).path or "/"
    address = url_for("session.login") + (f"?next={quote(wanted, safe='/')}" if wanted != "/" else "")
    if is_fragment():
        return current_app.response_class("", 401, {"HX-Redirect": address})
    return redirect(address, 302 if request.method in _SAFE_METHODS else 303)


def _check_origin() -> None:
    if request.method in _SAFE_METHODS:
        return
    scheme = "https" if container().settings.https else request.scheme
    origin = request.headers.get("Origin", f"{scheme}://{request.host}")
    if request.headers.get("Sec-Fetch-Site", "none") not in _OWN_SITES or (
        origin.lower() != f"{scheme}://{request.host}".lower()
    ):
        abort(403, "This request came from another site; nothing was changed.")


def _add_headers(response: Response) -> Response:
    if request.method not in _SAFE_METHODS:
        glances().forget()
    for name, value in _HEADERS.items():
        response.headers[name] = value
    if container().settings.https:
        response.headers["Strict-Transport-Security"] = _HSTS
    response.headers["X-Request-Id"] = g.get("trace", "")
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def own_path(wanted: str | None, otherwise: str = "/") -> str:
    r"""Return `wanted` if it is a path on this site that a redirect may lead to, else `otherwise` (S08).

    `//evil`, `/\evil` and anything with a scheme, a host or a control character is not.
    """
    if not wanted or not wanted.startswith("/") or wanted.startswith("//") or "\\" in wanted:
        return otherwise
    if not wanted.isprintable():
        return otherwise
    parts = urlsplit(wanted)
    return otherwise if parts.scheme or parts.netloc else wanted
