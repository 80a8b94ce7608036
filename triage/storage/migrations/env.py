"""How does Alembic reach the database? Through the connection that storage/schema.py hands over."""

from __future__ import annotations

from alembic import context

from triage.storage.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
