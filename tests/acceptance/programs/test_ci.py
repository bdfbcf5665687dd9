"""The pipelines of docs/ci.md and the example of docs/cli.md, run as they are written."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.acceptance.cli import Command, command_for
from tests.acceptance.server import Server, started

DOCS = Path(__file__).parents[3] / "docs"
DEFINITION = """
params: {type: object, properties: {rows: {type: integer, maximum: 5}}}
tasks: {count: {type: shell, env: {ROWS: "${{ params.rows }}"}, script: 'echo "rows=$ROWS" >> "$MAINSPRING_OUTPUT"'}}
outputs: {rows: "${{ tasks.count.outputs.rows }}"}
"""
BROKEN = "tasks: {count: {type: shell, command: ['false']}}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started(tmp_path_factory.mktemp("server") / "home") as server:
        yield server


@pytest.fixture
def mainspring(server: Server, tmp_path: Path) -> Command:
    """In a folder with `dags/etl.yaml`, as a checkout has it."""
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "etl.yaml").write_text(DEFINITION)
    return command_for(server, tmp_path)


@pytest.mark.parametrize(("definition", "exit_code"), [(DEFINITION, 0), (BROKEN, 1)], ids=["success", "failure"])
def test_the_pipeline_with_the_command_ends_as_the_run_does(
    mainspring: Command, definition: str, exit_code: int
) -> None:
    (mainspring.folder / "dags" / "etl.yaml").write_text(definition)
    (source,) = re.findall(r"```yaml\n(.*?)```", (DOCS / "ci.md").read_text(), flags=re.DOTALL)
    (job,) = yaml.safe_load(source)["jobs"].values()
    assert job["env"].keys() == {"MAINSPRING_URL", "MAINSPRING_TOKEN"}
    environment = {"GITHUB_RUN_ID": str(time.time_ns()), "GITHUB_RUN_ATTEMPT": "1"}
    for step in job["steps"]:
        answer = _bash(mainspring, step["run"], **environment)
        if answer.returncode != 0:
            break
    assert answer.returncode == exit_code, answer.stderr


@pytest.mark.parametrize(("definition", "exit_code"), [(DEFINITION, 0), (BROKEN, 1)], ids=["success", "failure"])
def test_the_pipeline_with_curl_ends_as_the_run_does(mainspring: Command, definition: str, exit_code: int) -> None:
    (mainspring.folder / "dags" / "etl.yaml").write_text(definition)
    (script,) = re.findall(r"```bash\n(.*?)```", (DOCS / "ci.md").read_text(), flags=re.DOTALL)
    address = mainspring.environment["MAINSPRING_URL"].removesuffix("/api/v2")
    answer = _bash(mainspring, script, MAINSPRING_URL=address)
    assert answer.returncode == exit_code, answer.stdout + answer.stderr
    assert re.search(rf"run ci-\S+: {'failed' if exit_code else 'success'}\n", answer.stdout)


def test_the_example_of_the_command_line_works_as_written(mainspring: Command) -> None:
    (script,) = re.findall(r"```bash\n(.*?)```", (DOCS / "cli.md").read_text(), flags=re.DOTALL)
    answer = _bash(mainspring, script)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert '{"rows": 5}' in answer.stdout
    assert answer.stdout.endswith("load | loaded\n")


def test_wait_answers_within_its_timeout(server: Server, mainspring: Command) -> None:
    mainspring.save("long", "tasks: {sleep: {type: wait, for: 1h}}")
    run = mainspring.json("run", "long")["dag_run_id"]
    for timeout in (0, 0.5, 2):
        begun = time.monotonic()
        answer = server.client.get(f"/dags/long/dagRuns/{run}/wait?interval=1&timeout={timeout}")
        assert answer["state"] in ("queued", "running")
        assert timeout <= time.monotonic() - begun < timeout + 15  # without the timeout: an hour


def test_a_dag_is_run_without_a_server_as_written(mainspring: Command) -> None:
    page = (DOCS / "ci.md").read_text()
    (script,) = re.findall(r"```sh\n(.*?)```", page, flags=re.DOTALL)
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    (mainspring.folder / "test_etl.py").write_text(code)
    # No server is known: the command and the test need none.
    answer = _bash(mainspring, f"set -e\n{script}\npytest -q -p no:cacheprovider test_etl.py", MAINSPRING_URL="")
    assert answer.returncode == 0, answer.stderr + answer.stdout
    assert "count: success" in answer.stdout
    assert "stub" in answer.stdout
    assert "1 passed" in answer.stdout


def _bash(mainspring: Command, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{mainspring.environment['PATH']}"
    return subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", script],
        cwd=mainspring.folder,
        env={**mainspring.environment, "PATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=90,
    )
