"""PostgreSQL away: what serves stays up and says so, nothing is lost, and all goes on by itself when it is back."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mainspring_store import open_database
from mainspring_store.schema.migrate import current_revision, head_revision
from tests.acceptance.server import ask, started, until
from tests.services.environment import child_environment
from tests.services.postgres import PostgresServer

GATED = """
dag_id: gated
tasks:
  work:
    type: shell
    env: {STARTS: "${{ params.starts }}", GATE: "${{ params.gate }}"}
    script: |
      echo $$ >> "$STARTS"
      while [ ! -e "$GATE" ]; do sleep 0.05; done
  after: {type: shell, depends_on: [work], command: ["true"]}
"""


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    """A server of this test's own, as it is hit."""
    with tempfile.TemporaryDirectory(prefix="mainspring-pg-", dir="/tmp") as folder:
        server = PostgresServer.start(Path(folder), fsync=True)
        yield server
        server.close()


@pytest.mark.parametrize("executor", ["thread", "rq"])
def test_a_task_that_ends_while_postgresql_is_away_has_ended_and_the_run_goes_on(
    tmp_path: Path, postgres: PostgresServer, valkey_url: str, executor: str
) -> None:
    starts, gate = tmp_path / "starts", tmp_path / "gate"
    # A single process answers all requests: of two, one may still be starting, or find the outage later.
    settings = {"executor": executor, "database_url": postgres.create_database(), "api_processes": "1"}
    if executor == "rq":
        settings |= {"redis_url": valkey_url, "execution_port": "0"}
    with started(tmp_path / "home", **settings) as server:
        server.put_dag(GATED)
        path = server.trigger("gated", {"starts": str(starts), "gate": str(gate)})
        until(lambda: starts.exists() and bool(starts.read_text()), "the start of the task")
        pids = {name: server.pid_of(name) for name in ("api", "scheduler")}

        postgres.crash()
        status, retry_after, problem = ask(server, "/api/v2/dags")
        assert (status, retry_after, problem["code"]) == (503, "1", "unavailable")
        status, _, problem = ask(server, "/ready")
        assert (status, problem["detail"]) == (503, "the database cannot be used now")
        status, _, health = ask(server, "/api/v2/monitor/health")
        assert (status, health["metadatabase"]) == (200, {"status": "unhealthy"})
        gate.touch()
        postgres.start_again()

        until(lambda: ask(server, "/ready")[0] == 200, "the API is ready again")
        assert server.wait(path)["state"] == "success", server.errors()
        assert len(starts.read_text().split()) == 1, "it ran once"
        assert {name: server.pid_of(name) for name in pids} == pids, "no process had to be started again"


def test_what_is_started_before_its_database_waits_for_it(tmp_path: Path, postgres: PostgresServer) -> None:
    url = postgres.create_database()
    postgres.crash()
    with started(tmp_path / "home", database_url=url, api_processes="1") as server:
        for path in ("/ready", "/api/v2/dags", "/api/v2/version"):
            status, retry_after, problem = ask(server, path)
            assert (status, retry_after, problem["code"]) == (503, "1", "not_ready")
        pids = {name: server.pid_of(name) for name in ("api", "scheduler")}
        postgres.start_again()
        until(lambda: ask(server, "/ready")[0] == 200, "the API is ready")
        server.put_dag("dag_id: hello\ntasks: {a: {type: shell, command: ['true']}}")
        assert server.wait(server.trigger("hello"))["state"] == "success"
        assert {name: server.pid_of(name) for name in pids} == pids, "no process had to be started again"


def test_an_upgrade_waits_for_a_database_that_starts(tmp_path: Path, postgres: PostgresServer) -> None:
    url = postgres.create_database()
    postgres.crash()
    environment = child_environment(MAINSPRING_DATABASE_URL=url)
    line = [sys.executable, "-m", "mainspring_cli", "db", "upgrade", "--home", str(tmp_path / "home")]
    refused = subprocess.run([*line, "--wait", "0"], env=environment, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1
    with subprocess.Popen(line, env=environment, stderr=subprocess.PIPE, text=True) as upgrade:
        assert upgrade.stderr is not None
        assert "waiting at most 60 s for the database" in upgrade.stderr.readline()
        postgres.start_again()
        assert upgrade.wait(60) == 0
    with closing(open_database(url)) as database:
        assert current_revision(database) == head_revision()


def test_what_waits_for_its_database_can_be_stopped(tmp_path: Path, postgres: PostgresServer) -> None:
    url = postgres.create_database()
    postgres.crash()
    with started(tmp_path / "home", database_url=url) as server:
        assert ask(server, "/ready")[0] == 503
        server.process.terminate()
        assert server.process.wait(30) == 0
