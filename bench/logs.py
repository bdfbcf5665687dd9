"""Reading a log of a million lines from the database, a folder and a server that speaks like S3, cold and warm.

python -m bench logs

Cold: in a process that has read nothing of the log. The figures are of the functions behind the operations.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import insert

from mainspring.log_index import LogIndex
from mainspring_api.http.log_indexes import LogIndexes
from mainspring_api.resources.instances.log_reading import compiled, read_lines, search
from mainspring_store import Database, open_database
from mainspring_store.database.log_stores import open_log_store
from mainspring_store.resources.log_moving import move_log
from mainspring_store.resources.log_packing import pack_log
from mainspring_store.schema.migrate import migrate
from mainspring_store.tables import task_log
from tests.scheduler.engine import Engine
from tests.services.s3 import s3_server

LINES = 1_000_000
COLD_SECONDS_MAX = 1.0
LINE = "2026-03-01 12:00:00 INFO loaded %08d rows of region eu from the warehouse\n"
CHUNK_LINES = 800


def main() -> None:
    """Print each figure; cold reads beside their limit."""
    for kind in ("database", "folder", "s3"):
        with tempfile.TemporaryDirectory() as folder, _setting(kind, Path(folder)) as setting:
            database = open_database(f"sqlite:///{folder}/bench.db")
            migrate(database)
            attempt_id = _fill(database)
            began = time.perf_counter()
            pack_log(database, attempt_id)
            packed = time.perf_counter() - began
            if setting is not None:
                began = time.perf_counter()
                move_log(database, open_log_store(setting), attempt_id)
                print(f"{kind}: packed in {packed:.1f} s, moved in {time.perf_counter() - began:.1f} s")
            _measure(kind, database, setting, attempt_id)
            database.close()


def _measure(kind: str, database: Database, setting: str | None, attempt_id: str) -> None:
    for temperature in ("cold", "warm"):
        if temperature == "cold":
            database.log_store = None if setting is None else open_log_store(setting)
            indexes = LogIndexes(database)
        for what, read in _READS.items():
            if temperature == "cold" and setting is not None:
                database.log_store = open_log_store(setting)
                indexes = LogIndexes(database)
            began = time.perf_counter()
            read(database, indexes.read(attempt_id), attempt_id)
            seconds = time.perf_counter() - began
            # A search has a limit of its own.
            is_limited = temperature == "cold" and setting is not None and read is not _search
            limit = f" (limit <= {COLD_SECONDS_MAX:g} s)" if is_limited else ""
            missed = "  MISSED" if is_limited and seconds > COLD_SECONDS_MAX else ""
            print(f"{kind}: {what}, {temperature}: {seconds * 1000:.0f} ms{limit}{missed}")


def _lines(database: Database, index: LogIndex, attempt_id: str) -> None:
    offset, number = index.offset_of(LINES // 2)
    lines = read_lines(database, attempt_id, offset=offset, number=number, first=LINES // 2, is_finished=True)
    assert len([line for line, _ in zip(lines, range(500), strict=False)]) == 500


def _marks(database: Database, index: LogIndex, attempt_id: str) -> None:
    assert index.marks(is_finished=True)[0] == [LINES]


def _search(database: Database, index: LogIndex, attempt_id: str) -> None:
    pattern = compiled("warehouse.*7777", is_regex=True)
    search(database, attempt_id, pattern, first=1, is_finished=True, seconds_max=2.0)


_READS: dict[str, Callable[[Database, LogIndex, str], None]] = {
    "500 lines of the middle": _lines,
    "marks": _marks,
    "search, which ends after 2 s": _search,
}


def _fill(database: Database) -> str:
    engine = Engine(database)
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    attempt_id = engine.attempt("a").attempt_id
    offset = 0
    with database.write() as connection:
        for begin in range(0, LINES, CHUNK_LINES):
            data = "".join(LINE % number for number in range(begin, min(begin + CHUNK_LINES, LINES - 1))).encode()
            data += b"ERROR the end\n" if begin + CHUNK_LINES >= LINES else b""
            row = {"attempt_id": attempt_id, "offset": offset, "at": datetime.now(UTC), "data": data}
            connection.execute(insert(task_log), row)
            offset += len(data)
    engine.finish("a")
    engine.close()
    return attempt_id


@contextmanager
def _setting(kind: str, folder: Path) -> Iterator[str | None]:
    if kind == "s3":
        with s3_server("logs") as variables:
            os.environ.update(variables)
            yield "s3://logs/bench"
    else:
        yield None if kind == "database" else str(folder / "logs")
