"""`run_dag` and `mainspring test`: a DAG runs in one process, without a server."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mainspring.errors import InvalidDag, InvalidInput, InvalidParams
from mainspring_testing import run_dag
from tests.services.environment import child_environment

SHELL: Mapping[str, Any] = {"type": "shell", "command": ["true"]}
COUNT: Mapping[str, Any] = {
    "type": "shell",
    "env": {"ROWS": "${{ params.rows }}"},
    "script": 'echo "counting $ROWS"; echo "rows=$ROWS" >> "$MAINSPRING_OUTPUT"',
}
ETL: Mapping[str, Any] = {
    "dag_id": "etl",
    "params": {"type": "object", "properties": {"rows": {"type": "integer", "default": 3}}},
    "tasks": {
        "count": COUNT,
        "big": {**SHELL, "depends_on": ["count"], "when": "tasks.count.outputs.rows > 5"},
        "after": {**SHELL, "depends_on": ["big"], "trigger_rule": "none_failed"},
    },
    "outputs": {"rows": "${{ tasks.count.outputs.rows }}"},
}


def states(run: Any) -> dict[str, str]:
    return {task.name: str(task.state) for task in run.tasks}


def test_a_dag_runs_to_its_end_with_real_conditions() -> None:
    run = run_dag(ETL)
    assert (run.state, run.outputs, run.exit_code) == ("success", {"rows": 3}, 0)
    assert states(run) == {"after": "success", "big": "skipped", "count": "success"}
    assert run.task("count").log == "counting 3\n"


def test_conf_is_checked_and_used() -> None:
    assert states(run_dag(ETL, {"rows": 9}))["big"] == "success"
    with pytest.raises(InvalidParams):
        run_dag(ETL, {"rows": "many"})


def test_a_stub_stands_for_the_work_of_a_task() -> None:
    run = run_dag(ETL, stubs={"count": {"rows": 6}})
    assert (states(run)["big"], run.outputs) == ("success", {"rows": 6})
    assert (run.task("count").log, run.task("count").is_stubbed) == ("", True)


def test_one_task_runs_alone_with_the_tasks_above_it_stubbed() -> None:
    run = run_dag(ETL, task="big", stubs={"count": {"rows": 6}})
    assert states(run) == {"big": "success", "count": "success"}
    assert [task.name for task in run.tasks if not task.is_stubbed] == ["big"]


def test_the_chosen_task_works_although_it_has_a_stub() -> None:
    run = run_dag(ETL, {"rows": 4}, task="count", stubs={"count": {"rows": 6}})
    assert (run.task("count").outputs, run.task("count").is_stubbed) == ({"rows": 4}, False)


@pytest.mark.parametrize("options", [{}, {"stubs": {"a": {}}}, {"task": "a"}], ids=["work", "stub", "task"])
def test_executors_of_a_server_are_replaced(options: dict[str, Any]) -> None:
    tasks = {
        "a": {**SHELL, "executor": "rq", "queue": "gpu"},
        "b": {**SHELL, "depends_on": ["a"], "executor": "local"},
        "c": {**SHELL, "depends_on": ["b"]},
    }
    run = run_dag({"default_args": {"executor": "http", "queue": "gpu"}, "tasks": tasks}, **options)
    assert (run.state, set(states(run).values())) == ("success", {"success"})


def test_waits_and_pauses_before_retries_take_no_time() -> None:
    tasks = {
        "rest": {"type": "wait", "for": "30d"},
        "flaky": {**SHELL, "depends_on": ["rest"], "command": ["false"], "retries": 2, "retry_delay": "3h"},
    }
    run = run_dag({"tasks": tasks}, timeout=60)
    assert (run.state, run.exit_code) == ("failed", 1)
    assert (run.task("flaky").try_number, run.task("flaky").exit_code) == (3, 1)


def test_a_mapped_task_has_a_stub_for_each_instance() -> None:
    tasks = {"m": {**SHELL, "expand": {"item": [1, 2, 3]}}}
    run = run_dag({"tasks": tasks}, stubs={"m": [{"n": 10}, {"n": 20}]})
    assert [run.task("m", index).outputs for index in range(3)] == [{"n": 10}, {"n": 20}, {}]


def test_tasks_of_a_group_are_stubbed_by_their_full_ids() -> None:
    group = {"default_args": {"retries": 1}, "tasks": {"count": SHELL, "end": {**SHELL, "depends_on": ["count"]}}}
    run = run_dag({"groups": {"g": group}}, stubs={"g.count": {"rows": 6}})
    assert (run.state, run.task("g.count").outputs) == ("success", {"rows": 6})
    assert run_dag({"groups": {"g": group}}, task="g.end").task("g.end").state == "success"


def test_tasks_of_every_type_can_be_stubbed() -> None:
    tasks = {
        "ask": {"type": "approval", "message": "go?"},
        "call": {"type": "dag", "dag_id": "other"},
        "get": {"type": "http", "url": "https://example.invalid/"},
        "end": {**SHELL, "depends_on": ["ask", "call", "get"]},
    }
    assert run_dag({"tasks": tasks}, stubs={"ask": {}, "call": {}, "get": {}}).state == "success"


def test_a_run_that_waits_for_a_person_is_returned_as_it_is() -> None:
    run = run_dag({"tasks": {"ask": {"type": "approval", "message": "go?"}}})
    assert (run.state, run.exit_code) == ("running", 4)
    assert "give the task a stub" in "\n".join(run.tree())


def test_variables_secrets_and_pools_are_there() -> None:
    task = {
        **COUNT,
        "env": {"ROWS": "${{ vars.region }}", "TOKEN": {"secret": "token"}},
        "script": 'echo "$ROWS ${#TOKEN} $TOKEN"',
        "pool": "warehouse",
    }
    run = run_dag({"tasks": {"a": task}}, variables={"region": "eu"}, secrets={"token": "hush-hush"})
    assert run.state == "success"
    assert run.task("a").log.startswith("eu 9 ")
    assert "hush" not in run.task("a").log


def test_callables_come_from_the_code_path(tmp_path: Path) -> None:
    (tmp_path / "jobs_of_test.py").write_text("def double(n):\n    return {'n': 2 * n}\n")
    task = {"type": "python", "callable": "jobs_of_test:double", "kwargs": {"n": 4}}
    run = run_dag({"tasks": {"a": task}}, code_path=[tmp_path])
    assert run.task("a").outputs["return_value"] == {"n": 8}


def test_the_time_limit_returns_the_run_as_it_is() -> None:
    run = run_dag({"tasks": {"a": {**SHELL, "command": ["sleep", "60"]}}}, timeout=1.0)
    assert run.state == "running"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        pytest.param({"task": "cuont"}, InvalidInput, id="task"),
        pytest.param({"stubs": {"cuont": {}}}, InvalidInput, id="stub"),
        pytest.param({"source": "tasks: {a: {type: noop, depends_on: [b]}}"}, InvalidDag, id="definition"),
    ],
)
def test_what_is_wrong_is_refused_before_the_run(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        run_dag(options.pop("source", ETL), **options)


def test_the_tree_shows_each_task_below_its_first_upstream() -> None:
    lines = list(run_dag(ETL, stubs={"count": {"rows": 1}, "after": {}}).tree())
    assert lines[0].startswith("etl: success in ")
    assert [line.split(":")[0] for line in lines[1:]] == ["  count", "    big", "      after"]
    assert "rows=1" in lines[1]


@pytest.mark.parametrize(
    ("text", "arguments", "exit_code", "printed"),
    [
        pytest.param("{type: noop}", (), 0, "a: success", id="success"),
        pytest.param("{type: shell, script: 'echo it broke; exit 7'}", (), 1, "it broke", id="failure"),
        pytest.param("{type: noop, depends_on: [b]}", (), 6, "dag.yaml:1: /tasks/a/depends_on/0", id="fault"),
        pytest.param("{type: noop}", ("--task", "b"), 6, "there is no task 'b'", id="no such task"),
        pytest.param("{type: noop}", ("--stub", "dag.yaml", "-p", "x"), 2, "NAME=VALUE", id="usage"),
    ],
)
def test_the_command_ends_as_the_run_does(
    tmp_path: Path, text: str, arguments: tuple[str, ...], exit_code: int, printed: str
) -> None:
    (tmp_path / "dag.yaml").write_text(f"tasks: {{a: {text}}}")
    answer = _mainspring(tmp_path, "test", "dag.yaml", *arguments)
    assert answer.returncode == exit_code, answer.stderr
    assert printed in answer.stdout + answer.stderr


def test_the_command_prints_json(tmp_path: Path) -> None:
    (tmp_path / "dag.json").write_text(json.dumps(ETL))
    (tmp_path / "stubs.yaml").write_text("count: {rows: 8}")
    answer = _mainspring(tmp_path, "test", "dag.json", "--stub", "stubs.yaml", "-o", "json")
    result = json.loads(answer.stdout)
    assert (result["state"], result["outputs"], result["exit_code"]) == ("success", {"rows": 8}, 0)
    assert {task["task_id"]: task["state"] for task in result["tasks"]}["big"] == "success"


def _mainspring(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = child_environment(HOME=str(folder))
    return subprocess.run(
        [sys.executable, "-m", "mainspring_cli", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
    )
