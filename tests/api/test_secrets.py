"""Secrets over HTTP: written, listed by name, never answered."""

import pytest

from mainspring_store.access.roles import Role
from tests.api.harness import Api

CANARY = "canary-4711-canary"


def test_a_secret_is_created_replaced_listed_and_deleted(api: Api) -> None:
    created = api.put("/secrets/db-url", {"value": CANARY}, 201)
    assert set(created) == {"name", "updated_at"}
    assert api.put("/secrets/db-url", {"value": "another"}, 200)["updated_at"] >= created["updated_at"]
    api.put("/secrets/a.token", {"value": ""}, 201)
    listed = api.get("/secrets")
    assert ([one["name"] for one in listed["secrets"]], listed["total_entries"]) == (["a.token", "db-url"], 2)
    assert api.get("/secrets?name_pattern=DB&order_by=-name")["total_entries"] == 1
    api.delete("/secrets/db-url")
    api.delete("/secrets/db-url", 404)
    assert api.get("/secrets")["total_entries"] == 1


def test_no_answer_holds_a_value(sqlite_api: Api) -> None:
    answers = [
        sqlite_api.request("PUT", "/secrets/x", json={"value": CANARY}),
        sqlite_api.request("PUT", "/secrets/x", json={"value": [CANARY]}),
        sqlite_api.request("PUT", "/secrets/x", json={"value": CANARY + "\0"}),
        sqlite_api.request("PUT", "/secrets/x", json={"value": CANARY * 10_000}),
        sqlite_api.request("PUT", "/secrets/x", json={"value": CANARY, "more": CANARY}),
        sqlite_api.request("PUT", "/secrets/!", json={"value": CANARY}),
        sqlite_api.request("PUT", "/secrets/x", data=f'{{"value": "{CANARY}'.encode(), content_type="application/json"),
        sqlite_api.request("PUT", "/secrets/x", data=CANARY.encode(), content_type="text/plain"),
        sqlite_api.request("GET", "/secrets"),
        sqlite_api.request("GET", "/secrets/x"),
    ]
    assert [answer.status for answer in answers] == [201, 422, 422, 422, 422, 422, 422, 415, 200, 200]
    assert not any(CANARY.encode() in answer.body for answer in answers)


def test_the_database_holds_no_value(sqlite_api: Api) -> None:
    sqlite_api.put("/secrets/x", {"value": CANARY}, 201)
    path = sqlite_api.database.sqlite_path
    kept = b"".join(each.read_bytes() for each in path.parent.iterdir() if each.is_file())
    assert b"secret" in kept
    assert CANARY.encode() not in kept


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_secrets_are_nothing_to_those_who_may_not_write_dags(sqlite_api: Api, role: Role) -> None:
    token = sqlite_api.token_of(role)
    sqlite_api.put("/secrets/x", {"value": "1"}, 403, token=token)
    sqlite_api.get("/secrets", 403, token=token)
    sqlite_api.delete("/secrets/x", 403, token=token)


def test_an_author_may_manage_secrets(sqlite_api: Api) -> None:
    token = sqlite_api.token_of(Role.AUTHOR)
    sqlite_api.put("/secrets/x", {"value": "1"}, 201, token=token)
    assert sqlite_api.get("/secrets", token=token)["total_entries"] == 1
    sqlite_api.delete("/secrets/x", token=token)
