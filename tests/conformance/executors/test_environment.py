"""What surrounds a task: variables, folders, descriptors, code."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from mainspring.attempts import Outcome
from mainspring.states import StateReason
from mainspring_executors.environment import INHERITED

from .harness import Harness, attempt, call, sh

CONTEXT = {
    "logical_date": "2026-11-22T00:00:00+00:00",
    "data_interval_start": "2026-11-21T00:00:00+00:00",
    "data_interval_end": None,
    "ds": "2026-11-22",
    "params": {"region": "eu"},
}
FACTS = {
    "MAINSPRING_ATTEMPT_ID", "MAINSPRING_DAG_ID", "MAINSPRING_RUN_ID", "MAINSPRING_TASK_ID", "MAINSPRING_MAP_INDEX",
    "MAINSPRING_TRY_NUMBER", "MAINSPRING_OUTPUT", "MAINSPRING_TASK_HOST", "MAINSPRING_CODE_PATH",
}  # fmt: skip
DUMP = """
import json, os
with open(os.environ["MAINSPRING_OUTPUT"], "a") as file:
    print("env=" + json.dumps(dict(os.environ)), file=file)
"""


@pytest.mark.parametrize(
    "task",
    [
        pytest.param(attempt("python", {"source": DUMP}), id="program"),
        pytest.param(call("echo", payload={"callable": "jobs:environment", "env": {"X": "1"}}), id="forked callable"),
    ],
)
def test_the_environment_is_built_from_empty(
    make: Callable[..., Harness], monkeypatch: pytest.MonkeyPatch, task: object
) -> None:
    monkeypatch.setenv("MAINSPRING_DATABASE_URL", "postgresql://user:password@db/main")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "do-not-hand-on")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    end = make().run(task)  # type: ignore[arg-type]
    env = end.outputs.get("env") or end.outputs["return_value"]
    allowed = {*INHERITED, *FACTS, "MAINSPRING_INPUT", "TMPDIR", "PYTHONPATH", "X", "LC_CTYPE"}
    assert set(env) <= allowed
    assert {"PATH", "MAINSPRING_DAG_ID"} <= set(env)


def test_a_thread_sees_no_more_of_the_environment_than_a_process(
    make: Callable[..., Harness], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAINSPRING_DATABASE_URL", "postgresql://user:password@db/main")
    env = make().run(call("environment")).outputs["return_value"]
    assert "MAINSPRING_DATABASE_URL" not in env


def test_a_host_finds_its_code_where_the_scheduler_found_it_and_tells_no_task(
    make: Callable[..., Harness], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "only_by_pythonpath.py").write_text("def answer(): return 42\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    harness = make(code_path=())
    found = attempt("python", {"callable": "only_by_pythonpath:answer"})
    assert harness.run(found).outputs == {"return_value": 42}
    ask = {"callable": "os:getenv", "args": ["PYTHONPATH"]}
    for task in (attempt("python", {"source": DUMP}), sh("env"), attempt("python", ask)):
        end = harness.run(task)
        assert "PYTHONPATH" not in end.outputs.get("env", {})
        assert end.outputs.get("return_value") is None
        assert b"PYTHONPATH" not in harness.log(task)


def test_named_variables_are_handed_on_besides(make: Callable[..., Harness], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", "/data")
    task = sh("echo $DATA_DIR")
    harness = make(environment=("DATA_DIR",))
    harness.run(task)
    assert harness.log(task) == b"/data\n"


def test_the_facts_about_the_attempt_are_in_the_environment(harness: Harness) -> None:
    task = attempt("python", {"source": DUMP}, context=CONTEXT, map_index=3, try_number=2)
    env = harness.run(task).outputs["env"]
    assert env["MAINSPRING_ATTEMPT_ID"] == task.attempt_id
    assert (env["MAINSPRING_DAG_ID"], env["MAINSPRING_TASK_ID"]) == ("etl", "extract")
    assert (env["MAINSPRING_MAP_INDEX"], env["MAINSPRING_TRY_NUMBER"]) == ("3", "2")
    assert env["MAINSPRING_LOGICAL_DATE"] == "2026-11-22T00:00:00+00:00"
    assert "MAINSPRING_DATA_INTERVAL_END" not in env


def test_the_span_of_the_try_is_handed_to_programs_and_callables(harness: Harness) -> None:
    context = {**CONTEXT, "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    program = attempt("python", {"source": DUMP, "env": {"TRACEPARENT": "of the definition"}}, context=context)
    assert harness.run(program).outputs["env"]["TRACEPARENT"] == context["traceparent"]
    assert harness.run(call("my_span", context=context)).outputs["return_value"] == context["traceparent"]
    source = "from mainspring_executors import current_attempt\nprint(current_attempt().traceparent)"
    asking = attempt("python", {"source": source}, context=context)
    harness.run(asking)
    assert harness.log(asking).decode().strip() == context["traceparent"]
    assert "TRACEPARENT" not in harness.run(attempt("python", {"source": DUMP})).outputs["env"]


def test_a_tasks_own_variables_are_set_but_never_replace_the_facts(harness: Harness) -> None:
    env = {"REGION": "eu", "COUNT": 3, "FLAG": True, "LIST": [1, "a"], "MAINSPRING_DAG_ID": "other"}
    end = harness.run(attempt("python", {"source": DUMP, "env": env}))
    seen = end.outputs["env"]
    assert {name: seen[name] for name in ("REGION", "COUNT", "FLAG")} == {"REGION": "eu", "COUNT": "3", "FLAG": "true"}
    assert json.loads(seen["LIST"]) == [1, "a"]
    assert seen["MAINSPRING_DAG_ID"] == "etl"


def test_a_callable_with_variables_of_its_own_gets_them(harness: Harness) -> None:
    task = attempt("python", {"callable": "os:getenv", "args": ["REGION"], "env": {"REGION": "eu"}})
    assert harness.run(task).outputs["return_value"] == "eu"


def test_a_secret_reaches_the_environment(harness: Harness) -> None:
    task = sh('[ "$TOKEN" = "s3cr3t-value" ]', env={"TOKEN": {"secret": "token"}}, secrets={"token": "s3cr3t-value"})
    assert harness.run(task).outcome is Outcome.SUCCESS


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({"script": "true", "env": {"X": {"secret": "token", "more": 1}}}, id="env"),
        pytest.param({"command": ["echo", {"secret": "token"}]}, id="command"),
    ],
)
def test_an_object_at_a_place_for_text_is_refused(harness: Harness, payload: dict[str, object]) -> None:
    task = attempt("shell", payload, secrets={"token": "s3cr3t-value"})
    end = harness.run(task)
    assert (end.outcome, end.reason) == (Outcome.FAILED, StateReason.REJECTED)
    assert "needs text" in (end.message or "")


def test_a_secret_that_the_order_does_not_open_is_not_to_be_had(harness: Harness) -> None:
    """As when an expression named it: what is opened is decided from the definition, before the executor."""
    task = sh("env", env={"X": {"secret": "victim"}, "Y": {"secret": "mine"}}, secrets={"mine": "s3cr3t-value"})
    end = harness.run(task)
    assert (end.outcome, end.reason) == (Outcome.FAILED, StateReason.SECRET_MISSING)
    assert harness.log(task) == b""


@pytest.mark.parametrize("kind", ["shell", "source"])
def test_values_that_a_program_writes_do_not_change(harness: Harness, kind: str) -> None:
    lines = "sha=1234e56\nversion=1.10\nlong=123456789012345678901\nrows=42\ndeclared=42\n"
    payloads = {
        "shell": ("shell", {"script": 'printf %s "$LINES_" >> "$MAINSPRING_OUTPUT"', "env": {"LINES_": lines}}),
        "source": ("python", {"source": f"import os; open(os.environ['MAINSPRING_OUTPUT'], 'a').write({lines!r})"}),
    }
    task_type, payload = payloads[kind]
    end = harness.run(attempt(task_type, payload, text_outputs=("declared",)))
    long = "123456789012345678901"
    assert end.outputs == {"sha": "1234e56", "version": "1.10", "long": long, "rows": 42, "declared": "42"}


def test_values_are_never_spliced_into_shell_source(harness: Harness, tmp_path: Path) -> None:
    hostile = f"$(touch {tmp_path}/pwned); `touch {tmp_path}/pwned`; '; touch {tmp_path}/pwned #\n"
    command = attempt("shell", {"command": ["printf", "%s", hostile]})
    script = sh('printf %s "$VALUE"', env={"VALUE": hostile})
    for task in (command, script):
        assert harness.run(task).outcome is Outcome.SUCCESS
        assert harness.log(task).decode() == hostile
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("script", "output"),
    [
        pytest.param("echo $0 | grep -c mainspring-script", b"1\n", id="sh"),
        pytest.param("#!/usr/bin/env python3\nprint(6 * 7)\n", b"42\n", id="shebang"),
        pytest.param("#!/bin/sh -e\nfalse\necho unreachable\n", b"", id="shebang with an argument"),
    ],
)
def test_a_script_runs_by_sh_or_its_own_interpreter(harness: Harness, script: str, output: bytes) -> None:
    task = sh(script)
    harness.run(task)
    assert harness.log(task) == output


def test_a_task_runs_in_a_private_folder_that_is_removed_afterwards(harness: Harness) -> None:
    task = sh('pwd; echo $TMPDIR; stat -c %a .; umask; mkdir -p a/b; chmod 500 a; echo x > file; mkdir "$TMPDIR/c"')
    assert harness.run(task).outcome is Outcome.SUCCESS
    cwd, tmpdir, mode, umask = harness.log(task).decode().split()
    assert cwd == tmpdir
    assert (mode, umask) == ("700", "0077")
    harness.until(lambda: not Path(cwd).exists(), "the removal of the folder")


def test_two_attempts_never_share_a_folder(harness: Harness) -> None:
    tasks = [sh("pwd"), sh("pwd")]
    for task in tasks:
        harness.run(task)
    assert harness.log(tasks[0]) != harness.log(tasks[1])


@pytest.mark.parametrize("kind", ["shell", "callable", "source"])
def test_a_task_runs_in_the_working_dir_it_names(harness: Harness, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    payloads = {
        "shell": ("shell", {"command": ["pwd"]}),
        "callable": ("python", {"callable": "jobs:talk", "args": [str(folder)]}),
        "source": ("python", {"source": "import os; print(os.getcwd())"}),
    }
    task_type, payload = payloads[kind]
    task = attempt(task_type, {**payload, "working_dir": str(folder)})
    assert harness.run(task).outcome is Outcome.SUCCESS
    assert harness.log(task).decode().splitlines()[0] == str(folder)
    assert folder.exists()


def test_a_callable_with_a_working_dir_is_there(harness: Harness, tmp_path: Path) -> None:
    task = attempt("python", {"callable": "jobs:whereabouts", "working_dir": str(tmp_path)})
    assert harness.run(task).outputs["cwd"] == str(tmp_path)


def test_a_callable_can_ask_about_its_attempt(harness: Harness) -> None:
    task = call("about_me", context=CONTEXT, try_number=2, map_index=1)
    told = harness.run(task).outputs["return_value"]
    assert told == {
        "dag_id": "etl",
        "run_id": "manual__2026-11-22",
        "task_id": "extract",
        "try_number": 2,
        "map_index": 1,
        "attempt_id": task.attempt_id,
        "logical_date": "2026-11-22T00:00:00+00:00",
        "ds": "2026-11-22",
        "params": {"region": "eu"},
    }


def test_inline_source_can_ask_about_its_attempt(harness: Harness) -> None:
    source = "from mainspring_executors import current_attempt\nprint(current_attempt().task_id)"
    task = attempt("python", {"source": source}, context=CONTEXT)
    harness.run(task)
    assert harness.log(task) == b"extract\n"


def test_inline_source_sees_only_what_is_installed(harness: Harness) -> None:
    task = attempt("python", {"source": "import jobs"})
    assert harness.run(task).outcome is Outcome.FAILED
    assert b"No module named 'jobs'" in harness.log(task)


def test_a_program_finds_the_code_folders(harness: Harness) -> None:
    task = attempt("shell", {"command": ["python", "-c", "import jobs; print(jobs.one())"]})
    harness.run(task)
    assert harness.log(task) == b"1\n"


def test_users_modules_are_imported_in_no_host_of_processes(harness: Harness) -> None:
    seen = 'import sys; print("jobs" in sys.modules)'
    task = attempt("python", {"callable": "builtins:exec", "args": [seen], "env": {"X": "1"}})
    harness.run(call("one"))
    harness.run(task)
    assert harness.log(task) == b"False\n"


def test_standard_input_is_empty(harness: Harness) -> None:
    task = sh("cat; echo done")
    harness.run(task)
    assert harness.log(task) == b"done\n"


@pytest.mark.parametrize(
    ("function", "payload"),
    [
        pytest.param(None, {"command": ["ls", "-l", "/proc/self/fd"]}, id="program"),
        pytest.param("descriptors_of_a_child", {}, id="child of a callable"),
        pytest.param("descriptors", {"env": {"X": "1"}}, id="forked callable"),
    ],
)
def test_no_socket_of_the_host_is_inherited(harness: Harness, function: str | None, payload: dict[str, object]) -> None:
    other = sh("sleep 30")
    harness.start(other)
    task = call(function, payload=payload) if function else attempt("shell", payload)
    end = harness.run(task)
    seen = end.outputs["return_value"] if function else harness.log(task).decode()
    assert "pipe:" in seen
    assert "socket:" not in seen
    assert "anon_inode" not in seen
    harness.executor.cancel([other.attempt_id])
    harness.finish(other)


def test_signals_that_the_host_handles_have_their_own_meaning_again(harness: Harness) -> None:
    task = sh("grep -E '^Sig(Ign|Blk)' /proc/self/status")
    harness.run(task)
    for line in harness.log(task).decode().splitlines():
        mask = int(line.split()[1], 16)
        for number in (1, 2, 15, 17):
            assert not mask >> (number - 1) & 1, line


def test_the_state_folder_is_private(harness: Harness) -> None:
    harness.run(call("one"))
    assert stat.S_IMODE(os.stat(harness.state_dir / "work").st_mode) == 0o700
