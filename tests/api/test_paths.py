"""Paths: each names what it says, and no redirect leads to another thing."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.api.harness import Api

NAMES = ["/lead", "//two", "a//b", "a/", "/", "a/b"]
KINDS = {
    "variables": ({"key": None, "value": "1"}, {"value": "2"}, "key"),
    "pools": ({"name": None, "slots": 1}, {"slots": 2}, "name"),
}


@pytest.mark.parametrize("encoded", [True, False], ids=["encoded", "plain"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_name_with_slashes_is_the_one_that_is_meant(sqlite_api: Api, kind: str, name: str, encoded: bool) -> None:
    body, change, member = KINDS[kind]
    neighbours = {"lead", "two", "a/b", "a", "b"} - {name}
    for each in (name, *neighbours):
        sqlite_api.post(f"/{kind}", {**body, member: each}, 201)
    path = f"/{kind}/{quote(name, safe='') if encoded else name}"
    assert sqlite_api.get(path)[member] == name
    assert sqlite_api.patch(path, change)[member] == name
    sqlite_api.delete(path)
    sqlite_api.get(path, 404)
    listed = {each[member]: each for each in sqlite_api.get(f"/{kind}")[kind]} | {}
    assert neighbours <= set(listed)
    assert {listed[each].get("value", "1") for each in neighbours} == {"1"}


@pytest.mark.parametrize(
    "path",
    ["/api/v2//dags", "/api/v2/dags//etl", "/api//v2/dags", "/api/v2/dags/etl//dagRuns", "/api/v2/dags/", "/docs//"],
)
def test_a_path_with_slashes_side_by_side_is_no_other_path(sqlite_api: Api, path: str) -> None:
    sqlite_api.save()
    answer: Any = sqlite_api.request("GET", path)
    assert (answer.status, answer.media_type, answer.headers.get("Location")) == (404, "application/json", None)
    assert answer.json["code"] == "not_found"
