"""Webhooks over HTTP: who may have which, what is shown, and what is refused."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select

from mainspring_api.resources.stored import notifiers, webhooks
from mainspring_store.access.roles import Grant, Role
from mainspring_store.resources.secrets import rotate_keys
from mainspring_store.state.receivers import open_address
from mainspring_store.tables import delivery, receiver
from tests.api.conftest import OpenApi
from tests.api.harness import SHELL, Api

URL = "https://hooks.example.test/in?token=canary-1&team=a"
SHOWN_URL = "https://hooks.example.test/in?token=***&team=***"


def made(api: Api, name: str = "w", **more: Any) -> Any:
    token = more.pop("token", "")
    body = {"name": name, "url": URL, "types": ["run.failed"], "dag_id_pattern": "*", **more}
    return api.post("/webhooks", body, 201, token=token)


def author(api: Api, pattern: str = "team_a.*", role: Role = Role.AUTHOR) -> str:
    return api.token_of(None, grants=[Grant(pattern=pattern, role=role)])


def opened(api: Api, name: str = "w") -> Any:
    with api.database.read() as connection:
        ciphertext = connection.scalar(select(receiver.c.ciphertext).where(receiver.c.name == name))
    assert b"canary" not in ciphertext
    return open_address(api.app.extensions["mainspring"].key_ring, "webhook", name, ciphertext)


def test_a_webhook_is_made_shown_changed_listed_and_deleted(api: Api) -> None:
    new = made(api, description="of team A")
    secret = new.pop("secret")
    assert secret.startswith("whsec_")
    assert (new["url"], new["types"], new["state"], new["owner"]) == (SHOWN_URL, ["run.failed"], "active", "admin")
    assert api.get("/webhooks/w") == new
    assert "canary" not in api.request("GET", "/webhooks").body.decode()
    changed = api.patch("/webhooks/w", {"types": ["task.failed", "task.failed"], "url": "https://other.example.test/x"})
    assert (changed["types"], changed["url"]) == (["task.failed"], "https://other.example.test/x")
    assert [each.value for each in opened(api).secrets] == [secret]
    assert opened(api).url == "https://other.example.test/x"
    masked = api.patch("/webhooks/w?update_mask=state", {"state": "disabled", "types": []})
    assert (masked["state"], masked["types"]) == ("disabled", ["task.failed"])
    made(api, "v")
    assert [row["name"] for row in api.get("/webhooks?order_by=-name")["webhooks"]] == ["w", "v"]
    assert api.get("/webhooks?state=disabled")["total_entries"] == 1
    api.delete("/webhooks/w")
    for method in ("GET", "DELETE"):
        assert api.request(method, "/webhooks/w").status == 404


def test_a_change_with_an_entity_tag_is_made_only_in_this_state(api: Api) -> None:
    made(api)
    tag = api.request("GET", "/webhooks/w").headers["ETag"]
    api.patch("/webhooks/w", {"types": []}, headers={"If-Match": tag})
    api.patch("/webhooks/w", {"types": ["run.late"]}, 412, headers={"If-Match": tag})
    api.delete("/webhooks/w", 412, headers={"If-Match": tag})
    assert api.get("/webhooks/w")["types"] == []


def test_a_rotation_keeps_two_secrets_and_shows_the_new_secret_once(api: Api) -> None:
    first = made(api)["secret"]
    second = api.post("/webhooks/w/rotate", {})["secret"]
    third = api.post("/webhooks/w/rotate", {"old_seconds": 60})["secret"]
    now = datetime.now(UTC)
    assert first not in opened(api).keys(now)
    assert opened(api).keys(now) == [third, second]
    fourth = api.post("/webhooks/w/rotate", {"old_seconds": 0})["secret"]
    assert opened(api).keys(now) == [fourth]
    assert fourth not in api.request("GET", "/webhooks/w").body.decode()


def test_a_rotation_of_the_keys_takes_webhooks_along(api: Api) -> None:
    made(api)
    key = api.get("/webhooks/key")["public_key"]
    ring = api.app.extensions["mainspring"].key_ring
    assert rotate_keys(api.database, ring) == 2
    assert rotate_keys(api.database, ring) == 2
    assert opened(api).url == URL
    assert api.get("/webhooks/key")["public_key"] == key
    assert key.startswith("whpk_")


def test_creating_one_needs_author_on_the_whole_pattern(api: Api) -> None:
    token = author(api)
    made(api, "a", token=token, dag_id_pattern="team_a.*")
    made(api, "b", token=token, dag_id_pattern="team_a.etl*")
    made(api, "c", token=token, dag_id_pattern="team_a.etl")
    for pattern in ("*", "team_*", "team_b.etl"):
        body = {"name": "d", "url": URL, "dag_id_pattern": pattern}
        assert api.post("/webhooks", body, 403, token=token)["code"] == "forbidden"
    operator = author(api, role=Role.OPERATOR)
    api.post("/webhooks", {"name": "d", "url": URL, "dag_id_pattern": "team_a.*"}, 403, token=operator)
    api.patch("/webhooks/a", {"dag_id_pattern": "*"}, 403, token=token)
    assert api.get("/webhooks/a", token=token)["dag_id_pattern"] == "team_a.*"


def test_a_webhook_of_another_user_is_invisible_except_to_administrators(api: Api) -> None:
    mine, others = author(api), author(api)
    made(api, token=mine, dag_id_pattern="team_a.*")
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"types": []}),
        ("DELETE", "", None),
        ("POST", "/rotate", {}),
        ("POST", "/test", None),
        ("GET", "/deliveries", None),
        ("POST", "/deliveries/1/redeliver", None),
    ):
        options = {} if body is None else {"json": body}
        assert api.request(method, f"/webhooks/w{path}", token=others, **options).status == 404, (method, path)
    assert api.get("/webhooks", token=others)["total_entries"] == 0
    assert api.get("/webhooks", token=mine)["total_entries"] == 1
    assert api.get("/webhooks")["total_entries"] == 1
    taken = {"name": "w", "url": URL, "dag_id_pattern": "team_a.*"}
    assert api.post("/webhooks", taken, 409, token=others)["code"] == "conflict"


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("ftp://example.test/x", "no http or https URL"),
        ("https:///x", "no http or https URL"),
        ("https://user:pass@example.test/x", "user name or a password"),
        ("https://example.test/x#part", "fragment"),
        ("https://example.test/a b", "a space"),
        ("https://example.test:99999/x", "no http or https URL"),
        ("http://127.0.0.1/x", "not public"),
        ("http://[::1]:80/x", "not public"),
        ("http://0x7f.1/x", "not public"),
        ("http://169.254.169.254/latest", "not public"),
        ("http://10.0.0.1/", "not public"),
    ],
)
def test_an_address_that_must_not_be_reached_is_refused(sqlite_api: Api, url: str, part: str) -> None:
    problem = sqlite_api.post("/webhooks", {"name": "w", "url": url}, 422)
    (error,) = problem["errors"]
    assert (error["pointer"], part in error["message"]) == ("/url", True), problem
    made(sqlite_api)
    sqlite_api.patch("/webhooks/w", {"url": url}, 422)
    assert opened(sqlite_api).url == URL


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "key"}, "/name"),
        ({"name": "a/b"}, "/name"),
        ({"types": ["run.lost"]}, "/types/0"),
        ({"dag_id_pattern": "*.etl"}, "/dag_id_pattern"),
        ({"state": "ended"}, "/state"),
        ({"secret": "mine"}, "/secret"),
    ],
)
def test_a_faulty_webhook_is_refused_with_its_place(sqlite_api: Api, body: dict[str, Any], pointer: str) -> None:
    problem = sqlite_api.post("/webhooks", {"name": "w", "url": URL, **body}, 422)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


def test_a_private_address_passes_where_the_settings_allow_it(open_api: OpenApi) -> None:
    with open_api("sqlite", http_allow=("127.0.0.1:9000",)) as api:
        made(api, url="http://127.0.0.1:9000/in")
        api.post("/webhooks", {"name": "x", "url": "http://127.0.0.1:9001/in"}, 422)


def test_tests_and_repeated_deliveries_are_stored_and_limited(api: Api) -> None:
    made(api)
    key = api.post("/webhooks/w/test", None)["delivery_id"]
    (shown,) = api.get("/webhooks/w/deliveries")["deliveries"]
    assert (shown["id"], shown["type"], shown["state"], shown["attempts"]) == (key, "webhook.test", "pending", 0)
    assert api.post(f"/webhooks/w/deliveries/{key}/redeliver", None, 409)["code"] == "conflict"
    api.post("/webhooks/w/deliveries/999/redeliver", None, 404)
    for number in ("x", "1_0", "-1", "٣", 10**20):
        problem = api.post(f"/webhooks/w/deliveries/{quote(str(number))}/redeliver", None, 422)
        assert problem["errors"][0]["pointer"] == "/delivery_id"
    with api.database.write() as connection:
        connection.execute(delivery.update().values(state="failed"))
    assert api.post(f"/webhooks/w/deliveries/{key}/redeliver", None) == {"delivery_id": key}
    assert api.get("/webhooks/w/deliveries?state=pending")["total_entries"] == 1
    statuses = [api.request("POST", "/webhooks/w/test").status for _ in range(12)]
    assert 429 in statuses
    api.patch("/webhooks/w", {"state": "disabled"})
    assert api.get("/webhooks/w/deliveries")["total_entries"] == 1 + statuses.count(200)


def test_an_owner_with_grants_sees_tests_and_deliveries_of_the_dags_of_now(api: Api) -> None:
    token = author(api)
    made(api, token=token, dag_id_pattern="team_a.*")
    api.post("/webhooks/w/test", None, token=token)
    with api.database.write() as connection:
        row = connection.execute(select(delivery)).one()._asdict()
        del row["id"]
        for dag_id in ("team_a.etl", "team_b.etl"):
            connection.execute(delivery.insert().values({**row, "dag_id": dag_id}))
    shown = api.get("/webhooks/w/deliveries", token=token)
    assert [entry["dag_id"] for entry in shown["deliveries"]] == ["team_a.etl", None]
    assert shown["total_entries"] == 2
    assert api.get("/webhooks/w/deliveries")["total_entries"] == 3


@pytest.mark.parametrize(("collection", "url"), [("webhooks", URL), ("notifiers", "ntfys://ntfy.example.test/x")])
def test_a_receiver_that_is_made_disabled_is_never_active(
    sqlite_api: Api, collection: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("a second write: the receiver was active until then")

    for module in (webhooks, notifiers):
        monkeypatch.setattr(module, "change_receiver", fail)
    body = {"name": "w", "url": url, "state": "disabled"}
    assert sqlite_api.post(f"/{collection}", body, 201)["state"] == "disabled"
    assert sqlite_api.get(f"/{collection}/w")["state"] == "disabled"


def test_a_user_may_have_a_hundred_webhooks(sqlite_api: Api) -> None:
    made(sqlite_api, "w0")
    with sqlite_api.database.write() as connection:
        row = connection.execute(select(receiver)).one()._asdict()
        del row["id"]
        connection.execute(receiver.insert(), [{**row, "name": f"w{number}"} for number in range(1, 99)])
    made(sqlite_api, "w99")
    assert "100 webhooks" in sqlite_api.post("/webhooks", {"name": "x", "url": URL}, 409)["detail"]["message"]


def test_a_definition_names_only_webhooks_of_its_author(api: Api) -> None:
    token = author(api)
    made(api, "mine", token=token, dag_id_pattern="team_a.*")
    made(api, "foreign")
    rules = [{"on": ["failed"], "webhook": name} for name in ("mine", "foreign", "absent")]
    problem = api.put("/dags/team_a.etl", {"tasks": {"a": SHELL}, "notify": rules}, 422, token=token)
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [
        ("/notify/1/webhook", "unknown_webhook"),
        ("/notify/2/webhook", "unknown_webhook"),
    ]
    api.put("/dags/team_a.etl", {"tasks": {"a": SHELL}, "notify": rules[:1]}, 201, token=token)
    api.put("/dags/team_a.two", {"tasks": {"a": SHELL}, "notify": rules[:2]}, 201)
    problem = api.put("/dags/team_a.two", {"tasks": {"a": SHELL}, "notify": rules}, 422)
    assert [error["pointer"] for error in problem["errors"]] == ["/notify/2/webhook"]


def test_a_callback_needs_the_setting_and_a_secret_of_the_right_form(api: Api, open_api: OpenApi) -> None:
    api.save()
    problem = api.post("/dags/etl/dagRuns", {"callback": {"url": "https://ci.example.test/done"}}, 422)
    assert (problem["errors"][0]["pointer"], problem["errors"][0]["code"]) == ("/callback/url", "not_allowed")
    with open_api("sqlite", callback_allow=("ci.example.test", "*.build.test", "127.0.0.1")) as allowed:
        allowed.save()
        refused = {
            "/callback/url": [
                {"url": "https://ci.example.test.evil.test/"},
                {"url": "https://build.test/"},
                {"url": "http://127.0.0.1/"},
                {"url": "https://u:p@ci.example.test/"},
            ],
            "/callback/secret": [{"url": "https://ci.example.test/", "secret": "whsec_c2hvcnQ="}],
        }
        for pointer, bodies in refused.items():
            for body in bodies:
                problem = allowed.post("/dags/etl/dagRuns", {"callback": body}, 422)
                assert [error["pointer"] for error in problem["errors"]] == [pointer]
        assert allowed.get("/dags/etl/dagRuns")["total_entries"] == 0
        callback = {"url": "https://a.build.test/x?run=canary", "secret": f"whsec_{'QUJD' * 8}"}
        statuses = [
            allowed.request("POST", "/dags/etl/dagRuns", json={"dag_run_id": f"r{number}", "callback": callback}).status
            for number in range(12)
        ]
        assert statuses[:10] == [200] * 10
        assert statuses[10:] == [429] * 2
        with allowed.database.read() as connection:
            rows = connection.execute(select(receiver.c.shown_url, receiver.c.state)).all()
        assert set(rows) == {("https://a.build.test/x?run=***", "waiting")}
        assert len(rows) == 10
