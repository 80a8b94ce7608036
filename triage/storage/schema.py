"""Is the database's schema the one this program needs? Runs and inspects migrations (O10)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from triage.storage import dialect

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_FOLDER: Final = Path(__file__).with_name("migrations")


def migrate(engine: Engine, revision: str = "head") -> str:
    """Bring the schema up to `revision` and return the revision reached; one migrator at a time."""
    with engine.connect().execution_options(**{dialect.WRITE_OPTION: True}) as connection, connection.begin():
        dialect.lock_for_migration(connection)
        command.upgrade(_config(connection), revision)
        return MigrationContext.configure(connection).get_current_revision() or ""


def downgrade(engine: Engine, revision: str = "base") -> None:
    """Take the schema back to `revision`."""
    with engine.connect().execution_options(**{dialect.WRITE_OPTION: True}) as connection, connection.begin():
        dialect.lock_for_migration(connection)
        command.downgrade(_config(connection), revision)


def is_current(engine: Engine) -> bool:
    """Say whether the schema is at the revision that this program was built for."""
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    return found == ScriptDirectory(str(_FOLDER)).get_current_head()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    return config
