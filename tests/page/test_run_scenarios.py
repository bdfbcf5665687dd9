"""Every scenario of run_scenarios.mjs is a test: the pages of runs, tasks and versions."""

import re
from pathlib import Path

import pytest

from tests.acceptance.server import Server
from tests.page.conftest import Scenario

SOURCE = Path(__file__).with_name("run_scenarios.mjs").read_text(encoding="utf-8")
SCENARIOS = re.findall(r"^  async (\w+)\(", SOURCE, re.MULTILINE)
LONG = """awk 'BEGIN { for (n = 1; n <= 100000; n++) print (n == 97800 ? "ValueError: no x" : "row " n " ok") }'"""
VERSION = """
# why it is so
dag_id: page_versions
tasks:
  one: {type: noop}
  two:
    type: noop
    depends_on: [one]
"""
DAGS = (
    """
dag_id: page_breaks
params: {type: object, properties: {region: {type: string, default: kr}}}
tasks:
  extract: {type: shell, command: [echo, "250 rows"]}
  load:
    type: shell
    depends_on: [extract]
    env: {REGION: "${{ params.region }}"}
    script: |
      echo 'Error: disk is full <img src=x onerror=alert(1)>' >&2
      exit 3
  report: {type: noop, depends_on: [load]}
""",
    f"""
dag_id: page_long
tasks:
  talk:
    type: shell
    script: |
      {LONG}
      exit 1
""",
    """
dag_id: page_talks
tasks:
  talk:
    type: shell
    script: |
      i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo line $i; sleep 0.05; done
""",
    """
dag_id: page_maps
tasks:
  each:
    type: shell
    expand: {item: [1, 2, 3, 4]}
    env: {ITEM: "${{ map.item }}"}
    script: |
      if [ "$ITEM" = 3 ]; then echo "bad item" >&2; exit 1; fi
""",
    """
dag_id: page_groups
tasks:
  report: {type: noop, depends_on: [load]}
groups:
  load:
    group_display_name: Regions
    tasks:
      fetch: {type: noop}
      each:
        type: noop
        depends_on: [fetch]
        expand: {region: [eu, us]}
        key: "${{ map.region }}"
""",
    """
dag_id: page_parts
tasks:
  up: {type: noop, setup: true}
  load:
    type: shell
    depends_on: [up]
    expand: {region: [eu, us]}
    key: "${{ map.region }}"
    env: {REGION: "${{ map.region }}"}
    script: |
      if [ "$REGION" = us ]; then echo "Error: no such region" >&2; exit 1; fi
  down: {type: noop, depends_on: [load], teardown: {of: [up]}}
  tell: {type: noop, handler: on_failure}
""",
    VERSION,
    VERSION + "    retries: 3\n",
)


@pytest.fixture(scope="module")
def run_server(page_server: Server) -> Server:
    """The server of the page with runs that the scenarios look at."""
    for source in DAGS:
        page_server.put_dag(source)
    before = {n: [f"t{n - 37}", f"t{n - 41}"] if n > 41 else [] for n in range(1000)}
    tasks = {f"t{n}": {"type": "noop", "depends_on": depends_on} for n, depends_on in before.items()}
    big = {"dag_id": "page_big", "max_active_tasks": 1000, "tasks": tasks}
    page_server.client.put_json("/dags/page_big", big)
    runs = [
        page_server.trigger(dag_id)
        for dag_id in ("page_breaks", "page_long", "page_maps", "page_groups", "page_parts", "page_big")
    ]
    for run in runs:
        page_server.wait(run)
    return page_server


@pytest.mark.page
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(run_server: Server, play: Scenario, name: str) -> None:
    play(name)
