"""A cancel beside a handler, through real processes on every executor."""

from pathlib import Path

import pytest

from tests.acceptance.server import Server, started, until

DAG = """
dag_id: tidying
tasks:
  load:
    type: shell
    cancel_grace: 10s
    script: |
      trap 'sleep 0.3; echo stopped >> "$WITNESS"; exit 1' TERM
      echo started >> "$WITNESS"
      while :; do sleep 0.05; done
    env: {WITNESS: "FILE"}
  tidy:
    type: shell
    handler: finally
    env: {WITNESS: "FILE", END: "${{ run.state }} ${{ run.reason }} ${{ run.failures[0].task_id }}"}
    script: echo "$END" >> "$WITNESS"
"""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_cancel_answers_when_the_handler_has_run_after_the_stopped_task(server: Server, tmp_path: Path) -> None:
    _cancel(server, tmp_path / "witness")


def test_a_cancel_answers_when_a_worker_has_run_the_handler(valkey_url: str, tmp_path: Path) -> None:
    with started(
        tmp_path / "home", executor="rq", redis_url=valkey_url, execution_port="0", lease_seconds="2"
    ) as server:
        _cancel(server, tmp_path / "witness")


def _cancel(server: Server, witness: Path) -> None:
    server.put_dag(DAG.replace("FILE", str(witness)))
    run = server.trigger("tidying")
    until(witness.exists, "the task has started")
    ended = server.cancel(run, wait=55)
    assert (ended["state"], ended["state_reason"], ended["is_finished"]) == ("failed", "cancelled", True)
    assert witness.read_text().splitlines() == ["started", "stopped", "failed cancelled load"]
