"""What a task can read of the services, in each set-up that SECURITY.md names."""

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.acceptance.other_users import AS_ROOT_ONLY, command_as, command_in_reach
from tests.acceptance.server import Server, ask, cmdline_of, descendants, is_running, started, until
from tests.services.environment import child_environment

TASK_USER = "nobody"

PROBES = """
dag_id: probes
tasks:
  program: {type: shell, command: [python, "${{ params.probe }}"], env: {CONF: "${{ params.conf }}"}}
  function: {type: python, callable: "probe:report", args: ["${{ params.conf }}"]}
"""
PROBE = """
import json, os


def report(conf):
    conf = json.loads(conf)
    opened = []
    for path in conf["paths"]:
        try:
            os.listdir(path) if os.path.isdir(path) else open(path, "rb").close()
        except OSError:
            continue
        opened.append(path)
    signalled = []
    for pid in conf["pids"]:
        try:
            os.kill(pid, 0)
        except OSError:
            continue
        signalled.append(pid)
    status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
    return {
        "opened": opened, "signalled": signalled, "uid": os.getuid(), "groups": os.getgroups(),
        "capabilities": int(status["CapEff"], 16) | int(status["CapPrm"], 16), "home": os.environ["HOME"],
    }


if __name__ == "__main__":
    with open(os.environ["MAINSPRING_OUTPUT"], "a") as file:
        file.write("return_value=" + json.dumps(report(os.environ["CONF"])) + "\\n")
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that all users reach, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="mainspring-test-"))
    path.chmod(0o755)
    code = path / "code"
    code.mkdir()
    (path / "home").mkdir(mode=0o700)
    (code / "probe.py").write_text(PROBE)
    yield path
    shutil.rmtree(path)


@pytest.fixture(params=["thread", "local", "rq"])
def settings(request: pytest.FixtureRequest, folder: Path) -> dict[str, str]:
    settings = {"executor": request.param, "code_path": str(folder / "code"), "execution_port": "0"}
    if request.param == "rq":
        settings["redis_url"] = request.getfixturevalue("valkey_url")
        socket = Path(urlsplit(settings["redis_url"]).path)
        socket.parent.chmod(0o711)
        socket.chmod(0o777)
    return settings


def services_of(server: Server) -> list[int]:
    """The processes of Mainspring that hold credentials: the supervisor and the services, with their children."""
    below = [pid for pid in descendants(server.process.pid) if "mainspring_cli" in cmdline_of(pid)]
    return [server.process.pid, *below]


def hosts_of(server: Server) -> list[int]:
    """Guards, hosts and fork servers: processes that know the secrets of all attempts."""
    below = descendants(server.process.pid)
    hosts = [pid for pid in below if "mainspring_executors.host" in cmdline_of(pid)]
    return [pid for pid in hosts if "mainspring_cli" not in cmdline_of(pid)]


def inside(pids: Sequence[int]) -> list[str]:
    return [f"/proc/{pid}/{name}" for pid in pids for name in ("environ", "mem", "maps", "fd")]


def probe(server: Server, folder: Path, paths: Sequence[str]) -> dict[str, Any]:
    """What tasks could do: of each kind of task, what it answered."""
    server.put_dag(PROBES)
    conf = json.dumps({"paths": list(paths), "pids": [*services_of(server), *hosts_of(server)]})
    path = server.trigger("probes", {"probe": str(folder / "code" / "probe.py"), "conf": conf})
    assert server.wait(path)["state"] == "success", (server.instances(path), server.errors())
    answers = {}
    for task_id in ("program", "function"):
        value = server.client.get(f"{path}/taskInstances/{task_id}/xcomEntries/return_value")["value"]
        answers[task_id] = json.loads(value) if isinstance(value, str) else value
    return answers


def ready(server: Server, executor: str) -> None:
    """Wait until each part has started and protects itself."""
    parts = {"thread": 2, "local": 2, "rq": 4}[executor]
    health = "/monitor/health"
    until(lambda: server.client.get(health)["scheduler"]["status"] == "healthy", "a scheduler")
    if executor == "rq":
        until(lambda: server.client.get(health)["worker"]["alive"] == 1, "a worker")
    until(lambda: len(services_of(server)) > parts and bool(hosts_of(server)), "all parts")


def test_a_task_of_the_same_user_cannot_look_into_the_services_or_their_hosts(
    folder: Path, settings: dict[str, str]
) -> None:
    # Root may look into everything.
    uid = pwd.getpwnam(TASK_USER).pw_uid
    if os.geteuid() == 0:
        os.chown(folder / "home", uid, uid)
    with started(folder / "home", within=command_as(uid) if os.geteuid() == 0 else (), **settings) as server:
        ready(server, settings["executor"])
        hosts = [pid for pid in hosts_of(server) if settings["executor"] != "thread" or pid != _host_of_threads(server)]
        answers = probe(server, folder, inside([*services_of(server), *hosts]))
        assert {kind: answer["opened"] for kind, answer in answers.items()} == {"program": [], "function": []}
        assert set(services_of(server)) <= set(answers["program"]["signalled"])
        # What SECURITY.md says of this set-up: the files of the service are open to its tasks.
        files = [str(folder / "home" / name) for name in ("admin-token", "mainspring.db")]
        assert probe(server, folder, files)["program"]["opened"] == files


def _host_of_threads(server: Server) -> int:
    """A function on `thread` runs in this process, and may open its own files."""
    guards = [pid for pid in descendants(server.pid_of("scheduler")) if "mainspring_executors.host" in cmdline_of(pid)]
    return next(pid for pid in guards if pid in descendants(guards[0]))


@AS_ROOT_ONLY
def test_a_task_of_another_user_reaches_no_credential_no_service_and_no_file_of_the_service(
    folder: Path, settings: dict[str, str]
) -> None:
    user = pwd.getpwnam(TASK_USER)
    settings |= {"task_user": TASK_USER, "task_folder": str(folder / "tasks")}
    with started(folder / "home", within=command_in_reach(), **settings) as server:
        until(lambda: ask(server, "/ready")[0] == 200, "the API")
        server.client.put_json("/secrets/token", {"value": "canary"})
        ready(server, settings["executor"])
        home = folder / "home"
        files = [str(home), *(str(path) for path in home.rglob("*") if path.is_file())]
        assert str(home / "admin-token") in files
        services = services_of(server)
        answers = probe(server, folder, [*files, *inside(services)])
        for answer in answers.values():
            assert answer["opened"] == []
            assert not set(answer["signalled"]) & set(services)
            assert set(answer["signalled"]) & set(hosts_of(server)), "a host has the user of its tasks"
            assert (answer["uid"], answer["capabilities"]) == (user.pw_uid, 0)
            assert 0 not in answer["groups"]
            assert answer["home"] == user.pw_dir
        until(lambda: not list((folder / "tasks").glob("work/*/" + "?" * 32)), "the folders of the tasks are removed")
    assert not list((folder / "tasks").glob("work/*"))


@AS_ROOT_ONLY
def test_what_runs_as_another_user_ends_with_its_host_even_without_the_guard(folder: Path) -> None:
    settings = {"executor": "local", "task_user": TASK_USER, "task_folder": str(folder / "tasks")}
    with started(folder / "home", within=command_in_reach(), **settings) as server:
        ready(server, "local")
        server.put_dag(
            """
dag_id: sleeper
tasks:
  only: {type: shell, script: "setsid sleep 600 & echo $! > pid; wait", retries: 0}
"""
        )
        path = server.trigger("sleeper")
        pids = folder / "tasks" / "work"
        until(lambda: any(file.read_text().strip() for file in pids.glob("*/*/pid")), "the process of the task")
        pid = next(int(file.read_text()) for file in pids.glob("*/*/pid"))
        assert os.stat(f"/proc/{pid}").st_uid == pwd.getpwnam(TASK_USER).pw_uid
        host = hosts_of(server)
        os.kill(min(host), signal.SIGKILL)
        server.cancel(path)
        assert server.wait(path)["state"] == "failed"
        until(lambda: not is_running(pid), "the end of the process", deadline_seconds=20)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param({"task_user": "no-such-user"}, "is no user of this machine", id="unknown"),
        pytest.param({"task_user": "root"}, "is root or in root's group", id="root", marks=AS_ROOT_ONLY),
        pytest.param(
            {"task_user": TASK_USER, "task_folder": "{folder}/private/tasks"},
            "task_user 'nobody' cannot run tasks in",
            id="a folder out of its reach",
            marks=AS_ROOT_ONLY,
        ),
    ],
)
def test_a_task_user_that_cannot_work_is_refused_at_the_start(
    folder: Path, settings: dict[str, str], message: str
) -> None:
    (folder / "private").mkdir(mode=0o700)
    variables = {f"MAINSPRING_{name.upper()}": value.format(folder=folder) for name, value in settings.items()}
    command = [*command_in_reach(), sys.executable, "-m", "mainspring_cli", "up", "--home", str(folder / "home")]
    done = subprocess.run(
        command, env=child_environment(**variables, MAINSPRING_PORT="0"), capture_output=True, text=True
    )
    assert done.returncode == 78
    assert message in done.stderr
