"""The tables of docs/run-states.md, run by the engine."""

import re
from pathlib import Path
from typing import Any

import pytest

from mainspring.attempts import Outcome
from tests.scheduler.engine import Engine

PAGE = (Path(__file__).parents[2] / "docs" / "run-states.md").read_text()
[TABLE] = re.findall(r"^\| `load` \|.*?\n\|[-|]+\n(.*?)\n\n", PAGE, re.MULTILINE | re.DOTALL)
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.splitlines()]


def outcome(state: str) -> Outcome:
    return Outcome.FAILED if state.startswith("failed") else Outcome.SUCCESS


@pytest.mark.parametrize(("load", "after", "any_failure", "leaves"), ROWS, ids=lambda cell: cell.replace("`", ""))
def test_a_row_is_what_the_engine_does(engine: Engine, load: str, after: str, any_failure: str, leaves: str) -> None:
    state, rule = after.replace("`", "").split(", ")
    tasks: dict[str, Any] = {
        "load": {"allow_failure": "allow_failure" in load},
        "after": {"depends_on": ["load"], "trigger_rule": rule},
    }
    for run_state, expected in (("any_failure", any_failure), ("leaves", leaves)):
        engine.trigger(engine.save(run_state, tasks, run_state=run_state), run_state)
        engine.run_until_idle()
        for task_id, end in (("load", load), ("after", state)):
            if engine.states(run_state)[task_id] == "queued":
                engine.finish(task_id, outcome(end), run_id=run_state)
        assert engine.states(run_state) == {"load": load.split(",")[0], "after": state}
        assert engine.run(run_state)["state"] == expected
