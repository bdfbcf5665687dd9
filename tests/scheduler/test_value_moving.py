"""Large outputs of ended runs in a store outside the database."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from mainspring.errors import LogStoreUnavailable
from mainspring.large_values import LargeValue
from mainspring_scheduler.duties.log_packing import LogPacking
from mainspring_store.database.log_stores import CachedLogStore, open_log_store
from mainspring_store.queries.large_values import read_value
from mainspring_store.resources.dag_deletion import delete_dag
from mainspring_store.resources.log_moving import delete_orphans
from mainspring_store.resources.value_moving import move_value, next_value_to_move
from mainspring_store.tables import large_value, large_value_piece
from tests.invariants import assert_sound
from tests.scheduler.engine import Engine
from tests.scheduler.test_large_values import CHAIN, finish

TEXT = "é" * 1_500_000


@pytest.fixture
def store(tmp_path: Path) -> CachedLogStore:
    return open_log_store(str(tmp_path / "objects"))


@pytest.fixture
def ended(engine: Engine, store: CachedLogStore) -> LargeValue:
    """The large output of a run that ended an hour ago."""
    engine.database.log_store = store
    engine.trigger(engine.save("etl", CHAIN))
    engine.run_until_idle()
    value = finish(engine, "a", TEXT)
    assert following(engine) is None
    engine.finish("b")
    engine.clock.move(timedelta(hours=1))
    return value


def following(engine: Engine) -> str | None:
    return next_value_to_move(engine.database, ended_before=engine.clock.now() - timedelta(minutes=1))


def stored_bytes(engine: Engine) -> int:
    with engine.database.read() as connection:
        return connection.scalar(select(func.sum(func.length(large_value_piece.c.data)))) or 0


def objects(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "objects").rglob("*.zst") if path.is_file()]


def test_a_value_moves_after_its_run_and_reads_as_before(
    engine: Engine, store: CachedLogStore, ended: LargeValue, tmp_path: Path
) -> None:
    assert following(engine) == ended.id
    assert move_value(engine.database, store, ended.id)
    assert (stored_bytes(engine), len(objects(tmp_path)), following(engine)) == (0, 1, None)
    assert json.loads(read_value(engine.database, ended)) == TEXT
    assert not move_value(engine.database, store, ended.id)
    assert_sound(engine.database)
    engine.database.log_store = None
    with pytest.raises(LogStoreUnavailable, match="set it as before"):
        read_value(engine.database, ended)


def test_two_schedulers_that_move_a_value_at_once_leave_one_object(
    engine: Engine, store: CachedLogStore, ended: LargeValue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = CachedLogStore.put

    def put_twice(self: CachedLogStore, key: str, data: bytes) -> None:
        put(self, key, data)
        monkeypatch.setattr(CachedLogStore, "put", put)
        assert move_value(engine.database, store, ended.id)

    monkeypatch.setattr(CachedLogStore, "put", put_twice)
    assert not move_value(engine.database, store, ended.id)
    assert len(objects(tmp_path)) == 1
    assert json.loads(read_value(engine.database, ended)) == TEXT


def test_an_object_goes_after_its_run_and_not_before(
    engine: Engine, store: CachedLogStore, ended: LargeValue, tmp_path: Path
) -> None:
    move_value(engine.database, store, ended.id)
    later = engine.clock.now() + timedelta(days=400)
    assert delete_orphans(engine.database, store, now=later) == 0
    delete_dag(engine.database, "etl", now=engine.clock.now())
    assert delete_orphans(engine.database, store, now=later) == 1
    assert objects(tmp_path) == []


def test_a_store_that_is_away_leaves_the_value_in_the_database(
    engine: Engine, ended: LargeValue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise LogStoreUnavailable("the store is away")

    monkeypatch.setattr(CachedLogStore, "put", away)
    duty = LogPacking(engine.database, engine.clock)
    duty.look()
    assert stored_bytes(engine) > 0
    assert json.loads(read_value(engine.database, ended)) == TEXT
    monkeypatch.undo()
    duty.look()
    assert stored_bytes(engine) == 0
    assert json.loads(read_value(engine.database, ended)) == TEXT


def test_the_duty_deletes_what_no_output_names(engine: Engine, ended: LargeValue) -> None:
    with engine.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM xcom")
    engine.clock.move(timedelta(minutes=1))
    LogPacking(engine.database, engine.clock).look()
    with engine.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(large_value)) == 0
