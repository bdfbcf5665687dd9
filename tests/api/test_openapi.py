"""The document: valid, checked in, complete, and in Airflow's words."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import validate

from mainspring_api.app import BLUEPRINTS, document
from mainspring_api.document.field_descriptions import FIELD_DESCRIPTIONS
from mainspring_api.document.openapi import write_documents
from mainspring_api.document.openapi_3_0 import rendered_as_3_0
from mainspring_api.document.parameter_descriptions import OPERATION_PARAMETERS, PATH_PARAMETERS, QUERY_PARAMETERS
from tests.api.harness import Api
from tests.api.test_airflow_contract import OPERATIONS

FOLDER = Path(__file__).parents[2] / "openapi"
OUR_OPERATIONS = {
    "put_dag", "validate_dag", "get_dag_definition", "get_dag_version_diff", "plan_dags", "put_dags",
    "prune_dags", "restore_dag_version", "run_definition", "get_dag_openapi",
    "change_dag_run_version",
    "get_dag_schedule", "get_backfill_dag_runs",
    "pause_backfill_by_post", "unpause_backfill_by_post", "cancel_backfill_by_post", "get_openapi", "get_docs",
    "get_problem",
    "get_hooks", "post_hook", "get_hook", "patch_hook", "delete_hook", "rotate_hook", "get_hook_deliveries",
    "deliver_to_hook",
    "explain_dag", "explain_dag_run", "get_events", "get_dag_run_events", "explain_task_instance",
    "get_secrets", "get_secret", "put_secret", "delete_secret", "get_approvals", "answer_approval",
    "get_signals", "send_signal",
    "get_ready", "get_metrics", "get_workers",
    "get_me", "put_my_password", "get_users", "get_user", "post_user", "patch_user", "delete_user",
    "get_tokens", "post_token", "delete_token",
    "get_home", "get_summary", "get_activity", "get_upcoming", "get_upcoming_days", "get_dag_overview", "get_grid",
    "get_timeline", "get_calendar", "search", "get_log_lines", "search_log", "get_log_marks",
    "get_root", "get_ui_config", "create_session", "delete_current_session", "get_sessions", "delete_session",
    "create_session_code", "begin_oidc_login", "finish_oidc_login", "exchange_token",
    "get_dag_run_junit_report", "get_dag_run_log", "trigger_dag_runs", "get_dag_run_states", "get_idempotency_key",
    "get_webhooks", "post_webhook", "get_webhook", "patch_webhook", "delete_webhook", "get_webhook_key",
    "rotate_webhook_secret", "test_webhook", "get_webhook_deliveries", "redeliver_webhook",
    "get_notifiers", "post_notifier", "get_notifier", "patch_notifier", "delete_notifier", "test_notifier",
    "get_notifier_deliveries", "redeliver_notifier",
}  # fmt: skip


@pytest.fixture(params=["3.1.0", "3.0.3"])
def each_document(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    """The document in each version of OpenAPI."""
    return document() if request.param == "3.1.0" else rendered_as_3_0(document())


def test_the_documents_are_valid(each_document: Mapping[str, Any]) -> None:
    validate(each_document)


def test_the_checked_in_documents_are_the_generated_ones(tmp_path: Path) -> None:
    write_documents(tmp_path, BLUEPRINTS)
    for path in tmp_path.iterdir():
        assert (FOLDER / path.name).read_bytes() == path.read_bytes(), "the API has changed: run ./dev openapi"


def test_the_older_rendering_has_the_same_operations_and_schemas_and_no_word_of_3_1() -> None:
    older = rendered_as_3_0(document())
    assert older["openapi"] == "3.0.3"
    assert {path: item.keys() for path, item in older["paths"].items()} == {
        path: item.keys() for path, item in document()["paths"].items()
    }
    assert older["components"]["schemas"].keys() == document()["components"]["schemas"].keys()
    for at, schema in schemas_of(older):
        assert not {"const", "examples", "patternProperties", "propertyNames", "dependentSchemas"} & schema.keys(), at
        assert isinstance(schema.get("type", ""), str), at
        assert schema.get("type") != "null", at
        assert "$ref" not in schema or len(schema) == 1, at
        assert "nullable" not in schema or "type" in schema, f"{at}: says nothing without a type"
        assert "nullable" not in schema or None in schema.get("enum", [None]), f"{at}: no value of the enum is null"


def test_the_older_rendering_keeps_what_may_be_null() -> None:
    members = rendered_as_3_0(document())["components"]["schemas"]["DagRun"]["properties"]
    run = {
        name: {key: value for key, value in member.items() if key != "description"} for name, member in members.items()
    }
    assert run["note"] == {"type": "string", "nullable": True}
    only_null = {"type": "string", "enum": [None], "nullable": True}
    assert run["conf"]["anyOf"] == [{"$ref": "#/components/schemas/JsonObject"}, only_null]
    assert "nullable" not in run["state"]


def test_every_object_that_is_sent_or_answered_has_an_example() -> None:
    schemas = document()["components"]["schemas"]
    without = {"OpenApiDocument"}  # it would be this document
    used = {name for each in _contents(document()["paths"]) for name in _names(each["schema"])}
    assert {name for name in used - without if "examples" not in schemas[name]} == set()


def test_examples_fit_their_schemas() -> None:
    for name, schema in document()["components"]["schemas"].items():
        reference = {"$ref": f"#/components/schemas/{name}", "components": document()["components"]}
        validator = jsonschema_rs.Draft202012Validator(reference, validate_formats=True)
        for example in schema.get("examples", ()):
            validator.validate(example)


def test_examples_of_the_older_rendering_fit_too() -> None:
    components = rendered_as_3_0(document())["components"]
    for name, schema in components["schemas"].items():
        if "example" in schema:
            reference = {"$ref": f"#/components/schemas/{name}", "components": components}
            OAS30Validator(reference).validate(schema["example"])


def test_every_property_has_a_description() -> None:
    without = [
        f"{at}/properties/{name}"
        for at, schema in schemas_of(document())
        for name, member in schema.get("properties", {}).items()
        # A bare reference has the description of its component; `not: {}` forbids a member.
        if not member.get("description") and member.keys() != {"$ref"} and member != {"not": {}}
    ]
    assert without == []


def test_no_shared_description_is_unused() -> None:
    used = {name for _, schema in schemas_of(document()) for name in schema.get("properties", {})}
    assert set(FIELD_DESCRIPTIONS) <= used


def test_every_operation_has_a_summary_and_says_who_may_call_it() -> None:
    for operation in _operations():
        assert operation["summary"], operation["operationId"]
        assert re.search(r"Needs (the role `|a token, |no token\.)", operation["description"]), operation["operationId"]
    by_id = {operation["operationId"]: operation["description"] for operation in _operations()}
    assert by_id["get_version"] == "Needs no token."
    assert by_id["patch_dag"] == "Needs the role `operator` on the DAG."
    assert by_id["get_users"] == "Needs the role `admin` for the whole server."


def test_every_parameter_has_a_description() -> None:
    """Add it to the field, or to `parameter_descriptions.py`."""
    assert [
        (holder, parameter["name"]) for holder, parameter in _parameters() if not parameter.get("description")
    ] == []


def test_no_shared_description_of_a_parameter_is_unused() -> None:
    used = {(parameter["in"], parameter["name"]) for _, parameter in _parameters()}
    assert {("path", name) for name in PATH_PARAMETERS} | {("query", name) for name in QUERY_PARAMETERS} <= used
    assert set(OPERATION_PARAMETERS) <= {(holder, parameter["name"]) for holder, parameter in _parameters()}


def _parameters() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Path or id of an operation, and a parameter."""
    for path, item in document()["paths"].items():
        for parameter in item.get("parameters", ()):
            yield path, parameter
    for operation in _operations():
        for parameter in operation.get("parameters", ()):
            yield operation["operationId"], parameter


def _operations() -> list[Mapping[str, Any]]:
    return [each for item in document()["paths"].values() for each in item.values() if "responses" in each]


def test_every_reference_leads_somewhere_and_every_component_is_used(each_document: Mapping[str, Any]) -> None:
    # A discriminator's mapping repeats what its `oneOf` refers to.
    used = set(re.findall(r'"\$ref":"#/components/(\w+/\w+)"', orjson.dumps(each_document).decode()))
    components = each_document["components"]
    held = {f"{kind}/{name}" for kind in ("schemas", "responses", "headers") for name in components[kind]}
    assert used == held


def test_schemas_say_what_generators_understand() -> None:
    for at, schema in schemas_of(document()):
        assert "nullable" not in schema, f"{at}: a word of 3.0"
        assert not schema.get("pattern", "").endswith(r"\Z"), f"{at}: no pattern of ECMA 262"
        assert None not in schema.get("enum", ()), f"{at}: null is told beside an enum, not within"
        assert not ({"oneOf"} & schema.keys() and "properties" in schema), f"{at}: taken for a union, fields lost"
        assert len(schema.get("anyOf", (1, 2))) > 1, f"{at}: a choice of one"
        if schema.get("type") == "array":
            assert "items" in schema, f"{at}: a list of what?"
        if "required" in schema:
            assert set(schema["required"]) <= schema["properties"].keys(), at


def test_no_schema_is_named_as_the_constructor_of_another() -> None:
    """The Go clients of generators have a function `NewX` for each type `X`."""
    names = document()["components"]["schemas"].keys()
    assert [name for name in names if name.startswith("New") and name.removeprefix("New") in names] == []


def test_nothing_is_null_alone() -> None:
    nulls = [at for at, schema in schemas_of(document()) if schema.get("type") == "null"]
    assert [at for at in nulls if not re.search("/anyOf/[0-9]+$", at)] == []


def test_no_default_is_null(each_document: Mapping[str, Any]) -> None:
    assert [at for at, schema in schemas_of(each_document) if schema.get("default", ...) is None] == []


def test_what_may_be_null_is_a_choice() -> None:
    assert [at for at, schema in schemas_of(document()) if isinstance(schema.get("type", ""), list)] == []


def test_no_operation_has_two_parameters_of_one_name() -> None:
    """Generated functions have one argument for each name, wherever the value is sent."""
    for path, item in document()["paths"].items():
        for method in item.keys() - {"parameters"}:
            names = [each["name"].lower().replace("-", "_") for each in
                     item.get("parameters", []) + item[method].get("parameters", [])]  # fmt: skip
            assert len(names) == len(set(names)), (method, path)


def test_every_operation_has_a_description(each_document: Mapping[str, Any]) -> None:
    for path, item in each_document["paths"].items():
        for method in item.keys() - {"parameters"}:
            assert item[method].get("description", "").strip(), (method, path)


def test_every_path_parameter_is_told_and_no_name_is_told_twice() -> None:
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            told = [(each["in"], each["name"]) for each in item.get("parameters", []) + operation.get("parameters", [])]
            assert len(told) == len(set(told)), (method, path)
            assert {name for place, name in told if place == "path"} == set(re.findall(r"{(\w+)}", path)), (
                method,
                path,
            )


def test_every_operation_has_a_tag_that_is_told() -> None:
    told = {tag["name"] for tag in document()["tags"]}
    used = {tag for item in document()["paths"].values() for name, operation in item.items()
            if name != "parameters" for tag in operation["tags"]}  # fmt: skip
    assert used == told
    assert all(tag["description"] for tag in document()["tags"])


def test_operations_are_airflows_and_ours() -> None:
    ids = [operation["operationId"] for item in document()["paths"].values() for name, operation in item.items()
           if name != "parameters"]  # fmt: skip
    assert len(ids) == len(set(ids))
    assert set(ids) - {row["operation_id"] for row in OPERATIONS} == OUR_OPERATIONS


def test_every_route_is_documented_and_every_documented_path_served(sqlite_api: Api) -> None:
    served = {
        (method.lower(), re.sub(r"<(?:[^:>]+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in sqlite_api.app.url_map.iter_rules()
        if not rule.endpoint.startswith(("absent.", "moved.", "page."))
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
            # Anybody may log a browser in, but no other site; anybody may exchange a token, but no rule need hold.
            is_open = operation.get("security") == [] and path not in ("/auth/session", "/auth/token/exchange")
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


def _contents(part: Any) -> Iterator[Mapping[str, Any]]:
    """What is sent or answered as JSON, anywhere in a part of the document."""
    if isinstance(part, list):
        for each in part:
            yield from _contents(each)
    if isinstance(part, Mapping):
        if "application/json" in part:
            yield part["application/json"]
        for each in part.values():
            yield from _contents(each)


def _names(schema: Mapping[str, Any]) -> Iterator[str]:
    """The components that a schema is, or that are its choices."""
    for each in schema.get("anyOf", [schema]):
        if "$ref" in each:
            yield each["$ref"].rpartition("/")[2]


def schemas_of(part: Any, at: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every schema of a document with its place; examples hold none."""
    if isinstance(part, list):
        for position, item in enumerate(part):
            yield from schemas_of(item, f"{at}/{position}")
    if not isinstance(part, Mapping):
        return
    in_schemas = "/components/schemas/" in at or "/schema" in at
    if in_schemas and not at.endswith(("/properties", "/patternProperties", "/dependentSchemas", "/mapping")):
        yield at, part
    for key, value in part.items():
        if key not in ("example", "examples", "default", "mapping"):
            yield from schemas_of(value, f"{at}/{key}")
