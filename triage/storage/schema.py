"""Is the database's schema the one this program needs? Runs and inspects migrations (O10)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import inspect, text

from triage.storage import dialect

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection, Engine

_FOLDER: Final = Path(__file__).with_name("migrations")
_NEWEST: Final = "0001"
"""The newest file in migrations/versions (a test compares), so that asking needs no Alembic: a slow import."""


def migrate(engine: Engine, revision: str = "head") -> str:
    """Bring the schema up to `revision` and return the revision reached; one migrator at a time. Raises Unavailable."""
    from alembic import command  # noqa: PLC0415  # slow to import, and rarely needed

    with (
        dialect.in_our_words(),
        engine.connect().execution_options(**{dialect.WRITE_OPTION: True}) as connection,
        connection.begin(),
    ):
        dialect.lock_for_migration(connection)
        command.upgrade(_config(connection), revision)
        return _current(connection) or ""


def downgrade(engine: Engine, revision: str = "base") -> None:
    """Take the schema back to `revision`."""
    from alembic import command  # noqa: PLC0415  # slow to import, and rarely needed

    with engine.connect().execution_options(**{dialect.WRITE_OPTION: True}) as connection, connection.begin():
        dialect.lock_for_migration(connection)
        command.downgrade(_config(connection), revision)


def is_current(engine: Engine) -> bool:
    """Say whether the schema is at the revision that this program was built for. Raises Unavailable."""
    with dialect.in_our_words(), engine.connect() as connection:
        return _current(connection) == _NEWEST


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return None if found is None else str(found)


def _config(connection: Connection) -> Config:
    from alembic.config import Config  # noqa: PLC0415  # slow to import, and rarely needed

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    return config
