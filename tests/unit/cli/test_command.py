"""The command line as a process: what it costs to start, and how it refuses."""

import os
import subprocess
import sys
from pathlib import Path


def _mainspring(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAINSPRING_")}
    return subprocess.run(
        [sys.executable, "-m", "mainspring_cli", *arguments],
        env={**clean, **environment},
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
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "HEAVY []" in answer.stdout
    assert "scheduler" in answer.stdout


def test_the_supervisor_imports_no_heavy_library() -> None:
    script = (
        "import sys, mainspring_cli.main, mainspring_cli.services.up\n"
        "print(sorted({'sqlalchemy', 'flask', 'gunicorn', 'requests', 'rich'} & sys.modules.keys()))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"


def test_wrong_settings_end_with_78_and_one_line_for_each_fault() -> None:
    answer = _mainspring("up", "--port", "http", MAINSPRING_LOG_LEVEL="loud")
    assert answer.returncode == 78
    assert sorted(answer.stderr.splitlines()) == [
        "mainspring: log_level: 'loud' (from MAINSPRING_LOG_LEVEL) must be one of: debug, info, warning, error",
        "mainspring: port: 'http' (from --port) must be a whole number from 0 to 65535",
    ]


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
