"""Does the schema go up, down and up again, and is it the one the code declares (O10)?"""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from triage.storage import schema
from triage.storage.dialect import build_engine
from triage.storage.tables import Base


def test_o10_migrations_run_up_down_and_up_again(database_url):
    engine = build_engine(database_url)
    assert schema.is_current(engine)
    schema.downgrade(engine)
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    assert not schema.is_current(engine)
    schema.migrate(engine)
    assert schema.is_current(engine)
    engine.dispose()


def test_the_migrated_schema_is_the_declared_one(database_url):
    engine = build_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_migrating_twice_changes_nothing(database_url):
    engine = build_engine(database_url)
    assert schema.migrate(engine) == schema.migrate(engine)
    engine.dispose()


def test_the_newest_revision_named_in_the_code_is_the_newest_file():
    assert ScriptDirectory(str(schema._FOLDER)).get_current_head() == schema._NEWEST
