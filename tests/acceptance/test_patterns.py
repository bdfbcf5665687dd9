"""The definitions of docs/patterns.md, saved and run: each ends as its line *Result* says."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mainspring_cli.client.plain_client import Client
from tests.acceptance.server import Server, started

PAGE = Path(__file__).parents[2] / "docs" / "patterns.md"
_BLOCK = re.compile(r"```yaml\n(dag_id: (\w+)\n.*?)```\n\n((?:Result[^\n]*\n)+)", re.DOTALL)
_RESULT = re.compile(r"Result(?: with `(?P<conf>{.*})`| at `(?P<at>.*?)`)?: run `(?P<state>\w+)`; (?P<tasks>.*)\.")
_TASK = re.compile(r"`([\w.\[\]]+)` `(\w+)`")


@dataclass(frozen=True, kw_only=True)
class Pattern:
    dag_id: str
    source: str
    trigger: Mapping[str, Any]
    state: str
    tasks: Mapping[str, str]


def patterns() -> Iterator[Pattern]:
    for source, dag_id, results in _BLOCK.findall(PAGE.read_text()):
        for line in results.splitlines():
            match = _RESULT.fullmatch(line)
            assert match, f"{dag_id}: cannot read {line!r}"
            trigger = {"conf": json.loads(match["conf"] or "{}")}
            if match["at"]:
                trigger["logical_date"] = match["at"]
            yield Pattern(
                dag_id=dag_id,
                source=source,
                trigger=trigger,
                state=match["state"],
                tasks=dict(_TASK.findall(match["tasks"])),
            )


PATTERNS = list(patterns())


@pytest.fixture(scope="module", params=["thread", "local"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With all patterns saved: some run others."""
    with started(tmp_path_factory.mktemp("server") / "home", executor=request.param) as server:
        for pattern in PATTERNS:
            server.put_dag(pattern.source)
        yield server


def test_the_page_has_the_twenty_patterns() -> None:
    page = PAGE.read_text()
    assert len({pattern.dag_id for pattern in PATTERNS}) == page.count("\n## ") >= 20


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: f"{pattern.dag_id}{pattern.trigger['conf']}")
def test_a_run_of_a_pattern_ends_as_the_page_says(server: Server, pattern: Pattern) -> None:
    run = server.client.post(f"/dags/{pattern.dag_id}/dagRuns", pattern.trigger)
    path = f"/dags/{pattern.dag_id}/dagRuns/{run['dag_run_id']}"
    ended = server.wait(path)
    assert (ended["state"], _states(server.client, path, pattern)) == (pattern.state, pattern.tasks)


def _states(client: Client, path: str, pattern: Pattern) -> Mapping[str, str]:
    """States of the instances that the page names."""
    states = {
        row["task_id"] if row["map_index"] < 0 else f"{row['task_id']}[{row['map_index']}]": row["state"]
        for row in client.get(f"{path}/taskInstances")["task_instances"]
    }
    return {name: states[name] for name in pattern.tasks}
