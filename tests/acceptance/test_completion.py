"""What a shell completes: words of the command itself, and names that the server has."""

import subprocess
import sys
from dataclasses import replace

import pytest

from tests.acceptance.cli import Command


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed_and_completion_knows_the_commands(mainspring: Command, shell: str) -> None:
    assert "_MAINSPRING_COMPLETE" in mainspring("completion", shell).stdout
    assert "validate" in _completed(mainspring, "mainspring dags va", shell=shell)


def test_names_of_dags_and_runs_are_completed_by_asking_the_server(mainspring: Command) -> None:
    for dag_id in ("orders", "orders_old", "other"):
        mainspring.save(dag_id, "tasks: {a: {type: noop}}")
    mainspring("run", "orders", "--run-id", "monday")
    assert sorted(_completed(mainspring, "mainspring run orders").split()) == ["plain,orders", "plain,orders_old"]
    assert _completed(mainspring, "mainspring runs list ot") == "plain,other\n"
    assert _completed(mainspring, "mainspring runs show orders mon") == "plain,monday\n"
    assert _completed(mainspring, "mainspring runs show nothing mon").strip() == ""


def test_a_server_that_is_away_completes_nothing_and_says_nothing(mainspring: Command) -> None:
    nowhere = {**mainspring.environment, "MAINSPRING_URL": "http://127.0.0.1:1"}
    assert _completed(replace(mainspring, environment=nowhere), "mainspring run o").strip() == ""


def _completed(mainspring: Command, line: str, *, shell: str = "bash") -> str:
    """What the script of a shell gets when it asks how the last word of `line` goes on."""
    words = line.split()
    asking = {"_MAINSPRING_COMPLETE": f"{shell}_complete", "COMP_WORDS": line}
    asking["COMP_CWORD"] = words[-1] if shell == "fish" else str(len(words) - 1)
    # The script asks the installed command, of which this is the body.
    answer = subprocess.run(
        [sys.executable, "-c", "from mainspring_cli.main import main; main()"],
        env={**mainspring.environment, **asking}, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert answer.stderr == ""
    return answer.stdout
