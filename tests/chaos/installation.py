"""All parts of one installation as processes, and the supervisor that starts again what has died.

`rq`: an API, an execution API, two schedulers and two workers over PostgreSQL and Valkey. `local` and `thread`: an API
and a scheduler over SQLite. Everything stays up from trial to trial; a fault of the last one is over before the next.
"""

import os
import resource
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from mainspring.failpoints import VARIABLE
from mainspring_cli.client.plain_client import ApiError, Client
from mainspring_store import Database, open_database
from mainspring_store.schema.migrate import migrate
from tests.acceptance.server import cmdline_of, descendants, is_running, until
from tests.chaos.small_disk import SmallDisk, mounted
from tests.services.environment import child_environment
from tests.services.postgres import PostgresServer
from tests.services.process import spawn, stop
from tests.services.slow_clients import slow_clients
from tests.services.valkey import ValkeyServer

__all__ = ["LEASE_SECONDS", "ROOT", "Installation", "Part", "installed"]

LEASE_SECONDS = 3
ROOT = Path(__file__).resolve().parents[2]
_RESTART_SECONDS = 0.2
_SETTLE_SECONDS_MAX = 60.0


@dataclass(kw_only=True)
class Part:
    """One process that the supervisor keeps alive."""

    name: str
    role: str
    """What faults are aimed at: `api`, `execution`, `scheduler`, `worker`."""
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    pass_fds: Sequence[int] = ()
    process: subprocess.Popen[bytes] | None = None
    restart_at: float = 0.0

    def start(self) -> None:
        self.process = spawn(self.command, log=self.log, environment=self.environment, pass_fds=self.pass_fds)


@dataclass(kw_only=True)
class Installation:
    """A running installation. Call `tend` all the time: nothing is restarted or continued otherwise."""

    executor: str
    folder: Path
    client: Client
    database: Database
    failpoints: Path
    """Where places are armed."""
    parts: list[Part]
    ports: Mapping[str, int]
    """Role of a server, `api` or `execution` -> where it listens."""
    disk: SmallDisk | None
    """Where the task hosts keep their files; `None` where this cannot be a disk of its own."""
    postgres: PostgresServer | None = None
    valkey: ValkeyServer | None = None
    valkey_folder: Path | None = None
    timeline: list[tuple[float, str]] = field(default_factory=list)
    """What happened in this trial, and when, by the monotonic clock."""
    hits: list[str] = field(default_factory=list)
    """Failpoints that a process came to in this trial, with what it did there."""
    _paused: dict[int, float] = field(default_factory=dict)
    """Process id -> when it goes on."""
    _without_descriptors: dict[int, tuple[float, tuple[int, int]]] = field(default_factory=dict)
    """Process id -> when it gets its limit of open files back, and this limit."""
    _servers_due: dict[str, float] = field(default_factory=dict)
    """Stopped server -> when it is started again."""
    _servers_coming: dict[str, float] = field(default_factory=dict)
    _servers_flapping: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Server -> how often it goes away again once it is back, and for how many seconds each time."""
    _disk_full: tuple[float, str] | None = None
    """When the full disk gets room again, and what the disk lacks until then."""
    _crowds: list[tuple[float, ExitStack]] = field(default_factory=list)
    """Slow clients, each crowd with when it leaves."""

    def note(self, what: str) -> None:
        self.timeline.append((time.monotonic(), what))

    def begin_trial(self) -> None:
        self.timeline, self.hits = [], []
        self.note("begins")

    def forget(self) -> None:
        """Drop what the last trial left in files."""
        for path in self.folder.glob("**/*.log"):
            os.truncate(path, 0)
        for path in self.folder.glob("witness-*"):
            path.unlink()

    def tend(self) -> None:
        """Start again what has died, let go on what was paused for long enough, see which failpoints were reached."""
        now = time.monotonic()
        for part in self.parts:
            if part.process is not None and (code := part.process.poll()) is not None:
                self.note(f"{part.name} ended with {code}")
                part.process, part.restart_at = None, now + _RESTART_SECONDS
            if part.process is None and now >= part.restart_at:
                part.start()
        for pid in [pid for pid, at in self._paused.items() if now >= at]:
            self._resume(pid)
        for crowd in [crowd for crowd in self._crowds if now >= crowd[0]]:
            self._send_away(crowd)
        for pid in [pid for pid, (at, _) in self._without_descriptors.items() if now >= at]:
            self._give_descriptors(pid)
        self._tend_disk(now)
        for taken in self.failpoints.glob("*.*.[0-9]*"):
            self._note_hit(taken)
        for server in [server for server, at in self._servers_due.items() if now >= at]:
            del self._servers_due[server]
            self._serve(server)
        for server in list(self._servers_coming):
            if self._answers(server):
                del self._servers_coming[server]
                times, away_seconds = self._servers_flapping.pop(server, (0, 0.0))
                # A recovery is counted from the last return alone.
                self.note(f"{server} is back" + (" for a moment" if times else ""))
                if times:
                    self.stop_server(server, away_seconds=away_seconds, is_emptied=False, times=times)

    # -- what faults do

    def arm(self, failpoint: str, action: str) -> None:
        """Have the first process that comes to this place do it. Written whole before it can be found."""
        draft = self.failpoints / "draft"
        draft.write_text(action)
        draft.rename(self.failpoints / failpoint)

    def signal(self, pid: int, number: signal.Signals, *, pause_seconds: float = 0.0) -> None:
        """pause_seconds: after which a stopped process goes on."""
        with suppress(ProcessLookupError):
            os.kill(pid, number)
            if number is signal.SIGSTOP:
                self._paused[pid] = time.monotonic() + pause_seconds

    def take_descriptors(self, pid: int, *, seconds: float) -> None:
        """Let a process open no more files for so long."""
        with suppress(ProcessLookupError):
            limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
            self._without_descriptors[pid] = (time.monotonic() + seconds, limits)

    def _give_descriptors(self, pid: int) -> None:
        _, limits = self._without_descriptors.pop(pid)
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)

    def fill_disk(self, lacking: str, *, seconds: float) -> None:
        """Leave the task hosts no room for a file for so long. Leaves the fault out by name without a small disk."""
        if self.disk is None:
            self.note("the full disk is left out: a small disk needs root and a mount namespace")
            return
        self._disk_full = (time.monotonic() + seconds, lacking)
        self._tend_disk(time.monotonic())

    def _tend_disk(self, now: float) -> None:
        if self.disk is None or self._disk_full is None:
            return
        full_until, lacking = self._disk_full
        if now < full_until:
            self.disk.fill(lacking)
        else:
            self._disk_full = None
            self.disk.drain()
            self.note("the disk has room again")

    def pids(self, role: str) -> list[int]:
        """The processes that a fault of this role may hit; for `host`, all that belong to task hosts; for `inner-host`,
        those below a guard; for `fork_server`, those that fork calls."""
        if role in ("host", "inner-host", "zygote"):
            below = [pid for part in self.parts if part.process for pid in descendants(part.process.pid)]
            hosts = [pid for pid in below if "mainspring_executors.host" in cmdline_of(pid)]
            # A guard, the host below it, its zygote, and the calls.
            levels = Counter(pid for above in hosts for pid in descendants(above))
            level = {"inner-host": 1, "zygote": 2}
            return hosts if role == "host" else [pid for pid in hosts if levels[pid] == level[role]]
        found = [part.process.pid for part in self.parts if part.role == role and part.process is not None]
        if role in ("api", "execution"):
            found += [pid for parent in found for pid in descendants(parent)]
        return found

    def stop_server(self, server: str, *, away_seconds: float, is_emptied: bool, times: int = 1) -> None:
        """Kill `postgres` or `redis` at once, and start it again later, without its data when that is said.

        times: how often in all; each time but the first follows when the server has answered again.
        """
        if server == "postgres":
            assert self.postgres is not None
            self.postgres.crash()
        else:
            assert self.valkey is not None
            assert self.valkey_folder is not None
            self.valkey.process.kill()
            self.valkey.process.wait()
            if is_emptied:
                shutil.rmtree(self.valkey_folder / "appendonlydir", ignore_errors=True)
        self._servers_due[server] = time.monotonic() + away_seconds
        if times > 1:
            self._servers_flapping[server] = (times - 1, away_seconds)

    def crowd(self, role: str, silent: int, dripping: int, *, seconds: float) -> None:
        """Have slow clients connect to a server for so long. Returns once all have been connected."""
        stack = ExitStack()
        stack.enter_context(slow_clients("127.0.0.1", self.ports[role], silent=silent, dripping=dripping))
        self._crowds.append((time.monotonic() + seconds, stack))

    def clear_faults(self) -> None:
        """Disarm what was not reached; let everything go on that is still paused, and servers stay once they are up."""
        self._servers_flapping.clear()
        for armed in self.failpoints.iterdir():
            if not armed.suffix[1:].isdigit():
                armed.unlink(missing_ok=True)
        for pid in list(self._paused):
            self._resume(pid)
        for crowd in list(self._crowds):
            self._send_away(crowd)
        for pid in list(self._without_descriptors):
            self._give_descriptors(pid)
        self._tend_disk(float("inf"))

    @property
    def is_whole(self) -> bool:
        """Whether nothing is dead, paused, or away."""
        are_up = all(part.process is not None for part in self.parts)
        return are_up and not (self._paused or self._servers_due or self._servers_coming)

    def _send_away(self, crowd: tuple[float, ExitStack]) -> None:
        self._crowds.remove(crowd)
        crowd[1].close()
        self.note("the slow clients left")

    def _resume(self, pid: int) -> None:
        del self._paused[pid]
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
            self.note(f"process {pid} goes on")

    def _note_hit(self, taken: Path) -> None:
        """Read what a process did at a failpoint, from the file that it took."""
        failpoint, _, pid = taken.name.rpartition(".")
        action = taken.read_text()
        taken.unlink()
        self.note(f"{failpoint}: {action} by process {pid}")
        self.hits.append(f"{failpoint} {action}")
        if action == "stop" and is_running(int(pid)):
            self._paused[int(pid)] = time.monotonic() + LEASE_SECONDS / 2

    def _serve(self, server: str) -> None:
        if server == "postgres":
            assert self.postgres is not None
            self.postgres.start_again()
        else:
            assert self.valkey_folder is not None
            self.valkey = ValkeyServer.start(self.valkey_folder, appendonly=True)
        self._servers_coming[server] = time.monotonic()

    def _answers(self, server: str) -> bool:
        return (self.postgres if server == "postgres" else self.valkey).answers()  # type: ignore[union-attr]


@contextmanager
def installed(folder: Path, executor: str) -> Iterator[Installation]:
    """An installation below the empty `folder`, up and proven by a request; ended afterwards."""
    with ExitStack() as stack:
        postgres, valkey, valkey_folder = None, None, None
        url = f"sqlite:///{folder / 'mainspring.db'}"
        if executor == "rq":
            valkey_folder = folder / "valkey"
            for name in ("postgres", "valkey"):
                (folder / name).mkdir()
            folder.chmod(0o755)
            postgres = PostgresServer.start(folder / "postgres", fsync=True)
            stack.callback(postgres.close)
            url = postgres.create_database()
            valkey = ValkeyServer.start(valkey_folder, appendonly=True)
            stack.callback(lambda: installation.valkey and installation.valkey.close())
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        token = secrets.token_urlsafe(32)
        database = open_database(url, connections_max=4)
        stack.callback(database.close)
        migrate(database)
        (folder / "failpoints").mkdir()
        disk = stack.enter_context(mounted(folder / "tasks"))
        installation = Installation(
            executor=executor,
            folder=folder,
            client=Client(url=f"http://127.0.0.1:{_port(listeners[0])}/api/v2", token=token, timeout_seconds=5),
            database=database,
            failpoints=folder / "failpoints",
            disk=disk,
            ports={"api": _port(listeners[0]), "execution": _port(listeners[1])},
            parts=_parts(folder, executor, listeners, token, url, valkey),
            postgres=postgres,
            valkey=valkey,
            valkey_folder=valkey_folder,
        )
        stack.callback(_end, installation)
        installation.tend()
        until(lambda: _is_ready(installation), "the API's first answer")
        yield installation


def _parts(
    folder: Path, executor: str, listeners: Sequence[socket.socket], token: str, url: str, valkey: ValkeyServer | None
) -> list[Part]:
    (folder / "tmp").mkdir()
    settings = {
        "HOME": str(folder / "home"),
        "TASK_FOLDER": str(folder / "tasks"),
        "DATABASE_URL": url,
        "EXECUTOR": executor,
        "ADMIN_TOKEN": token,
        "WORKER_TOKEN": secrets.token_urlsafe(32),
        "LEASE_SECONDS": str(LEASE_SECONDS),
        "STOP_GRACE_SECONDS": "1",
        "CODE_PATH": str(ROOT),
        "EXECUTION_URL": f"http://127.0.0.1:{_port(listeners[1])}",
        **({"REDIS_URL": valkey.url} if valkey else {}),
    }
    environment = child_environment()
    environment |= {f"MAINSPRING_{name}": value for name, value in settings.items()}
    environment |= {VARIABLE: str(folder / "failpoints"), "TMPDIR": str(folder / "tmp")}

    def part(name: str, role: str, command: str, listener: socket.socket | None = None) -> Part:
        fds = [] if listener is None else [listener.fileno()]
        return Part(
            name=name,
            role=role,
            command=[sys.executable, "-m", "mainspring_cli", command, *(f"--listen-fd={fd}" for fd in fds)],
            environment=environment,
            log=folder / f"{name}.log",
            pass_fds=fds,
        )

    parts = [part("api", "api", "api", listeners[0]), part("scheduler-1", "scheduler", "scheduler")]
    if executor != "rq":
        return parts
    return [
        *parts,
        part("scheduler-2", "scheduler", "scheduler"),
        part("execution", "execution", "execution-api", listeners[1]),
        part("worker-1", "worker", "worker"),
        part("worker-2", "worker", "worker"),
    ]


def _port(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port


def _is_ready(installation: Installation) -> bool:
    installation.tend()
    try:
        installation.client.get("/dags")
    except ApiError:
        return False
    return True


def _end(installation: Installation) -> None:
    installation.clear_faults()
    running = [part.process for part in installation.parts if part.process is not None]
    for process in running:
        process.send_signal(signal.SIGTERM)
    for process in running:
        stop(process)
