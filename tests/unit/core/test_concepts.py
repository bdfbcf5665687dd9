"""docs/concepts.md names every state and every trigger rule."""

import re
from pathlib import Path

from mainspring.definition import parse_definition
from mainspring.states import RunState, TaskState
from mainspring.trigger_rules import TriggerRule

PAGE = (Path(__file__).parents[3] / "docs" / "concepts.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)`", PAGE, re.MULTILINE)


def test_every_state_and_every_rule_has_a_row() -> None:
    assert sorted(ROWS) == sorted([*RunState, *TaskState, *TriggerRule])


def test_the_examples_are_definitions() -> None:
    examples = re.findall(r"```yaml\n(dag_id:.*?)```", PAGE, re.DOTALL)
    assert examples
    for example in examples:
        assert parse_definition(example, media="yaml").tasks
