"""The pictures of the documentation, of real runs: taken by each test run, kept in docs/images on demand.

    PICTURES=docs/images ./dev test tests/page/test_pictures.py

takes them again. A picture is at most 150 KB. Pictures of every page in light, dark, Korean and at 380 px, to look at:

    EVERY_PAGE=/tmp/pages ./dev test tests/page/test_pictures.py
"""

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.acceptance.server import Server, started
from tests.page.conftest import Scenario, player

IMAGES = Path(__file__).parents[2] / "docs" / "images"
NAMES = ("home", "dag", "run", "log", "editor", "home-dark", "run-phone")
LOOKS = ("light", "dark", "korean", "phone")
BYTES_MAX = 150_000
DAYS = 20
FAILING_DAYS = (13, 6, 1)

NIGHTLY = """# Owner: commerce. Runbook: wiki/sales-load
dag_id: nightly_sales
description: Load one day of sales per region, check it, publish a report.
tags: [sales, nightly]
owners: [commerce]
params:
  type: object
  properties:
    regions: {type: array, items: {enum: [kr, jp, us, eu]}, default: [kr, jp, us, eu]}
    disk_full: {type: boolean, default: false}
schedule: {cron: "30 2 * * *", timezone: Asia/Seoul}
start_date: 2100-01-01
default_args: {retries: 1, retry_delay: PT0.2S}
tasks:
  rates: {type: shell, command: [echo, "rates of today"]}
  extract:
    type: shell
    depends_on: [rates]
    expand: {region: "${{ params.regions }}"}
    script: sleep 0.1
  quality_gate: {type: shell, depends_on: [extract], script: sleep 0.2}
  load_warehouse:
    type: shell
    depends_on: [quality_gate]
    env: {DISK_FULL: "${{ params.disk_full }}", DAY: "${{ ds }}"}
    script: |
      for part in $(seq 1 16); do echo "COPY sales_fact part $part: 12480 rows"; done
      if [ "$DISK_FULL" = true ]; then
        echo 'ERROR:  could not extend file "base/16384/24591": No space left on device' >&2
        echo 'HINT:  Check free disk space.' >&2
        exit 3
      fi
      sleep 0.3
  report: {type: shell, depends_on: [load_warehouse], command: [echo, published]}
  notify: {type: noop, depends_on: [report]}
  tidy: {type: shell, depends_on: [extract, load_warehouse], trigger_rule: all_done, command: ["true"]}
"""
PAYOUT = """
dag_id: payout
owners: [finance]
tasks:
  compute: {type: noop}
  confirm: {type: approval, depends_on: [compute], message: "Pay out 1,204 invoices (98,112 EUR)?"}
"""


ORDERS = """
dag_id: orders_ingest
tags: [orders]
owners: [platform]
schedule: {cron: "*/30 * * * *", timezone: Asia/Seoul}
tasks:
  pull: {type: shell, command: [echo, "250 rows"]}
  push: {type: shell, depends_on: [pull], command: [echo, done]}
"""


@pytest.fixture(scope="module")
def page_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own with nearly three weeks of runs of one DAG; the latest run failed."""
    with started(tmp_path_factory.mktemp("pictures") / "home") as server:
        for source in (NIGHTLY, PAYOUT, ORDERS):
            server.put_dag(source)
        server.trigger("payout")
        today = datetime.now(UTC).replace(hour=17, minute=30, second=0, microsecond=0)
        runs = [server.trigger("orders_ingest")]
        for age in range(DAYS, 0, -1):
            date = (today - timedelta(days=age)).isoformat()
            conf = {"disk_full": True} if age in FAILING_DAYS else {}
            body = {"logical_date": date, "run_after": date, "conf": conf}
            run = server.client.post("/dags/nightly_sales/dagRuns", body)["dag_run_id"]
            runs.append(f"/dags/nightly_sales/dagRuns/{run}")
        for run in runs:
            server.wait(run)
        yield server


@pytest.mark.page
@pytest.mark.timeout(300)
def test_pictures_are_taken(play: Scenario, tmp_path: Path) -> None:
    play("pictures_of_the_documentation")
    for name in NAMES:
        picture = (tmp_path / f"{name}.png").read_bytes()
        assert 10_000 < len(picture) <= BYTES_MAX, (name, len(picture))
        if folder := os.environ.get("PICTURES"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            (Path(folder) / f"{name}.png").write_bytes(picture)


@pytest.mark.page
@pytest.mark.timeout(900)
@pytest.mark.skipif("EVERY_PAGE" not in os.environ, reason="takes minutes: pictures for people, in EVERY_PAGE")
def test_every_page_is_pictured(page_server: Server, browser: "subprocess.Popen[bytes]") -> None:
    folder = Path(os.environ["EVERY_PAGE"])
    player(page_server, browser, folder)("every_page_is_pictured")
    looks = {look: {path.name for path in (folder / look).glob("*.png")} for look in LOOKS}
    assert len(looks["light"]) > 30
    assert all(pictures == looks["light"] for pictures in looks.values())


@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_small_and_shown(name: str) -> None:
    """Each picture of the documentation is small enough, and a page shows it."""
    assert len((IMAGES / f"{name}.png").read_bytes()) <= BYTES_MAX
    documents = [IMAGES.parents[1] / "README.md", IMAGES.parent / "page.md"]
    assert any(f"images/{name}.png" in document.read_text(encoding="utf-8") for document in documents)
