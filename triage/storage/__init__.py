"""WHERE IS IT KEPT? The schema, the statements and the transaction; nothing here decides."""
