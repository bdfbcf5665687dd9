"""Deleting DAGs: a long history goes in short transactions, and a deletion that breaks off leaves sound runs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select

from mainspring.errors import Conflict, StoreUnavailable
from mainspring.states import RunState, StateReason
from mainspring_store.resources import dag_deletion, dag_pauses
from mainspring_store.state import run_removal
from mainspring_store.tables import pruned_run
from tests.invariants import assert_sound
from tests.scheduler.engine import START, Engine
from tests.scheduler.test_retention import done, run_ids


def test_a_long_history_of_a_dag_is_deleted_in_short_transactions(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mainspring_store.resources.dag_deletion._ROWS_AT_ONCE", 30)
    wide = engine.save("wide", {f"t{number}": {"type": "noop"} for number in range(50)})
    narrow = engine.save("narrow", {"a": {"type": "noop"}})
    for number in range(20):
        engine.trigger(narrow, f"n{number}")
    engine.trigger(wide, "w")
    engine.run_until_idle()
    engine.trigger(narrow, "open")
    commits: list[int] = []
    write = engine.database.write

    def counted() -> Any:
        commits.append(1)
        return write()

    monkeypatch.setattr(engine.database, "write", counted)
    for dag_id in ("wide", "narrow"):
        commits.clear()
        dag_deletion.delete_dag(engine.database, dag_id, now=engine.clock.now())
        assert len(commits) >= 4
    assert run_ids(engine) == []


def test_the_small_rows_of_pruned_runs_go_in_short_transactions_too(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mainspring_store.resources.dag_deletion._ROWS_AT_ONCE", 10)
    done(engine, engine.save("etl", {"a": {}}), "r1")
    rows = [{"dag_id": "etl", "run_id": f"old{number}", "state": "success", "moment": START} for number in range(50)]
    with engine.database.write() as connection:
        connection.execute(insert(pruned_run), rows)
    commits: list[int] = []
    write = engine.database.write

    def counted() -> Any:
        commits.append(1)
        return write()

    monkeypatch.setattr(engine.database, "write", counted)
    dag_deletion.delete_dag(engine.database, "etl", now=engine.clock.now())
    assert len(commits) >= 6
    with engine.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(pruned_run)) == 0


def test_queued_runs_of_a_deleted_dag_go_in_short_transactions_too(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mainspring_store.resources.dag_deletion._ROWS_AT_ONCE", 10)
    version = engine.save("etl", {"a": {"type": "wait", "for": "PT1H"}}, max_active_runs=1)
    for number in range(40):
        engine.trigger(version, f"r{number}")
    engine.run_until_idle()
    batches: list[int] = []
    remove = run_removal.remove_runs

    def counted(connection: Connection, keys: Sequence[int], **options: Any) -> None:
        batches.append(len(keys))
        remove(connection, keys, **options)

    monkeypatch.setattr(dag_deletion, "remove_runs", counted)
    dag_deletion.delete_dag(engine.database, "etl", now=engine.clock.now())
    assert sum(batches) == 39, "all but the running run"
    assert max(batches) <= 10
    assert run_ids(engine) == []
    assert_sound(engine.database)


def test_a_queued_run_is_ended_before_the_deletion_of_its_dag_cuts_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mainspring_store.resources.dag_deletion._ROWS_AT_ONCE", 40)
    version = engine.save("etl", {f"t{number}": {"type": "noop"} for number in range(50)})
    dag_pauses.set_paused(engine.database, "etl", True, now=engine.clock.now())
    engine.trigger(version, "r1")
    write = engine.database.write
    commits: list[int] = []

    def breaks_off() -> Any:
        commits.append(1)
        if len(commits) == 4:
            raise StoreUnavailable("away")
        return write()

    with monkeypatch.context() as patch:
        patch.setattr(engine.database, "write", breaks_off)
        with pytest.raises(StoreUnavailable):
            dag_deletion.delete_dag(engine.database, "etl", now=engine.clock.now())
    assert 0 < engine.run("r1")["tasks_total"] < 50, "the run is cut"
    dag_pauses.set_paused(engine.database, "etl", False, now=engine.clock.now())
    engine.run_until_idle()
    run = engine.run("r1")
    assert (run["state"], run["state_reason"], run["tasks_unfinished"]) == (RunState.FAILED, StateReason.CANCELLED, 0)
    dag_deletion.delete_dag(engine.database, "etl", now=engine.clock.now())
    assert run_ids(engine) == []
    assert_sound(engine.database)


def test_the_history_of_a_deleted_dag_is_looked_at_before_the_turn_to_write(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not engine.database.is_sqlite:
        pytest.skip("only SQLite has one writer and counts steps")
    version = engine.save("etl", {"a": {"type": "noop"}})
    for number in range(400):
        engine.trigger(version, f"r{number}")
    engine.run_until_idle()
    steps: list[int] = []
    write = engine.database.write

    @contextmanager
    def counted() -> Iterator[Connection]:
        with write() as connection:
            driver: Any = connection.connection.dbapi_connection
            steps.append(0)
            driver.set_progress_handler(lambda: steps.__setitem__(-1, steps[-1] + 1), 1)
            try:
                yield connection
            finally:
                driver.set_progress_handler(None, 0)

    monkeypatch.setattr(engine.database, "write", counted)
    dag_deletion.delete_dag(engine.database, "etl", now=engine.clock.now())
    assert steps[0] < 200, "the pause of the DAG reads none of its 400 runs"


def test_a_busy_dag_loses_nothing_when_its_deletion_is_refused(engine: Engine) -> None:
    version = engine.save("etl", {f"t{number}": {"type": "noop"} for number in range(400)})
    engine.trigger(version, "r1")
    engine.run_until_idle()
    engine.trigger(engine.save("etl", {"a": {}}), "busy")
    engine.run_until_idle()
    with pytest.raises(Conflict, match="1 task instances queued or running"):
        dag_deletion.delete_dag(engine.database, "etl", now=engine.clock.now())
    assert run_ids(engine) == ["r1", "busy"]
    engine.finish("a", run_id="busy")
