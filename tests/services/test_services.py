"""The servers that the other tests stand on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
import redis

from tests.services.environment import child_environment
from tests.services.postgres import PostgresServer
from tests.services.process import ServerError, package_folder, spawn, wait_until_ready
from tests.services.reference_work import is_within


def test_a_module_gets_an_empty_database_of_its_own(postgres_server: PostgresServer, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        connection.execute("CREATE TABLE mine (id int)")
    assert tables == (0,)

    other = postgres_server.create_database()
    with psycopg.connect(other) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT * FROM mine")
    postgres_server.drop_database(other)


def test_a_database_can_be_copied_from_a_template(postgres_server: PostgresServer) -> None:
    template = postgres_server.create_database()
    with psycopg.connect(template) as connection:
        connection.execute("CREATE TABLE seeded AS SELECT 7 AS value")

    copy = postgres_server.create_database(template=postgres_server.databases[-1])

    with psycopg.connect(copy) as connection:
        assert connection.execute("SELECT value FROM seeded").fetchone() == (7,)
    postgres_server.drop_database(copy)
    postgres_server.drop_database(template)


def test_dropping_a_database_cuts_its_open_connections(postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database()
    connection = psycopg.connect(url)
    postgres_server.drop_database(url)
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    connection.close()


def test_the_redis_compatible_server_evicts_nothing(valkey_url: str) -> None:
    client = redis.Redis.from_url(valkey_url, decode_responses=True)
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    client.close()


def test_a_missing_package_is_a_failure_that_names_the_cure() -> None:
    with pytest.raises(ServerError, match=r"'no_such_server' is not installed.*\./dev test"):
        package_folder("no_such_server")


def test_a_server_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = spawn(["sh", "-c", "echo no luck; exit 3"], log=log)
    with pytest.raises(ServerError, match=r"sh: exit code 3\nno luck"):
        wait_until_ready(process, lambda: False, log=log)


def test_a_server_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tests.services.process import spawn\n"
        f"print(spawn(['sleep', '600'], log=Path({str(tmp_path / 'log')!r})).pid, flush=True)\n"
        "sys.stdin.read()"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", script],
        env=child_environment(),
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout is not None
    assert starter.stdin is not None
    server_pid = int(starter.stdout.readline())
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    starter.stdin.close()

    deadline = time.monotonic() + 10
    while _is_running(server_pid):
        assert time.monotonic() < deadline, f"process {server_pid} outlived its starter"
        time.sleep(0.01)


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in ("Z", "X")


def test_the_postgres_server_does_not_run_as_root(postgres_server: PostgresServer) -> None:
    process = postgres_server.process
    assert process is None or os.stat(f"/proc/{process.pid}").st_uid != 0


def test_a_limit_of_time_is_a_multiple_of_work_on_this_machine() -> None:
    assert is_within(0.9, 1.0)
    assert not is_within(3600.0, 1.0)
