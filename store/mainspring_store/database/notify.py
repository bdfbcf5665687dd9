"""Wake the scheduler: a process that commits work for the scheduler notifies, and the scheduler queries at once. The
readers of the event feed are woken in the same way, by every process that commits events.

A notification has no content; it may be lost, doubled or late. The scheduler also polls each second, so a lost
notification costs at most one second.

SQLite: a datagram to the scheduler's socket, ~20 µs. PostgreSQL: NOTIFY, in a separate transaction after the commit
and at most once per 20 ms and process, because a NOTIFY takes a lock of the whole server at its commit. That commit
does not wait for the disk: `synchronous_commit` is off on the connection of the notifier.
"""

import contextlib
import glob
import hashlib
import os
import secrets
import select
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mainspring_store.database.transactions import Database

if TYPE_CHECKING:
    import psycopg

__all__ = ["Listener", "Notifier", "open_feed_listener", "open_feed_notifier", "open_listener", "open_notifier"]

NOTIFY_INTERVAL_SECONDS_MIN = 0.02
_CHANNEL = "mainspring"
_FEED_CHANNEL = "mainspring_feed"
_FEED_SOCKETS_AGE_SECONDS_MAX = 1.0
_TICK_NANOSECONDS = 20_000_000
"""Above the step of the clock of any file system here: changes of a folder within a step have one instant."""


class Notifier(Protocol):
    """Sends notifications. Safe to use from many threads."""

    def notify(self) -> None:
        """Wake the schedulers. Call it after the commit. Never blocks for long, never raises."""
        ...

    def close(self) -> None: ...


class Listener(Protocol):
    """Receives notifications for one scheduler."""

    def fileno(self) -> int:
        """A descriptor that is readable after a notification. Changes when the listener connects again."""
        ...

    def clear(self) -> bool:
        """Discard the notifications so far; returns whether there were any. Call it before querying the database."""
        ...

    def close(self) -> None: ...


def open_notifier(database: Database) -> Notifier:
    """Wakes the schedulers and the readers of the event feed."""
    if database.is_sqlite:
        return _SocketNotifier(_socket_path(database), wakes_scheduler=True)
    return _PostgresNotifier(database, _CHANNEL)


def open_listener(database: Database) -> Listener:
    """Listens as a scheduler."""
    if database.is_sqlite:
        return _SocketListener(_socket_path(database))
    return _PostgresListener(database, _CHANNEL)


def open_feed_notifier(database: Database) -> Notifier:
    """Wakes the readers of the event feed, not the schedulers: for a scheduler."""
    if database.is_sqlite:
        return _SocketNotifier(_socket_path(database), wakes_scheduler=False)
    return _PostgresNotifier(database, _FEED_CHANNEL)


def open_feed_listener(database: Database) -> Listener:
    """Listens as a reader of the event feed."""
    if database.is_sqlite:
        return _SocketListener(f"{_socket_path(database)}-{secrets.token_hex(4)}")
    return _PostgresListener(database, _CHANNEL, _FEED_CHANNEL)


def _socket_path(database: Database) -> str:
    path = f"{database.sqlite_path}-bell"
    if len(path.encode()) < 98:
        return path
    # The address of a socket holds 107 bytes, and the socket of a feed adds 9. A hash in a private folder of this user
    # stands for a longer path.
    folder = Path(tempfile.gettempdir()) / f"mainspring-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user; set TMPDIR to a folder of your own")
    return str(folder / hashlib.sha256(path.encode()).hexdigest()[:32])


class _SocketNotifier:
    def __init__(self, path: str, *, wakes_scheduler: bool) -> None:
        self._scheduler = [path] if wakes_scheduler else []
        self._feed_pattern = f"{glob.escape(path)}-*"
        self._folder = os.path.dirname(path)
        self._folder_changed_at: int | None = None
        """The instant of the folder at the last look; None = the next notification looks again."""
        self._feeds: list[str] = []
        self._looked_at = float("-inf")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)

    def notify(self) -> None:
        # An error means that no scheduler listens, or that the socket is full of notifications: both are harmless.
        for path in self._scheduler:
            with contextlib.suppress(OSError):
                self._socket.sendto(b"!", path)
        now, changed_at = time.monotonic(), self._changed_at()
        # A reader that begins to follow makes a socket, and so changes the folder.
        if changed_at != self._folder_changed_at or now - self._looked_at >= _FEED_SOCKETS_AGE_SECONDS_MAX:
            self._looked_at = now
            self._folder_changed_at = changed_at if time.time_ns() - changed_at > _TICK_NANOSECONDS else None
            self._feeds = glob.glob(self._feed_pattern)
        for path in self._feeds:
            try:
                self._socket.sendto(b"!", path)
            except ConnectionRefusedError:  # its process was killed
                with contextlib.suppress(OSError):
                    os.unlink(path)
            except OSError:
                pass

    def _changed_at(self) -> int:
        """When the folder of the sockets changed last, in nanoseconds since 1970; 0 = it cannot be read."""
        with contextlib.suppress(OSError):
            return os.stat(self._folder).st_mtime_ns
        return 0

    def close(self) -> None:
        self._socket.close()


class _SocketListener:
    def __init__(self, path: str) -> None:
        self._path = path
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        self._socket.bind(path)
        os.chmod(path, 0o600)

    def fileno(self) -> int:
        return self._socket.fileno()

    def clear(self) -> bool:
        is_notified = False
        with contextlib.suppress(BlockingIOError):
            while self._socket.recv(1):
                is_notified = True
        return is_notified

    def close(self) -> None:
        self._socket.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)


class _PostgresNotifier:
    """Has a connection of its own: in the pool, its thread and the pass would swap connections, and with them the
    statements that each connection has prepared."""

    def __init__(self, database: Database, channel: str) -> None:
        self._database = database
        self._statement = f"NOTIFY {channel}"
        self._connection: object | None = None
        self._pending = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def notify(self) -> None:
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
                    self._thread.start()
        self._pending.set()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self._pending.wait()
            if self._closed:
                self._disconnect()
                return
            self._pending.clear()
            self._send()
            pause.wait(NOTIFY_INTERVAL_SECONDS_MIN)

    def _send(self) -> None:
        import psycopg

        # While the database is unreachable, no scheduler can be woken; polling makes up for lost notifications.
        try:
            if not isinstance(self._connection, psycopg.Connection):
                self._connection = _connect(self._database)
                self._connection.execute("SET synchronous_commit = off")
            self._connection.execute(self._statement)
        except psycopg.Error:
            self._disconnect()

    def _disconnect(self) -> None:
        import psycopg

        if isinstance(self._connection, psycopg.Connection):
            self._connection.close()
        self._connection = None

    def close(self) -> None:
        self._closed = True
        self._pending.set()
        if self._thread is not None:
            self._thread.join(timeout=5)


class _PostgresListener:
    def __init__(self, database: Database, *channels: str) -> None:
        self._database = database
        self._channels = channels
        self._idle_read, self._idle_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._connection: object | None = None
        self._connect()

    def _connect(self) -> None:
        import psycopg

        # A connection from the pool would go on listening after its return to the pool.
        with contextlib.suppress(psycopg.Error):
            connection = _connect(self._database)
            for channel in self._channels:
                connection.execute(f"LISTEN {channel}")
            self._connection = connection

    def fileno(self) -> int:
        import psycopg

        if isinstance(self._connection, psycopg.Connection) and not self._connection.closed:
            return self._connection.fileno()
        return self._idle_read

    def clear(self) -> bool:
        import psycopg

        if not isinstance(self._connection, psycopg.Connection) or self._connection.closed:
            self._connect()
            # Notifications may have been lost while the listener was disconnected.
            return True
        try:
            poll = select.poll()  # `select` knows no descriptor above 1023, and an API may have thousands
            poll.register(self._connection, select.POLLIN)
            if not poll.poll(0):
                return False
            return any(True for _ in self._connection.notifies(timeout=0))
        except psycopg.Error:
            self._connection.close()
            self._connection = None
            return True

    def close(self) -> None:
        import psycopg

        if isinstance(self._connection, psycopg.Connection):
            self._connection.close()
        os.close(self._idle_read)
        os.close(self._idle_write)


def _connect(database: Database) -> "psycopg.Connection[Any]":
    """A connection outside the pool, without transactions.

    Raises:
        psycopg.Error: The database cannot be reached.
    """
    import psycopg

    url = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(url, autocommit=True, connect_timeout=3, keepalives_idle=10)
