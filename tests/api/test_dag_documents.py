"""The OpenAPI document of one DAG: what it holds, and what a definition cannot do to the clients made from it."""

import ast
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from clients import generate
from mainspring_store.access.roles import Grant, Role
from tests.api.conftest import OpenApi
from tests.api.harness import Api
from tests.services.environment import child_environment

NOOP = {"type": "noop"}
EVIL = '*/ """ \'\'\' ${x} `id` \\ // {{ import os; os.system("x") }} \n\r\u2028 <script> #'
SAMPLES: dict[str, Any] = {
    "plain": {"tasks": {"a": NOOP}},
    "etl": {
        "params": {
            "type": "object",
            "required": ["rows", "mode"],
            "additionalProperties": False,
            "properties": {
                "rows": {"type": "integer", "default": 3, "minimum": 1, "description": "How many"},
                "mode": {"enum": ["full", "delta"], "type": "string"},
                "when": {"type": ["string", "null"], "format": "date-time"},
                "target": {"$ref": "#/$defs/target"},
                "token": {"type": "string", "writeOnly": True, "default": "hush-1"},
                "key": {"$ref": "#/$defs/key", "writeOnly": True},
                "pair": {
                    "type": "object",
                    "writeOnly": True,
                    "properties": {"left": {"$ref": "#/$defs/key"}, "right": {"type": "string", "default": "hush-4"}},
                },
                "mixed": {"type": "string", "default": "hush-3", "allOf": [{"$ref": "#/$defs/sealed"}]},
                "part": {"$ref": "#/properties/pair/properties/right"},
                "shown": {"$ref": "#/$defs/shown"},
                "unshown": {"$ref": "#/$defs/shown", "writeOnly": True},
                "span": {"oneOf": [{"type": "string", "pattern": "^[0-9]+d$"}, {"type": "string", "pattern": "h$"}]},
            },
            "$defs": {
                "target": {
                    "type": "object",
                    "properties": {"table": {"type": "string"}, "next": {"$ref": "#/$defs/next"}},
                },
                "next": {"type": "object", "properties": {"rows": {"$ref": "#/properties/rows"}}},
                "key": {"type": "string", "default": "hush-2"},
                "sealed": {"type": "string", "writeOnly": True},
                "shown": {"type": "string", "default": "plain"},
            },
        },
        "tasks": {
            "load": {
                "type": "shell",
                "command": ["true"],
                "outputs": {"rows": {"type": "integer"}, "names": {"type": "array", "items": {"type": "string"}}},
            }
        },
        "outputs": {
            "rows": "${{ tasks.load.outputs.rows }}",
            "names": "${{ tasks.load.outputs.names }}",
            "sum": "${{ tasks.load.outputs.rows + 1 }}",
        },
    },
    "hostile.v2-x": {
        "description": EVIL,
        "params": {
            "type": "object",
            "description": EVIL,
            "required": [EVIL, "ok", "class"],
            "properties": {
                EVIL: {"type": "string"},
                "ok": {"type": "string", "default": EVIL, "description": EVIL, "title": EVIL, "pattern": "x"},
                "class": {"type": "string", "enum": [EVIL, "b"]},
                "self": {"type": "string", "const": EVIL},
                "a-b": {"type": "integer"},
                "a_b": {"type": "integer"},
                "A.B": {"type": "integer"},
                "__proto__": {"type": "object", "properties": {"constructor": {"type": "string"}}},
                "constructor": {"$ref": f"#/$defs/{'x' * 200}"},
                "import": {"$ref": "#/properties/ok"},
                "Trigger": {"$ref": "#/$defs/Run"},
                "many": {"enum": [1, "1", None]},
                "either": {"oneOf": [{"type": "string"}, {"type": "object", "properties": {EVIL: {}}}]},
            },
            "$defs": {"x" * 200: {"type": "object", "description": EVIL}, "Run": {"type": "object"}},
        },
        "tasks": {"a": NOOP},
    },
}


@pytest.fixture(scope="module")
def documents(open_api: OpenApi) -> dict[str, Any]:
    with open_api("sqlite") as api:
        for dag_id, definition in SAMPLES.items():
            api.put(f"/dags/{dag_id}", definition, 201)
        return {dag_id: api.get(f"/dags/{dag_id}/openapi.json") for dag_id in SAMPLES}


@pytest.mark.parametrize("dag_id", SAMPLES)
def test_it_is_a_document_whose_references_point_to_components(documents: dict[str, Any], dag_id: str) -> None:
    document = documents[dag_id]
    validate(document)
    references = re.findall(r'"\$ref": "([^"]*)"', json.dumps(document))
    names = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references) <= names
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,99}", name) for name in document["components"]["schemas"])
    assert list(document["paths"]) == [
        f"/api/v2/dags/{dag_id}/dagRuns",
        f"/api/v2/dags/{dag_id}/dagRuns/{{dag_run_id}}",
    ]


def test_params_and_outputs_have_their_schemas(documents: dict[str, Any]) -> None:
    schemas = documents["etl"]["components"]["schemas"]
    params, outputs = schemas["Params"], schemas["Outputs"]
    # A trigger may leave out what has a default.
    assert (params["required"], params["additionalProperties"]) == (["mode"], False)
    assert params["properties"]["rows"] == {"type": "integer", "minimum": 1, "default": 3, "description": "How many"}
    assert params["properties"]["mode"] == {"type": "string", "enum": ["full", "delta"]}
    assert params["properties"]["when"]["anyOf"] == [{"type": "string", "format": "date-time"}, {"type": "null"}]
    assert params["properties"]["target"] == {"$ref": "#/components/schemas/ParamsTarget"}
    assert schemas["ParamsTarget"]["properties"]["next"] == {"$ref": "#/components/schemas/ParamsNext"}
    assert outputs["properties"]["rows"] == {"type": "integer"}
    assert outputs["properties"]["names"] == {"type": "array", "items": {"type": "string"}}
    assert outputs["properties"]["sum"] == {}


def test_what_is_write_only_tells_no_value(documents: dict[str, Any]) -> None:
    assert documents["etl"]["components"]["schemas"]["Params"]["properties"]["token"] == {
        "type": "string",
        "writeOnly": True,
    }
    assert "hush" not in json.dumps(documents)


def test_a_reference_hides_what_it_names_where_it_is_write_only(documents: dict[str, Any]) -> None:
    schemas = documents["etl"]["components"]["schemas"]
    seen = {
        name: schemas[schemas["Params"]["properties"][name]["$ref"].rpartition("/")[2]] for name in ("shown", "unshown")
    }
    assert seen == {"shown": {"type": "string", "default": "plain"}, "unshown": {"type": "string"}}


def test_alternatives_may_fit_together(documents: dict[str, Any]) -> None:
    # Without its pattern a value fits both members, which `oneOf` would refuse.
    span = documents["etl"]["components"]["schemas"]["Params"]["properties"]["span"]
    assert span == {"anyOf": [{"type": "string"}, {"type": "string"}]}


def test_nothing_of_a_hostile_definition_is_in_it(documents: dict[str, Any]) -> None:
    text = json.dumps(documents["hostile.v2-x"], ensure_ascii=False)
    for part in ("*/", "'''", '\\"\\"\\"', "${x}", "`", "\\n", "\u2028", "<script", "//", "__proto__"):
        assert part not in text, part
    properties = documents["hostile.v2-x"]["components"]["schemas"]["Params"]["properties"]
    # Of names that a generator takes for the same one, the first stays.
    assert set(properties) == {"ok", "class", "self", "A.B", "constructor", "import", "Trigger", "many", "either"}
    assert properties["class"] == {"type": "string"}


@pytest.mark.parametrize("dag_id", ["etl", "hostile.v2-x"])
def test_a_python_client_is_made_of_it(documents: dict[str, Any], dag_id: str, tmp_path: Path) -> None:
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(documents[dag_id]))
    tools = generate.tool_environment() / "bin"
    config = tmp_path / "config.yaml"
    config.write_text("post_hooks: []\n")
    made = subprocess.run(
        [
            *(tools / "openapi-python-client", "generate", "--meta", "none", "--fail-on-warning"),
            *("--path", path, "--config", config, "--output-path", tmp_path / "client"),
        ],
        env=child_environment(), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    modules = list((tmp_path / "client").rglob("*.py"))
    assert len(modules) > 10
    for module in modules:
        imports = {
            (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
            for node in ast.walk(ast.parse(module.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
        assert "os" not in imports


def test_typescript_types_are_made_of_it(documents: dict[str, Any], tmp_path: Path) -> None:
    path, target = tmp_path / "openapi.json", tmp_path / "schema.ts"
    path.write_text(json.dumps(documents["hostile.v2-x"]))
    generate.generate_typescript(target, path)
    compiler = generate.TYPESCRIPT / "node_modules" / "typescript" / "bin" / "tsc"
    options = ["--noEmit", "--strict", "--skipLibCheck", "--lib", "es2022"]
    compiled = subprocess.run(
        [generate.node(), compiler, *options, target],
        env=child_environment(), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert compiled.returncode == 0, compiled.stdout
    # Without comments, the types hold no statement but declarations of types.
    code = re.sub(r"/\*\*.*?\*/", "", target.read_text(), flags=re.DOTALL)
    statements = re.findall(r"^(\w+(?: \w+)?)", code, re.MULTILINE)
    assert set(statements) <= {"export interface", "export type"}, statements


def test_it_follows_the_version(api: Api) -> None:
    api.put("/dags/etl", SAMPLES["etl"], 201)
    first = api.request("GET", "/dags/etl/openapi.json")
    etag = first.headers["ETag"]
    assert api.request("GET", "/dags/etl/openapi.json", headers={"If-None-Match": etag}).status == 304
    api.put("/dags/etl", SAMPLES["plain"])
    changed = api.request("GET", "/dags/etl/openapi.json", headers={"If-None-Match": etag})
    assert (changed.status, changed.json["info"]["version"]) == (200, "2")
    assert api.request("GET", "/dags/etl/openapi.json?version_number=1").body == first.body
    api.get("/dags/etl/openapi.json?version_number=3", 404)
    api.get("/dags/none/openapi.json", 404)
    blind = api.token_of(None, grants=[Grant(pattern="other", role=Role.VIEWER)])
    api.get("/dags/etl/openapi.json", 404, token=blind)


def test_a_plan_and_a_diff_tell_what_breaks_callers(api: Api) -> None:
    api.put("/dags/etl", SAMPLES["etl"], 201)
    planned = api.post("/dags/plan", {"definitions": [{"definition": {**SAMPLES["plain"], "dag_id": "etl"}}]})
    assert [fault["path"] for fault in planned["dags"][0]["incompatible"]] == [
        "/outputs/names", "/outputs/rows", "/outputs/sum",
    ]  # fmt: skip
    api.put("/dags/etl", SAMPLES["plain"])
    difference = api.get("/dags/etl/dagVersions/2/diff/1")
    assert {fault["path"] for fault in difference["incompatible"]} >= {"/params", "/params/properties/mode"}
