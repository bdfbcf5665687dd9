"""One DAG over all three executors of one scheduler, and settings that change below a saved DAG."""

from pathlib import Path

import pytest

from mainspring_cli.client.plain_client import ApiError
from tests.acceptance.server import started

MIXED = """
dag_id: mixed
tasks:
  seed: {type: python, callable: "operator:add", args: [20, 1]}
  double: {type: shell, executor: local, depends_on: [seed], env: {N: "${{ tasks.seed.outputs.return_value * 2 }}"},
           command: [sh, -c, 'echo "n=$N" >> "$MAINSPRING_OUTPUT"']}
  square: {type: python, executor: rq, depends_on: [double], callable: "operator:pow",
           args: ["${{ tasks.double.outputs.n }}", 2]}
outputs: {n: "${{ tasks.square.outputs.return_value }}"}
"""


def test_one_dag_runs_on_three_executors_and_hands_values_from_one_to_the_next(tmp_path: Path, valkey_url: str) -> None:
    settings = {"executor": "thread,local,rq", "redis_url": valkey_url, "execution_port": "0"}
    with started(tmp_path / "home", **settings) as server:
        server.put_dag(MIXED)
        path = server.trigger("mixed")
        run = server.wait(path)
        assert (run["state"], run["outputs"]) == ("success", {"n": 1764}), server.errors()
        shown = {name: each["executor"] for name, each in server.instances(path).items()}
        assert shown == {"seed": "thread", "double": "local", "square": "rq"}


def test_an_executor_that_is_not_offered_is_refused_at_save_and_told_in_a_dag_saved_before(tmp_path: Path) -> None:
    source = MIXED.replace("executor: rq", "executor: thread")
    with started(tmp_path / "home", executor="thread,local") as server:
        with pytest.raises(ApiError, match="there is no executor 'rq'"):
            server.put_dag(MIXED)
        server.put_dag(source)
        assert server.wait(server.trigger("mixed"))["state"] == "success"
    with started(tmp_path / "home", executor="thread") as server:
        path = server.trigger("mixed")
        assert server.wait(path)["state"] == "failed"
        double = server.instances(path)["double"]
        assert (double["state"], double["state_reason"]) == ("failed", "executor_missing")
        assert "no executor 'local' any more, only thread" in double["message"]
        assert server.instances(path)["seed"]["state"] == "success"
