"""What every kind of database must do alike: schema, transactions, types, wake-up."""

import os
import select
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import orjson
import pytest
from sqlalchemy import insert, update
from sqlalchemy import select as sql_select
from sqlalchemy.exc import IntegrityError

from mainspring.definition import parse_definition
from mainspring.errors import Conflict, StoreUnavailable
from mainspring_store import Database, open_database
from mainspring_store.database import transactions as database_module
from mainspring_store.database.batches import as_rows, dump_rows
from mainspring_store.database.lease import take_scheduler_lease
from mainspring_store.database.notify import open_feed_listener, open_listener, open_notifier
from mainspring_store.resources.dags import save_dag
from mainspring_store.schema.migrate import current_revision, downgrade, head_revision, migrate, pending_changes
from mainspring_store.tables import dag, pool, task_display_name, variable

NOW = datetime(2026, 3, 29, 1, 30, 15, 250_001, tzinfo=UTC)


class TestSchema:
    def test_migrations_build_exactly_the_tables_of_the_code(self, empty_database: Database) -> None:
        migrate(empty_database)
        assert current_revision(empty_database) == head_revision()
        assert pending_changes(empty_database) == []

    def test_migrating_twice_changes_nothing(self, database: Database) -> None:
        with database.write() as connection:
            connection.execute(insert(pool), {"name": "mine", "slots": 1})
        migrate(database)
        with database.read() as connection:
            assert set(connection.scalars(sql_select(pool.c.name))) == {"default_pool", "mine"}

    def test_the_way_down_leaves_nothing_and_the_way_up_works_again(self, database: Database) -> None:
        downgrade(database, "base")
        assert current_revision(database) is None
        migrate(database)
        assert pending_changes(database) == []

    def test_the_display_names_of_versions_that_are_there_are_found(self, database: Database) -> None:
        tasks = {"a": {"type": "noop", "task_display_name": "The A"}, "b": {"type": "noop"}}
        definition = parse_definition(orjson.dumps({"dag_id": "etl", "tasks": tasks}), media="json")
        save_dag(database, definition, by=None, now=NOW)
        downgrade(database, "0001")
        migrate(database)
        with database.read() as connection:
            rows = connection.execute(sql_select(task_display_name.c.task_id, task_display_name.c.display_name)).all()
        assert rows == [("a", "The A")]

    def test_what_was_stored_at_the_first_revision_stays(self, database: Database) -> None:
        downgrade(database, "0001")
        with database.write() as connection:
            connection.exec_driver_sql("INSERT INTO variable (key, value, updated_at) VALUES ('k', 'v', '2026-03-29')")
        migrate(database)
        assert pending_changes(database) == []
        with database.read() as connection:
            assert connection.execute(sql_select(variable.c.value, variable.c.principal_id)).all() == [("v", None)]

    def test_a_commit_that_counts_how_often_somebody_asks_waits_for_no_disk(self, postgres_database: Database) -> None:
        with postgres_database.read() as connection:
            persistence = "SELECT relpersistence FROM pg_class WHERE relname = 'rate_limit'"
            assert connection.exec_driver_sql(persistence).scalar() == "u"

    def test_processes_that_start_together_make_the_schema_once(self, empty_database: Database) -> None:
        failures: list[BaseException] = []

        def run() -> None:
            try:
                migrate(empty_database)
            except BaseException as exc:
                failures.append(exc)

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert pending_changes(empty_database) == []


class TestValues:
    def test_an_instant_comes_back_as_it_was_in_utc(self, database: Database) -> None:
        berlin = NOW.astimezone(timezone(timedelta(hours=2)))
        with database.write() as connection:
            connection.execute(insert(variable), {"key": "k", "value": "v", "updated_at": berlin})
        with database.read() as connection:
            stored = connection.scalar(sql_select(variable.c.updated_at))
        assert stored == NOW
        assert stored is not None
        assert stored.tzinfo is not None

    def test_an_instant_without_zone_is_refused(self, database: Database) -> None:
        with pytest.raises(Exception, match="no time zone"), database.write() as connection:
            connection.execute(insert(variable), {"key": "k", "value": "v", "updated_at": NOW.replace(tzinfo=None)})

    def test_instants_sort_as_time_does(self, database: Database) -> None:
        instants = [NOW.replace(year=year, microsecond=us) for year in (1, 999, 2026, 9999) for us in (0, 1, 999_999)]
        with database.write() as connection:
            for number, instant in enumerate(reversed(instants)):
                connection.execute(insert(variable), {"key": str(number), "value": "v", "updated_at": instant})
        with database.read() as connection:
            assert (
                list(connection.scalars(sql_select(variable.c.updated_at).order_by(variable.c.updated_at))) == instants
            )

    def test_json_comes_back_as_it_was(self, database: Database) -> None:
        document = {"a": [1, 2.5, None, True, "ü\u2028"], "b": {}}
        with database.write() as connection:
            connection.execute(
                insert(dag),
                {
                    "dag_id": "d", "is_paused": False, "version_id": 1, "display_name": "d", "owners": document,
                    "max_active_runs": 1, "max_active_tasks": 1, "created_at": NOW, "updated_at": NOW,
                },
            )  # fmt: skip
        with database.read() as connection:
            assert connection.scalar(sql_select(dag.c.owners)) == document

    def test_a_batch_of_rows_reads_as_it_was_written(self, database: Database) -> None:
        fields = {"n": int, "s": str, "b": bool, "at": datetime}
        rows = as_rows(fields, is_sqlite=database.is_sqlite)
        given = [
            {"n": 2**40, "s": "'; DROP TABLE dag; -- \\ \" ü", "b": True, "at": NOW},
            {"n": None, "s": None, "b": False, "at": None},
        ]
        with database.read() as connection:
            found = connection.execute(sql_select(rows), {"rows": dump_rows(given)}).all()
        assert [dict(row._mapping) for row in found] == given


class TestTransactions:
    def test_what_fails_leaves_nothing(self, database: Database) -> None:
        def fail() -> None:
            with database.write() as connection:
                connection.execute(insert(pool), {"name": "mine", "slots": 1})
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        with database.read() as connection:
            assert list(connection.scalars(sql_select(pool.c.name))) == ["default_pool"]

    def test_counting_up_from_many_threads_loses_nothing(self, database: Database) -> None:
        def count() -> None:
            for _ in range(25):
                with database.write() as connection:
                    connection.execute(update(pool).values(used=pool.c.used + 1))

        threads = [threading.Thread(target=count) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with database.read() as connection:
            assert connection.scalar(sql_select(pool.c.used)) == 200

    def test_a_counter_below_zero_is_refused(self, database: Database) -> None:
        with pytest.raises(IntegrityError), database.write() as connection:
            connection.execute(update(pool).values(used=-1))

    def test_no_connection_is_left_in_use(self, database: Database) -> None:
        with database.read() as connection:
            connection.execute(sql_select(pool)).first()
        with pytest.raises(ZeroDivisionError), database.write():
            raise ZeroDivisionError
        assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]

    def test_a_thread_that_gets_no_connection_is_told_to_come_back(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(database_module, "CONNECTION_WAIT_SECONDS_MAX", 0.05)
        url = database.engine.url.render_as_string(hide_password=False)
        narrow = open_database(url, connections_max=1)
        with narrow.read(), pytest.raises(StoreUnavailable, match="in use"), narrow.read():
            pass
        narrow.close()


class TestDoorbell:
    def test_a_ring_wakes_the_listener(self, database: Database) -> None:
        bell, notifier = open_listener(database), open_notifier(database)
        try:
            notifier.notify()
            assert select.select([bell], [], [], 5.0)[0]
            assert bell.clear()
            assert not bell.clear()
        finally:
            notifier.close()
            bell.close()

    def test_many_rings_are_cleared_at_once(self, database: Database) -> None:
        bell, notifier = open_listener(database), open_notifier(database)
        try:
            for _ in range(1000):
                notifier.notify()
            assert select.select([bell], [], [], 5.0)[0]
            assert bell.clear()
        finally:
            notifier.close()
            bell.close()

    def test_a_reader_of_the_feed_is_woken_from_its_first_event_on(self, database: Database) -> None:
        notifier = open_notifier(database)
        if database.is_sqlite:  # so that what follows is no part of the same tick of the file system's clock
            os.utime(database.sqlite_path.parent, (0, 0))
        notifier.notify()
        reader = open_feed_listener(database)
        try:
            notifier.notify()
            assert select.select([reader], [], [], 5.0)[0]
        finally:
            notifier.close()
            reader.close()

    def test_ringing_without_a_listener_is_no_error(self, database: Database) -> None:
        notifier = open_notifier(database)
        notifier.notify()
        notifier.close()


class TestSQLite:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "mainspring.db"

    def test_the_files_are_for_their_owner_only(self, path: Path) -> None:
        database = open_database(f"sqlite:///{path}")
        migrate(database)
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
        database.close()
        assert set(modes.values()) == {0o600}, modes

    def test_a_second_scheduler_is_refused_until_the_first_is_gone(self, path: Path) -> None:
        database = open_database(f"sqlite:///{path}")
        first = take_scheduler_lease(database)
        assert first.is_exclusive
        with pytest.raises(Conflict, match=r"another scheduler runs on .*mainspring\.db"):
            take_scheduler_lease(database)
        first.release()
        take_scheduler_lease(database).release()
        database.close()

    def test_a_writer_that_gets_no_turn_says_so(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(database_module, "WRITE_WAIT_SECONDS_MAX", 0.05)
        first, second = open_database(f"sqlite:///{path}"), open_database(f"sqlite:///{path}")
        with first.write(), pytest.raises(StoreUnavailable, match="try again later"), second.write():
            pass
        with second.write():
            pass
        first.close()
        second.close()

    def test_those_who_open_a_new_file_at_the_same_time_all_can(self, tmp_path: Path) -> None:
        failures: list[BaseException] = []

        def open_and_look(path: Path, together: threading.Barrier) -> None:
            together.wait()
            try:
                database = open_database(f"sqlite:///{path}")
                with database.read() as connection:
                    assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
                database.close()
            except BaseException as exc:
                failures.append(exc)

        for number in range(20):
            together = threading.Barrier(6)
            path = tmp_path / f"{number}.db"
            threads = [threading.Thread(target=open_and_look, args=(path, together)) for _ in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert failures == []

    def test_memory_is_no_place_for_it(self) -> None:
        with pytest.raises(ValueError, match="needs a file"):
            open_database("sqlite://")


def test_a_server_that_is_not_there_is_told_as_such() -> None:
    database = open_database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    with pytest.raises(StoreUnavailable), database.read():
        pass
    database.close()
