"""A cancel beside a set-up and its tear-down, through real processes on every executor."""

from pathlib import Path

import pytest

from tests.acceptance.server import Server, started, until

DAG = """
dag_id: clusters
tasks:
  create:
    type: shell
    setup: true
    env: {WITNESS: "FILE"}
    script: echo created >> "$WITNESS"
  train:
    type: shell
    depends_on: [create]
    cancel_grace: 10s
    script: |
      trap 'sleep 0.3; echo stopped >> "$WITNESS"; exit 1' TERM
      echo started >> "$WITNESS"
      while :; do sleep 0.05; done
    env: {WITNESS: "FILE"}
  delete:
    type: shell
    depends_on: [train]
    teardown: {of: [create]}
    env: {WITNESS: "FILE"}
    script: echo deleted >> "$WITNESS"
"""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_cancel_answers_when_the_teardown_has_run_after_the_stopped_task(server: Server, tmp_path: Path) -> None:
    _cancel(server, tmp_path / "witness")


def test_a_cancel_answers_when_a_worker_has_run_the_teardown(valkey_url: str, tmp_path: Path) -> None:
    with started(
        tmp_path / "home", executor="rq", redis_url=valkey_url, execution_port="0", lease_seconds="2"
    ) as server:
        _cancel(server, tmp_path / "witness")


def _cancel(server: Server, witness: Path) -> None:
    server.put_dag(DAG.replace("FILE", str(witness)))
    run = server.trigger("clusters")
    until(lambda: witness.exists() and "started" in witness.read_text(), "the task has started")
    ended = server.cancel(run, wait=55)
    assert (ended["state"], ended["state_reason"], ended["is_finished"]) == ("failed", "cancelled", True)
    assert witness.read_text().splitlines() == ["created", "started", "stopped", "deleted"]
