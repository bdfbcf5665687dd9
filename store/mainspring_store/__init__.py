"""The database: tables, migrations, questions and guarded writes, on SQLite and PostgreSQL.

Modules of functions by what they are about; each takes the `Database` first. No session and no row type leaves here.
"""

from mainspring_store.database.transactions import Database, open_database

__all__ = ["Database", "open_database"]
