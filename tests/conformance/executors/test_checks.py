"""Waits for a command, a callable and a file, on each executor: checked until they hold, as a single try."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mainspring_store.tables import task_instance, task_log, task_try

from .conftest import CODE
from .whole_engine import Ended, WholeEngine

NAMES = ("thread", "local", "rq")
FIRST_FAILS = """
if [ -e "$FLAG" ]; then echo rows=3 >> "$MAINSPRING_OUTPUT"; echo second; else echo first; echo x > "$FLAG"; exit 1; fi
"""


@pytest.fixture(scope="module")
def engines(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, database_template: Path
) -> Iterator[Callable[[str], WholeEngine]]:
    opened: dict[str, WholeEngine] = {}

    def opening(name: str) -> WholeEngine:
        if name not in opened:
            redis_url = request.getfixturevalue("valkey") if name == "rq" else None
            folder = tmp_path_factory.mktemp(f"checks-{name}")
            opened[name] = WholeEngine(name, folder, database_template, code=CODE, redis_url=redis_url)
        return opened[name]

    yield opening
    for engine in opened.values():
        engine.close()


@pytest.fixture(params=NAMES)
def engine(request: pytest.FixtureRequest, engines: Callable[[str], WholeEngine]) -> WholeEngine:
    return engines(request.param)


def wait(**check: Any) -> dict[str, Any]:
    return {"type": "wait", "interval": "1s", "timeout": "20s", **check}


def test_a_wait_goes_on_until_its_check_holds(engine: WholeEngine, tmp_path: Path) -> None:
    flag = str(tmp_path / "flag")
    ended = engine.run(
        {
            "command": wait(shell={"script": FIRST_FAILS, "env": {"FLAG": flag}}),
            "file": wait(file={"path": flag, "min_bytes": 2}),
            "call": wait(python={"callable": "os.path:exists", "args": [flag]}),
        }
    )
    assert ended.states() == dict.fromkeys(("command", "file", "call"), ("success", None))
    assert ended.outputs("command") == {"rows": 3}
    assert ended.outputs("call") == {"return_value": True}
    assert (ended.outputs("file")["path"], ended.outputs("file")["bytes"]) == (flag, 2)
    assert tries_and_log(engine, ended, "command") == ([(1, "success")], b"second\n")


def test_a_check_that_takes_too_long_is_stopped_and_the_wait_times_out(engine: WholeEngine) -> None:
    slow = {"type": "wait", "shell": {"command": ["sleep", "60"]}, "check_timeout": "1s", "timeout": "1s"}
    ended = engine.run({"slow": {**slow, "retries": 3}, "softly": {**slow, "soft_fail": True}}, run_state="any_failure")
    assert ended.states() == {"slow": ("failed", "timed_out"), "softly": ("skipped", "soft_fail")}
    assert "check_timeout" in ended.message("slow")


def test_an_error_is_no_not_yet(engine: WholeEngine, tmp_path: Path) -> None:
    ended = engine.run(
        {
            "exit": wait(shell={"script": "exit 7", "fail_on_exit_codes": [7]}),
            "absent": wait(shell={"command": ["/no/such/program"]}),
            "raises": wait(python={"callable": "jobs:boom", "args": ["broken"]}),
            "folder": wait(file={"path": str(tmp_path)}),
        },
        run_state="any_failure",
    )
    assert ended.states() == {
        "exit": ("failed", "exit_code"),
        "absent": ("failed", "command_not_found"),
        "raises": ("failed", "exception"),
        "folder": ("failed", "rejected"),
    }


def tries_and_log(engine: WholeEngine, ended: Ended, task_id: str) -> Any:
    """Number and state of each try, and the log of all tries together."""
    of_task = select(task_instance.c.id).where(
        task_instance.c.dag_run_id == ended.key, task_instance.c.task_id == task_id
    )
    with engine.database.read() as connection:
        tries = connection.execute(
            select(task_try.c.attempt_id, task_try.c.try_number, task_try.c.state).where(
                task_try.c.task_instance_id == of_task.scalar_subquery()
            )
        ).all()
        ids = [row.attempt_id for row in tries]
        pieces = connection.scalars(select(task_log.c.data).where(task_log.c.attempt_id.in_(ids))).all()
    return [(row.try_number, row.state) for row in tries], b"".join(pieces)
