"""PostgreSQL ends what hangs: statements, waits for locks, transactions in which nothing happens."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from mainspring.definition import parse_definition
from mainspring.errors import Conflict, StoreUnavailable
from mainspring_api import ApiSettings
from mainspring_api.app import close_app, create_app
from mainspring_api.execution import ExecutionSettings, close_execution_app, create_execution_app
from mainspring_scheduler import service
from mainspring_store import Database, open_database
from mainspring_store.database.key_ring import KeyRing, key_file
from mainspring_store.database.transactions import lift_time_limit
from mainspring_store.resources.dag_deletion import delete_dag
from mainspring_store.resources.dags import save_dag
from mainspring_store.schema.migrate import current_revision, head_revision, migrate
from tests.services.postgres import PostgresServer

LIMIT_SECONDS = 0.25
DAG = {"dag_id": "etl", "tasks": {"a": {"type": "noop"}}}
NAP = """
    CREATE FUNCTION nap() RETURNS {kind} LANGUAGE plpgsql AS $$
    BEGIN
        IF current_setting('test.napped', true) IS NULL THEN
            PERFORM set_config('test.napped', 'once', false), pg_sleep(0.4);
        END IF;
        {end}
    END $$
"""
"""Takes longer than the limit, once in a connection."""


@pytest.fixture
def limited(postgres_server: PostgresServer) -> Iterator[Database]:
    """An empty database in which a statement may take a quarter of a second."""
    url = postgres_server.create_database()
    database = open_database(url, statement_seconds_max=LIMIT_SECONDS)
    yield database
    database.close()
    postgres_server.drop_database(url)


def test_a_statement_that_takes_too_long_is_ended(limited: Database) -> None:
    with pytest.raises(StoreUnavailable, match="statement timeout"), limited.read() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(30)")


def shown(database: Database, setting: str) -> str:
    with database.read() as connection:
        return str(connection.exec_driver_sql(f"SHOW {setting}").scalar())


def test_every_connection_gives_locks_and_idle_transactions_an_end(limited: Database) -> None:
    settings = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    assert [shown(limited, setting) for setting in settings] == ["250ms", "5s", "30s"]


def test_an_upgrade_takes_the_time_that_it_needs(limited: Database) -> None:
    with limited.write() as connection:
        connection.exec_driver_sql(NAP.format(kind="event_trigger", end=""))
        connection.exec_driver_sql("CREATE EVENT TRIGGER slow ON ddl_command_end EXECUTE FUNCTION nap()")
    migrate(limited)
    assert current_revision(limited) == head_revision()


def test_the_deletion_of_a_dag_with_a_long_history_takes_the_time_that_it_needs(limited: Database) -> None:
    migrate(limited)
    now = datetime.now(UTC)
    save_dag(limited, parse_definition(DAG, media="json"), by=None, now=now)
    with limited.write() as connection:
        connection.exec_driver_sql(NAP.format(kind="trigger", end="RETURN OLD;"))
        connection.exec_driver_sql(
            "CREATE TRIGGER slow BEFORE DELETE ON dag_run FOR EACH STATEMENT EXECUTE FUNCTION nap()"
        )
    delete_dag(limited, "etl", now=now)


def test_the_limit_is_lifted_for_one_transaction_alone(limited: Database) -> None:
    with limited.write() as connection:
        lift_time_limit(connection)
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "0"
    assert shown(limited, "statement_timeout") == "250ms"


def test_a_long_read_has_no_limit_and_leaves_the_limit_of_others(limited: Database) -> None:
    with limited.read(is_long=True) as connection:
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "0"
    assert shown(limited, "statement_timeout") == "250ms"


def test_a_read_opens_no_transaction(limited: Database) -> None:
    with limited.read() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
        session = connection.connection.dbapi_connection
        assert isinstance(session, psycopg.Connection)
        assert session.info.transaction_status is TransactionStatus.IDLE


def test_the_api_takes_ten_seconds_at_most(postgres_database: Database, tmp_path: Path) -> None:
    url = postgres_database.engine.url.render_as_string(hide_password=False)
    app = create_app(ApiSettings(database_url=url, home=tmp_path, version="1"))
    assert shown(app.extensions["mainspring"].database, "statement_timeout") == "10s"
    close_app(app)


def test_the_execution_api_takes_ten_seconds_at_most(postgres_database: Database, tmp_path: Path) -> None:
    url = postgres_database.engine.url.render_as_string(hide_password=False)
    key_ring = KeyRing(key_file(tmp_path))
    app = create_execution_app(ExecutionSettings(database_url=url, worker_tokens=["x"], key_ring=key_ring))
    assert shown(app.extensions["mainspring_execution"].database, "statement_timeout") == "10s"
    close_execution_app(app)


def test_a_scheduler_takes_thirty_seconds_at_most(
    postgres_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def take_no_lease(database: Database) -> NoReturn:
        told.append(shown(database, "statement_timeout"))
        raise Conflict("far enough")

    monkeypatch.setattr(service, "take_scheduler_lease", take_no_lease)
    url = postgres_database.engine.url.render_as_string(hide_password=False)
    with pytest.raises(Conflict, match="far enough"):
        service.run(service.SchedulerSettings(database_url=url, state_dir=tmp_path))
    assert told == ["30s"]
