"""PostgreSQL sessions take over no default that the statements could not work with."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from mainspring.errors import StoreUnavailable
from mainspring_cli.config import Config
from mainspring_cli.services.database import look_at_database
from mainspring_store import Database, open_database
from mainspring_store.access.rate_limits import Bucket, take_permits
from mainspring_store.database.postgres_sessions import chosen_search_path, session_facts
from mainspring_store.schema.migrate import SchemaMismatch, current_revision, head_revision, migrate
from tests.services.database_pool import DatabasePool
from tests.services.pooler import pooled
from tests.services.postgres import PostgresServer

BUCKET = Bucket(name="things", per_second=0.001, size=1000)


@contextmanager
def role_with(server: PostgresServer, **defaults: str) -> Iterator[str]:
    """The URL of an empty database as a role that owns it and has defaults of its own."""
    role, url = f"role_{uuid.uuid4().hex}", server.create_database()
    database = make_url(url).database
    assert database is not None
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(*map(sql.Identifier, (database, role))))
        connection.execute(sql.SQL("CREATE SCHEMA mine AUTHORIZATION {}").format(sql.Identifier(role)))
        for name, value in defaults.items():
            statement = sql.SQL("ALTER ROLE {} SET {} = {}")
            connection.execute(statement.format(sql.Identifier(role), sql.Identifier(name), sql.Literal(value)))
    try:
        yield make_url(url).set(username=role).render_as_string(hide_password=False)
    finally:
        server.drop_database(url)
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def shown(database: Database, setting: str) -> str:
    with database.read() as connection:
        return str(connection.exec_driver_sql(f"SHOW {setting}").scalar())


@pytest.mark.parametrize(
    ("setting", "default", "ours"),
    [
        ("default_transaction_isolation", "repeatable read", "read committed"),
        ("default_transaction_isolation", "serializable", "read committed"),
        ("default_transaction_read_only", "on", "off"),
        ("default_transaction_deferrable", "on", "off"),
        ("search_path", "mine", "public"),
        ("client_encoding", "LATIN1", "UTF8"),
        ("DateStyle", "German", "ISO, DMY"),
        ("IntervalStyle", "sql_standard", "postgres"),
        ("extra_float_digits", "-10", "1"),
        ("standard_conforming_strings", "off", "on"),
        ("idle_session_timeout", "1h", "0"),
        ("TimeZone", "Asia/Tokyo", "UTC"),
    ],
)
def test_a_default_of_the_role_is_not_taken_over(
    postgres_server: PostgresServer, setting: str, default: str, ours: str
) -> None:
    with role_with(postgres_server, **{setting: default}) as url, closing(open_database(url)) as database:
        migrate(database)
        assert shown(database, setting) == ours
        assert shown(database, "transaction_isolation") == "read committed"
        assert take_permits(database, BUCKET, "a", 1).missing_seconds == 0
        assert current_revision(database) == head_revision()
        facts = session_facts(database)
        assert facts is not None
        assert (facts.isolation, facts.encoding, facts.schema) == ("read committed", "UTF8", "public")
        if setting in ("default_transaction_isolation", "default_transaction_read_only", "search_path"):
            assert f"not taken over: {setting} = {default}" in str(facts)


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_writers_of_one_row_wait_for_each_other_and_none_fails(postgres_server: PostgresServer, isolation: str) -> None:
    with (
        role_with(postgres_server, default_transaction_isolation=isolation) as url,
        closing(open_database(url)) as database,
    ):
        migrate(database)

        def add_one(_: int) -> None:
            with database.write() as connection:
                connection.exec_driver_sql("SELECT count(*) FROM rate_limit")
                connection.exec_driver_sql(
                    "INSERT INTO rate_limit (name, holder, full_at) VALUES ('n', 'h', 1)"
                    " ON CONFLICT (name, holder) DO UPDATE SET full_at = rate_limit.full_at + 1"
                )

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(add_one, range(200)))
        with database.read() as connection:
            assert connection.exec_driver_sql("SELECT full_at FROM rate_limit").scalar() == 200


def test_the_url_may_choose_another_schema_and_no_second_set_of_tables_is_made(postgres_server: PostgresServer) -> None:
    with role_with(postgres_server) as url:
        chosen = f"{url}&options=-csearch_path%3Dmine"
        with closing(open_database(chosen)) as database:
            migrate(database)
            assert shown(database, "search_path") == "mine"
            assert shown(database, "lock_timeout") == "5s"
            assert current_revision(database) == head_revision()
        with closing(open_database(url)) as database:
            with pytest.raises(SchemaMismatch, match="tables are in the schema 'mine', and the search path does not"):
                migrate(database)
            assert current_revision(database) is None
        state = look_at_database(Config(database_url=url))
        assert state.advice is not None
        assert "?options=-csearch_path%3Dmine" in state.advice
        assert look_at_database(Config(database_url=chosen)).advice is None


def test_a_schema_that_is_not_there_is_refused_with_the_reason(postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database()
    with closing(open_database(f"{url}&options=-csearch_path%3Dabsent")) as database:
        for _ in range(20):  # more often than there are connections
            with pytest.raises(StoreUnavailable, match="no schema of the search path 'absent' exists"):
                current_revision(database)
    postgres_server.drop_database(url)


def test_a_database_of_another_encoding_is_refused_with_the_reason(postgres_server: PostgresServer) -> None:
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0".encode())
    with (
        closing(open_database(postgres_server.url_of(name))) as database,
        pytest.raises(StoreUnavailable, match="the database has the encoding LATIN1; create one with ENCODING"),
    ):
        migrate(database)
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def test_a_commit_that_is_not_durable_is_shown(postgres_server: PostgresServer) -> None:
    for value, is_durable in (("on", True), ("off", False)):
        with (
            role_with(postgres_server, synchronous_commit=value) as url,
            closing(open_database(url)) as database,
        ):
            facts = session_facts(database)
            assert facts is not None
            assert facts.is_commit_durable == is_durable
            assert ("loses work" in str(facts)) != is_durable


def test_sqlite_has_no_sessions(tmp_path: Path) -> None:
    with closing(open_database(f"sqlite:///{tmp_path}/mainspring.db")) as database:
        assert session_facts(database) is None


def test_tables_of_a_later_version_are_not_to_be_upgraded(database: Database) -> None:
    url = database.engine.url.render_as_string(hide_password=False)
    assert look_at_database(Config(database_url=url)).advice is None
    for revision, advice in (("9999", "run that version"), ("0001", "mainspring db upgrade")):
        with database.write() as connection:
            connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")
        state = look_at_database(Config(database_url=url))
        assert state.advice is not None
        assert advice in state.advice
        assert ("db upgrade" in state.advice) == (revision == "0001")


@pytest.mark.parametrize(
    ("options", "search_path"),
    [
        ("", None),
        ("-c statement_timeout=5", None),
        ("-csearch_path=mine", "mine"),
        ("-c search_path=mine -c work_mem=1MB", "mine"),
        (r"-c search_path=mine,\ public", "mine, public"),
        ("--search-path=mine", "mine"),
        ("-csearch_path=one -csearch_path=two", "two"),
    ],
)
def test_the_search_path_of_options(options: str, search_path: str | None) -> None:
    assert chosen_search_path(options) == search_path


@pytest.mark.parametrize("takes_options", [False, True])
def test_a_pooler_before_postgresql_is_refused_with_the_cure(
    postgres_pool: DatabasePool, tmp_path_factory: pytest.TempPathFactory, takes_options: bool
) -> None:
    folder = tmp_path_factory.mktemp("pool")
    with (
        postgres_pool.lend() as url,
        pooled(url, folder, takes_options=takes_options) as through,
        closing(open_database(through)) as database,
    ):
        message = r"pooler such as PgBouncer .* is refused: .* give database_url the address of PostgreSQL itself"
        with pytest.raises(StoreUnavailable, match=message):
            shown(database, "lock_timeout")
        with closing(open_database(url)) as direct:
            assert shown(direct, "lock_timeout") == "5s"
