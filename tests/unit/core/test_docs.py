"""The page about task types is true: its examples are definitions, and no type or field of one is missing."""

import re
from pathlib import Path

import pytest

from mainspring.definition import parse_definition
from mainspring.definition.fields import TASK_TYPES

PAGE = (Path(__file__).parents[3] / "docs" / "tasks.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.split()[1])
def test_each_example_is_a_definition(example: str) -> None:
    assert parse_definition(example, media="yaml").tasks


def test_every_type_has_its_example_and_its_row() -> None:
    shown = {task.type for example in EXAMPLES for task in parse_definition(example, media="yaml").tasks.values()}
    assert shown == set(TASK_TYPES)
    assert set(re.findall(r"^\| \[`(\w+)`\]", PAGE, re.MULTILINE)) == set(TASK_TYPES)
