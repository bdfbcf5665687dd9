"""The image is built and the set of compose.yaml runs in containers: `./dev containers`, where podman and root are.

tests/containers/standins.sh makes the four base images where no registry can be reached. They do not prove what
depends on Alpine, on the versions of PostgreSQL and Redis or on the size of the real images.
"""

import http.client
import json
import os
import re
import shutil
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mainspring_cli.client.plain_client import Client
from tests.acceptance.compose import DAG, DOCKER, FILLED, read_compose
from tests.acceptance.server import until
from tests.containers.podman_set import PodmanSet, podman
from tests.services.environment import child_environment
from tests.services.ports import free_port

pytestmark = pytest.mark.timeout(900)

IMAGE = "localhost/mainspring:under-test"
BASES = (
    *("localhost/python:3.13-slim", "localhost/postgres:18-alpine", "localhost/redis:8-alpine"),
    "localhost/caddy:2-alpine",
)
ABOVE_BASE_BYTES_MAX = 200_000_000
# pip may need a configuration and a certificate of this machine. The image for the test alone gets them.
MOUNTED = [f"--volume={path}:{path}:ro" for path in ("/etc/pip.conf", "/etc/ssl/certs") if Path(path).exists()]
BUILD = (*MOUNTED, "--isolation=chroot", "--network=host")
VARIABLES = {**FILLED, "MAINSPRING_IMAGE": IMAGE, "POSTGRES_IMAGE": BASES[1], "REDIS_IMAGE": BASES[2],
             "CADDY_IMAGE": BASES[3], "MAINSPRING_SITE": "localhost"}  # fmt: skip
LONG = """
dag_id: long
tasks:
  wait: {type: shell, retries: 5, retry_delay: PT0S, script: sleep 15}
"""


@dataclass
class Asker:
    """A client that sends a request every 20 ms, by turns one that reads and one with a body, and notes the answers."""

    port: int
    token: str
    answers: Counter[str] = field(default_factory=Counter)
    longest_seconds: float = 0.0

    @contextmanager
    def going_on(self) -> Iterator[None]:
        stopped = threading.Event()
        thread = threading.Thread(target=self._ask, args=(stopped,))
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()

    def _ask(self, stopped: threading.Event) -> None:
        number = 0
        while not stopped.wait(0.02):
            number += 1
            begun = time.monotonic()
            path, body = ("/api/v2/dags", None) if number % 2 else ("/api/v2/dags/validate", DAG.encode())
            self.answers[self.ask(path, body)[0]] += 1
            self.longest_seconds = max(self.longest_seconds, time.monotonic() - begun)

    def ask(self, path: str, body: bytes | None = None, kind: str = "application/yaml") -> tuple[str, str]:
        """Status of the answer, or the failure; and the cookie that is set."""
        # The proxy has a certificate of an authority of its own for this name.
        context = ssl._create_unverified_context()
        page = {"Origin": f"https://localhost:{self.port}", "X-Mainspring-Page": "1"}
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind, **page}
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=60, context=context)
        try:
            connection.request("GET" if body is None else "POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
            return str(answer.status), answer.headers.get("Set-Cookie", "")
        except (OSError, http.client.HTTPException) as exc:
            return repr(exc), ""
        finally:
            connection.close()


@pytest.fixture(scope="session", autouse=True)
def _podman() -> None:
    if shutil.which("podman") is None or os.geteuid() != 0:
        pytest.skip("needs podman, as root")
    missing = [image for image in BASES if podman("image", "exists", image, check=False).returncode != 0]
    if missing:
        pytest.skip(f"needs the images {', '.join(missing)}; tests/containers/standins.sh makes them")
    tried = podman("run", "--rm", "--network=none", BASES[0], "true", check=False)
    if tried.returncode != 0:
        pytest.skip(f"podman starts no container on this machine: {tried.stderr.strip()}")


@pytest.fixture(scope="session")
def image() -> str:
    podman(
        "build",
        *BUILD,
        f"--build-arg=PYTHON_IMAGE={BASES[0]}",
        "-f",
        DOCKER / "Dockerfile",
        "-t",
        IMAGE,
        DOCKER.parent,
        seconds=800,
    )
    return IMAGE


@pytest.fixture(scope="module")
def compose(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PodmanSet, Client]]:
    """The whole set, up and healthy, and a client of its administrator."""
    folder = tmp_path_factory.mktemp("set")
    folder.chmod(0o755)
    (folder / "code").mkdir()
    (folder / "code" / "ours.py").write_text("def double(n):\n    return n * 2\n")
    for name in ("postgres-roles.sql", "Caddyfile"):
        shutil.copy(DOCKER / name, folder)
    line = ["sh", DOCKER / "make-secrets.sh", folder / "secrets"]
    subprocess.run(line, env=child_environment(), check=True, capture_output=True)
    # The stand-in of Redis is older than this command, which the real one knows.
    users = folder / "secrets" / "redis-users"
    users.write_text(users.read_text().replace(" +client|setinfo", ""))
    port = free_port()
    made = PodmanSet(read_compose({**VARIABLES, "MAINSPRING_PUBLISH": f"127.0.0.1:{port}"}), folder, "mainspring-test")
    made.down()
    try:
        made.up()
        token = (folder / "secrets" / "admin-token").read_text()
        yield made, Client(url=f"http://127.0.0.1:{port}/api/v2", token=token)
    finally:
        made.down()


def test_the_image_has_no_tools_and_is_small(image: str) -> None:
    program = (
        "import importlib.util as u; print([n for n in ('pip','setuptools','hatchling','pytest') if u.find_spec(n)])"
    )
    run = ("run", "--rm", "--network=none", "--entrypoint=python")
    assert podman(*run, image, "-c", program).stdout.strip() == "[]"
    sizes = [int(podman("inspect", "--format", "{{.Size}}", name).stdout) for name in (image, BASES[0])]
    assert sizes[0] - sizes[1] <= ABOVE_BASE_BYTES_MAX


def test_packages_of_users_go_on_top_as_the_docs_say(image: str, tmp_path: Path) -> None:
    (text,) = re.findall(r"```dockerfile\n(.+?)```", (DOCKER.parent / "docs" / "install.md").read_text(), re.DOTALL)
    text, changes = re.subn(r"mainspring:\S+|pandas", lambda word: {"p": "colorama"}.get(word[0][0], image), text)
    assert changes == 2
    (tmp_path / "Dockerfile").write_text(text)
    name = f"{IMAGE}-with-packages"
    podman("build", *BUILD, "-t", name, tmp_path, seconds=300)
    try:
        program = "import colorama, mainspring, os; print(os.getuid())"
        assert podman("run", "--rm", "--network=none", "--entrypoint=python", name, "-c", program).stdout == "10001\n"
    finally:
        podman("rmi", name)


def test_an_image_without_its_volume_says_why_it_ends(image: str) -> None:
    ended = podman("run", "--rm", "--read-only", "--read-only-tmpfs=false", "--network=none", image, "api", check=False)
    assert ended.returncode == 78
    assert "home: cannot write into /var/lib/mainspring: the file system is read-only; mount a volume" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_runs_outlive_killed_scaled_and_renewed_containers(compose: tuple[PodmanSet, Client]) -> None:
    containers, client = compose
    for source, name in ((DAG, "diamond"), (LONG, "long")):
        client.put_yaml(f"/dags/{name}", source.encode())
    first = client.post("/dags/diamond/dagRuns", {"logical_date": None})
    until(lambda: _state(client, "diamond", first) == "success", "the end of a run on rq")
    assert client.get(f"/dags/diamond/dagRuns/{first['dag_run_id']}")["outputs"] == {"n": 42}
    assert "diamond" in podman("exec", containers.name("api"), "mainspring", "runs", "list").stdout

    long = client.post("/dags/long/dagRuns", {"logical_date": None})
    until(lambda: _worker_of(client, long) is not None, "the start of a task")
    killed = _worker_of(client, long)
    podman("kill", containers.name("worker", int(str(killed).rpartition("-")[2])))
    containers.start("worker", 3)
    podman("start", containers.name("worker", int(str(killed).rpartition("-")[2])))

    runs = []
    for service in ("scheduler", "worker", "execution-api", "api"):
        runs.append(client.post("/dags/diamond/dagRuns", {"logical_date": None}))
        assert set(containers.roll(service)) == {0}, containers.log(service)
    until(lambda: all(_state(client, "diamond", run) == "success" for run in runs), "the end of all runs")
    until(lambda: _state(client, "long", long) == "success", "the end of the run whose worker was killed")
    assert containers.stop("worker", 3) == 0


def test_no_container_but_those_of_tasks_is_root_and_none_gains_rights(compose: tuple[PodmanSet, Client]) -> None:
    containers, _ = compose
    for service in ("api", "execution-api", "scheduler", "worker", "postgres", "redis"):
        status = podman("exec", containers.name(service), "cat", "/proc/1/status").stdout
        facts = {line.partition(":")[0]: line.split()[1] for line in status.splitlines() if len(line.split()) > 1}
        assert (facts["Uid"] == "0") == (service in ("scheduler", "worker")), service
        assert facts["NoNewPrivs"] == "1"


def test_a_renewal_of_the_apis_behind_the_proxy_refuses_no_request(compose: tuple[PodmanSet, Client]) -> None:
    containers, client = compose
    port, plain_port = free_port(), free_port()
    published = {"MAINSPRING_PUBLISH_HTTPS": f"127.0.0.1:{port}", "MAINSPRING_PUBLISH_HTTP": f"127.0.0.1:{plain_port}"}
    containers.take_in(read_compose({**VARIABLES, **published}, "compose.proxy.yaml"))
    containers.roll("api")
    for service in ("api-2", "proxy"):
        containers.start(service)
    asker = Asker(port, client.token)
    until(lambda: asker.ask("/ready")[0] == "200", "an answer through the proxy")
    # The API believes the proxy that the browser uses TLS.
    made = asker.ask("/auth/session", json.dumps({"token": client.token}).encode(), "application/json")
    assert made[1].startswith("__Host-mainspring="), made

    with asker.going_on():
        for service in ("api", "api-2"):
            assert containers.roll(service) == [0], containers.log(service)
    print(f"one after the other: {dict(asker.answers)}, the longest took {asker.longest_seconds:.2f} s")
    assert asker.answers.keys() == {"200"}, asker.answers
    assert asker.answers["200"] > 50

    with asker.going_on():  # both at once, as a plain `docker compose up` does it
        for service in ("api", "api-2"):
            containers.stop(service)
        for service in ("api", "api-2"):
            containers.start(service)
    print(f"both at once: {dict(asker.answers)}, the longest took {asker.longest_seconds:.2f} s")
    assert asker.answers.keys() == {"200"}, asker.answers


def _state(client: Client, dag_id: str, run: dict[str, Any]) -> str:
    return str(client.get(f"/dags/{dag_id}/dagRuns/{run['dag_run_id']}")["state"])


def _worker_of(client: Client, run: dict[str, Any]) -> str | None:
    """Host name of the container that runs the task now."""
    (instance,) = client.get(f"/dags/long/dagRuns/{run['dag_run_id']}/taskInstances")["task_instances"]
    return instance["hostname"] if instance["state"] == "running" else None
