"""PostgreSQL roles: the migrator owns the tables; the role of the services may only read and write rows.

SQLite has no roles: a process with write access to the file has all rights.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from mainspring.errors import NotFound
from mainspring_store.database.transactions import Database
from mainspring_store.tables import metadata

__all__ = ["RoleRights", "grant_use", "role_rights"]

_ROWS = "SELECT, INSERT, UPDATE, DELETE"


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleRights:
    """The role of our database session, and whether the role has more rights than a service needs."""

    name: str
    may_change_tables: bool


def role_rights(database: Database) -> RoleRights | None:
    """Rights of the role with which the database was opened; `None` on SQLite.

    Raises:
        StoreUnavailable: The database cannot be reached.
    """
    if database.is_sqlite:
        return None
    with database.read() as connection:
        row = connection.execute(_RIGHTS).one()
    return RoleRights(name=row.name, may_change_tables=row.may_change_tables)


def grant_use(connection: Connection, role: str) -> None:
    """Let a role read and write the rows of all tables, also of tables from later migrations. Grant no other right.

    The owner of the tables calls this function after the migrations. The function is idempotent.

    Raises:
        NotFound: There is no such role.
    """
    if connection.scalar(_ROLE_EXISTS, {"role": role}) is None:
        raise NotFound(f"the database has no role '{role}', which database_url names; create it: docs/running.md")
    quote = connection.dialect.identifier_preparer.quote_identifier
    schema, grantee = quote(connection.scalar(text("SELECT current_schema()"))), quote(role)
    tables = ", ".join(quote(name) for name in metadata.tables)
    for statement in (
        f"GRANT USAGE ON SCHEMA {schema} TO {grantee}",
        f"GRANT {_ROWS} ON {tables} TO {grantee}",
        f"GRANT SELECT ON alembic_version TO {grantee}",
        f"GRANT USAGE ON SEQUENCE {', '.join(_sequences(connection))} TO {grantee}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT {_ROWS} ON TABLES TO {grantee}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE ON SEQUENCES TO {grantee}",
    ):
        connection.exec_driver_sql(statement)


def _sequences(connection: Connection) -> list[str]:
    """Quoted names of the sequences that generate row ids."""
    id_columns = [table.autoincrement_column for table in metadata.tables.values()]
    return [
        connection.execute(_SEQUENCE, {"table": column.table.name, "column": column.name}).scalar_one()
        for column in id_columns
        if column is not None
    ]


_ROLE_EXISTS = text("SELECT 1 FROM pg_roles WHERE rolname = :role")
_SEQUENCE = text("SELECT pg_get_serial_sequence(:table, :column)")
_RIGHTS = text("""
    SELECT current_user AS name,
        coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) OR EXISTS (
            SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
            WHERE nspname = current_schema() AND relkind IN ('r', 'p') AND pg_has_role(relowner, 'MEMBER')
        ) AS may_change_tables
""")
