"""Services whose role may not change tables: they wait for the migrator, and then work as ever."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.database import db
from tests.acceptance.server import ask, descendants, started, until
from tests.services.postgres import PostgresServer
from tests.services.roles import TwoRoles, two_roles

DAG = """
dag_id: pair
tasks:
  first: {type: shell, script: 'echo "n=21" >> "$MAINSPRING_OUTPUT"'}
  last: {type: shell, depends_on: [first], command: ["true"]}
outputs: {n: "${{ tasks.first.outputs.n }}"}
"""


@pytest.fixture
def roles(postgres_server: PostgresServer) -> Iterator[TwoRoles]:
    with two_roles(postgres_server) as roles:
        yield roles


@pytest.mark.parametrize("executor", ["thread", "rq"])
def test_services_that_start_before_the_upgrade_wait_for_it_and_then_work(
    tmp_path: Path, roles: TwoRoles, valkey_url: str, executor: str
) -> None:
    urls = {"database_url": roles.service_url, "migrator_database_url": roles.migrator_url}
    settings = {**urls, "executor": executor}
    if executor == "rq":
        settings |= {"redis_url": valkey_url, "execution_port": "0"}
    with started(tmp_path / "home", **settings) as server:
        status, _, problem = ask(server, "/ready")
        assert (status, problem["code"]) == (503, "not_ready")
        asked = "may not change tables; run `mainspring db upgrade` with migrator_database_url set"
        services = 2 if executor == "thread" else 3
        until(lambda: server.errors().count(f"role '{roles.service_role}' {asked}") >= services, "each service says so")
        pids = {name: server.pid_of(name) for name in ("api", "scheduler")}

        for _ in range(2):
            upgraded = db("upgrade", tmp_path / "elsewhere", **urls)
            assert (upgraded.returncode, upgraded.stderr) == (0, "")

        until(lambda: ask(server, "/ready")[0] == 200, "the API is ready")
        server.put_dag(DAG)
        run = server.wait(server.trigger("pair"))
        assert (run["state"], run["outputs"]) == ("success", {"n": 21}), server.errors()
        assert {name: server.pid_of(name) for name in pids} == pids, "no process had to be started again"
        log = server.errors()
        assert "Traceback" not in log
        assert log.count(f"database: PostgreSQL on this machine as '{roles.service_role}'") == services
        assert ("worker default mainspring_cli.services.security_mode: redis: " in log) == (executor == "rq")
        assert ask(server, "/ready")[2]["security"]["database_role"] == f"'{roles.service_role}' only uses tables"
        environments = [Path(f"/proc/{pid}/environ").read_bytes() for pid in descendants(server.process.pid)]
        assert any(roles.service_role.encode() in one for one in environments)
        assert not any(b"MIGRATOR" in one for one in environments)
