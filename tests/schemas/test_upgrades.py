"""Each earlier schema with live data: upgraded, gone on with, taken a step down."""

import base64
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import (
    Connection,
    DateTime,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    insert,
    text,
)
from sqlalchemy.types import Boolean

from mainspring.errors import StoreUnavailable
from mainspring_cli.main import cli
from mainspring_scheduler.duties.rescue import find_lost
from mainspring_store import Database, open_database
from mainspring_store.database import transactions
from mainspring_store.resources import heartbeats
from mainspring_store.resources.metric_totals import add_totals
from mainspring_store.schema.losses import LOSSES
from mainspring_store.schema.migrate import (
    DowngradeRefused,
    SchemaMismatch,
    current_revision,
    downgrade,
    head_revision,
    migrate,
    pending_changes,
    step_down,
)
from tests.invariants import history, read_facts, violations
from tests.scheduler.approvals import answer_approval
from tests.scheduler.engine import Engine
from tests.schemas.__main__ import FOLDER
from tests.schemas.previous import PREVIOUS_REVISION
from tests.services.postgres import PostgresServer

MADE_AGAIN = {"metric_position", "trace_position", "webhook_position"}
"""Tables with one row, which the way up makes again."""
REVISIONS = sorted(path.stem for path in FOLDER.glob("*.json"))


def load(database: Database, revision: str) -> None:
    """The live data of a revision, in a database of this revision."""
    document = json.loads((FOLDER / f"{revision}.json").read_text())
    migrate(database)
    downgrade(database, revision)
    with database.write() as connection:
        metadata = MetaData()
        metadata.reflect(connection)
        tables = [table for table in metadata.sorted_tables if table.name != "alembic_version"]
        for table in reversed(tables):
            connection.execute(table.delete())
        for table in tables:
            if rows := document.get(table.name):
                connection.execute(insert(table), _rows(table, rows, is_sqlite=database.is_sqlite))
                _continue_ids(connection, table, is_sqlite=database.is_sqlite)


def _rows(table: Table, rows: Sequence[Mapping[str, Any]], *, is_sqlite: bool) -> list[dict[str, Any]]:
    return [{name: _value(table.c[name].type, value, is_sqlite) for name, value in row.items()} for row in rows]


def _value(kind: object, value: Any, is_sqlite: bool) -> Any:
    if isinstance(value, dict):
        return base64.b64decode(value["base64"])
    if is_sqlite or value is None:
        return value if not isinstance(kind, Boolean) or value is None else bool(value)
    if isinstance(kind, DateTime):
        return datetime.fromisoformat(value)
    return bool(value) if isinstance(kind, Boolean) else value


def _continue_ids(connection: Connection, table: Table, *, is_sqlite: bool) -> None:
    if is_sqlite or "id" not in table.c:
        return
    sequence = connection.scalar(text("SELECT pg_get_serial_sequence(:name, 'id')"), {"name": table.name})
    if sequence is not None:
        last = connection.scalar(text(f"SELECT max(id) FROM {table.name}"))
        connection.execute(text("SELECT setval(:sequence, :last)"), {"sequence": sequence, "last": last})


def go_on(database: Database) -> None:
    """A scheduler of this version carries everything to its end."""
    engine = Engine(database, incarnation="second")
    engine.clock.move(timedelta(hours=3))
    lost = find_lost(database, engine.executors, incarnation="second", is_exclusive=False, now=engine.clock.now())
    assert {attempt.attempt_id for attempt in lost}
    engine.scheduler.inject(lost)
    engine.run_until_idle()
    states = engine.states()
    assert (states["runs"], states["waits"], states["asks"]) == ("up_for_retry", "success", "deferred")
    for _ in range(20):
        engine.clock.move(timedelta(hours=2))
        engine.run_until_idle()
        for attempt in engine.executor.open:
            engine.finish(attempt.task_id, run_id=attempt.run_id)
        _answer(engine)
        if not engine.executor.open and engine.run("r1")["state"] == "success":
            break
    assert engine.run("r1")["state"] == "success"
    with database.read() as connection:
        backfill = connection.execute(text("SELECT slots_done, slots_total, completed_at FROM backfill")).one()
    assert backfill.slots_done == backfill.slots_total == 5
    assert backfill.completed_at is not None
    engine.close()
    _assert_sound(database)


def _assert_sound(database: Database) -> None:
    """As `assert_sound`. Runs of schemas before 0010 have no event of their creation."""
    facts = read_facts(database)
    has_creations = all(events[0].seq == 0 for events in facts.events.values() if events)
    without = frozenset() if has_creations else frozenset(history.CHECKS)
    assert violations(facts, without=without) == []


def _answer(engine: Engine) -> None:

    if engine.states()["asks"] == "deferred":
        answer_approval(
            engine.database, "live", "r1", "asks", choice="approve", by="ann", note=None, now=engine.clock.now()
        )
        engine.run_until_idle()


@pytest.mark.parametrize("revision", REVISIONS)
def test_live_data_of_an_earlier_schema_goes_on_after_the_upgrade(empty_database: Database, revision: str) -> None:
    load(empty_database, revision)
    migrate(empty_database)
    assert pending_changes(empty_database) == []
    _assert_sound(empty_database)
    go_on(empty_database)


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_step_down_keeps_live_data(empty_database: Database, revision: str) -> None:
    load(empty_database, revision)
    migrate(empty_database)
    head, earlier = head_revision(), f"{int(head_revision()) - 1:04}"
    before = counts(empty_database)
    assert step_down(empty_database) == (head, earlier)
    assert current_revision(empty_database) == earlier
    lost = {name for name, count in before.items() if counts(empty_database).get(name, 0) < count}
    assert lost <= MADE_AGAIN
    migrate(empty_database)
    assert counts(empty_database) == before
    go_on(empty_database)


def counts(database: Database) -> dict[str, int]:
    with database.read() as connection:
        metadata = MetaData()
        metadata.reflect(connection)
        return {name: connection.scalar(text(f"SELECT count(*) FROM {name}")) or 0 for name in metadata.tables}


def test_a_step_that_would_lose_rows_is_refused_and_changes_nothing(empty_database: Database) -> None:
    load(empty_database, "0012")
    with empty_database.write() as connection:
        run = "INSERT INTO pruned_run (dag_id, run_id, state, moment) VALUES ('daily', 'old', 'success', '2025-01-01')"
        connection.execute(text(run))
        connection.execute(text("UPDATE dag_run SET keep = true WHERE run_id = 'r1'"))
    before = counts(empty_database)
    message = (
        r"0012 to 0011 would delete for good: run ids .* of deleted runs \(1\), runs that are kept .* \(1\); nothing"
    )
    with pytest.raises(DowngradeRefused, match=message):
        step_down(empty_database)
    assert (current_revision(empty_database), counts(empty_database)) == ("0012", before)


def test_a_step_whose_rows_are_not_there_is_taken(empty_database: Database) -> None:
    load(empty_database, "0012")
    assert step_down(empty_database) == ("0012", "0011")


def test_totals_of_metrics_refuse_no_step_down(empty_database: Database) -> None:
    migrate(empty_database)
    downgrade(empty_database, "0018")
    add_totals(empty_database, {("http_requests", ("GET", "/dags", "200")): 1})
    assert step_down(empty_database) == ("0018", "0017")


def test_who_paused_a_dag_is_not_deleted_unsaid(empty_database: Database) -> None:
    load(empty_database, "0014")
    downgrade(empty_database, "0013")
    with empty_database.write() as connection:
        connection.execute(text("UPDATE dag SET paused_by = 'ann', paused_at = '2026-03-01 12:00:00+00:00'"))
    with pytest.raises(DowngradeRefused, match=r"0013 to 0012 would delete for good: who paused a DAG, and when \("):
        step_down(empty_database)


def test_the_first_schema_has_none_before(empty_database: Database) -> None:
    with pytest.raises(DowngradeRefused, match="no earlier schema"):
        step_down(empty_database)
    migrate(empty_database)
    downgrade(empty_database, "0001")
    with pytest.raises(DowngradeRefused, match="no earlier schema"):
        step_down(empty_database)


def test_each_revision_says_what_its_step_down_loses(empty_database: Database) -> None:
    migrate(empty_database)
    assert sorted(LOSSES) == [f"{number:04}" for number in range(2, int(head_revision()) + 1)]
    while (revision := current_revision(empty_database)) != "0001":
        with empty_database.read() as connection:
            for what, statement in LOSSES[revision or ""]:
                assert connection.scalar(text(statement)) == 0, what
        downgrade(empty_database, "-1")


def test_an_upgrade_leaves_tables_that_the_previous_release_can_use(empty_database: Database) -> None:
    """Its services work on while this version starts: no column of theirs is gone, and none must be written anew."""
    migrate(empty_database)
    downgrade(empty_database, PREVIOUS_REVISION)
    earlier = _reflected(empty_database)
    migrate(empty_database)
    present = _reflected(empty_database)
    for name, table in earlier.tables.items():
        assert not {column.name for column in table.c} - {column.name for column in present.tables[name].c}, name
        assert _uniqueness(table) <= _uniqueness(present.tables[name]), name
        for column in present.tables[name].c:
            before = table.c.get(column.name)
            is_optional = column.nullable or column.server_default is not None or column.name == "id"
            assert is_optional if before is None else column.nullable or not before.nullable, f"{name}.{column.name}"


def _reflected(database: Database) -> MetaData:
    with database.read() as connection:
        metadata = MetaData()
        metadata.reflect(connection)
        return metadata


def _uniqueness(table: Table) -> set[tuple[str, ...]]:
    """Columns by which the previous release may insert with ON CONFLICT."""
    constraints = [
        one.columns for one in table.constraints if isinstance(one, (PrimaryKeyConstraint, UniqueConstraint))
    ]
    indexes = [index.columns for index in table.indexes if index.unique]
    return {tuple(sorted(column.name for column in columns)) for columns in (*constraints, *indexes)}


def test_tables_of_a_later_version_are_taken_no_step_down(empty_database: Database) -> None:
    migrate(empty_database)
    with empty_database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaMismatch, match=r"revision 9999, later than .*; run the version that brought them there"):
        step_down(empty_database)
    assert current_revision(empty_database) == "9999"


def test_an_upgrade_beside_a_long_dump_says_what_it_waited_for_and_changes_nothing(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "LOCK_WAIT_SECONDS_MAX", 0.2)
    url = postgres_server.create_database()
    with closing(open_database(url)) as database:
        migrate(database)
        downgrade(database, PREVIOUS_REVISION)
        with database.engine.connect() as dump:
            dump.execute(text("SELECT count(*) FROM task_log"))
            with pytest.raises(StoreUnavailable, match=r"another session has locked tables .* nothing was changed"):
                migrate(database)
        assert current_revision(database) == PREVIOUS_REVISION
        migrate(database)
        assert current_revision(database) == head_revision()
    postgres_server.drop_database(url)


def test_the_command_refuses_while_services_run(tmp_path: Path) -> None:
    home = ["--home", str(tmp_path)]
    with closing(open_database(f"sqlite:///{tmp_path}/mainspring.db")) as database:
        migrate(database)
        heartbeats.register_service(
            database, incarnation="a", kind="scheduler", hostname="h", pid=1, version="1", details={},
            now=datetime.now(UTC),
        )  # fmt: skip
        assert "services use the database" in str(CliRunner().invoke(cli, ["db", "downgrade", *home]).exception)
        heartbeats.stop_service(database, "a", now=datetime.now(UTC))
    answer = CliRunner().invoke(cli, ["db", "downgrade", *home])
    assert f"the tables went from {head_revision()} to " in answer.output
