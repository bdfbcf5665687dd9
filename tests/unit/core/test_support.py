"""What the engine cannot do yet is refused by name, not taken and ignored."""

from typing import Any

from mainspring.definition import parse_definition, support
from mainspring.definition.fields import COMMON_TASK_FIELDS, DAG_FIELDS
from mainspring.definition.support import unsupported

ASKED: dict[str, Any] = {
    "schedule": "@daily", "catchup": True, "dagrun_timeout": "PT1H", "expand": {"x": [1]}, "outputs": {"x": {}},
    "retry_policy": [{"action": "fail"}], "retry_jitter": True, "retry_deadline": "PT1H", "max_active_tis": 1,
    "max_active_tis_per_dag": 1, "pool": "warehouse", "pool_slots": 2, "executor": "rq",
    "depends_on_past": True,
}  # fmt: skip
"""A value of each field that the table may name, which asks for the feature."""


def _refused(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(problem.pointer, problem.code) for problem in unsupported(document)]


def test_each_line_of_the_table_refuses_its_feature() -> None:
    for name in support.UNSUPPORTED_DAG_FIELDS:
        assert _refused({name: ASKED[name]}) == [(f"/{name}", "not_supported_yet")]
    for name in support.UNSUPPORTED_TASK_FIELDS:
        assert _refused({"tasks": {"a": {name: ASKED[name]}}}) == [(f"/tasks/a/{name}", "not_supported_yet")]
        assert _refused({"default_args": {name: ASKED[name]}}) == [(f"/default_args/{name}", "not_supported_yet")]


def test_the_table_names_only_what_a_definition_can_say() -> None:
    assert set(support.UNSUPPORTED_DAG_FIELDS) <= {field.name for field in DAG_FIELDS}
    assert set(support.UNSUPPORTED_TASK_FIELDS) <= {field.name for field in COMMON_TASK_FIELDS}


def test_what_says_only_what_holds_anyway_is_fine() -> None:
    task = {"type": "noop", "pool": "default_pool", "pool_slots": 1, "queue": "default", "depends_on_past": False}
    document = {"dag_id": "d", "schedule": None, "catchup": False, "tasks": {"a": task | {"retry_jitter": False}}}
    assert parse_definition(document).tasks["a"].pool == "default_pool"
