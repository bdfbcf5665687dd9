"""The document: valid, checked in, complete, and in Airflow's words."""

import re
from pathlib import Path

import orjson
import pytest
from openapi_spec_validator import validate

from mainspring_api.openapi import document
from tests.api.harness import Api

CHECKED_IN = Path(__file__).parents[2] / "openapi" / "mainspring.json"
AIRFLOW_OPERATIONS = {
    "get_dags", "get_dag", "patch_dag", "delete_dag", "get_dag_details", "get_dag_versions", "get_dag_version",
    "get_tasks", "get_task", "trigger_dag_run", "get_dag_runs", "get_dag_run", "patch_dag_run",
    "wait_dag_run_until_finished", "get_task_instances", "get_task_instance", "get_log", "get_xcom_entries",
    "get_xcom_entry", "get_health", "get_version", "post_clear_task_instances", "clear_dag_run",
    "patch_task_instance", "patch_task_instance_by_map_index", "patch_task_instance_dry_run",
    "patch_task_instance_dry_run_by_map_index", "get_mapped_task_instances", "get_mapped_task_instance",
    "get_task_instance_tries", "get_mapped_task_instance_tries", "get_task_instance_try_details",
    "get_mapped_task_instance_try_details", "list_backfills", "create_backfill", "create_backfill_dry_run",
    "get_backfill", "pause_backfill", "unpause_backfill", "cancel_backfill",
    "get_pools", "get_pool", "post_pool", "patch_pool", "delete_pool",
    "bulk_pools", "get_variables", "get_variable", "post_variable", "patch_variable", "delete_variable",
    "bulk_variables",
}  # fmt: skip
OUR_OPERATIONS = {
    "put_dag", "validate_dag", "get_dag_definition", "get_dag_schedule", "get_backfill_dag_runs",
    "pause_backfill_by_post", "unpause_backfill_by_post", "cancel_backfill_by_post", "get_openapi", "get_secrets",
    "put_secret", "delete_secret", "get_approvals", "answer_approval",
}  # fmt: skip


def test_the_document_is_valid() -> None:
    validate(document())
    assert document()["openapi"] == "3.1.0"


def test_the_checked_in_document_is_the_generated_one() -> None:
    assert orjson.loads(CHECKED_IN.read_bytes()) == document(), "the API has changed: run ./dev openapi"


def test_operations_are_airflows_and_ours() -> None:
    ids = [operation["operationId"] for item in document()["paths"].values() for name, operation in item.items()
           if name != "parameters"]  # fmt: skip
    assert len(ids) == len(set(ids))
    assert set(ids) == AIRFLOW_OPERATIONS | OUR_OPERATIONS


def test_every_route_is_documented_and_every_documented_path_served(sqlite_api: Api) -> None:
    served = {
        (method.lower(), re.sub(r"<(?:[^:>]+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in sqlite_api.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    documented = {
        (method, path) for path, item in document()["paths"].items() for method in item if method != "parameters"
    }
    assert served == documented


def test_every_operation_says_what_it_does_and_which_errors_it_has() -> None:
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            assert operation["summary"], (method, path)
            is_open = operation.get("security") == []
            assert ({"401", "403"} <= set(operation["responses"])) == (not is_open), (method, path)
            assert ("422" in operation["responses"]) == ("requestBody" in operation or "parameters" in operation), (
                method,
                path,
            )


def test_fields_of_answers_are_all_required() -> None:
    schemas = document()["components"]["schemas"]
    for name in ("DagRun", "TaskInstance", "Dag", "DagDetails", "DagVersion", "XCom", "TaskDefinition"):
        assert set(schemas[name]["required"]) == set(schemas[name]["properties"])


def test_enums_are_components_of_their_own() -> None:
    schemas = document()["components"]["schemas"]
    assert schemas["DagRunState"]["enum"] == ["queued", "running", "success", "failed"]
    assert schemas["DagRun"]["properties"]["state"] == {"$ref": "#/components/schemas/DagRunState"}
    assert "upstream_failed" in schemas["TaskInstanceState"]["enum"]


def test_the_server_gives_its_own_document(sqlite_api: Api) -> None:
    assert sqlite_api.get("/openapi.json") == document()


@pytest.mark.parametrize("schema", ["DagRun", "TaskInstance"])
def test_every_field_has_a_type(schema: str) -> None:
    for name, field in document()["components"]["schemas"][schema]["properties"].items():
        assert {"type", "$ref", "anyOf"} & set(field), name
