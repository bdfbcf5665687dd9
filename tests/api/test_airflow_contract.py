"""Airflow's operations, as its own document lists them: which are here, under which name, with which success code."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mainspring_api.app import document
from tests.api.conftest import OpenApi
from tests.api.harness import ONE_OF_EACH, SHELL, Api

Row = Mapping[str, str]

with (Path(__file__).parent / "airflow-operations.tsv").open() as _lines:
    OPERATIONS = list(csv.DictReader(_lines, delimiter="\t"))
"""`tier`: core and should are served; later and not-applicable are refused, or are a list that is empty."""

EMPTY = frozenset(
    {
        "get_asset_aliases",
        "get_asset_events",
        "get_assets",
        "get_extra_links",
        "get_import_errors",
        "get_plugins",
        "get_providers",
        "get_upstream_asset_events",
        "import_errors",
        "list_dag_warnings",
    }
)
"""Operations of the lower tiers that are empty, not refused."""


REFUSED = {
    "/assets": (404, "not_found", "there is no such asset"),
    "/config": (403, "forbidden", "chose not to expose the configuration"),
}
"""Part of a path -> what Airflow answers there too when it has none, or shows none: status, code, sentence."""

RUN_KEYS = "id state dag_id run_id dag_run_id logical_date run_after start_date end_date updated_at conf"
INSTANCE_KEYS = (
    "id state duration start_date end_date map_index try_number logical_date run_after data_interval_start "
    "data_interval_end rendered_map_index operator"
)
TASK_KEYS = (
    "task_id task_display_name owner start_date end_date trigger_rule depends_on_past wait_for_downstream retries "
    "queue pool pool_slots execution_timeout retry_delay retry_exponential_backoff priority_weight weight_rule "
    "ui_color ui_fgcolor operator_name"
)
ORDERS = {
    "/dags": "dag_id dag_display_name next_dagrun state start_date last_run_state last_run_start_date",
    "/dagTags": "name",
    "/dags/etl/dagRuns": f"{RUN_KEYS} partition_date duration",
    "/dags/etl/dagRuns/r1/taskInstances": INSTANCE_KEYS,
    "/dags/etl/dagRuns/r1/taskInstances/m/listMapped": INSTANCE_KEYS,
    "/dags/etl/dagRuns/r1/taskInstances/a/xcomEntries": "key dag_id run_id task_id map_index timestamp run_after",
    "/dags/etl/tasks": TASK_KEYS,
    "/dags/etl/dagVersions": "id version_number bundle_name bundle_version",
    "/backfills?dag_id=etl": "id",
    "/dags/etl/dagRuns/r1/hitlDetails": "ti_id created_at dag_id run_id run_after rendered_map_index "
    "task_instance_state task_instance_operator",
    "/pools": "id pool name",
    "/variables": "key id _val description is_encrypted team_name",
    "/connections": "conn_id connection_id conn_type description host port id team_name",
    "/eventLogs": "id event_log_id dttm when dag_id task_id run_id event logical_date owner extra",
    "/jobs": "id dag_id state job_type start_date end_date latest_heartbeat executor_class hostname unixname",
}
"""Lists, and all that Airflow orders them by."""


def without_names(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


SERVED = {
    (method.upper(), without_names(path)): operation
    for path, item in document()["paths"].items()
    for method, operation in item.items()
}


def served(row: Row) -> Any:
    return SERVED.get((row["method"], without_names(row["path"])))


def rows(condition: Callable[[Row], bool]) -> list[Any]:
    return [
        pytest.param(row, id=row["operation_id"])
        for row in OPERATIONS
        if row["path"].startswith("/api/v2") and condition(row)
    ]


@pytest.fixture(scope="module")
def shared(open_api: OpenApi) -> Iterator[Api]:
    with open_api("sqlite") as api:
        mapped = {**SHELL, "expand": {"item": [1, 2]}}
        api.save(tasks={"a": {**SHELL, "execution_timeout": "1h"}, "b": SHELL, "m": mapped})
        api.trigger(run_id="r1")
        yield api


def test_the_table_has_all_of_airflows_operations() -> None:
    assert len(OPERATIONS) == len({(row["method"], row["path"]) for row in OPERATIONS}) == 131


@pytest.mark.parametrize("row", rows(lambda row: row["tier"] in ("core", "should") or served(row) is not None))
def test_an_operation_is_served_under_its_name_with_its_success_code(row: Row) -> None:
    operation = served(row)
    assert operation is not None
    assert operation["operationId"] == row["operation_id"]
    assert [code for code in operation["responses"] if code.startswith("2")] == [row["status"]]


@pytest.mark.parametrize("row", rows(lambda row: row["operation_id"] in EMPTY))
def test_what_there_is_none_of_is_an_empty_list(shared: Api, row: Row) -> None:
    assert shared.get(path_of(row))["total_entries"] == 0


@pytest.mark.parametrize("row", rows(lambda row: row["tier"] in ("later", "not-applicable") and served(row) is None))
def test_what_is_not_here_says_so(shared: Api, row: Row) -> None:
    answer = shared.request(row["method"], path_of(row), json={})
    status, code, sentence = next(
        (told for part, told in REFUSED.items() if part in row["path"]), (501, "not_here", "this server has no")
    )
    assert (answer.status, answer.json["code"]) == (status, code)
    assert sentence in answer.json["detail"]


def path_of(row: Row) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: ONE_OF_EACH.get(match[1], "1"), row["path"])


@pytest.mark.parametrize(("path", "key"), [(path, key) for path, keys in ORDERS.items() for key in keys.split()])
def test_a_list_is_ordered_by_whatever_airflow_orders_it_by(shared: Api, path: str, key: str) -> None:
    sign = "&" if "?" in path else "?"
    total = shared.get(path)["total_entries"]
    assert shared.get(f"{path}{sign}order_by={key}")["total_entries"] == total
    assert shared.get(f"{path}{sign}order_by=-{key}")["total_entries"] == total
    refused = shared.get(f"{path}{sign}order_by={key}_", 400)
    assert "order_by" in str(refused["errors"])
