"""What the transactions of the deletion of a DAG read, and which of them wait for the disk of PostgreSQL."""

import pytest
from sqlalchemy import Connection, event

from mainspring_store import Database
from mainspring_store.resources import dag_deletion, dag_pauses
from tests.scheduler.engine import Engine
from tests.scheduler.test_cost import counted
from tests.scheduler.test_retention import run_ids


def test_short_transactions_of_a_deletion_wait_for_no_flush_and_the_last_one_does(
    postgres_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mainspring_store.resources.dag_deletion._ROWS_AT_ONCE", 10)
    engine = Engine(postgres_database)
    version = engine.save("etl", {"a": {"type": "noop"}})
    for number in range(20):
        engine.trigger(version, f"ended{number}")
    engine.run_until_idle()
    dag_pauses.set_paused(engine.database, "etl", True, now=engine.clock.now())
    engine.trigger(version, "queued")
    waits: list[bool] = [True]

    def note_statement(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        waits[-1] &= statement != "SET LOCAL synchronous_commit = off"

    def note_commit(_connection: Connection) -> None:
        waits.append(True)

    event.listen(engine.database.engine, "before_cursor_execute", note_statement)
    event.listen(engine.database.engine, "commit", note_commit)
    dag_deletion.delete_dag(engine.database, "etl", now=engine.clock.now())
    event.remove(engine.database.engine, "before_cursor_execute", note_statement)
    event.remove(engine.database.engine, "commit", note_commit)
    engine.close()
    pause, *batches, of_the_dag, _ = waits
    assert pause
    assert batches.count(False) >= 3
    assert batches[-1], "nothing is left"
    assert of_the_dag, "and with it all before"


def test_the_runs_to_delete_are_read_for_many_transactions_at_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without statistics of new rows, PostgreSQL reads all runs of the DAG for one such page."""
    monkeypatch.setattr("mainspring_store.resources.dag_deletion._ROWS_AT_ONCE", 10)
    monkeypatch.setattr("mainspring_store.resources.dag_deletion._RUNS_READ", 30)
    version = engine.save("etl", {"a": {"type": "noop"}})
    for number in range(40):
        engine.trigger(version, f"r{number}")
    engine.run_until_idle()
    with counted(engine.database) as cost:
        dag_deletion.delete_dag(engine.database, "etl", now=engine.clock.now())
    pages = [statement for statement in cost.statements if "ORDER BY dag_run.id" in statement and "LIMIT" in statement]
    assert len(pages) == 3
    assert len([statement for statement in cost.statements if statement.startswith("DELETE FROM dag_run")]) >= 8
    assert run_ids(engine) == []
