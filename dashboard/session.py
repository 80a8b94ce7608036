"""Who is this? Log in, log out, change one's own password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, redirect, render_template, request, url_for

from dashboard.context import container, glances, is_fragment, person, visitors
from dashboard.failures import LOGIN_RETRY_SECONDS
from dashboard.notices import Notice, Shown
from dashboard.permissions import Permission, requires
from dashboard.security import own_path
from triage.domain.errors import NotPermitted
from triage.services import accounts
from triage.services.accounts import MIN_PASSWORD, Login, TooManyAttempts

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

blueprint = Blueprint("session", __name__)


@blueprint.get("/login")
@requires(Permission.PUBLIC)
def login() -> AnyResponse | str:
    """Show the login form; a person who is logged in goes on to where they wanted."""
    wanted = own_path(request.args.get("next"))
    if visitors().who() is not None:
        return redirect(wanted)
    return render_template("login.html", wanted=wanted, email="", problem="")


@blueprint.post("/login")
@requires(Permission.PUBLIC)
def log_in() -> AnyResponse:
    """Check the password, end the session that the browser had, and open a new one (S08)."""
    email, wanted = request.form.get("email", "").replace("\0", ""), own_path(request.form.get("next"))
    try:
        token = _opened(email, request.form.get("password", ""))
    except TooManyAttempts as refusal:
        answer = _form_again(email, wanted, str(refusal), 429)
        answer.headers["Retry-After"] = str(LOGIN_RETRY_SECONDS)
        return answer
    except NotPermitted as refusal:
        return _form_again(email, wanted, str(refusal), 403)
    if visitors().token:
        accounts.log_out(container().store, visitors().token)
    answer = Response(status=303, headers={"Location": wanted})
    visitors().remember(answer, token)
    return answer


@blueprint.post("/logout")
@requires(Permission.PUBLIC)
def log_out() -> AnyResponse:
    """End the session here and on the server."""
    if visitors().token:
        accounts.log_out(container().store, visitors().token)
    address = url_for("session.login")
    answer = Response("", headers={"HX-Redirect": address}) if is_fragment() else redirect(address, 303)
    visitors().forget(answer)
    return answer


@blueprint.get("/password")
@requires(Permission.SEE)
def password() -> str:
    """Show the form for a new password."""
    return _password_form("")


@blueprint.post("/password")
@requires(Permission.SEE)
def set_password() -> AnyResponse:
    """Change the password, end every session of this person, and open a new one here."""
    store, new = container().store, request.form.get("new", "")
    try:
        # Proves the old password under the same limits as a login; what it opens ends with all the others below.
        _opened(person().email, request.form.get("old", ""))
        if new != request.form.get("again", ""):
            return Response(_password_form("The two new passwords differ."), 400)
        accounts.set_password(store, person().id, new)
    except TooManyAttempts as refusal:
        return Response(_password_form(str(refusal)), 429, {"Retry-After": str(LOGIN_RETRY_SECONDS)})
    except NotPermitted as refusal:
        wrong_old = "wrong" in str(refusal)
        return Response(_password_form("The old password is wrong." if wrong_old else str(refusal)), 403)
    answer = redirect(Shown(Notice.PASSWORD).leading_to(url_for("help.show")), 303)
    visitors().remember(answer, _opened(person().email, new))
    return answer


def _opened(email: str, secret: str) -> str:
    address = request.remote_addr or "unknown"
    return accounts.log_in(container().store, Login(email, secret, address))


def _form_again(email: str, wanted: str, problem: str, status: int) -> Response:
    return Response(render_template("login.html", wanted=wanted, email=email, problem=problem), status)


def _password_form(problem: str) -> str:
    return render_template("password.html", problem=problem, least=MIN_PASSWORD, glance=glances().current())
