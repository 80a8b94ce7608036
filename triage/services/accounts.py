"""What happens when a person is added, logs in or logs out?

Argon2, sessions in our own table, limits on guessing (S08, S09).
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from triage.domain.errors import NotPermitted, TocsinError
from triage.services.typed_text import tidy_line
from triage.storage.audit import SYSTEM, AuditRecord

if TYPE_CHECKING:
    from triage.domain.mentions import Role, UserId
    from triage.storage.accounts import UserRecord
    from triage.storage.unit_of_work import Store, Transaction

MIN_PASSWORD: Final = 12
_MAX_EMAIL: Final = 320
"""Characters of an address (RFC 3696, erratum 1003 to section 3)."""
_MAX_NAME: Final = 200
_WINDOW: Final = timedelta(minutes=15)
_MOST_PER_ACCOUNT: Final = 10
_MOST_PER_ADDRESS: Final = 50


class TooManyAttempts(TocsinError):
    """Logins failed too often from this address or for this account; try again later (HTTP 429)."""

    permanent = False


@dataclass(frozen=True, slots=True)
class NewUser:
    """A person to be added; the password is plain and is hashed before it is stored."""

    email: str
    name: str
    role: Role
    password: str


@dataclass(frozen=True, slots=True)
class Login:
    """What the browser sends: `address` is the client's network address."""

    email: str
    password: str
    address: str


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A person who is logged in."""

    id: UserId
    email: str
    name: str
    role: Role


def add_user(store: Store, user: NewUser) -> UserId:
    """Add a person.

    Raises:
        NotPermitted: the address is not one or is taken, the name is empty or too long, or the password is too short.
    """
    email, name = _folded(user.email), tidy_line(user.name)
    if "@" not in email.strip("@") or len(email) > _MAX_EMAIL:
        raise NotPermitted(f"{user.email!r} is not an e-mail address.")
    if not name or len(name) > _MAX_NAME:
        raise NotPermitted(f"A person needs a name of at most {_MAX_NAME} characters.")
    return store.write(partial(_add, email, name, user.role, _hashed(user.password)))


def set_password(store: Store, user_id: UserId, password: str) -> None:
    """Change a password and end every session of that person. Raises NotPermitted."""
    store.write(partial(_set_password, user_id, _hashed(password)))


def log_in(store: Store, login: Login) -> str:
    """Check a password and open a session; return its token, which is stored nowhere.

    The work is the same for an unknown account, so that its absence does not show in time (S09).

    Raises:
        TooManyAttempts: ten failures for the account, or fifty from the address, within 15 minutes.
        NotPermitted: address or password is wrong.
    """
    email = _folded(login.email)
    with store.read() as tx:
        _check_limits(email, login.address, tx)
        user = tx.accounts.by_email(email)
    if not _matches(user, login.password) or user is None or not user.active:
        store.write(partial(_note_failure, email, login.address))
        raise NotPermitted("The e-mail address or the password is wrong.")
    token = secrets.token_urlsafe(32)
    store.write(partial(_open, user, token))
    return token


def who_is(store: Store, token: str) -> LoggedIn | None:
    """Return the person behind a session token, or None when the session ended."""
    token_digest = digest(token)
    with store.read() as tx:
        user = tx.accounts.by_session(token_digest, tx.now)
    return None if user is None else LoggedIn(user.id, user.email, user.name, user.role)


def keep_alive(store: Store, token: str) -> None:
    """Note that a session is in use; call it once a minute at most, since it takes the database's write lock."""
    store.write(lambda tx: tx.accounts.touch_session(digest(token), tx.now))


def log_out(store: Store, token: str) -> None:
    """End a session."""
    store.write(lambda tx: tx.accounts.end_session(digest(token)))


def digest(token: str) -> str:
    """Return what is stored of a token: SHA-256 in hex (S12)."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _hashed(password: str) -> str:
    if len(password) < MIN_PASSWORD:
        raise NotPermitted(f"A password needs at least {MIN_PASSWORD} characters.")
    try:
        return _hasher().hash(password)
    except UnicodeEncodeError:
        raise NotPermitted("This password holds characters that are not text.") from None


def _matches(user: UserRecord | None, password: str) -> bool:
    decoy = _decoy()  # made before the branch: the first unknown account must not take longer than the others
    try:
        return _hasher().verify(user.password_hash if user else decoy, password) and user is not None
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _decoy() -> str:
    return _hasher().hash(secrets.token_urlsafe(32))


def _folded(email: str) -> str:
    return tidy_line(email).casefold()


def _add(email: str, name: str, role: Role, password_hash: str, tx: Transaction) -> UserId:
    user_id = tx.accounts.add(email, name, role, password_hash, tx.now)
    if user_id is None:
        raise NotPermitted(f"There is already a person with the address {email}.")
    tx.audit.append(tx.now, SYSTEM, [AuditRecord("user.add", "user", user_id, {"email": email, "role": role})])
    return user_id


def _set_password(user_id: UserId, password_hash: str, tx: Transaction) -> None:
    tx.accounts.set_password(user_id, password_hash)
    tx.accounts.end_sessions(user_id)
    tx.audit.append(tx.now, SYSTEM, [AuditRecord("user.password", "user", user_id)])


def _check_limits(email: str, address: str, tx: Transaction) -> None:
    since = tx.now - _WINDOW
    by_account, by_address = _subjects(email, address)
    if (
        tx.accounts.failures_since(by_account, since) >= _MOST_PER_ACCOUNT
        or tx.accounts.failures_since(by_address, since) >= _MOST_PER_ADDRESS
    ):
        raise TooManyAttempts("Too many failed logins. Try again in 15 minutes.")


def _note_failure(email: str, address: str, tx: Transaction) -> None:
    tx.accounts.note_failure(_subjects(email, address), tx.now)


def _subjects(email: str, address: str) -> tuple[str, str]:
    """Return the names under which failures are counted, short enough to be stored."""
    return f"user:{email[:_MAX_EMAIL]}", f"address:{address[:_MAX_EMAIL]}"


def _open(user: UserRecord, token: str, tx: Transaction) -> None:
    tx.accounts.forget_failures(_subjects(user.email, "")[0])
    tx.accounts.open_session(user.id, digest(token), tx.now)
    tx.audit.append(tx.now, SYSTEM, [AuditRecord("user.login", "user", user.id)])
