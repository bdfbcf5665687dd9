"""PostgreSQL with a role that owns the tables and another one that only uses them."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from mainspring.errors import NotFound
from mainspring_store import Database, open_database
from mainspring_store.schema.database_roles import RoleRights, role_rights
from mainspring_store.schema.migrate import SchemaMismatch, current_revision, head_revision, migrate
from mainspring_store.tables import metadata
from tests.services.postgres import PostgresServer
from tests.services.roles import TwoRoles, two_roles

_PRIVILEGES = """
    SELECT string_agg(privilege_type, ' ' ORDER BY privilege_type)
    FROM information_schema.table_privileges WHERE grantee = current_user AND table_name = :table
"""


@pytest.fixture
def roles(postgres_server: PostgresServer) -> Iterator[TwoRoles]:
    with two_roles(postgres_server) as roles:
        yield roles


@pytest.fixture
def migrator(roles: TwoRoles) -> Iterator[Database]:
    database = open_database(roles.migrator_url)
    yield database
    database.close()


@pytest.fixture
def service(roles: TwoRoles) -> Iterator[Database]:
    """The database as the services see it."""
    database = open_database(roles.service_url)
    yield database
    database.close()


def privileges(database: Database, table: str) -> str:
    with database.read() as connection:
        return str(connection.scalar(text(_PRIVILEGES), {"table": table}))


def test_the_role_of_the_services_is_given_the_rows_of_every_table_and_nothing_else(
    roles: TwoRoles, migrator: Database, service: Database
) -> None:
    for _ in range(2):
        migrate(migrator, service_role=roles.service_role)
        assert current_revision(service) == head_revision()
        given = {privileges(service, name) for name in metadata.tables}
        assert given == {"DELETE INSERT SELECT UPDATE"}
        assert privileges(service, "alembic_version") == "SELECT"
        assert role_rights(service) == RoleRights(name=roles.service_role, may_change_tables=False)
        owner = role_rights(migrator)
        assert owner is not None
        assert owner.may_change_tables


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "ALTER TABLE dag ADD COLUMN mine int",
        "DROP TABLE dag",
        "TRUNCATE dag CASCADE",
        "CREATE INDEX mine ON dag (dag_id)",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "UPDATE alembic_version SET version_num = '0000'",
        "ALTER TABLE dag OWNER TO CURRENT_USER",
    ],
)
def test_the_role_of_the_services_changes_no_table(
    roles: TwoRoles, migrator: Database, service: Database, statement: str
) -> None:
    migrate(migrator, service_role=roles.service_role)
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), service.write() as connection:
        connection.exec_driver_sql(statement)


def test_tables_that_the_migrator_makes_later_are_open_to_the_services(
    roles: TwoRoles, migrator: Database, service: Database
) -> None:
    migrate(migrator, service_role=roles.service_role)
    with migrator.write() as connection:
        connection.exec_driver_sql("CREATE TABLE later (id bigserial PRIMARY KEY, name text)")
    with service.write() as connection:
        connection.exec_driver_sql("INSERT INTO later (name) VALUES ('x')")


def test_a_role_that_may_not_change_tables_asks_for_the_upgrade(migrator: Database, service: Database) -> None:
    asked = "`mainspring db upgrade` with migrator_database_url set"
    with pytest.raises(SchemaMismatch, match=f"may not change tables; run {asked}"):
        migrate(service)
    migrate(migrator)  # by whoever does not know of the services' role
    with pytest.raises(SchemaMismatch, match=f"permission denied for table alembic_version; run {asked}"):
        migrate(service)


def test_a_role_that_does_not_exist_is_told_and_nothing_is_done(migrator: Database) -> None:
    with pytest.raises(NotFound, match=r"no role 'nobody', which database_url names; create it"):
        migrate(migrator, service_role="nobody")
    assert current_revision(migrator) is None


def test_tables_of_a_later_version_are_left_alone(database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaMismatch, match=r"revision 9999, later than .*; run the version that brought them there"):
        migrate(database)


def test_an_owner_is_told_from_a_user_and_sqlite_has_no_roles(database: Database) -> None:
    rights = role_rights(database)
    assert (rights is None) == database.is_sqlite
    assert rights is None or rights.may_change_tables
