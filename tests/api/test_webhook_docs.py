"""The page about webhooks is true: its example runs, and its types are all that there are."""

import re
from pathlib import Path

from mainspring.definition import parse_definition
from mainspring.states import TaskState
from mainspring.webhook_types import WEBHOOK_TYPES
from tests.api.test_docs import output_of_example

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text().partition("\n## Webhooks in\n")[0]


def test_the_example_works_as_written(tmp_path: Path) -> None:
    output = output_of_example(PAGE, tmp_path)
    assert '"secret":"whsec_' in output
    assert '"url":"https://hooks.example.com/in?team=***"' in output
    assert '"type":"webhook.test","dag_id":null' in output
    assert '"state":"disabled"' in output


def test_every_type_is_named() -> None:
    (row,) = re.findall(r"^\| `types` \|(.*)$", PAGE, re.MULTILINE)
    named = {word for word in re.findall(r"`([a-z_.]+)`", row) if "." in word.strip(".")}
    task_types = {f"task.{state.value}" for state in TaskState}
    assert named | task_types == set(WEBHOOK_TYPES)


def test_the_definition_is_a_definition() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(parse_definition(example, media="yaml").notify) == 2
