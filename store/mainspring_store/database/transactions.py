"""One open database: connections, write transactions, and the differences between SQLite and PostgreSQL.

SQLite has one writer at a time. SQLite's busy handler sleeps in growing steps, so under load a writer waits far longer
than the lock is held. Therefore writers first queue on a lock of the process and a `flock` between processes, and
`BEGIN IMMEDIATE` never meets a busy database (measured 2-3 times faster: docs/decisions).
"""

import fcntl
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from mainspring.errors import StoreUnavailable
from mainspring_store.database.log_stores import CachedLogStore
from mainspring_store.database.pipeline import DirectStatements, PipelinedStatements, PipelineSession, Statements
from mainspring_store.database.postgres_sessions import (
    POOLER_REFUSED,
    POOLER_SIGN,
    SCHEMA,
    chosen_search_path,
    session_preparer,
)

__all__ = ["Database", "commit_before_the_flush", "lift_time_limit", "open_database"]

_log = logging.getLogger(__name__)

CONNECT_SECONDS_MAX = 5
"""PostgreSQL must accept a connection within this time."""
LOCK_WAIT_SECONDS_MAX = 5.0
"""A statement waits this long for a lock in PostgreSQL."""
IDLE_IN_TRANSACTION_SECONDS_MAX = 30.0
"""PostgreSQL ends a session whose open transaction is idle for longer, and releases its locks."""
CONNECTION_WAIT_SECONDS_MAX = 5.0
"""A thread that waits longer for a connection of the pool gets `StoreUnavailable`."""
WRITE_WAIT_SECONDS_MAX = 5.0
"""A writer that waits longer for its turn gets `StoreUnavailable`."""


class Database:
    """Connections to one database. Safe to use from many threads. A forked process must not use it."""

    def __init__(self, engine: Engine, write_queue: "WriteQueue | None", reading: Engine | None = None) -> None:
        """reading: `engine` with other options, for queries; None = `engine` itself."""
        self.engine = engine
        self._reading = reading or engine
        self._write_queue = write_queue
        self._sessions: list[PipelineSession] = []
        """Idle sessions for passes. A thread that finds none opens one."""
        self.log_store: CachedLogStore | None = None
        """Where logs of ended tries lie outside the database; None = nowhere, or this process reads no logs."""

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @property
    def sqlite_path(self) -> Path:
        """The absolute path of the SQLite file. Only for SQLite."""
        assert self.is_sqlite
        return Path(self.engine.url.database or "").absolute()

    @contextmanager
    def read(self, *, is_long: bool = False) -> Iterator[Connection]:
        """A connection for queries. On SQLite all statements see one snapshot, on PostgreSQL each its own.

        is_long: lift the time limit of statements, because the work grows with the amount of stored rows.

        Raises:
            StoreUnavailable: The database cannot be reached.
        """
        # On PostgreSQL, the time limit is lifted for a transaction.
        with _translated(), (self.engine if is_long else self._reading).connect() as connection:
            if is_long:
                lift_time_limit(connection)
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that commits at the end, or rolls back when an exception leaves it.

        Raises:
            StoreUnavailable: The database is unreachable, or the writer did not get its turn within
                `WRITE_WAIT_SECONDS_MAX`. After a failed commit the outcome is unknown: read before deciding.
        """
        with _translated():
            if self._write_queue is None:
                with self.engine.begin() as connection:
                    yield connection
            else:
                with self._write_queue.transaction() as connection:
                    yield connection

    @contextmanager
    def statements(self, *, predicts: bool = False) -> Iterator[Statements]:
        """A transaction as `write`, whose statements travel together on PostgreSQL.

        predicts: whether guarded writes may wait (see `pipeline`).

        Raises:
            Mispredicted: A prediction was wrong. The transaction is rolled back.
            StoreUnavailable: As for `write`.
        """
        if self.is_sqlite:
            with self.write() as connection:
                yield DirectStatements(connection)
            return
        with _translated():
            session = self._idle_session() or self._open_session()
            try:
                pipeline = PipelinedStatements(session, predicts=predicts)
                yield pipeline
                pipeline.commit()
            finally:
                self._give_back(session)

    def _idle_session(self) -> PipelineSession | None:
        try:
            return self._sessions.pop()
        except IndexError:
            return None

    def _open_session(self) -> PipelineSession:
        connection = self.engine.connect()
        try:
            connection.execution_options(isolation_level="AUTOCOMMIT").detach()
            return PipelineSession(connection)
        except BaseException:
            connection.close()
            raise

    def _give_back(self, session: PipelineSession) -> None:
        """Keep a session for the next transaction, unless the session may be unfit."""
        try:
            session.roll_back()
        except Exception:
            _log.debug("session dropped", exc_info=True)
        if session.is_usable:
            self._sessions.append(session)
        else:
            session.close()

    @contextmanager
    def autocommit(self) -> Iterator[Connection]:
        """A connection for single writing statements. On PostgreSQL each statement is a transaction and one round trip;
        on SQLite all statements form one transaction.

        Raises:
            StoreUnavailable: As for `write`.
        """
        if self.is_sqlite:
            with self.write() as connection:
                yield connection
        else:
            with _translated(), self._reading.connect() as connection:
                yield connection

    def disconnect(self) -> None:
        """Close all connections; the next use opens new connections. Call it only while no thread uses the database."""
        while self._sessions:
            self._sessions.pop().close()
        self.engine.dispose()
        if self._write_queue is not None:
            self._write_queue.disconnect()

    def close(self) -> None:
        self.disconnect()
        if self._write_queue is not None:
            self._write_queue.close()


class WriteQueue:
    """The queue of all writers of one SQLite file: the threads of this process and all other processes."""

    def __init__(self, path: Path, engine: Engine) -> None:
        """engine: opens the connection for writing, which does not count for the pool of the engine."""
        self._engine = engine
        self._connection: Connection | None = None
        """Kept between turns: opening a connection costs as much as a short transaction."""
        self._threads = threading.Lock()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self.turn():
            connection = self._connection = self._connection or self._connect()
            try:
                with connection.begin():
                    yield connection
            except BaseException:
                # The connection may be unfit for a further transaction.
                self._connection = None
                connection.close()
                raise

    @contextmanager
    def turn(self) -> Iterator[None]:
        deadline = time.monotonic() + WRITE_WAIT_SECONDS_MAX
        if not self._threads.acquire(timeout=WRITE_WAIT_SECONDS_MAX):
            raise StoreUnavailable(f"no turn to write within {WRITE_WAIT_SECONDS_MAX:g} s; try again later")
        try:
            self._lock_file(deadline)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def _lock_file(self, deadline: float) -> None:
        # `flock` has no time limit. A turn lasts about a millisecond and at most one thread of each process waits for
        # the file lock, so polling with short naps costs less than a helper thread.
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StoreUnavailable(
                        f"another process held the database for {WRITE_WAIT_SECONDS_MAX:g} s; try again later"
                    ) from None
                time.sleep(0.0002)

    def disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        os.close(self._file)
        self._file = -1  # a thread that outlives the close must not lock the file that gets this number next

    def _connect(self) -> Connection:
        connection = self._engine.connect()
        connection.detach()
        return connection


def open_database(
    url: str,
    *,
    connections_max: int = 16,
    synchronous: str = "FULL",
    statement_seconds_max: float | None = None,
) -> Database:
    """Open the database at an SQLAlchemy URL (`sqlite:///path` or `postgresql+psycopg://...`).

    connections_max: maximum of pooled connections of this process; on SQLite one writer connection is added. A thread
        that finds no free connection waits.
    statement_seconds_max: PostgreSQL only. PostgreSQL ends a statement that takes longer; the caller gets
        `StoreUnavailable`. `None` = unlimited. `lift_time_limit` lifts the limit for one transaction.
    synchronous: SQLite only. `FULL` survives a power cut; `NORMAL` may lose the last second at a power cut, never
        at a crash.

    A PostgreSQL session overrides harmful defaults of the server and the role, see `postgres_sessions`. `options` in
    the URL stay in force and may set a search path.

    The function does not connect. The first use connects and may raise `StoreUnavailable`.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(url, connections_max, synchronous)
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    chosen = parsed.query.get("options", "")
    options = chosen if isinstance(chosen, str) else " ".join(chosen)
    engine = create_engine(
        parsed,
        pool_size=connections_max,
        max_overflow=0,
        pool_timeout=CONNECTION_WAIT_SECONDS_MAX,
        # The connection that was used last has prepared the most statements.
        pool_use_lifo=True,
        connect_args={
            "connect_timeout": CONNECT_SECONDS_MAX,
            # When two options set the same value, PostgreSQL uses the last option.
            "options": f"{options} {_session_options(statement_seconds_max)}".lstrip(),
        },
    )
    # This listener must run first: SQLAlchemy's own listener reads isolation and schema of the first connection.
    event.listen(engine, "connect", session_preparer(chosen_search_path(options) or SCHEMA), insert=True)
    # Under READ COMMITTED, queries see the same without a transaction, in one round trip instead of three.
    return Database(engine, None, engine.execution_options(isolation_level="AUTOCOMMIT"))


def _session_options(statement_seconds_max: float | None) -> str:
    limits = {
        "lock_timeout": LOCK_WAIT_SECONDS_MAX,
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_SECONDS_MAX,
        "statement_timeout": statement_seconds_max or 0,
    }
    return " ".join(["-c timezone=UTC", *(f"-c {name}={seconds * 1000:.0f}" for name, seconds in limits.items())])


def lift_time_limit(connection: Connection) -> None:
    """Lift the time limit of statements for this transaction, because its work grows with the amount of stored rows."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")


def commit_before_the_flush(connection: Connection) -> None:
    """Let the commit of this transaction return before the disk has it: other writers wait for one flush less.

    PostgreSQL alone. A crash of the server may undo the transaction, but no later one that stays. So use this only for
    work that can be done again and that no client has seen.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")


def _open_sqlite(url: str, connections_max: int, synchronous: str) -> Database:
    if synchronous not in ("FULL", "NORMAL"):
        raise ValueError(f"synchronous is {synchronous!r}; use FULL or NORMAL")
    path = make_url(url).database
    if not path or path == ":memory:":
        raise ValueError("an SQLite database needs a file: sqlite:///path/to/mainspring.db")
    # Create the file before SQLite does, so that the file never has a wider mode.
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as exc:
        raise StoreUnavailable(f"cannot write the database file {path}: {os.strerror(exc.errno or 0)}") from exc
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=connections_max,
        max_overflow=0,
        pool_timeout=CONNECTION_WAIT_SECONDS_MAX,
        connect_args={"check_same_thread": False, "timeout": WRITE_WAIT_SECONDS_MAX, "cached_statements": 512},
    )

    def prepare(connection: sqlite3.Connection, _: Any) -> None:
        # The driver must not begin transactions: `begin` below chooses the kind of transaction.
        connection.isolation_level = None
        for pragma in (
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            f"busy_timeout={int(WRITE_WAIT_SECONDS_MAX * 1000)}",
            "journal_size_limit=67108864",
            "temp_store=MEMORY",
            "cache_size=-16384",
        ):
            connection.execute(f"PRAGMA {pragma}")

    def begin(connection: Connection) -> None:
        is_write = connection.get_execution_options().get("mainspring_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    queue = WriteQueue(Path(f"{path}-turn"), engine.execution_options(mainspring_write=True))
    _keep_write_ahead_log(Path(path), queue)
    return Database(engine, queue)


def _keep_write_ahead_log(path: Path, queue: WriteQueue) -> None:
    """Switch the file to a write-ahead log permanently, unless it has one.

    The switch needs a lock for which SQLite does not wait. Services that start together on a new file take turns;
    otherwise a service would fail with "database is locked".
    """
    with path.open("rb") as file:
        header = file.read(20)
    if header[18:] == b"\x02\x02":  # the file format's versions for writing and reading: 2 = with a write-ahead log
        return
    with _translated(), queue.turn(), closing(sqlite3.connect(path, timeout=WRITE_WAIT_SECONDS_MAX)) as connection:
        # Lets the file shrink after deletions. Takes effect only while the file has no table.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("PRAGMA journal_mode=WAL")


@contextmanager
def _translated() -> Iterator[None]:
    """Translate errors of an unreachable or busy database to `StoreUnavailable`. Programming errors pass unchanged."""
    try:
        yield
    except PoolTimeout as exc:
        raise StoreUnavailable("all connections to the database are in use; try again later") from exc
    except OperationalError as exc:
        if POOLER_SIGN in str(exc.orig):
            raise StoreUnavailable(POOLER_REFUSED) from exc
        raise StoreUnavailable(f"the database cannot be used now: {exc.orig}") from exc
    except DBAPIError as exc:
        if exc.connection_invalidated:
            raise StoreUnavailable(f"the connection to the database broke: {exc.orig}") from exc
        raise
