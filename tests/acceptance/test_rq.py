"""The rq executor over whole processes: Redis-compatible server, execution API, worker, scheduler, API."""

import os
import signal
from pathlib import Path

import pytest

from tests.acceptance.server import cmdline_of, descendants, is_running, started, until

CHAIN = """
dag_id: chain
tasks:
  first: {type: python, callable: "operator:add", args: [20, 1]}
  second: {type: shell, depends_on: [first], command: [sh, -c, 'echo "n is $N"; echo "n=$N" >> "$MAINSPRING_OUTPUT"'],
           env: {N: "${{ tasks.first.outputs.return_value * 2 }}"}}
outputs: {n: "${{ tasks.second.outputs.n }}"}
"""
SLOW = """
dag_id: slow
tasks:
  only:
    type: shell
    retries: 1
    retry_delay: 0s
    script: |
      echo $$ >> "$WITNESS"
      while [ ! -e "$GO" ]; do sleep 0.05; done
    env: {WITNESS: "${{ params.witness }}", GO: "${{ params.go }}"}
"""


def part(server_pid: int, name: str) -> int:
    """The lowest process id of one service."""
    found = [pid for pid in descendants(server_pid) if f"mainspring_cli {name}" in cmdline_of(pid)]
    assert found, f"no {name}"
    return min(found)


def lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def test_a_dag_runs_on_a_worker_with_its_logs_and_outputs(tmp_path: Path, valkey_url: str) -> None:
    with started(tmp_path / "home", executor="rq", redis_url=valkey_url, execution_port="0") as server:
        server.put_dag(CHAIN)
        path = server.trigger("chain")
        run = server.wait(path)
        assert (run["state"], run["outputs"]) == ("success", {"n": 42})
        assert "n is 42" in server.log(path, "second")
        assert server.instances(path)["second"]["executor"] == "rq"


def test_a_worker_that_dies_loses_its_task_which_is_tried_again(tmp_path: Path, valkey_url: str) -> None:
    witness, go = tmp_path / "witness", tmp_path / "go"
    settings = {"executor": "rq", "redis_url": valkey_url, "execution_port": "0", "lease_seconds": "2"}
    with started(tmp_path / "home", **settings) as server:
        server.put_dag(SLOW)
        path = server.trigger("slow", {"witness": str(witness), "go": str(go)})
        until(lambda: len(lines(witness)) == 1, "the first try")
        os.kill(part(server.process.pid, "worker"), signal.SIGKILL)
        until(lambda: not is_running(int(lines(witness)[0])), "the end of the first try's process")
        until(lambda: len(lines(witness)) == 2, "the second try")
        go.touch()
        assert server.wait(path)["state"] == "success"


@pytest.mark.parametrize("victim", ["scheduler", "execution-api"])
def test_a_task_survives_the_death_of_a_service(tmp_path: Path, valkey_url: str, victim: str) -> None:
    witness, go = tmp_path / "witness", tmp_path / "go"
    with started(tmp_path / "home", executor="rq", redis_url=valkey_url, execution_port="0") as server:
        server.put_dag(SLOW)
        path = server.trigger("slow", {"witness": str(witness), "go": str(go)})
        until(lambda: len(lines(witness)) == 1, "the first try")
        os.kill(part(server.process.pid, victim), signal.SIGKILL)
        go.touch()
        assert server.wait(path)["state"] == "success"
        assert len(lines(witness)) == 1, "it ran once"
