"""Variables over HTTP."""

from typing import Any

import pytest

from mainspring_store.access.roles import Role
from tests.api.harness import SHELL, Api


def test_a_variable_is_created_changed_listed_and_deleted(api: Api) -> None:
    created = api.post("/variables", {"key": "region", "value": "eu", "description": "where"}, 201)
    assert created == {
        "key": "region",
        "value": "eu",
        "description": "where",
        "is_encrypted": False,
        "team_name": None,
    }
    assert api.patch("/variables/region", {"key": "region", "value": "us"})["value"] == "us"
    masked = api.patch("/variables/region?update_mask=description", {"value": "apac", "description": None})
    assert (masked["value"], masked["description"]) == ("us", None)
    api.post("/variables", {"key": "a/b c", "value": ""}, 201)
    assert api.get("/variables/a/b%20c")["value"] == ""
    listed = api.get("/variables")
    assert ([one["key"] for one in listed["variables"]], listed["total_entries"]) == (["a/b c", "region"], 2)
    assert api.get("/variables?variable_key_prefix_pattern=reg&order_by=-_val")["total_entries"] == 1
    api.delete("/variables/region")
    api.get("/variables/region", 404)
    api.delete("/variables/region", 404)
    api.patch("/variables/region", {"value": "x"}, 404)


@pytest.mark.parametrize(
    ("value", "text"),
    [("plain", "plain"), (5, "5"), (True, "true"), (None, "null"), ({"a": [1, "é"]}, '{"a":[1,"é"]}'), ("5", "5")],
)
def test_a_value_is_text_and_any_other_json_is_kept_as_its_text(sqlite_api: Api, value: Any, text: str) -> None:
    assert sqlite_api.post("/variables", {"key": "v", "value": value}, 201)["value"] == text


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"key": "v"}, id="without value"),
        pytest.param({"value": "v"}, id="without key"),
        pytest.param({"key": "", "value": "v"}, id="empty key"),
        pytest.param({"key": "x" * 251, "value": "v"}, id="long key"),
        pytest.param({"key": "a\nb", "value": "v"}, id="line break in the key"),
        pytest.param({"key": "v", "value": "x" * (64 * 1024 + 1)}, id="long value"),
    ],
)
def test_a_wrong_variable_is_refused(sqlite_api: Api, body: Any) -> None:
    sqlite_api.post("/variables", body, 422)
    assert sqlite_api.get("/variables")["total_entries"] == 0


def test_a_variable_is_neither_created_twice_nor_renamed(api: Api) -> None:
    api.post("/variables", {"key": "v", "value": "1"}, 201)
    api.post("/variables", {"key": "v", "value": "2"}, 409)
    api.patch("/variables/v", {"key": "w", "value": "2"}, 400)
    assert api.get("/variables/v")["value"] == "1"


def test_an_import_overwrites_skips_or_fails(api: Api) -> None:
    api.post("/variables", {"key": "a", "value": "old", "description": "kept?"}, 201)
    entities = [{"key": "a", "value": "new"}, {"key": "b", "value": {"x": 1}}]

    def put(mode: str) -> Any:
        action = {"action": "create", "entities": entities, "action_on_existence": mode}
        return api.patch("/variables", {"actions": [action]})["create"]

    assert put("fail")["errors"] == [
        {"error": "The variables with these keys: ['a'] already exist.", "status_code": 409}
    ]
    assert api.get("/variables")["total_entries"] == 1
    assert put("skip")["success"] == ["b"]
    assert api.get("/variables/a")["value"] == "old"
    assert put("overwrite")["success"] == ["a", "b"]
    assert (api.get("/variables/a")["value"], api.get("/variables/b")["value"]) == ("new", '{"x":1}')
    assert api.get("/variables/a")["description"] == "kept?"
    entities[0]["description"] = None
    put("overwrite")
    assert api.get("/variables/a")["description"] is None


def test_variables_are_changed_and_deleted_in_bulk(api: Api) -> None:
    for key in "ab":
        api.post("/variables", {"key": key, "value": "1"}, 201)
    done = api.patch(
        "/variables",
        {
            "actions": [
                {"action": "update", "entities": [{"key": "a", "value": 2}, {"key": "x", "value": 2}]},
                {"action": "delete", "entities": ["a", "x"], "action_on_non_existence": "skip"},
            ]
        },
    )
    assert done["update"] == {
        "success": [],
        "errors": [{"error": "The Variable with key: `x` was not found", "status_code": 404}],
    }
    assert done["delete"] == {"success": ["a"], "errors": []}


def test_a_task_reads_variables_in_its_expressions(sqlite_api: Api) -> None:
    sqlite_api.post("/variables", {"key": "region", "value": "eu"}, 201)
    sqlite_api.save("etl", {"a": {**SHELL, "env": {"R": "${{ vars.region }}"}}})
    run_id = sqlite_api.trigger()
    sqlite_api.engine.run_until_idle()
    assert sqlite_api.engine.attempt("a", run_id).payload["env"] == {"R": "eu"}


def test_viewers_read_variables_and_authors_write_them(sqlite_api: Api) -> None:
    viewer, author = sqlite_api.token_of(Role.VIEWER), sqlite_api.token_of(Role.AUTHOR)
    sqlite_api.get("/variables", token=viewer)
    sqlite_api.post("/variables", {"key": "v", "value": "1"}, 403, token=viewer)
    sqlite_api.post("/variables", {"key": "v", "value": "1"}, 201, token=author)
