"""`If-Match` and `If-None-Match` of writes: what is not in the state that the request names stays as it is."""

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
    assert "nothing was changed" in refused.json["detail"]
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
    api.save()
    for method, path, body in [
        ("PATCH", "/dags?dag_id_pattern=~", {"is_paused": True}),
        ("POST", "/dags/etl/dagRuns", {}),
    ]:
        for headers in ({"If-Match": '"x"'}, {"If-None-Match": "*"}, {"If-Unmodified-Since": "x"}):
            assert api.request(method, path, json=body, headers=headers).status == 412, (method, path, headers)
    assert api.get("/dags/etl")["is_paused"] is False
    assert api.get("/dags/etl/dagRuns")["total_entries"] == 0


def test_who_does_not_see_a_dag_does_not_learn_its_state(api: Api) -> None:
    api.save()
    token = api.token_of(Role.VIEWER)
    assert put(api, "/dags/etl", CHANGED, '"x"', token=token).status == 403


def test_only_a_new_dag_is_saved_with_if_none_match(api: Api) -> None:
    headers = {"If-None-Match": "*"}
    assert api.request("PUT", "/dags/etl", json=CHANGED, headers=headers).status == 201
    refused = api.request("PUT", "/dags/etl", json={"tasks": {"b": SHELL}}, headers=headers)
    assert (refused.status, refused.json["version_number"]) == (412, 1)
    assert api.get("/dags/etl/definition")["description"] == "changed"
    tag = api.request("GET", "/dags/etl").headers["ETag"]
    assert api.request("PUT", "/dags/etl", json={"tasks": {"b": SHELL}}, headers={"If-None-Match": tag}).status == 412
    assert api.request("PUT", "/dags/etl", json={"tasks": {"b": SHELL}}, headers={"If-None-Match": '"x"'}).status == 200
    assert api.request("PUT", "/dags/etl", json=CHANGED, headers={"If-None-Match": ""}).status == 412


def test_of_many_who_create_a_dag_one_does(api: Api) -> None:
    def create(number: int) -> int:
        client = api.app.test_client()
        headers = {"If-None-Match": "*", "Authorization": f"Bearer {api.token}"}
        body = {**CHANGED, "description": f"of {number}"}
        return client.put("/api/v2/dags/etl", json=body, headers=headers).status_code

    with ThreadPoolExecutor(8) as clients:
        assert sorted(clients.map(create, range(8))) == [201] + [412] * 7
    assert api.get("/dags/etl/dagVersions")["total_entries"] == 1


def test_a_refusal_names_the_current_version_and_its_tag(api: Api) -> None:
    api.save()
    api.put("/dags/etl", CHANGED)
    refused = put(api, "/dags/etl", {"tasks": {"b": SHELL}}, '"x"')
    assert (refused.status, refused.json["version_number"]) == (412, 2)
    assert refused.headers["ETag"] == api.request("GET", "/dags/etl").headers["ETag"]


RUN = "/dags/etl/dagRuns/r1"
CONDITIONAL = [
    ("PATCH", "/dags/etl", {"is_paused": True}),
    ("DELETE", "/dags/etl", None),
    ("PATCH", RUN, {"note": "seen"}),
    ("DELETE", RUN, None),
    ("PATCH", "/variables/v", {"key": "v", "value": "2"}),
    ("DELETE", "/variables/v", None),
    ("PATCH", "/pools/p", {"slots": 2}),
    ("DELETE", "/pools/p", None),
    ("PATCH", "/connections/c", {"password": "another"}),
    ("DELETE", "/connections/c", None),
    ("PATCH", "/users/ada", {"password": "another long password"}),
    ("DELETE", "/users/ada", None),
    ("PUT", "/secrets/s", {"value": "2"}),
    ("DELETE", "/secrets/s", None),
]


@pytest.mark.parametrize(("method", "path", "body"), CONDITIONAL)
def test_what_has_tags_is_changed_only_in_the_state_that_was_read(api: Api, method: str, path: str, body: Any) -> None:
    api.save(is_paused_upon_creation=True)
    api.patch("/dags/etl", {"is_paused": False})
    api.trigger(run_id="r1")
    api.post("/variables", {"key": "v", "value": "1"}, 201)
    api.post("/pools", {"name": "p", "slots": 1}, 201)
    api.post("/connections", {"connection_id": "c", "conn_type": "http", "password": "one"}, 201)
    api.post("/users", {"username": "ada", "password": "a long password", "role": "viewer"}, 201)
    api.put("/secrets/s", {"value": "1"}, 201)
    before = api.get(path)
    tag = api.request("GET", path).headers["ETag"]
    for headers in ({"If-Match": '"x"'}, {"If-None-Match": tag}, {"If-None-Match": "*"}, {"If-Unmodified-Since": "x"}):
        refused = api.request(method, path, json=body, headers=headers)
        assert (refused.status, refused.json["code"]) == (412, "precondition_failed"), headers
    assert api.get(path) == before
    done = api.request(method, path, json=body, headers={"If-Match": tag})
    assert done.status == (204 if method == "DELETE" else 200), done.body
    if method != "DELETE":
        assert done.headers.get("ETag", tag) != tag or path in (RUN, "/dags/etl", "/variables/v")
    # What is absent is not found, with and without a precondition.
    late = api.request(method, path, json=body, headers={"If-Match": tag})
    assert late.status == (404 if method == "DELETE" else 412)


def test_of_many_who_change_the_same_state_one_does(api: Api) -> None:
    api.post("/variables", {"key": "v", "value": "0"}, 201)
    tag = api.request("GET", "/variables/v").headers["ETag"]

    def change(number: int) -> int:
        client = api.app.test_client()
        headers = {"If-Match": tag, "Authorization": f"Bearer {api.token}"}
        body = {"key": "v", "value": f"of {number}"}
        return client.patch("/api/v2/variables/v", json=body, headers=headers).status_code

    with ThreadPoolExecutor(8) as clients:
        assert sorted(clients.map(change, range(8))) == [200] + [412] * 7


def test_the_tag_of_a_pool_stays_when_tasks_take_slots(api: Api) -> None:
    api.post("/pools", {"name": "p", "slots": 4}, 201)
    tag = api.request("GET", "/pools/p").headers["ETag"]
    api.save("etl", {"a": {**SHELL, "pool": "p"}})
    api.trigger(run_id="r1")
    api.engine.run_until_idle()
    answer = api.request("GET", "/pools/p", headers={"If-None-Match": tag})
    # The counts are part of the answer, so it is sent although the tag is known.
    assert (answer.status, answer.json["occupied_slots"], answer.headers["ETag"]) == (200, 1, tag)
    assert api.request("PATCH", "/pools/p", json={"slots": 5}, headers={"If-Match": tag}).status == 200


def test_the_tag_of_a_user_stays_at_a_login(api: Api) -> None:
    api.post("/users", {"username": "ada", "password": "a long password", "role": "viewer"}, 201)
    tag = api.request("GET", "/users/ada").headers["ETag"]
    api.post("/auth/token", {"username": "ada", "password": "a long password"}, 201, token=None)
    assert api.request("GET", "/users/ada").headers["ETag"] == tag


def test_only_a_new_secret_is_written_with_if_none_match(api: Api) -> None:
    headers = {"If-None-Match": "*"}
    assert api.request("PUT", "/secrets/s", json={"value": "1"}, headers=headers).status == 201
    assert api.request("PUT", "/secrets/s", json={"value": "2"}, headers=headers).status == 412


@pytest.mark.parametrize(
    ("method", "path", "bodies"),
    [
        pytest.param("PATCH", "/pools/p", [{"slots": number} for number in range(2, 10)], id="pool"),
        pytest.param("PATCH", "/connections/c", [{"password": f"{number}"} for number in range(8)], id="connection"),
        pytest.param("PUT", "/secrets/s", [{"value": f"{number}"} for number in range(8)], id="secret"),
        pytest.param("PATCH", "/users/ada", [{"role": "operator"}, {"role": "author"}] * 4, id="user"),
    ],
)
def test_of_many_who_change_one_state_one_does(api: Api, method: str, path: str, bodies: list[Any]) -> None:
    api.post("/pools", {"name": "p", "slots": 1}, 201)
    api.post("/connections", {"connection_id": "c", "conn_type": "http"}, 201)
    api.post("/users", {"username": "ada", "password": "a long password", "role": "viewer"}, 201)
    api.put("/secrets/s", {"value": "x"}, 201)
    tag = api.request("GET", path).headers["ETag"]

    def change(body: Any) -> int:
        client = api.app.test_client()
        headers = {"If-Match": tag, "Authorization": f"Bearer {api.token}"}
        return client.open(f"/api/v2{path}", method=method, json=body, headers=headers).status_code

    with ThreadPoolExecutor(8) as clients:
        assert sorted(clients.map(change, bodies)) == [200] + [412] * 7


def test_of_many_who_create_one_secret_one_does(api: Api) -> None:
    def create(value: int) -> int:
        client = api.app.test_client()
        headers = {"If-None-Match": "*", "Authorization": f"Bearer {api.token}"}
        return client.put("/api/v2/secrets/s", json={"value": f"{value}"}, headers=headers).status_code

    with ThreadPoolExecutor(8) as clients:
        assert sorted(clients.map(create, range(8))) == [201] + [412] * 7
