"""The JSON Schema and the parser are made from the same tables; they must also agree."""

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given

from mainspring.definition import json_schema
from mainspring.definition.fields import TASK_TYPES
from tests.unit.core.test_definition import DOCUMENT
from tests.unit.strategies import definitions

VALIDATOR = jsonschema_rs.Draft202012Validator(json_schema())


@given(definitions())
def test_what_the_parser_takes_fits_the_schema(document: dict[str, Any]) -> None:
    VALIDATOR.validate(document)


def test_a_full_document_fits_the_schema_with_and_without_its_id() -> None:
    VALIDATOR.validate(DOCUMENT)
    VALIDATOR.validate({name: value for name, value in DOCUMENT.items() if name != "dag_id"} | {"schedule": None})


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"dag_id": "d"}, id="no tasks"),
        pytest.param({"tasks": {}}, id="empty tasks"),
        pytest.param({"tasks": {"a": {"type": "nope"}}}, id="unknown type"),
        pytest.param({"tasks": {"a": {"type": "noop", "script": "x"}}}, id="field of another type"),
        pytest.param({"tasks": {"a": {"type": "shell"}}}, id="neither command nor script"),
        pytest.param({"tasks": {"a": {"type": "shell", "script": "x", "command": ["x"]}}}, id="both"),
        pytest.param({"tasks": {"a": {"type": "python", "source": "x", "args": []}}}, id="args of a source"),
        pytest.param({"tasks": {"a": {"type": "http", "url": "http://x", "body": "", "json": 1}}}, id="body and json"),
        pytest.param({"tasks": {"a b": {"type": "noop"}}}, id="bad id"),
        pytest.param({"tasks": {"a": {"type": "noop", "retries": -1}}}, id="out of range"),
        pytest.param({"tasks": {"a": {"type": "noop"}}, "description": None}, id="null"),
        pytest.param({"tasks": {"a": {"type": "noop"}}, "descripton": ""}, id="unknown field"),
    ],
)
def test_what_the_tables_forbid_does_not_fit_the_schema(document: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(document)


def test_the_types_of_task_are_a_union_told_apart_by_a_constant() -> None:
    schema = json_schema("#/components/schemas/")
    task = schema["$defs"]["Task"]
    assert task["discriminator"]["mapping"]["shell"] == "#/components/schemas/ShellTask"
    assert len(task["oneOf"]) == len(TASK_TYPES)
    for name in TASK_TYPES:
        own = schema["$defs"][f"{name.capitalize()}Task"]
        assert own["properties"]["type"]["const"] == name
        assert "type" in own["required"]
    assert schema["properties"]["tasks"]["$ref"] == "#/components/schemas/Tasks"
    assert schema["$defs"]["Tasks"]["additionalProperties"] == {"$ref": "#/components/schemas/Task"}


def test_what_several_types_of_task_have_in_common_is_one_component() -> None:
    parts = json_schema()["$defs"]
    for name in TASK_TYPES:
        own = parts[f"{name.capitalize()}Task"]["properties"]
        assert own["trigger_rule"]["$ref"] == "#/$defs/TriggerRule"
        assert own["retry_policy"]["items"] == {"$ref": "#/$defs/RetryRule"}
    assert parts["RetryRule"]["properties"]["reason"]["items"] == {"$ref": "#/$defs/StateReason"}
    assert parts["WaitTask"]["properties"]["http"]["description"] != ""
