"""Notifiers over HTTP: administrators write them, authors see their names, and nobody sees their addresses."""

import pytest
from sqlalchemy import select

from mainspring_store.access.roles import Grant, Role
from mainspring_store.tables import receiver
from tests.api.harness import SHELL, Api

URL = "slack://canary-a/canary-b/canary-c"


def test_a_notifier_is_made_shown_changed_and_deleted(api: Api) -> None:
    body = {"name": "chat", "url": URL, "dag_id_pattern": "team_a.*", "description": "for team A"}
    made = api.post("/notifiers", body, 201)
    assert (made["url"], made["state"], made["dag_id_pattern"]) == ("slack://***", "active", "team_a.*")
    assert api.get("/notifiers/chat") == made
    with api.database.read() as connection:
        row = connection.execute(select(receiver)).one()
    assert b"canary" not in row.ciphertext
    assert "canary" not in row.shown_url
    tag = api.request("GET", "/notifiers/chat").headers["ETag"]
    changed = api.patch("/notifiers/chat", {"url": "ntfys://ntfy.example.test/x"}, headers={"If-Match": tag})
    assert changed["url"] == "ntfys://***"
    api.patch("/notifiers/chat", {"state": "disabled"}, 412, headers={"If-Match": tag})
    assert api.post("/notifiers", body, 409)["detail"]["reason"] == "Conflict"
    key = api.post("/notifiers/chat/test", None)["delivery_id"]
    (shown,) = api.get("/notifiers/chat/deliveries")["deliveries"]
    assert (shown["id"], shown["state"]) == (key, "pending")
    api.post(f"/notifiers/chat/deliveries/{key}/redeliver", None, 409)
    api.delete("/notifiers/chat")
    api.get("/notifiers/chat", 404)
    assert "canary" not in api.request("GET", "/eventLogs").body.decode()


def test_authors_see_notifiers_and_administrators_alone_write_them(api: Api) -> None:
    api.post("/notifiers", {"name": "chat", "url": URL}, 201)
    author = api.token_of(None, grants=[Grant(pattern="team_a.*", role=Role.AUTHOR)])
    assert api.get("/notifiers", token=author)["total_entries"] == 1
    assert "canary" not in api.request("GET", "/notifiers/chat", token=author).body.decode()
    for token in (author, api.token_of(Role.AUTHOR)):
        assert api.request("POST", "/notifiers", token=token, json={"name": "x", "url": URL}).status == 403
        assert api.request("PATCH", "/notifiers/chat", token=token, json={"state": "disabled"}).status == 403
        assert api.request("DELETE", "/notifiers/chat", token=token).status == 403
        assert api.request("GET", "/notifiers/chat/deliveries", token=token).status == 403
    viewer = api.token_of(Role.VIEWER)
    assert api.request("GET", "/notifiers", token=viewer).status == 403


def test_a_definition_may_name_notifiers_whose_pattern_covers_it(api: Api) -> None:
    api.post("/notifiers", {"name": "chat", "url": URL, "dag_id_pattern": "team_a.*"}, 201)
    author = api.token_of(None, grants=[Grant(pattern="team_*", role=Role.AUTHOR)])
    rules = [{"on": ["failed"], "notifier": "chat"}]
    api.put("/dags/team_a.etl", {"tasks": {"a": SHELL}, "notify": rules}, 201, token=author)
    problem = api.put("/dags/team_b.etl", {"tasks": {"a": SHELL}, "notify": rules}, 422, token=author)
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [("/notify/0/notifier", "not_allowed")]
    absent = [{"on": ["failed"], "notifier": "absent"}]
    problem = api.put("/dags/team_a.etl", {"tasks": {"a": SHELL}, "notify": absent}, 422, token=author)
    assert [error["code"] for error in problem["errors"]] == ["unknown_notifier"]


@pytest.mark.parametrize("url", ["https://example.test/", "file:///etc/passwd", "json://h/?template=/etc/passwd"])
def test_an_address_beyond_the_list_is_refused(sqlite_api: Api, url: str) -> None:
    problem = sqlite_api.post("/notifiers", {"name": "chat", "url": url}, 422)
    assert [error["pointer"] for error in problem["errors"]] == ["/url"]
