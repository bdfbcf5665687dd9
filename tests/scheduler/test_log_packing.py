"""Logs of ended attempts in compressed blocks: read as before, never changed, never lost."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from mainspring.attempts import LogChunk
from mainspring_scheduler.duties.log_packing import PACKED_AFTER, LogPacking
from mainspring_store.database.log_blocks import BLOCK_BYTES, pack, unpack
from mainspring_store.database.transactions import Database
from mainspring_store.queries.logs import read_log
from mainspring_store.resources import log_packing
from mainspring_store.resources.log_packing import Packed, next_log_to_pack
from mainspring_store.resources.logs import append_chunks
from mainspring_store.schema.migrate import downgrade, migrate
from mainspring_store.tables import task_log
from tests.acceptance.server import until
from tests.scheduler.engine import START, Engine

LINE = b"2026-03-01 12:00:00 INFO loaded 12345 rows of region eu from the warehouse\n"


@given(st.lists(st.tuples(st.timedeltas(timedelta(0), timedelta(days=9_000)), st.binary(max_size=99)), max_size=9))
def test_a_block_holds_the_chunks_with_their_instants(chunks: list[tuple[timedelta, bytes]]) -> None:
    placed = [(START + after, data) for after, data in chunks]
    assert list(unpack(pack(placed))) == placed


@pytest.fixture
def attempt_id(engine: Engine) -> str:
    """An attempt that ended long ago, with a log of 15,000 lines in chunks of uneven length."""
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    attempt_id = engine.attempt("a").attempt_id
    write(engine, attempt_id, LINE * 15_000)
    engine.finish("a")
    engine.clock.move(timedelta(hours=1))
    return attempt_id


def write(engine: Engine, attempt_id: str, log: bytes, *, offset: int = 0, length: int = 40_961) -> None:
    for number, begin in enumerate(range(0, len(log), length)):
        at = START + timedelta(seconds=number)
        data = log[begin : begin + length]
        append_chunks(engine.database, [LogChunk(attempt_id=attempt_id, offset=offset + begin, data=data, at=at)])


def pack_log(engine: Engine) -> Packed | None:
    """Pack the first log that may be packed."""
    attempt_id = next_log_to_pack(engine.database, ended_before=engine.clock.now() - PACKED_AFTER)
    return None if attempt_id is None else log_packing.pack_log(engine.database, attempt_id)


def log(engine: Engine, attempt_id: str, offset: int = 0) -> bytes:
    """The log from an offset on, read as the API does."""
    data = b""
    while pieces := read_log(engine.database, attempt_id, offset=offset + len(data), bytes_max=10_000):
        assert pieces[0].offset == offset + len(data)
        data += b"".join(piece.data for piece in pieces)
    return data


def rows(engine: Engine) -> tuple[int, int]:
    """Rows of the table of logs, and their bytes."""
    with engine.database.read() as connection:
        count, size = connection.execute(select(func.count(), func.sum(func.length(task_log.c.data)))).one()
    return count, size or 0


def instants(engine: Engine, attempt_id: str) -> Sequence[object]:
    return [(piece.offset, piece.at) for piece in read_log(engine.database, attempt_id, offset=0, bytes_max=10**9)]


def test_a_packed_log_reads_as_before_and_takes_a_tenth(engine: Engine, attempt_id: str) -> None:
    whole, arrivals = log(engine, attempt_id), instants(engine, attempt_id)
    packed = pack_log(engine)
    assert packed is not None
    assert (packed.attempt_id, packed.bytes_before) == (attempt_id, len(whole))
    assert packed.bytes_after < len(whole) / 10
    count, size = rows(engine)
    assert count == -(-len(whole) // (-(-BLOCK_BYTES // 40_961) * 40_961))
    assert size == packed.bytes_after
    assert instants(engine, attempt_id) == arrivals
    for offset in (0, 1, 40_960, 40_961, BLOCK_BYTES, 300_001, len(whole) - 1, len(whole), len(whole) + 9):
        assert log(engine, attempt_id, offset) == whole[offset:]
    assert pack_log(engine) is None


def test_a_log_is_packed_only_after_its_attempt_is_over_for_a_minute(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    attempt_id = engine.attempt("a").attempt_id
    write(engine, attempt_id, LINE)
    engine.clock.move(timedelta(hours=1))
    assert pack_log(engine) is None
    engine.finish("a")
    assert pack_log(engine) is None
    engine.clock.move(PACKED_AFTER + timedelta(seconds=1))
    assert pack_log(engine) is not None


def test_chunks_that_come_again_or_late_change_nothing_that_was_packed(engine: Engine, attempt_id: str) -> None:
    whole = log(engine, attempt_id)
    pack_log(engine)
    write(engine, attempt_id, whole[81_922 : 81_922 + 50_000], offset=81_922)
    write(engine, attempt_id, b"the very end\n", offset=len(whole))
    whole += b"the very end\n"
    assert log(engine, attempt_id) == whole
    assert pack_log(engine) is not None
    assert log(engine, attempt_id) == whole
    assert pack_log(engine) is None
    assert log(engine, attempt_id, len(whole) - 20) == whole[-20:]


def test_the_log_goes_with_its_run_and_a_step_down_unpacks_it(engine: Engine, attempt_id: str) -> None:
    whole, arrivals = log(engine, attempt_id), instants(engine, attempt_id)
    pack_log(engine)
    downgrade(engine.database, "0015")
    with engine.database.read() as connection:
        sent = connection.execute(select(task_log.c.offset, task_log.c.at, task_log.c.data).order_by("offset")).all()
    assert b"".join(row.data for row in sent) == whole
    assert [(row.offset, row.at) for row in sent] == arrivals
    migrate(engine.database)
    assert log(engine, attempt_id) == whole


def test_the_thread_packs_and_stops(engine: Engine, attempt_id: str) -> None:
    whole = log(engine, attempt_id)
    duty = LogPacking(engine.database, engine.clock, look_seconds=0.0)
    duty.start()
    until(lambda: rows(engine)[1] < len(whole) / 10, "the log is packed")
    duty.stop()
    duty.stop()
    assert log(engine, attempt_id) == whole
    assert duty.pack_all() == 0


def test_a_look_that_finds_nothing_waits_for_no_writer(engine: Engine) -> None:
    with engine.database.write():
        assert pack_log(engine) is None


def test_a_look_steps_over_the_chunks_of_running_attempts(engine: Engine) -> None:
    if not engine.database.is_sqlite:
        pytest.skip("only SQLite counts the steps of a statement")
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    attempt_id = engine.attempt("a").attempt_id

    def steps() -> int:
        counts = []
        with engine.database.read() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.set_progress_handler(lambda: counts.append(1), 1)
            assert connection.scalar(log_packing._NEXT, {"after": "", "before": engine.clock.now()}) is None
            driver.set_progress_handler(None, 0)
        return len(counts)

    write(engine, attempt_id, LINE, length=len(LINE))
    alone = steps()
    write(engine, attempt_id, LINE * 300, offset=len(LINE), length=len(LINE))
    assert steps() <= alone + 20


def test_two_schedulers_pack_a_log_once(engine: Engine, attempt_id: str) -> None:
    whole = log(engine, attempt_id)
    assert pack_log(engine) is not None, "the other scheduler is faster"
    assert log_packing.pack_log(engine.database, attempt_id) is None
    assert log(engine, attempt_id) == whole


def test_an_error_packs_nothing(engine: Engine, attempt_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before, whole = rows(engine), log(engine, attempt_id)

    def fail(_: object) -> bytes:
        raise RuntimeError("no memory")

    monkeypatch.setattr("mainspring_store.resources.log_packing.pack", fail)
    with pytest.raises(RuntimeError, match="no memory"):
        pack_log(engine)
    assert rows(engine) == before
    assert log(engine, attempt_id) == whole


def test_a_log_that_cannot_be_packed_stops_no_other(
    engine: Engine, attempt_id: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine.trigger(engine.save("etl", {"b": {}}), "r2")
    engine.run_until_idle()
    other_id = engine.attempt("b", "r2").attempt_id
    write(engine, other_id, LINE * 100)
    engine.finish("b", run_id="r2")
    engine.clock.move(timedelta(hours=1))
    first, second = sorted([attempt_id, other_id])
    pack_one, tried = log_packing.pack_log, []

    def fails(database: Database, key: str) -> Packed | None:
        tried.append(key)
        if key == first:
            raise ValueError("a damaged chunk")
        return pack_one(database, key)

    monkeypatch.setattr("mainspring_scheduler.duties.log_packing.pack_log", fails)
    seconds = [0.0]
    duty = LogPacking(engine.database, engine.clock, monotonic=lambda: seconds[0])
    assert duty.pack_all() == 1
    assert duty.details() == {"logs_failing": 1}
    assert f"attempt_id={first}" in caplog.text
    assert duty.pack_all() == 0
    assert tried == [first, second], "it waits"
    seconds[0] = 61.0
    duty.pack_all()
    seconds[0] += 61.0
    duty.pack_all()
    assert tried == [first, second, first], "it waits for longer after each failure"
    monkeypatch.undo()
    seconds[0] += 60.0
    assert duty.pack_all() == 1
    assert duty.details() == {}
