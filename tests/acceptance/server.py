"""A `mainspring up` for one test: started, asked over HTTP, hit, stopped."""

import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from mainspring_cli.client.plain_client import Client
from tests.services.environment import child_environment

__all__ = [
    "Server",
    "ask",
    "cmdline_of",
    "descendants",
    "is_running",
    "parent_of",
    "proportional_memory_mib",
    "started",
    "started_alone",
    "until",
]

DEADLINE_SECONDS = 60.0


@dataclass(kw_only=True)
class Server:
    """One running `mainspring up`."""

    process: subprocess.Popen[str]
    client: Client
    home: Path

    def put_dag(self, source: str) -> Mapping[str, Any]:
        dag_id = source.split("dag_id:", 1)[1].split()[0]
        answer: Mapping[str, Any] = self.client.put_yaml(f"/dags/{dag_id}", source.encode())
        return answer

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Trigger a run; returns its path below `/api/v2`."""
        run = self.client.post(f"/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": dict(conf or {})})
        return f"/dags/{dag_id}/dagRuns/{run['dag_run_id']}"

    def wait(self, path: str) -> Mapping[str, Any]:
        """The run once it is over."""
        until(lambda: self.client.get(path)["state"] in ("success", "failed"), f"the end of {path}")
        run: Mapping[str, Any] = self.client.get(path)
        return run

    def cancel(self, path: str, *, wait: float = 0) -> Mapping[str, Any]:
        """The run as the cancel left it, or after a wait of at most these seconds until all has stopped."""
        request = urllib.request.Request(
            f"{self.client.url}{path}?wait={wait}",
            data=b'{"state": "failed"}',
            headers={"Authorization": f"Bearer {self.client.token}", "Content-Type": "application/json"},
            method="PATCH",
        )
        with urllib.request.urlopen(request) as answer:
            run: Mapping[str, Any] = orjson.loads(answer.read())
        return run

    def instances(self, path: str) -> dict[str, Mapping[str, Any]]:
        """Task id -> task instance as the API shows it."""
        listed = self.client.get(f"{path}/taskInstances")["task_instances"]
        return {instance["task_id"]: instance for instance in listed}

    def log(self, path: str, task_id: str, try_number: int = 1) -> str:
        answer = self.client.get(f"{path}/taskInstances/{task_id}/logs/{try_number}?full_content=true")
        return "\n".join(item if isinstance(item, str) else item["event"] for item in answer["content"])

    def pid_of(self, part: str) -> int:
        """Process id of one part: `scheduler`, `api` (its gunicorn master) or `host` (the task host)."""
        marks = {"scheduler": "mainspring_cli scheduler", "api": "mainspring_cli api", "host": "mainspring_executors"}
        found = [pid for pid in descendants(self.process.pid) if marks[part] in cmdline_of(pid)]
        assert found, f"no {part} among {[cmdline_of(pid) for pid in descendants(self.process.pid)]}"
        return min(found)

    def errors(self) -> str:
        return (self.home / "up.log").read_text(errors="replace")


def ask(server: Server, path: str) -> tuple[int, str | None, dict[str, Any]]:
    """Status, `Retry-After` and body of an answer, whatever it is."""
    url = server.client.url.removesuffix("/api/v2") + path
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {server.client.token}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers.get("Retry-After"), orjson.loads(answer.read())
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.headers.get("Retry-After"), orjson.loads(refused.read())


@contextmanager
def started(home: Path, *, within: Sequence[str] = (), **settings: str) -> Iterator[Server]:
    """`mainspring up` with `MAINSPRING_<SETTING>` as given, by default on a free port; stopped at the end.

    within: the beginning of the command.
    """
    home.mkdir(exist_ok=True)
    environment = child_environment(MAINSPRING_HOME=str(home), MAINSPRING_PORT="0")
    environment |= {f"MAINSPRING_{name.upper()}": value for name, value in settings.items()}
    with (home / "up.log").open("ab") as log:
        process = subprocess.Popen(
            [*within, sys.executable, "-m", "mainspring_cli", "up"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout is not None
        announced = process.stdout.readline().split()
        assert len(announced) > 2, (home / "up.log").read_text()
        token = (home / "admin-token").read_text().strip()
        yield Server(process=process, client=Client(url=announced[2], token=token), home=home)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise


@contextmanager
def started_alone(
    command: Sequence[str], settings: Mapping[str, str], log: Path, *, pass_fds: Sequence[int] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """One part as a process of its own, with these variables besides the environment; stopped at the end."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env=child_environment(**settings), stdout=output, stderr=output, pass_fds=pass_fds
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until(condition: Callable[[], bool], what: str, *, deadline_seconds: float = DEADLINE_SECONDS) -> None:
    """Return once the condition holds; fail with `what` when it does not in time."""
    deadline = time.monotonic() + deadline_seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {deadline_seconds:.0f} s: {what}"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether there is such a process. A zombie ("Z") and a process that its parent is reaping ("X") have ended."""
    return _stat(pid)[:1] not in ([], ["Z"], ["X"])


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, parents before children."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))):
            children.setdefault(int(stat[1]), []).append(int(entry.name))
    found = [pid]
    for parent in found:
        found += children.get(parent, [])
    return found[1:]


def proportional_memory_mib(pid: int) -> float:
    """Memory of a process and all below it, pages that several share counted once."""
    kib = 0
    for each in [pid, *descendants(pid)]:
        rollup = Path(f"/proc/{each}/smaps_rollup").read_text()
        kib += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return kib / 1024


def parent_of(pid: int) -> int:
    return int(_stat(pid)[1])


def cmdline_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _stat(pid: int) -> list[str]:
    """Fields of /proc/<pid>/stat from the state on; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
