"""What waits is explained by a real server: the examples of docs/observability.md and the command line."""

import json
import re
import subprocess
from pathlib import Path

from tests.acceptance.cli import Command
from tests.acceptance.server import Server
from tests.services.environment import child_environment

PAGE = (Path(__file__).parents[2] / "docs" / "observability.md").read_text(encoding="utf-8")
GATED = "{is_paused_upon_creation: true, tasks: {a: {type: shell, script: 'true'}}}"


def test_the_commands_of_the_page_answer_as_it_says(shared_server: Server, tmp_path: Path) -> None:
    (script,) = re.findall(r"```bash\n(.*?)```", PAGE, flags=re.DOTALL)
    (shown,) = re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)
    address = shared_server.client.url.removeprefix("http://").removesuffix("/api/v2")
    token = shared_server.home / "admin-token"
    answer = subprocess.run(
        ["bash", "-euc", script.replace("127.0.0.1:8080", address).replace(".mainspring/admin-token", str(token))],
        env=child_environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    # Answers stand behind one another without a line break.
    decoder, answers, rest = json.JSONDecoder(), [], answer.stdout.strip()
    while rest:
        value, end = decoder.raw_decode(rest)
        answers.append(value)
        rest = rest[end:].strip()
    of_run, of_task, of_dag = answers[2:5]
    expected = json.loads(shown)
    for member in (of_run, expected):
        member["satisfied"] = [cause["code"] for cause in member["satisfied"]]
    assert of_run == expected
    assert [blocker["code"] for blocker in of_task["blockers"]] == ["dag_paused"]
    assert [blocker["code"] for blocker in of_dag["blockers"]] == ["no_schedule"]


def test_the_command_line_says_why_a_run_waits(mainspring: Command) -> None:
    mainspring.save("gated", GATED)
    assert mainspring("run", "gated", "--run-id", "r1").returncode == 0
    for arguments in (("explain", "gated", "r1"), ("explain", "gated", "r1", "a"), ("show", "gated", "r1")):
        answer = mainspring("runs", *arguments)
        assert answer.returncode == 0, answer.stderr
        assert re.search(r"dag_paused +The DAG is paused", answer.stdout), answer.stdout
    assert mainspring.json("runs", "show", "gated", "r1")["blockers"][0]["code"] == "dag_paused"
    assert mainspring.json("runs", "explain", "gated", "r1")["state"] == "queued"
    assert "no_schedule" in mainspring("dags", "explain", "gated").stdout
    assert mainspring("runs", "explain", "gated", "none").returncode == 6
    mainspring("runs", "cancel", "gated", "r1")
    assert "dag_paused" not in mainspring("runs", "show", "gated", "r1").stdout
