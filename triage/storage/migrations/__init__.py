"""HOW DOES THE SCHEMA CHANGE? Alembic revisions; each runs up, down and up again on both databases."""
