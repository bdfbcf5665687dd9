"""The thread that moves logs: what it does with a store that is full, away, foreign or stuck, and what it tells."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from mainspring.errors import LogStoreUnavailable
from mainspring.retention import Policy, RunPolicy
from mainspring_scheduler.duties import failing_logs, log_packing, retention
from mainspring_scheduler.duties.failing_logs import FailingLogs
from mainspring_scheduler.duties.log_packing import LogPacking
from mainspring_scheduler.duties.retention import RetentionDuty
from mainspring_store.access.installation import hold_schedules, read_fact, release_schedules
from mainspring_store.backups import prepare_restored
from mainspring_store.database.log_stores import CachedLogStore, open_log_store
from mainspring_store.database.transactions import Database
from mainspring_store.resources.log_moving import take_orphan_turn
from mainspring_store.resources.log_store_owner import OWNER_KEY, ForeignLogStore, claim_log_store
from mainspring_store.retention import ArchiveUnavailable
from tests.scheduler.engine import Engine
from tests.scheduler.test_log_moving import pack, size
from tests.scheduler.test_log_packing import LINE, write

WELL = {"log_store": "healthy"}
AWAY = {"log_store": "unhealthy", "log_store_cause": "unavailable"}
FOREIGN = {"log_store": "unhealthy", "log_store_cause": "foreign"}


class Seconds:
    """A monotonic clock that stands until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store(engine: Engine, tmp_path: Path) -> CachedLogStore:
    engine.database.log_store = open_log_store(str(tmp_path / "logs"))
    return engine.database.log_store


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def duty(engine: Engine, store: CachedLogStore, seconds: Seconds) -> LogPacking:
    return LogPacking(engine.database, engine.clock, monotonic=seconds)


@pytest.fixture
def attempt_ids(engine: Engine, store: CachedLogStore) -> Sequence[str]:
    """Three attempts with packed logs, in the order of the moves."""
    version = engine.save("etl", {name: {} for name in "abc"})
    engine.trigger(version)
    engine.run_until_idle()
    ids = [engine.attempt(name).attempt_id for name in "abc"]
    for name, attempt_id in zip("abc", ids, strict=True):
        write(engine, attempt_id, LINE * 100)
        engine.finish(name)
    engine.clock.move(timedelta(hours=1))
    for _ in ids:
        pack(engine)
    return sorted(ids)


def refuse(*_: object) -> None:
    raise LogStoreUnavailable("full")


def test_the_duty_moves_what_it_packed(engine: Engine, duty: LogPacking, attempt_ids: Sequence[str]) -> None:
    assert duty.details() == {}
    assert duty.move_all() == 3
    assert size(engine) == 0
    assert duty.details() == WELL
    assert duty.move_all() == 0


def test_a_full_store_frees_itself(
    engine: Engine, store: CachedLogStore, duty: LogPacking, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim_log_store(engine.database, store)
    deleted: list[bool] = []
    monkeypatch.setattr(log_packing, "delete_orphans", lambda *_, **__: deleted.append(True))
    monkeypatch.setattr(store._store, "put", refuse)
    duty.look()
    assert deleted == [True]
    assert duty.details() == AWAY


def test_a_deletion_that_fails_is_told_and_stops_no_move(
    engine: Engine, duty: LogPacking, seconds: Seconds, attempt_ids: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(log_packing, "delete_orphans", refuse_deletion)
        duty.look()
    assert size(engine) == 0
    assert duty.details() == AWAY
    assert take_orphan_turn(engine.database, engine.clock.now() + timedelta(minutes=6))
    seconds.now += 601
    duty.look()
    assert duty.details() == WELL


def refuse_deletion(*_: object, **__: object) -> int:
    raise LogStoreUnavailable("read-only")


def test_a_log_that_is_refused_stops_no_other(
    engine: Engine,
    store: CachedLogStore,
    duty: LogPacking,
    seconds: Seconds,
    attempt_ids: Sequence[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put, tried = store._store.put, []

    def fussy(key: str, data: bytes) -> None:
        tried.append(key)
        if attempt_ids[0] in key:
            refuse()
        put(key, data)

    with monkeypatch.context() as patch:
        patch.setattr(store._store, "put", fussy)
        assert duty.move_all() == 2
        assert duty.details() == {**WELL, "logs_failing": 1}
        count = len(tried)
        duty.move_all()
        assert len(tried) == count, "the log waits"
    seconds.now += 61
    assert duty.move_all() == 1
    assert duty.details() == WELL
    assert size(engine) == 0


def test_a_failing_log_that_is_gone_counts_no_more(
    store: CachedLogStore, duty: LogPacking, attempt_ids: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(log_packing, "move_log", refuse)
        duty.look()
    assert duty.details()["logs_failing"] == 3
    monkeypatch.setattr(log_packing, "next_log_to_move", lambda *_: None)
    duty.look()
    assert duty.details() == WELL


def test_a_store_that_is_away_ends_the_look_and_no_log_is_at_fault(
    store: CachedLogStore, duty: LogPacking, attempt_ids: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    duty.look()
    tried: list[str] = []

    def away(_: object, __: object, attempt_id: str) -> bool:
        tried.append(attempt_id)
        monkeypatch.setattr(store._store, "put", refuse)
        raise LogStoreUnavailable("away")

    monkeypatch.setattr(log_packing, "next_log_to_move", lambda _, last_id: "x" if last_id == "" else None)
    monkeypatch.setattr(log_packing, "move_log", away)
    duty.look()
    assert tried == ["x"]
    assert duty.details() == AWAY


def test_a_store_that_refuses_all_logs_ends_the_look(duty: LogPacking, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def refused(_: object, __: object, attempt_id: str) -> bool:
        tried.append(attempt_id)
        raise LogStoreUnavailable("full")

    monkeypatch.setattr(log_packing, "next_log_to_move", lambda _, last_id: f"{int(last_id or 0) + 1}")
    monkeypatch.setattr(log_packing, "move_log", refused)
    duty.look()
    assert len(tried) == log_packing.REFUSALS_MAX
    assert duty.details()["log_store_cause"] == "unavailable"


def test_a_store_of_another_instance_is_left_as_it_is(
    engine: Engine,
    store: CachedLogStore,
    duty: LogPacking,
    attempt_ids: Sequence[str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / OWNER_KEY).write_text("0" * 32)
    packed = size(engine)
    with pytest.raises(ForeignLogStore, match="belongs to another instance"):
        duty.move_all()
    assert size(engine) == packed
    assert take_orphan_turn(engine.database, engine.clock.now()), "nothing was to be deleted"
    for _ in range(2):
        duty.look()
        assert duty.details() == FOREIGN
    assert caplog.text.count("belongs to another instance") == 1, "not each half minute"
    (tmp_path / "logs" / OWNER_KEY).unlink()
    duty.look()
    assert duty.details() == WELL


def test_a_restored_instance_takes_its_store_over_when_the_hold_ends(
    engine: Engine, store: CachedLogStore, duty: LogPacking, attempt_ids: Sequence[str]
) -> None:
    claim_log_store(engine.database, store)
    original = store.find(OWNER_KEY)
    now = engine.clock.now()
    for _ in range(2):
        prepare_restored(engine.database, keeps_tokens=True, now=now)
    duty.look()
    assert duty.details() == {}
    assert (store.find(OWNER_KEY), size(engine) > 0) == (original, True), "the original may be alive"
    assert take_orphan_turn(engine.database, now)
    release_schedules(engine.database)
    duty.look()
    assert duty.details() == WELL
    assert size(engine) == 0
    assert store.find(OWNER_KEY) != original
    store.put(OWNER_KEY, original or b"")
    duty.look()
    assert duty.details() == FOREIGN, "a store is taken over once"


def test_an_instance_that_is_held_has_no_say_on_a_new_store(
    engine: Engine, store: CachedLogStore, duty: LogPacking
) -> None:
    with engine.database.write() as connection:
        hold_schedules(connection, engine.clock.now())
    duty.look()
    assert store.find(OWNER_KEY) is None
    with engine.database.read() as connection:
        assert read_fact(connection, "log_store_ids") is None


def test_two_schedulers_of_an_instance_have_one_id(
    engine: Engine, store: CachedLogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_now, has_begun = Database.write, []

    def slower(database: Database) -> object:
        if not has_begun:
            has_begun.append(True)
            claim_log_store(database, store)
        return write_now(database)

    monkeypatch.setattr(Database, "write", slower)
    claim_log_store(engine.database, store)
    assert has_begun


def test_a_thread_that_hangs_is_told_and_not_waited_for(
    duty: LogPacking, seconds: Seconds, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    duty.look()
    is_entered, may_end = Event(), Event()

    def hangs(*_: object) -> None:
        is_entered.set()
        may_end.wait(30)

    monkeypatch.setattr(log_packing, "claim_log_store", hangs)
    monkeypatch.setattr(log_packing, "STOP_SECONDS_MAX", 0.05)
    duty._look_seconds = 0.0
    duty.start()
    assert is_entered.wait(30)
    assert duty.details() == WELL
    seconds.now += 121
    assert duty.details() == {"log_store": "unhealthy", "log_store_cause": "stuck"}
    duty.stop()
    assert "ends without waiting" in caplog.text
    may_end.set()
    duty._thread.join(30)


def test_a_fault_of_the_thread_is_no_good_health(duty: LogPacking, monkeypatch: pytest.MonkeyPatch) -> None:
    duty.look()

    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(log_packing, "claim_log_store", broken)
    duty.look()
    assert duty.details() == AWAY


def test_a_stop_amid_the_deletion_leaves_the_turn_to_another_scheduler(
    engine: Engine, duty: LogPacking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_packing, "delete_orphans", lambda *_, **__: duty.abort())
    duty.look()
    assert not take_orphan_turn(engine.database, engine.clock.now())
    assert take_orphan_turn(engine.database, engine.clock.now() + timedelta(minutes=6))


def test_the_pause_of_a_failing_log_doubles_up_to_an_hour(seconds: Seconds) -> None:
    failing, pauses = FailingLogs(clock=seconds), []
    for _ in range(9):
        failing.failed("a")
        began = seconds.now
        while failing.must_wait("a"):
            seconds.now += 30
        pauses.append(seconds.now - began)
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_very_many_failing_logs_are_forgotten_oldest_first(monkeypatch: pytest.MonkeyPatch, seconds: Seconds) -> None:
    monkeypatch.setattr(failing_logs, "_LOGS_MAX", 2)
    failing = FailingLogs(clock=seconds)
    for name in ("a", "b", "a", "c"):
        failing.failed(name)
    assert [failing.must_wait(name) for name in ("a", "b", "c")] == [True, False, True]
    assert len(failing) == 2


def test_an_archive_that_hangs_holds_up_no_stop(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    is_entered, may_end = Event(), Event()
    policy = Policy(of_runs=RunPolicy(runs=timedelta(days=1), failed_runs=timedelta(days=1), keep_last=1))
    duty = RetentionDuty(engine.database, policy, engine.clock, first_sweep_seconds=0.0)

    def hangs() -> None:
        is_entered.set()
        may_end.wait(30)
        raise ArchiveUnavailable("away")

    monkeypatch.setattr(duty, "sweep", hangs)
    monkeypatch.setattr(retention, "STOP_SECONDS_MAX", 0.05)
    duty.start()
    assert is_entered.wait(30)
    duty.stop()
    assert duty._thread.is_alive()
    may_end.set()
    duty._thread.join(30)
