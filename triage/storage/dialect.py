"""Which database is this, and what follows? The only place that may ask."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

import orjson
from sqlalchemy import BigInteger, DateTime, Integer, String, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.types import TypeDecorator

from triage.domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Dialect, Engine, FromClause, Insert, Table, TextClause
    from sqlalchemy.engine import URL
    from sqlalchemy.sql.dml import ReturningInsert
    from sqlalchemy.types import TypeEngine

WRITE_OPTION = "tocsin_write"
"""Execution option of a connection whose transaction will write (SQLite takes its lock at once)."""

BIG_KEY = BigInteger().with_variant(Integer, "sqlite")
"""A 64-bit key; SQLite counts up by itself only on INTEGER."""

_TRANSIENT_STATES: Final = frozenset({"40001", "40P01", "55P03", "40003"})
_UNAVAILABLE_CLASSES: Final = frozenset({"08", "53", "57", "58"})
"""Classes of PostgreSQL's error codes: connection, resources, operator intervention, system."""
_FULL_STATE: Final = "53100"
_BUSY_CODES: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_UNAVAILABLE_CODES: Final = _BUSY_CODES | {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}
_TEXT_WIDTH: Final = 26
"""Characters of an instant as text: 2026-11-25 10:00:00.000000."""
_PROCESS_LOCK: Final = 7_021_912


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime on every database; a naive one is refused.

    SQLite keeps it as text of fixed width, so that text order is time order. The conversions are cached: a batch holds
    the same instant in hundreds of rows, and SQLAlchemy's own take longer than storing the row.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type of the column: text on SQLite, which has no other."""
        return dialect.type_descriptor(String(_TEXT_WIDTH) if dialect.name == "sqlite" else DateTime(timezone=True))

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], object]:
        """Return what turns an instant into what the driver takes."""
        return _as_text if dialect.name == "sqlite" else _as_utc

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        """Return what turns what the driver gives into aware UTC."""
        del coltype
        return _from_text if dialect.name == "sqlite" else _as_utc


@lru_cache(maxsize=1024)
def _as_text(value: datetime | None) -> str | None:
    in_utc = _as_utc(value)
    return None if in_utc is None else in_utc.isoformat(" ", "microseconds")[:_TEXT_WIDTH]


@lru_cache(maxsize=1024)
def _from_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


def _as_utc(value: datetime | None) -> datetime | None:
    if value is not None and value.tzinfo is None:
        raise ValueError("a time without a zone cannot be stored")
    return None if value is None else value.astimezone(UTC)


def _as_json(value: object) -> str:
    return orjson.dumps(value).decode()


def build_engine(url: str | URL, *, pool_size: int = 5, statement_seconds: int = 30) -> Engine:
    """Return an engine with our durability and time limits (reliability.md §3); connects to nothing yet.

    Its errors name no values: they would carry password hashes and what authors wrote into the logs (S15).
    """
    if str(url).startswith("sqlite"):
        engine = create_engine(
            url,
            connect_args={"timeout": 5, "check_same_thread": False},
            pool_size=pool_size,
            hide_parameters=True,
            json_serializer=_as_json,
            json_deserializer=orjson.loads,
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    options = (
        f"-c timezone=UTC -c statement_timeout={statement_seconds}s -c lock_timeout=8s"
        " -c idle_in_transaction_session_timeout=5s -c synchronous_commit=on"
    )
    return create_engine(
        url,
        pool_size=pool_size,
        pool_pre_ping=True,
        hide_parameters=True,
        json_serializer=_as_json,
        json_deserializer=orjson.loads,
        connect_args={"connect_timeout": 5, "options": options},
    )


def _prepare_sqlite(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]  # we say BEGIN ourselves
    cursor = connection.cursor()  # type: ignore[attr-defined]  # a DB-API connection
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000", "temp_store=MEMORY"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITE_OPTION, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def clock_statement(dialect: Dialect) -> TextClause:
    """Return the statement that reads the database's clock as a value `parse_clock` understands."""
    return text(
        "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')" if dialect.name == "sqlite" else "SELECT clock_timestamp()"
    )


def parse_clock(value: object) -> datetime:
    """Return the database's clock reading as aware UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.fromisoformat(str(value)).replace(tzinfo=UTC)


def insert_new(
    dialect: Dialect, table: FromClause, keys: Sequence[str], returning: Sequence[ColumnElement[Any]] = ()
) -> ReturningInsert[Any]:
    """Return `INSERT … ON CONFLICT (keys) DO NOTHING [RETURNING …]`, to be executed with a list of dicts."""
    build = sqlite.insert if dialect.name == "sqlite" else postgresql.insert
    statement = build(cast("Table", table)).on_conflict_do_nothing(index_elements=list(keys))
    return cast("ReturningInsert[Any]", statement.returning(*returning) if returning else statement)


def upsert(dialect: Dialect, table: FromClause, keys: Sequence[str], values: Mapping[str, object]) -> Insert:
    """Return `INSERT … ON CONFLICT (keys) DO UPDATE` that sets every other given column."""
    build = sqlite.insert if dialect.name == "sqlite" else postgresql.insert
    changed = {name: value for name, value in values.items() if name not in keys}
    return (
        build(cast("Table", table)).values(dict(values)).on_conflict_do_update(index_elements=list(keys), set_=changed)
    )


def is_transient(error: DBAPIError) -> bool:
    """Say whether the same transaction may succeed when run again (lock, deadlock, serialisation; F10)."""
    return _state(error) in _TRANSIENT_STATES or _code(error) in _BUSY_CODES


def is_unavailable(error: DBAPIError) -> bool:
    """Say whether the database cannot serve now: not reachable, shutting down, out of space (F08, F09)."""
    state, code = _state(error), _code(error)
    if state is None and code is None:  # the driver itself found nobody to talk to
        return error.connection_invalidated or isinstance(error, OperationalError)
    return error.connection_invalidated or (state or "")[:2] in _UNAVAILABLE_CLASSES or code in _UNAVAILABLE_CODES


def is_full(error: DBAPIError) -> bool:
    """Say whether the database has no room left (F09)."""
    return _state(error) == _FULL_STATE or _code(error) == sqlite3.SQLITE_FULL


@contextmanager
def in_our_words() -> Iterator[None]:
    """Tell a database that cannot serve as Unavailable; other errors of the database pass as they are.

    Raises:
        Unavailable: it does not answer, has no room left, or has no connection free.
    """
    try:
        yield
    except NoConnectionFree as error:
        raise Unavailable("The database is busy; nothing was changed. Try again.") from error
    except DBAPIError as error:
        if is_full(error):
            raise Unavailable(
                "The database's storage is full; nothing was changed. Free some space on its disk."
            ) from error
        if is_unavailable(error):
            raise Unavailable("The database does not answer. It will be tried again; nothing was lost.") from error
        raise


def _state(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _code(error: DBAPIError) -> int | None:
    """Return SQLite's primary result code, without the detail in its upper bits."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def only_where(condition: str) -> dict[str, Any]:
    """Return the options of an index that holds only the rows for which `condition` is true."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def lock_for_process_change(connection: Connection) -> None:
    """Let one change of the process in force through at a time (SQLite's write transaction already does)."""
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_PROCESS_LOCK})")


def lock_for_migration(connection: Connection) -> None:
    """Let one migrator in at a time (SQLite's write transaction already does)."""
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7021911)")
