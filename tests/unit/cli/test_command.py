"""The command line as a process: what it costs to start, and how it refuses."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from tests.services.environment import child_environment


def _mainspring(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mainspring_cli", *arguments],
        env=child_environment(**environment),
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_help_imports_no_heavy_library() -> None:
    script = (
        "import sys\n"
        "from mainspring_cli.main import cli\n"
        "cli.main(['--help'], standalone_mode=False)\n"
        "heavy = {'sqlalchemy', 'flask', 'requests', 'rich', 'gunicorn', 'redis', 'cel', 'alembic'}\n"
        "print('HEAVY', sorted(heavy & sys.modules.keys()))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], env=child_environment(), capture_output=True, text=True, check=True
    )
    assert "HEAVY []" in answer.stdout
    assert "scheduler" in answer.stdout


def test_the_health_check_of_a_worker_asks_the_execution_api_without_a_heavy_library() -> None:
    """An orchestrator runs the check every few seconds."""
    script = (
        "import sys\n"
        "from mainspring_cli.client.plain_client import ApiError\n"
        "from mainspring_cli.main import cli\n"
        "try:\n"
        "    cli.main(['health', 'worker'], standalone_mode=False)\n"
        "except ApiError as exc:\n"
        "    print(exc)\n"
        "heavy = {'sqlalchemy', 'flask', 'requests', 'rich', 'gunicorn', 'redis', 'cel', 'alembic'}\n"
        "print('HEAVY', sorted(heavy & sys.modules.keys()))"
    )
    environment = child_environment(
        MAINSPRING_WORKER_TOKEN="default:a-token-of-a-worker", MAINSPRING_EXECUTION_URL="http://127.0.0.1:1"
    )
    answer = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert "HEAVY []" in answer.stdout
    assert "http://127.0.0.1:1/execution/v1/workers/" in answer.stdout


def test_the_supervisor_imports_no_heavy_library() -> None:
    script = (
        "import sys, mainspring_cli.main, mainspring_cli.services.up\n"
        "print(sorted({'sqlalchemy', 'flask', 'gunicorn', 'requests', 'rich'} & sys.modules.keys()))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], env=child_environment(), capture_output=True, text=True, check=True
    )
    assert answer.stdout == "[]\n"


def test_wrong_settings_end_with_78_and_one_line_for_each_fault() -> None:
    answer = _mainspring("up", "--port", "http", MAINSPRING_LOG_LEVEL="loud")
    assert answer.returncode == 78
    assert sorted(answer.stderr.splitlines()) == [
        "mainspring: log_level: 'loud' (from MAINSPRING_LOG_LEVEL) must be one of: debug, info, warning, error",
        "mainspring: port: 'http' (from --port) must be a whole number from 0 to 65535",
    ]


def test_a_refused_service_stays_until_it_is_stopped_where_that_is_asked() -> None:
    environment = child_environment(MAINSPRING_PORT="http", MAINSPRING_STAY_AFTER_REFUSAL="true")
    line = [sys.executable, "-m", "mainspring_cli"]
    with subprocess.Popen([*line, "api"], env=environment, stderr=subprocess.PIPE, text=True) as service:
        assert service.stderr is not None
        assert "port" in service.stderr.readline()
        assert "waits to be stopped" in service.stderr.readline()
        assert service.poll() is None
        service.terminate()
        assert service.wait(30) == 78
    client = subprocess.run([*line, "runs", "list"], env=environment, capture_output=True, timeout=30)
    assert client.returncode == 78


def test_serving_other_machines_without_a_secret_is_refused_with_78(tmp_path: Path) -> None:
    answer = _mainspring("up", "--host", "0.0.0.0", "--home", str(tmp_path / "home"))
    assert answer.returncode == 78
    assert "set MAINSPRING_ADMIN_TOKEN" in answer.stderr
    assert not (tmp_path / "home").exists()


def test_config_show_tells_value_and_origin_but_no_secret(tmp_path: Path) -> None:
    url = "postgresql://me:hunter2@db/x"
    answer = _mainspring("config", "show", "--port", "9", "--home", str(tmp_path), MAINSPRING_DATABASE_URL=url)
    lines = {line.split()[0]: line.split()[1:] for line in answer.stdout.splitlines()}
    assert answer.returncode == 0
    assert lines["port"] == ["9", "--port"]
    assert lines["database_url"] == ["(hidden)", "MAINSPRING_DATABASE_URL"]
    assert lines["executor"] == ["thread", "default"]


def test_an_unknown_command_is_named() -> None:
    answer = _mainspring("serve")
    assert answer.returncode == 2
    assert "No such command 'serve'" in answer.stderr


def test_db_check_tells_whether_the_schema_is_of_this_version(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    home = str(tmp_path)
    before = _mainspring("db", "check", "--database-url", url, "--home", home)
    upgraded = _mainspring("db", "upgrade", "--database-url", url, "--home", home)
    after = _mainspring("db", "check", "--database-url", url, "--home", home)
    assert [before.returncode, upgraded.returncode, after.returncode] == [1, 0, 0], upgraded.stderr
    assert "database empty" in before.stdout
    assert "mainspring db upgrade" in before.stderr


def test_an_executor_that_is_not_there_ends_the_scheduler_with_78(tmp_path: Path) -> None:
    answer = _mainspring("scheduler", "--executor", "celery", "--home", str(tmp_path))
    assert answer.returncode == 78
    assert "there is no executor 'celery'; known: local, " in answer.stderr


TALKS = ("--help", "version", "config show", "run --help", "completion bash")
FAILS = {"serve": 2, "up --port http": 78, "runs list": 78}


@pytest.mark.parametrize("unbuffered", [{}, {"PYTHONUNBUFFERED": "1"}], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("command", TALKS)
def test_output_that_cannot_be_written_ends_a_command_the_same_way_however_it_prints(
    command: str, unbuffered: dict[str, str], tmp_path: Path
) -> None:
    environment = child_environment(HOME=str(tmp_path), **unbuffered)
    with open("/dev/full", "w") as full:
        on_full_disk = _bare(command, environment, stdout=full)
        assert _bare(command, environment, stderr=full)[0] == 0
    assert on_full_disk == (74, "mainspring: the output cannot be written: No space left on device\n")
    with _closed_pipe() as closed:
        assert _bare(command, environment, stdout=closed) == (141, "")
        assert _bare(command, environment, stderr=closed)[0] == 0


@pytest.mark.parametrize("command", FAILS)
def test_a_command_that_fails_keeps_its_exit_code_when_no_process_reads_its_messages(
    command: str, tmp_path: Path
) -> None:
    environment = child_environment(HOME=str(tmp_path))
    with _closed_pipe() as closed, open("/dev/full", "w") as full:
        for stream in (closed, full):
            assert _bare(command, environment, stderr=stream)[0] == FAILS[command]
            assert _bare(command, environment, stdout=stream, stderr=stream)[0] == FAILS[command]


@pytest.mark.parametrize("command", [*TALKS, *FAILS])
def test_streams_that_were_closed_before_the_start_are_no_failure(command: str, tmp_path: Path) -> None:
    line = shlex.join([sys.executable, "-m", "mainspring_cli", *command.split()])
    environment = child_environment(HOME=str(tmp_path))
    answer = subprocess.run(
        ["sh", "-c", f"exec {line} <&- >&- 2>&-"], env=environment, cwd=environment["HOME"], timeout=30
    )
    assert answer.returncode == FAILS.get(command, 0)


@contextmanager
def _closed_pipe() -> Iterator[IO[str]]:
    """The writing end of a pipe that no process reads."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        yield closed


def _bare(command: str, environment: dict[str, str], **streams: IO[str]) -> tuple[int, str]:
    """Exit code and messages of a command, in the empty home: the folder of a server here would sign `runs list` in."""
    line = [sys.executable, "-m", "mainspring_cli", *command.split()]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    answer = subprocess.run(line, env=environment, cwd=environment["HOME"], text=True, timeout=30, **pipes)
    return answer.returncode, answer.stderr or ""
