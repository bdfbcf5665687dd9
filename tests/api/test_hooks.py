"""The resource `hooks`: created, changed, rotated and deleted by authors of the DAG; secrets are shown once."""

from datetime import UTC, datetime
from typing import Any

import pytest

from mainspring.hook_signatures import HookKind
from mainspring_store.access.roles import Grant, Role
from mainspring_store.access.tokens import add_token
from mainspring_store.resources.secrets import rotate_keys
from tests.api.conftest import OpenApi
from tests.api.harness import SHELL, Api
from tests.api.hook_senders import make_hook


def granted(api: Api, role: Role, pattern: str) -> str:
    token = f"ms_{role}_{pattern}"
    add_token(
        api.database, token, name=token, role=None, grants=[Grant(pattern=pattern, role=role)], now=datetime.now(UTC)
    )
    return token


def test_a_hook_is_created_read_changed_and_deleted(api: Api) -> None:
    api.save()
    sender = make_hook(api, conf="{'ref': body.ref}", description="Deploys")
    shown = api.get(f"/hooks/{sender.id}")
    assert shown["conf"] == "{'ref': body.ref}"
    assert (shown["name"], shown["dag_id"], shown["kind"], shown["owner"]) == ("push", "etl", "github", "admin")
    assert {"path", "secret"}.isdisjoint(shown)
    changed = api.patch(f"/hooks/{sender.id}", {"name": "pull", "conf": None, "is_enabled": False})
    assert (changed["name"], changed["conf"], changed["is_enabled"]) == ("pull", None, False)
    listed = api.get("/hooks?dag_id=etl")
    assert (listed["hooks"], listed["total_entries"]) == ([changed], 1)
    api.delete(f"/hooks/{sender.id}")
    api.get(f"/hooks/{sender.id}", 404)
    api.delete(f"/hooks/{sender.id}", 404)
    assert api.get("/hooks")["hooks"] == []


def test_a_name_is_given_once(api: Api) -> None:
    api.save()
    make_hook(api)
    api.post("/hooks", {"name": "push", "dag_id": "etl", "kind": "github"}, 409)
    second = make_hook(api, name="other")
    api.patch(f"/hooks/{second.id}", {"name": "push"}, 409)


def test_secrets_are_nowhere_but_in_the_first_answer(api: Api) -> None:
    api.save()
    sender = make_hook(api)
    part = sender.path.rpartition("/")[2]
    sender.send({"x": 1})
    everything = [
        api.request("GET", path).body
        for path in ("/hooks", f"/hooks/{sender.id}", f"/hooks/{sender.id}/deliveries", "/eventLogs", "/metrics")
    ]
    with api.database.read() as connection:
        for table in ("hook", "hook_delivery", "hook_identity", "audit_event", "dag_run"):
            everything += [repr(row).encode() for row in connection.exec_driver_sql(f"SELECT * FROM {table}")]
    for text in everything:
        assert part.encode() not in text
        assert sender.secret.encode() not in text


@pytest.mark.parametrize(
    ("members", "pointer", "code"),
    [
        ({"kind": "smoke"}, "/kind", "invalid_value"),
        ({"name": "a/b"}, "/name", "invalid_value"),
        ({"secret": "short"}, "/secret", "invalid_value"),
        ({"conf": "bodi.ref"}, "/conf", "unknown_name"),
        ({"conf": "params.x"}, "/conf", "unknown_name"),
        ({"filter": "body.ref =="}, "/filter", "expression_syntax"),
        ({"filter": "x" * 2001}, "/filter", "expression_too_long"),
        ({"colour": "red"}, "/colour", "invalid_value"),
    ],
)
def test_bad_input_is_refused_with_its_place(sqlite_api: Api, members: dict[str, Any], pointer: str, code: str) -> None:
    sqlite_api.save()
    body = {"name": "push", "dag_id": "etl", "kind": "github", **members}
    refused = sqlite_api.post("/hooks", body, 422)
    assert [(error["pointer"], error["code"]) for error in refused["errors"]] == [(pointer, code)]


def test_a_hook_needs_an_author_of_its_dag(api: Api) -> None:
    api.save("etl", {"a": SHELL})
    api.save("other", {"a": SHELL})
    author, operator = granted(api, Role.AUTHOR, "etl"), granted(api, Role.OPERATOR, "*")
    body = {"name": "push", "dag_id": "etl", "kind": "github"}
    api.post("/hooks", body, 403, token=operator)
    api.post("/hooks", {**body, "dag_id": "other"}, 404, token=author)
    api.post("/hooks", {**body, "dag_id": "absent"}, 404)
    own = make_hook(api, token=author)
    foreign = make_hook(api, name="foreign", dag_id="other")
    assert [hook["name"] for hook in api.get("/hooks", token=author)["hooks"]] == ["push"]
    api.get("/hooks", 403, token=operator)
    for path in (f"/hooks/{foreign.id}", f"/hooks/{foreign.id}/deliveries"):
        api.get(path, 404, token=author)
    api.patch(f"/hooks/{foreign.id}", {"is_enabled": False}, 404, token=author)
    api.post(f"/hooks/{foreign.id}/rotate", {}, 404, token=author)
    api.delete(f"/hooks/{foreign.id}", 404, token=author)
    api.get(f"/hooks/{own.id}", 403, token=operator)
    api.get(f"/hooks/{own.id}", token=author)


def test_a_rotation_replaces_what_it_names_and_keeps_the_old_for_the_grace(api: Api) -> None:
    api.save()
    sender = make_hook(api, HookKind.BEARER)
    rotated = api.post(f"/hooks/{sender.id}/rotate", {"url": True, "grace_seconds": 60})
    assert rotated["previous_until"] is not None
    assert rotated["path"] != sender.path
    assert rotated["secret"] != sender.secret
    for secret, path in ((sender.secret, sender.path), (rotated["secret"], rotated["path"])):
        assert sender.send(secret=secret, path=path, headers={"idempotency-key": path[-9:]}).status == 202
    again = api.post(f"/hooks/{sender.id}/rotate", {"new_secret": "chosen-by-the-sender"})
    assert (again["path"], again["secret"], again["previous_until"]) == (None, "chosen-by-the-sender", None)
    assert sender.send(secret=again["secret"], path=rotated["path"], headers={"idempotency-key": "3"}).status == 202
    for secret, path in ((rotated["secret"], rotated["path"]), (again["secret"], sender.path)):
        assert sender.send(secret=secret, path=path, headers={"idempotency-key": "4"}).status == 404
    api.post(f"/hooks/{sender.id}/rotate", {"url": False, "secret": False}, 422)
    api.post(f"/hooks/{sender.id}/rotate", {"new_secret": "chosen-by-the-sender", "secret": False}, 422)
    api.post(f"/hooks/{sender.id}/rotate", {"grace_seconds": 8 * 24 * 3600}, 422)


def test_hooks_go_with_their_dag(api: Api) -> None:
    api.save()
    sender = make_hook(api)
    api.delete("/dags/etl")
    assert api.get("/hooks")["total_entries"] == 0
    assert sender.send().status == 404


def test_a_dag_has_a_bounded_number_of_hooks(sqlite_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mainspring_store.resources.hooks.HOOKS_OF_DAG_MAX", 1)
    sqlite_api.save()
    make_hook(sqlite_api)
    sqlite_api.post("/hooks", {"name": "second", "dag_id": "etl", "kind": "github"}, 409)


def test_secrets_of_hooks_follow_a_rotation_of_the_keys(open_api: OpenApi) -> None:
    with open_api("sqlite") as api:
        api.save()
        sender = make_hook(api)
        ring = api.app.extensions["mainspring"].key_ring
        for _ in range(3):  # the third rotation drops the key that the hook was written with
            assert rotate_keys(api.database, ring) >= 1
        assert sender.send({"x": 1}).status == 202
