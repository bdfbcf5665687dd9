"""`If-Match` of a PUT: what is not in the state that the request names stays as it is."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mainspring_store.access.tokens import Role
from tests.api.harness import SHELL, Api

CHANGED = {"tasks": {"a": SHELL}, "description": "changed"}


def put(api: Api, path: str, body: Any, tag: str, **options: Any) -> Any:
    return api.request("PUT", path, json=body, headers={"If-Match": tag}, **options)


@pytest.mark.parametrize("tag", ['"x"', 'W/"x"', '"x", W/"y"', "x", '""', '"'])
def test_a_definition_is_not_saved_over_another_state(api: Api, tag: str) -> None:
    api.save()
    before = api.get("/dags/etl/definition")
    refused = put(api, "/dags/etl", CHANGED, tag)
    assert (refused.status, refused.json["code"]) == (412, "precondition_failed")
    assert "nothing was saved" in refused.json["detail"]
    assert api.get("/dags/etl/definition") == before


@pytest.mark.parametrize("path", ["/dags/etl", "/dags/etl/details", "/dags/etl/definition"])
def test_a_definition_is_saved_over_the_state_that_was_read(api: Api, path: str) -> None:
    api.save()
    tag = api.request("GET", path).headers["ETag"]
    assert put(api, "/dags/etl", CHANGED, f'"other", {tag}').status == 200
    assert api.get("/dags/etl/definition")["description"] == "changed"
    # The tag of a state that is over.
    assert put(api, "/dags/etl", {**CHANGED, "description": "late"}, tag).status == 412
    assert api.get("/dags/etl/definition")["description"] == "changed"


def test_a_star_stands_for_any_state_but_not_for_none(api: Api) -> None:
    assert put(api, "/dags/etl", CHANGED, "*").status == 412
    api.get("/dags/etl", 404)
    api.save()
    assert put(api, "/dags/etl", CHANGED, "*").status == 200
    assert put(api, "/secrets/s", {"value": "1"}, "*").status == 412
    api.put("/secrets/s", {"value": "1"}, 201)
    assert put(api, "/secrets/s", {"value": "2"}, "*").status == 200


def test_of_many_who_read_the_same_state_one_saves(api: Api) -> None:
    api.save()
    tag = api.request("GET", "/dags/etl/definition").headers["ETag"]

    def save(number: int) -> int:
        client = api.app.test_client()
        headers = {"If-Match": tag, "Authorization": f"Bearer {api.token}"}
        body = {**CHANGED, "description": f"of {number}"}
        return client.put("/api/v2/dags/etl", json=body, headers=headers).status_code

    with ThreadPoolExecutor(8) as clients:
        assert sorted(clients.map(save, range(8))) == [200] + [412] * 7
    assert api.get("/dags/etl/dagVersions")["total_entries"] == 2


def test_what_has_no_tags_is_not_changed_under_one(api: Api) -> None:
    for path, body in [("/secrets/s", {"value": "1"}), ("/me/password", {}), ("/backfills/1/pause", None)]:
        assert put(api, path, body, '"x"').status == 412
    assert api.get("/secrets")["total_entries"] == 0


def test_who_does_not_see_a_dag_does_not_learn_its_state(api: Api) -> None:
    api.save()
    token = api.token_of(Role.VIEWER)
    assert put(api, "/dags/etl", CHANGED, '"x"', token=token).status == 403
