"""Logs of ended tries in a store outside the database: read as before, never lost, deleted with their tries."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from mainspring.errors import LogStoreUnavailable
from mainspring.log_index import LogIndex
from mainspring_scheduler.duties.log_packing import PACKED_AFTER
from mainspring_store.database.log_stores import CachedLogStore, open_log_store
from mainspring_store.queries.failed_tasks import last_lines
from mainspring_store.queries.logs import read_log, stored_index
from mainspring_store.resources import log_moving
from mainspring_store.resources.dag_deletion import delete_dag
from mainspring_store.resources.log_moving import (
    delete_orphans,
    move_log,
    next_log_to_move,
    postpone_orphan_turn,
    take_orphan_turn,
)
from mainspring_store.resources.log_packing import next_log_to_pack, pack_log
from mainspring_store.schema.migrate import DowngradeRefused, step_down
from mainspring_store.tables import task_log
from tests.scheduler.engine import Engine
from tests.scheduler.test_log_packing import LINE, log, write


@pytest.fixture
def store(tmp_path: Path) -> CachedLogStore:
    return open_log_store(str(tmp_path / "logs"))


@pytest.fixture
def attempt_id(engine: Engine, store: CachedLogStore) -> str:
    """An attempt that ended long ago, with a packed log."""
    engine.database.log_store = store
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    attempt_id = engine.attempt("a").attempt_id
    write(engine, attempt_id, LINE * 15_000 + b"ERROR the end\nrest")
    engine.finish("a")
    engine.clock.move(timedelta(hours=1))
    pack(engine)
    return attempt_id


def pack(engine: Engine) -> None:
    attempt_id = next_log_to_pack(engine.database, ended_before=engine.clock.now() - PACKED_AFTER)
    assert attempt_id is not None
    assert pack_log(engine.database, attempt_id) is not None


def size(engine: Engine) -> int:
    """Bytes of logs in the database."""
    with engine.database.read() as connection:
        return connection.scalar(select(func.sum(func.length(task_log.c.data)))) or 0


def files(tmp_path: Path) -> list[Path]:
    return sorted(path for path in (tmp_path / "logs").rglob("*") if path.is_file())


def test_a_moved_log_reads_as_before(engine: Engine, store: CachedLogStore, attempt_id: str, tmp_path: Path) -> None:
    whole, packed = log(engine, attempt_id), size(engine)
    assert next_log_to_move(engine.database) == attempt_id
    assert move_log(engine.database, store, attempt_id)
    assert size(engine) == 0
    (file,) = files(tmp_path)
    assert (file.stat().st_size, file.stat().st_mode & 0o777) == (packed, 0o600)
    for offset in (0, 1, 40_961, 262_144, 300_001, len(whole) - 1, len(whole), len(whole) + 9):
        assert log(engine, attempt_id, offset) == whole[offset:]
    assert last_lines(engine.database, attempt_id, len(whole), lines_max=2) == ["ERROR the end", "rest"]
    assert next_log_to_move(engine.database) is None
    assert not move_log(engine.database, store, attempt_id)


def test_the_index_of_a_moved_log_is_that_of_its_bytes(engine: Engine, store: CachedLogStore, attempt_id: str) -> None:
    assert stored_index(engine.database, attempt_id) is None
    move_log(engine.database, store, attempt_id)
    index, expected = stored_index(engine.database, attempt_id), LogIndex()
    expected.feed(log(engine, attempt_id))
    assert index is not None
    assert index.dump() == expected.dump()
    assert index.marks(is_finished=True) == ([15_001], [])


def test_a_part_that_comes_late_becomes_another_object(
    engine: Engine, store: CachedLogStore, attempt_id: str, tmp_path: Path
) -> None:
    whole = log(engine, attempt_id)
    move_log(engine.database, store, attempt_id)
    write(engine, attempt_id, b" of it\n", offset=len(whole))
    assert log(engine, attempt_id) == whole + b" of it\n"
    pack(engine)
    move_log(engine.database, store, attempt_id)
    assert len(files(tmp_path)) == 2
    assert log(engine, attempt_id) == whole + b" of it\n"
    index = stored_index(engine.database, attempt_id)
    assert index is not None
    assert (index.size, index.lines) == (len(whole) + 7, 15_002)


def test_an_outage_loses_nothing_and_stops_nothing(
    engine: Engine, store: CachedLogStore, attempt_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, packed = log(engine, attempt_id), size(engine)

    def away(*_: object) -> bytes:
        raise LogStoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(store._store, "put", away)
        with pytest.raises(LogStoreUnavailable):
            move_log(engine.database, store, attempt_id)
        patch.setattr(store._store, "put", lambda *_: None)
        patch.setattr(store._store, "get", lambda *_: b"half of i")
        with pytest.raises(LogStoreUnavailable, match="other bytes"):
            move_log(engine.database, store, attempt_id)
        assert (size(engine), log(engine, attempt_id)) == (packed, whole)
    move_log(engine.database, store, attempt_id)
    with monkeypatch.context() as patch:
        patch.setattr(store._store, "get", away)
        with pytest.raises(LogStoreUnavailable, match="away"):
            log(engine, attempt_id)
        assert last_lines(engine.database, attempt_id, len(whole)) == []
    engine.database.log_store = None
    with pytest.raises(LogStoreUnavailable, match="no log_store"):
        log(engine, attempt_id)


def test_a_connection_is_free_while_the_store_is_read(
    engine: Engine, store: CachedLogStore, attempt_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    move_log(engine.database, store, attempt_id)
    get, used = store._store.get, []
    pool = engine.database.engine.pool

    def slow(*arguments: object) -> bytes:
        used.append(pool.checkedout())  # type: ignore[attr-defined]
        return get(*arguments)  # type: ignore[arg-type]

    before = pool.checkedout()  # type: ignore[attr-defined]
    monkeypatch.setattr(store._store, "get", slow)
    read_log(engine.database, attempt_id, offset=0, bytes_max=10)
    assert used == [before]


def test_two_schedulers_that_move_a_log_at_once_harm_nothing(
    engine: Engine, store: CachedLogStore, attempt_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slower one has seen a shorter log."""
    whole = log(engine, attempt_id)
    put = store._store.put

    def late(key: str, data: bytes) -> None:
        monkeypatch.setattr(store._store, "put", put)
        write(engine, attempt_id, b" of it\n", offset=len(whole))
        pack(engine)
        move_log(engine.database, store, attempt_id)
        put(key, data)

    monkeypatch.setattr(store._store, "put", late)
    move_log(engine.database, store, attempt_id)
    engine.database.log_store = open_log_store(str(store._store._folder))  # type: ignore[attr-defined]
    assert log(engine, attempt_id) == whole + b" of it\n"
    index = stored_index(engine.database, attempt_id)
    assert index is not None
    assert index.size == len(whole) + 7


def test_objects_of_deleted_tries_are_deleted_after_an_hour(
    engine: Engine, store: CachedLogStore, attempt_id: str, tmp_path: Path
) -> None:
    move_log(engine.database, store, attempt_id)
    foreign = tmp_path / "logs" / "README"
    foreign.write_text("not ours")
    later = max(engine.clock.now(), *(_written(path) for path in files(tmp_path))) + timedelta(hours=2)
    assert delete_orphans(engine.database, store, now=later) == 0
    delete_dag(engine.database, "etl", now=engine.clock.now())
    assert delete_orphans(engine.database, store, now=later - timedelta(hours=1.5)) == 0, "a move may be under way"
    assert len(files(tmp_path)) == 2
    assert delete_orphans(engine.database, store, now=later) == 1
    assert files(tmp_path) == [foreign]


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def test_a_write_that_took_too_long_moves_nothing(
    engine: Engine, store: CachedLogStore, attempt_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_moving, "MOVE_SECONDS_MAX", -1)
    packed = size(engine)
    with pytest.raises(LogStoreUnavailable, match="may be gone again"):
        move_log(engine.database, store, attempt_id)
    assert size(engine) == packed


def test_one_scheduler_in_six_hours_looks_for_orphans(engine: Engine) -> None:
    now = engine.clock.now()
    assert take_orphan_turn(engine.database, now)
    assert not take_orphan_turn(engine.database, now + timedelta(hours=5))
    assert take_orphan_turn(engine.database, now + timedelta(hours=7))


def test_a_turn_that_failed_comes_again_in_five_minutes(engine: Engine) -> None:
    now = engine.clock.now()
    assert take_orphan_turn(engine.database, now)
    postpone_orphan_turn(engine.database, now)
    assert not take_orphan_turn(engine.database, now + timedelta(minutes=4))
    assert take_orphan_turn(engine.database, now + timedelta(minutes=6))


def test_a_log_that_two_schedulers_move_leaves_one_object(
    engine: Engine, store: CachedLogStore, attempt_id: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put, whole = store._store.put, log(engine, attempt_id)

    def late(key: str, data: bytes) -> None:
        monkeypatch.setattr(store._store, "put", put)
        assert move_log(engine.database, store, attempt_id)
        put(key, data)

    monkeypatch.setattr(store._store, "put", late)
    assert not move_log(engine.database, store, attempt_id)
    assert len(files(tmp_path)) == 1
    assert log(engine, attempt_id) == whole


def test_no_key_is_used_twice(
    engine: Engine, store: CachedLogStore, attempt_id: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A move that broke off, and a deletion that has listed its object, cannot take the object of the next move."""
    with monkeypatch.context() as patch:
        patch.setattr(log_moving, "MOVE_SECONDS_MAX", -1)
        with pytest.raises(LogStoreUnavailable):
            move_log(engine.database, store, attempt_id)
    (listed,) = files(tmp_path)
    assert move_log(engine.database, store, attempt_id)
    listed.unlink()
    engine.database.log_store = open_log_store(str(tmp_path / "logs"))
    assert log(engine, attempt_id).endswith(b"rest")


def test_what_killed_processes_left_behind_is_deleted(engine: Engine, store: CachedLogStore, tmp_path: Path) -> None:
    engine.database.log_store = store
    names = ("check-0123456789abcdef", "ab/.x-1.zst.01234567", ".check-0123456789abcdef.01234567")
    others = (".hidden.01234567", "ab/.note.txt.01234567", "check-me", "mainspring-owner")
    for name in (*names, *others):
        path = tmp_path / "logs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    written_at = max(_written(path) for path in files(tmp_path))
    assert delete_orphans(engine.database, store, now=written_at + timedelta(minutes=59)) == 0
    assert delete_orphans(engine.database, store, now=written_at + timedelta(minutes=61)) == len(names)
    assert files(tmp_path) == sorted(tmp_path / "logs" / name for name in others)


def test_a_step_down_is_refused_while_logs_lie_outside(engine: Engine, store: CachedLogStore, attempt_id: str) -> None:
    move_log(engine.database, store, attempt_id)
    with engine.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0021'"))
    with pytest.raises(DowngradeRefused, match="parts of logs outside the database"):
        step_down(engine.database)
