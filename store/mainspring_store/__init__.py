"""The database: tables, migrations, queries and guarded writes, on SQLite and PostgreSQL.

Each module holds the functions of one subject; their first parameter is the `Database`. Callers never get a session
or a row of SQLAlchemy.
"""

from mainspring_store.database.transactions import Database, open_database

__all__ = ["Database", "open_database"]
