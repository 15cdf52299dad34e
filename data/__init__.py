"""The state: SQLite connections, schema, migrations and the change feed. Knows no rule of the product."""
