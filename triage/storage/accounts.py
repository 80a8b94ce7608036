"""Who may log in, who is logged in, and who failed to?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, func, insert, select, update

from triage.domain.mentions import Role, UserId
from triage.storage.dialect import insert_new
from triage.storage.tables import LoginAttempt, Session, User

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

SESSION_LIFE: Final = timedelta(days=14)
SESSION_IDLE: Final = timedelta(hours=12)
_SEEN_STEP: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class UserRecord:
    """A person; `password_hash` is argon2 and never leaves the accounts service."""

    id: UserId
    email: str
    name: str
    role: Role
    password_hash: str
    active: bool


class Accounts:
    """People, sessions and failed logins."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, email: str, name: str, role: Role, password_hash: str, now: datetime) -> UserId | None:
        """Add a person; None when the address (already folded) is taken."""
        values = {
            "email": email,
            "name": name,
            "role": role,
            "password_hash": password_hash,
            "active": True,
            "created_at": now,
        }
        statement = insert_new(self._connection.dialect, User.__table__, ["email"], [User.__table__.c.id])
        user_id = self._connection.execute(statement, [values]).scalar_one_or_none()
        return None if user_id is None else UserId(user_id)

    def by_email(self, email: str) -> UserRecord | None:
        """Return the person with this folded address, or None."""
        return self._one(User.email == email)

    def by_session(self, token_digest: str, now: datetime) -> UserRecord | None:
        """Return the active person of a live session, or None; notes that the session was seen."""
        statement = select(Session.user_id, Session.seen_at).where(
            Session.token_digest == token_digest, Session.expires_at > now, Session.seen_at > now - SESSION_IDLE
        )
        found = self._connection.execute(statement).one_or_none()
        return None if found is None else self._one((User.id == found.user_id) & User.active.is_(True))

    def touch_session(self, token_digest: str, now: datetime) -> None:
        """Note that a session is in use; at most one write a minute."""
        self._connection.execute(
            update(Session)
            .where(Session.token_digest == token_digest, Session.seen_at <= now - _SEEN_STEP)
            .values(seen_at=now)
        )

    def open_session(self, user_id: UserId, token_digest: str, now: datetime) -> None:
        """Store a new session."""
        values = {
            "token_digest": token_digest,
            "user_id": user_id,
            "created_at": now,
            "seen_at": now,
            "expires_at": now + SESSION_LIFE,
        }
        self._connection.execute(insert(Session), [values])

    def end_session(self, token_digest: str) -> None:
        """End one session."""
        self._connection.execute(delete(Session).where(Session.token_digest == token_digest))

    def end_sessions(self, user_id: UserId) -> None:
        """End every session of a person (a password change does)."""
        self._connection.execute(delete(Session).where(Session.user_id == user_id))

    def set_password(self, user_id: UserId, password_hash: str) -> None:
        """Store a new password hash."""
        self._connection.execute(update(User).where(User.id == user_id).values(password_hash=password_hash))

    def note_failure(self, subjects: Sequence[str], now: datetime) -> None:
        """Remember a failed login of each subject (an account, an address)."""
        self._connection.execute(insert(LoginAttempt), [{"subject": subject, "at": now} for subject in subjects])

    def failures_since(self, subject: str, since: datetime) -> int:
        """Count failed logins of a subject."""
        statement = select(func.count(LoginAttempt.id)).where(LoginAttempt.subject == subject, LoginAttempt.at > since)
        return int(self._connection.execute(statement).scalar_one())

    def forget_failures(self, subject: str) -> None:
        """Forget the failed logins of a subject."""
        self._connection.execute(delete(LoginAttempt).where(LoginAttempt.subject == subject))

    def forget_old(self, now: datetime) -> None:
        """Drop expired sessions and failed logins older than a day."""
        self._connection.execute(delete(Session).where(Session.expires_at <= now))
        self._connection.execute(delete(LoginAttempt).where(LoginAttempt.at <= now - timedelta(days=1)))

    def count(self) -> int:
        """Return how many people may log in."""
        return int(self._connection.execute(select(func.count(User.id)).where(User.active)).scalar_one())

    def _one(self, condition: ColumnElement[bool]) -> UserRecord | None:
        columns = User.columns_for(UserRecord)
        row = self._connection.execute(select(*columns).where(condition)).one_or_none()
        if row is None:
            return None
        return UserRecord(UserId(row.id), row.email, row.name, Role(row.role), row.password_hash, row.active)
