"""A scheduler that is paused while another one lives: its task host runs on, and knows nothing of it."""

import os
import signal
import sys
from pathlib import Path

from tests.acceptance.server import descendants, is_running, started, started_alone, until
from tests.services.postgres import PostgresServer

TASK = """
dag_id: paused
tasks:
  only:
    type: shell
    retries: 1
    retry_delay: 0s
    script: |
      exec 9>>"$WITNESS.lock"
      flock -n 9 || echo overlap >> "$WITNESS"
      echo $$ >> "$WITNESS"
      while [ ! -e "$GO" ]; do sleep 0.05; done
    env: {WITNESS: "${{ params.witness }}", GO: "${{ params.go }}"}
"""


def test_the_task_of_a_paused_scheduler_has_ended_before_another_one_starts_it_again(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    execution_log, go, url = tmp_path / "witness", tmp_path / "go", postgres_server.create_database()

    def starts() -> list[str]:
        return execution_log.read_text().split() if execution_log.exists() else []

    settings = {"MAINSPRING_DATABASE_URL": url, "MAINSPRING_HOME": str(tmp_path / "other")}
    other = [sys.executable, "-m", "mainspring_cli", "scheduler", "--executor", "local"]
    with (
        started(tmp_path / "home", executor="local", database_url=url) as server,
        started_alone(other, settings, tmp_path / "scheduler.log") as second,
    ):
        server.put_dag(TASK)
        path = server.trigger("paused", {"witness": str(execution_log), "go": str(go)})
        until(lambda: len(starts()) == 1, "the first start")
        schedulers = (server.pid_of("scheduler"), second.pid)
        (mine,) = [pid for pid in schedulers if int(starts()[0]) in descendants(pid)]
        os.kill(mine, signal.SIGSTOP)
        try:
            until(lambda: len(starts()) == 2, "the second start")
            assert not is_running(int(starts()[0]))
        finally:
            os.kill(mine, signal.SIGCONT)
        go.touch()
        assert server.wait(path)["state"] == "success"
        assert "overlap" not in starts()
        assert server.instances(path)["only"]["try_number"] == 2
    postgres_server.drop_database(url)
