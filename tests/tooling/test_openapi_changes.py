"""What breaks clients is found, what does not is let through, and nothing breaks those of the last release."""

import copy
import importlib.util
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "openapi"
RUNS = "/api/v2/dags/{dag_id}/dagRuns"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("changes", FOLDER / "changes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


changes = _load()
RELEASED: Mapping[str, Any] = json.loads((FOLDER / "released.json").read_bytes())
Edit = Callable[[dict[str, Any], dict[str, Any]], Any]
"""Of the paths and the schemas."""


def _delete(container: dict[str, Any], key: str) -> None:
    del container[key]


BREAKING: Mapping[str, tuple[Edit, str]] = {
    "an operation is removed": (lambda paths, _: _delete(paths[RUNS], "post"), f"POST {RUNS}: the operation is gone"),
    "an operation is renamed": (
        lambda paths, _: paths[RUNS]["post"].update(operationId="start"),
        f"POST {RUNS}: operationId was trigger_dag_run",
    ),
    "a field of an answer is removed": (
        lambda _, schemas: (
            _delete(schemas["DagRun"]["properties"], "note"),
            schemas["DagRun"]["required"].remove("note"),
        ),
        f"POST {RUNS}: answer.note is gone",
    ),
    "a field of an answer may be missing": (
        lambda _, schemas: schemas["DagRun"]["required"].remove("note"),
        f"POST {RUNS}: answer.note may be missing now",
    ),
    "a field of an answer may be null": (
        lambda _, schemas: schemas["DagRun"]["properties"]["dag_id"].update(type=["string", "null"]),
        f"POST {RUNS}: answer.dag_id: may be null now",
    ),
    "a field of an answer has another type": (
        lambda _, schemas: schemas["DagRun"]["properties"]["dag_id"].update(type="integer"),
        f"POST {RUNS}: answer.dag_id: may be integer now",
    ),
    "an answer has a new value": (
        lambda _, schemas: schemas["DagRunState"]["enum"].append("lost"),
        f"POST {RUNS}: answer.state: 'lost' may be answered now",
    ),
    "a field of a body is removed": (
        lambda _, schemas: _delete(schemas["TriggerBody"]["properties"], "note"),
        f"POST {RUNS}: body.note is gone",
    ),
    "a field of a body is needed": (
        lambda _, schemas: schemas["TriggerBody"].update(required=["conf"]),
        f"POST {RUNS}: body.conf is needed now",
    ),
    "a field of a body may be null no more": (
        lambda _, schemas: schemas["TriggerBody"]["properties"].update(note={"type": "string"}),
        f"POST {RUNS}: body.note: may be no null any more",
    ),
    "a value is taken no more": (
        lambda _, schemas: schemas["TriggerRule"]["enum"].remove("always"),
        "PUT /api/v2/dags/{dag_id}: body.default_args.trigger_rule: 'always' is not taken any more",
    ),
    "a type of task is removed": (
        lambda _, schemas: schemas["Task"]["oneOf"].remove({"$ref": "#/components/schemas/NoopTask"}),
        "PUT /api/v2/dags/{dag_id}: body.tasks[]: may be no NoopTask any more",
    ),
    "a parameter is removed": (
        lambda paths, _: paths[RUNS]["get"].update(parameters=[]),
        f"GET {RUNS}: query state is gone",
    ),
    "a parameter is needed": (
        lambda paths, _: paths[RUNS]["get"]["parameters"].append({"in": "query", "name": "who", "required": True}),
        f"GET {RUNS}: query who is needed now",
    ),
    "a media type is taken no more": (
        lambda paths, _: _delete(paths["/api/v2/dags/{dag_id}"]["put"]["requestBody"]["content"], "application/yaml"),
        "PUT /api/v2/dags/{dag_id}: application/yaml is not taken any more",
    ),
    "a status is answered no more": (
        lambda paths, _: _delete(paths["/api/v2/dags/{dag_id}"]["put"]["responses"], "201"),
        "PUT /api/v2/dags/{dag_id}: 201 is not answered any more",
    ),
}
COMPATIBLE: Mapping[str, Edit] = {
    "a new operation": lambda paths, _: paths.update({"/new": {"get": paths[RUNS]["get"]}}),
    "a new field in an answer": lambda _, schemas: schemas["DagRun"]["properties"].update(more={"type": "string"}),
    "a new field in a body": lambda _, schemas: schemas["TriggerBody"]["properties"].update(more={"type": "string"}),
    "a new value that is taken": lambda _, schemas: schemas["TriggerRule"]["enum"].append("sometimes"),
    "a new error": lambda paths, _: paths[RUNS]["get"]["responses"].update({"418": {"description": "Teapot"}}),
    "other words": lambda _, schemas: schemas["DagRun"].update(description="Something else"),
}


def _edited(edit: Edit) -> Mapping[str, Any]:
    document = copy.deepcopy(dict(RELEASED))
    edit(document["paths"], document["components"]["schemas"])
    return document


@pytest.mark.parametrize("name", BREAKING)
def test_what_breaks_clients_is_told(name: str) -> None:
    edit, told = BREAKING[name]
    assert told in changes.breaking_changes(RELEASED, _edited(edit))


@pytest.mark.parametrize("name", COMPATIBLE)
def test_what_does_not_break_clients_is_let_through(name: str) -> None:
    assert changes.breaking_changes(RELEASED, _edited(COMPATIBLE[name])) == []


def test_an_accepted_change_is_let_through_and_another_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new, accepted = tmp_path / "new.json", tmp_path / "accepted"
    new.write_text(json.dumps(_edited(BREAKING["an operation is removed"][0])))
    accepted.write_text(f"POST {RUNS}: the operation is gone\n")
    released = str(FOLDER / "released.json")
    assert changes.main(released, str(new), str(accepted)) == 0
    assert changes.main(released, str(new)) == 1
    assert capsys.readouterr().out == f"POST {RUNS}: the operation is gone\n"


def test_nothing_breaks_the_clients_of_the_last_release() -> None:
    paths = [str(FOLDER / name) for name in ("released.json", "mainspring.json", "accepted-changes.txt")]
    assert changes.main(*paths) == 0, "see docs/sdk.md"


def test_the_kept_part_of_a_document_compares_like_the_whole(tmp_path: Path) -> None:
    document = json.loads((FOLDER / "mainspring.json").read_bytes())
    changes.write_release(document, tmp_path / "released.json")
    kept = json.loads((tmp_path / "released.json").read_bytes())
    assert changes.breaking_changes(document, RELEASED) == changes.breaking_changes(kept, RELEASED)
    assert changes.breaking_changes(RELEASED, document) == changes.breaking_changes(RELEASED, kept)
