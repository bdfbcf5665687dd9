"""The database: tables, migrations, questions and guarded writes, on SQLite and PostgreSQL."""
