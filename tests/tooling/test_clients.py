"""The clients that are checked in are those that the document makes."""

import filecmp
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError

import pytest

from clients import generate
from mainspring_client.api.hooks import deliver_to_hook
from mainspring_client.api.login import create_token
from mainspring_client.models import JsonObject, LoginBody
from tests.services.environment import child_environment


def test_the_python_client_is_the_generated_one(tmp_path: Path) -> None:
    generate.generate_python(tmp_path / "mainspring_client")
    assert _differences(generate.PYTHON, tmp_path / "mainspring_client") == [], "run ./dev sdk"


def test_the_typescript_types_are_the_generated_ones(tmp_path: Path) -> None:
    generate.generate_typescript(tmp_path / "schema.ts")
    assert (tmp_path / "schema.ts").read_bytes() == (generate.TYPESCRIPT / generate.SCHEMA).read_bytes(), (
        "run ./dev sdk"
    )


def test_each_operation_of_the_python_client_sends_one_body() -> None:
    modules = [path for path in (generate.PYTHON / "api").rglob("*.py") if "body: " in path.read_text()]
    assert [path.name for path in modules if len(re.findall(r"^    if .*\(body, ", path.read_text(), re.M)) > 1] == []
    assert modules


def test_a_log_in_is_sent_as_json_alone() -> None:
    """Two bodies at once are one body with the type of the other."""
    for body in (LoginBody(username="ada", password="x"), {"username": "ada", "password": "x"}):
        sent = create_token._get_kwargs(body=body)
        assert sent["json"] == {"username": "ada", "password": "x"}
        assert "data" not in sent
        assert sent["headers"] == {"Content-Type": "application/json"}


def test_a_delivery_is_sent_as_json_of_any_value_or_as_a_form() -> None:
    assert deliver_to_hook._get_kwargs("h", body=["a"])["json"] == ["a"]
    assert deliver_to_hook._get_kwargs("h", body={"a": 1})["json"] == {"a": 1}
    form = deliver_to_hook._get_kwargs("h", body=JsonObject.from_dict({"payload": "{}"}))
    assert form["data"] == {"payload": "{}"}
    assert "json" not in form


MISTAKES = """\
from mainspring_client.models import Definition, NoopTask, PythonTask, Schedule, ShellTask, Tasks, TriggerRule

ShellTask(type_="shel", script="true")  # wrong: there is no such type of task
ShellTask(type_="shell", scripts="true")  # wrong: a field that no task has
PythonTask(type_="python", script="true")  # wrong: a field of another type of task
NoopTask(type_="noop", retries="2")  # wrong: text instead of a number
NoopTask(type_="noop", trigger_rule="all_dun")  # wrong: no such trigger rule
Definition(tasks=Tasks({"a": NoopTask(type_="noop")}), schedule=Schedule(crn="@daily"))  # wrong: no such field
Definition(tasks=Tasks({"a": "noop"}))  # wrong: a task is no text
NoopTask(type_="noop", retries=2, trigger_rule=TriggerRule.ALL_DONE)
"""


def test_a_mistake_in_a_definition_is_an_error_of_the_type_checker(tmp_path: Path) -> None:
    wrong = {number for number, each in enumerate(MISTAKES.splitlines(), 1) if "# wrong" in each}
    assert _lines_with_errors(tmp_path, MISTAKES) == wrong


def test_a_plain_dict_is_no_error_of_the_type_checker(tmp_path: Path) -> None:
    assert _lines_with_errors(tmp_path, PLAIN_DICTS) == set()


PLAIN_DICTS = """\
from mainspring_client import AuthenticatedClient, run_and_wait
from mainspring_client.api.dags import put_dag

with AuthenticatedClient(base_url="http://127.0.0.1:8080", token="") as client:
    put_dag.sync("etl", client=client, body={"tasks": {"a": {"type": "noop"}}})
    print(run_and_wait("etl", {"conf": {"rows": 3}}, client=client).dag_run_id)
"""


def test_the_readme_of_the_python_client_satisfies_the_type_checker(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (generate.PYTHON.parent / "README.md").read_text(), flags=re.DOTALL)
    assert _lines_with_errors(tmp_path, code) == set()


def _lines_with_errors(folder: Path, program: str) -> set[int]:
    """What mypy finds in a program that uses the client."""
    (folder / "program.py").write_text(program)
    line = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "--no-incremental", "program.py"]
    told = subprocess.run(line, env=child_environment(), cwd=folder, capture_output=True, text=True).stdout
    assert told.startswith(("program.py", "Success")), told
    return {int(number) for number in re.findall(r"^program\.py:(\d+): error", told, flags=re.MULTILINE)}


def test_no_lock_file_names_a_registry() -> None:
    folder = generate.ROOT / "clients"
    for project in ("typescript", "generators"):
        assert '"resolved"' not in (folder / project / "package-lock.json").read_text()
    for lock in folder.glob("*.lock"):
        assert "://" not in lock.read_text()


def _differences(here: Path, there: Path) -> list[str]:
    compared = filecmp.dircmp(here, there, ignore=["__pycache__"])
    _, changed, unreadable = filecmp.cmpfiles(here, there, compared.common_files, shallow=False)
    found = [*compared.left_only, *compared.right_only, *changed, *unreadable]
    return [str(here / name) for name in found] + [
        each for name in compared.common_dirs for each in _differences(here / name, there / name)
    ]


def test_processes_that_need_the_same_packages_install_them_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    folder = tmp_path / "packages"
    callers = Barrier(4)

    def make() -> None:
        folder.mkdir()
        with suppress(BrokenBarrierError):
            callers.wait(0.2)  # gives another caller time to come in

    def install(_: int) -> None:
        generate.install_once(folder / "stamp", "1", make)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(install, range(4)))
    assert (folder / "stamp").read_text() == "1"
