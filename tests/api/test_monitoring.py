"""The dashboard and the alert rules of docs/monitoring ask for metrics and labels that the API exposes."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import update

from mainspring_store.resources.heartbeats import register_service
from mainspring_store.tables import dag
from tests.api.harness import SHELL, Api

FOLDER = Path(__file__).parents[2] / "docs" / "monitoring"
DASHBOARD = json.loads((FOLDER / "grafana-dashboard.json").read_text(encoding="utf-8"))
RULES = [
    rule
    for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
DETAILS: Mapping[str, Any] = {
    "executors": ["thread"],
    "log_store": "healthy",
    "room": {"thread": 1},
    "refusals": {"thread": 1},
    "passes": 1,
    "pass_seconds": 1.0,
    "attempts": 1,
    "reports": 1,
    "runs_finished": 1,
    "deliveries": {"delivered": 1},
}


def exposed(api: Api) -> Mapping[str, set[str]]:
    """Name of a metric -> names of its labels."""
    page = api.request("GET", "/metrics").body.decode()
    kinds = re.findall(r"^# TYPE (\S+) (\S+)", page, re.MULTILINE)
    names = {f"{name}_bucket" if kind == "histogram" else name: set[str]() for name, kind in kinds}
    for name, labels in re.findall(r"^(\w+)\{(.*)\} ", page, re.MULTILINE):
        if name.removesuffix("_sum").removesuffix("_count") != name:  # of a histogram, which its buckets stand for
            continue
        names[name] |= set(re.findall(r'(\w+)="', labels))
    return names


def test_every_metric_and_label_of_the_dashboard_and_the_rules_is_exposed(sqlite_api: Api) -> None:
    api = sqlite_api
    refusing = {"refusals": 1, "refused_for": "No space left on device"}
    for kind, details in (("scheduler", DETAILS), ("worker", refusing)):
        register_service(
            api.database,
            incarnation=kind,
            kind=kind,
            hostname="here",
            pid=1,
            version="1",
            details=details,
            now=datetime.now(UTC),
        )
    api.save("etl", {"a": SHELL})
    api.post("/webhooks", {"name": "w", "url": "https://hooks.example.test/"}, 201)
    api.post("/webhooks/w/test", None)
    api.trigger(run_id="r1")
    api.engine.run_until_idle()
    api.engine.finish("a", run_id="r1")
    api.trigger(run_id="r2")
    api.engine.run_until_idle()
    names = exposed(api)
    of_rules = [rule["expr"] for rule in RULES]
    asked = {name for text in (*EXPRESSIONS, *of_rules) for name in re.findall(r"mainspring_\w+", text)}
    assert asked <= names.keys()
    assert names.keys() <= {name for text in EXPRESSIONS for name in re.findall(r"mainspring_\w+", text)}, "not shown"
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            labels = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert labels <= names[re.findall(r"mainspring_\w+", target["expr"])[0]], panel["title"]
    for rule in RULES:
        labels = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        labels |= set(re.findall(r"(\w+)=", "".join(re.findall(r"\{(.*?)\}", rule["expr"]))))
        assert labels <= set().union(*(names[name] for name in re.findall(r"mainspring_\w+", rule["expr"]))), rule


@pytest.mark.parametrize("is_paused", [False, True])
def test_the_schedule_lag_is_the_age_of_the_oldest_due_slot(api: Api, is_paused: bool) -> None:
    api.save("hourly", {"a": SHELL}, schedule="@hourly")
    api.save("idle", {"a": SHELL})
    if is_paused:
        api.patch("/dags/hourly", {"is_paused": True})
    due = datetime.now(UTC) - timedelta(minutes=10)
    with api.database.write() as connection:
        connection.execute(update(dag).where(dag.c.dag_id == "hourly").values(next_run_after=due))
    page = api.request("GET", "/metrics").body.decode()
    [lag] = re.findall(r"^mainspring_schedule_lag_seconds (\S+)$", page, re.MULTILINE)
    assert float(lag) == 0 if is_paused else 600 <= float(lag) < 660
