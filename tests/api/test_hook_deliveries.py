"""Deliveries to hooks: who is let in, what starts a run, and what does not."""

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import current_thread, main_thread
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from sqlalchemy import Connection, update

from mainspring.errors import StoreUnavailable
from mainspring.hook_signatures import HookKind
from mainspring_api.http.limits import RateLimit
from mainspring_api.resources.runs import hook_deliveries
from mainspring_api.settings import BODY_BYTES_MAX
from mainspring_store import Database
from mainspring_store.access.installation import hold_schedules, release_schedules
from mainspring_store.access.rate_limits import Bucket
from mainspring_store.access.roles import Grant, Role
from mainspring_store.access.tokens import add_token, revoke_token
from mainspring_store.database.key_ring import key_file
from mainspring_store.resources.hooks import DELIVERIES_KEPT, Delivery, DeliveryOutcome, note_delivery
from mainspring_store.tables import hook_identity
from tests.api.conftest import OpenApi
from tests.api.harness import SHELL, Api
from tests.api.hook_senders import Sender, make_hook

PUSH = {"ref": "refs/heads/main", "after": "9fceb02"}
PARAMS = {
    "type": "object",
    "properties": {"ref": {"type": "string", "default": ""}},
    "additionalProperties": False,
}


def runs(api: Api) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = api.get("/dags/etl/dagRuns?order_by=id")["dag_runs"]
    return listed


def write_refusals(api: Api) -> None:
    """Do the work of the thread at once."""
    api.app.extensions["mainspring"].refused_deliveries.write()


def deliveries(sender: Sender) -> list[tuple[str, int]]:
    """Outcome and status, oldest first."""
    write_refusals(sender.api)
    listed = sender.api.get(f"/hooks/{sender.id}/deliveries")["deliveries"]
    return [(each["outcome"], each["status"]) for each in reversed(listed)]


@pytest.mark.parametrize("kind", list(HookKind))
def test_a_signed_delivery_starts_a_run(api: Api, kind: HookKind) -> None:
    api.save(params=PARAMS)
    sender = make_hook(api, kind, conf="{'ref': body.ref}")
    answer = sender.send(PUSH)
    assert answer.status == 202
    assert answer.json["outcome"] == "run"
    (run,) = runs(api)
    assert answer.json["dag_run_id"] == run["dag_run_id"]
    assert run["conf"] == {"ref": "refs/heads/main"}
    assert (run["triggered_by"], run["triggering_user_name"]) == ("rest_api", "hook:push")
    (kept,) = api.get(f"/hooks/{sender.id}/deliveries")["deliveries"]
    assert (kept["outcome"], kept["dag_run_id"], kept["message"]) == ("run", run["dag_run_id"], None)
    (entry,) = api.get("/eventLogs?event=deliver_to_hook")["event_logs"]
    assert (entry["owner"], entry["dag_id"], entry["run_id"]) == ("hook:push", "etl", run["dag_run_id"])


def test_a_restored_instance_starts_nothing_until_it_is_resumed(api: Api) -> None:
    api.save()
    sender = make_hook(api)
    with api.database.write() as connection:
        hold_schedules(connection, datetime.now(UTC))
    assert sender.send(PUSH).status == 503
    assert runs(api) == []
    release_schedules(api.database)
    assert sender.send(PUSH).status == 202


def test_a_delivery_that_comes_twice_makes_one_run(api: Api) -> None:
    api.save()
    sender = make_hook(api)
    first = sender.send(PUSH)
    repeated = sender.send(PUSH)
    replayed = sender.send(PUSH, headers={"x-github-delivery": "another id"})
    same_id = sender.send({**PUSH, "after": "0"})
    for answer in (repeated, replayed, same_id):
        assert (answer.status, answer.json["outcome"]) == (202, "duplicate")
        assert answer.json["dag_run_id"] == first.json["dag_run_id"]
    assert len(runs(api)) == 1
    assert sender.send({"after": "1"}, headers={"x-github-delivery": "d2"}).json["outcome"] == "run"
    assert len(runs(api)) == 2


def test_deliveries_of_a_debounce_key_join_one_run(api: Api) -> None:
    api.save(params=PARAMS, debounce={"key": "${{ params.ref }}", "for": "1h", "max_wait": "2h"})
    sender = make_hook(api, conf="{'ref': body.ref}")
    first = sender.send(PUSH)
    joined, repeated = (sender.send({**PUSH, "after": "1"}, headers={"x-github-delivery": "d2"}).json for _ in range(2))
    assert (joined["outcome"], joined["dag_run_id"]) == ("run", first.json["dag_run_id"])
    assert (repeated["outcome"], repeated["dag_run_id"]) == ("duplicate", first.json["dag_run_id"])
    assert len(runs(api)) == 1


def test_an_identity_is_forgotten_after_seven_days(api: Api) -> None:
    api.save()
    sender = make_hook(api)
    sender.send(PUSH)
    for age, outcome in ((timedelta(days=7, minutes=-1), "duplicate"), (timedelta(days=7, minutes=1), "run")):
        with api.database.write() as connection:
            connection.execute(update(hook_identity).values(received_at=datetime.now(UTC) - age))
        assert sender.send(PUSH).json["outcome"] == outcome


def test_deliveries_at_once_make_one_run(api: Api) -> None:
    api.save()
    sender = make_hook(api)
    with ThreadPoolExecutor(4) as pool:
        answers = [*pool.map(lambda _: sender.send(PUSH), range(8))]
    assert {answer.status for answer in answers} == {202}
    assert len({answer.json["dag_run_id"] for answer in answers}) == 1
    assert sorted(answer.json["outcome"] for answer in answers) == [*["duplicate"] * 7, "run"]
    assert len(runs(api)) == 1


def test_a_ping_is_answered_without_a_run(sqlite_api: Api) -> None:
    sqlite_api.save()
    sender = make_hook(sqlite_api)
    answer = sender.send({"zen": "Keep it logically awesome."}, headers={"x-github-event": "ping"})
    assert (answer.status, answer.json["outcome"], answer.json["dag_run_id"]) == (200, "ping", None)
    assert sender.send({}, headers={"x-github-event": "ping"}, secret="x" * 20).status == 404
    assert runs(sqlite_api) == []


def test_a_form_of_github_is_read(sqlite_api: Api) -> None:
    sqlite_api.save(params=PARAMS)
    sender = make_hook(sqlite_api, conf="{'ref': body.ref}")
    body = urlencode({"payload": orjson.dumps(PUSH).decode()}).encode()
    assert sender.send(body=body, media_type="application/x-www-form-urlencoded").status == 202
    assert runs(sqlite_api)[0]["conf"] == {"ref": "refs/heads/main"}
    other = {"x-github-delivery": "d2"}
    empty = sender.send(body=b"other=1", media_type="application/x-www-form-urlencoded", headers=other)
    assert (empty.status, empty.json["errors"][0]["pointer"]) == (422, "/payload")


def test_the_filter_decides_over_headers_and_body(sqlite_api: Api) -> None:
    sqlite_api.save()
    sender = make_hook(sqlite_api, filter="headers['x-github-event'] == 'push' && body.ref == 'refs/heads/main'")
    left_out = sender.send(PUSH, headers={"x-github-event": "issues"})
    assert (left_out.status, left_out.json["outcome"], left_out.json["dag_run_id"]) == (200, "filtered", None)
    assert sender.send({**PUSH, "ref": "refs/heads/x"}, headers={"x-github-event": "push"}).status == 200
    assert runs(sqlite_api) == []
    # What the filter left out was not delivered: the same delivery may start a run later.
    assert sender.send(PUSH, headers={"x-github-event": "push"}).status == 202
    assert deliveries(sender) == [("filtered", 200), ("filtered", 200), ("run", 202)]


@pytest.mark.parametrize("kind", list(HookKind))
def test_credentials_and_signatures_never_reach_expressions(sqlite_api: Api, kind: HookKind) -> None:
    sqlite_api.save(params={"type": "object"})
    sender = make_hook(sqlite_api, kind, conf="headers")
    assert sender.send(PUSH, headers={"Cookie": "session=1", "X-Api-Key": "k", "X-Shown": "yes"}).status == 202
    conf = runs(sqlite_api)[0]["conf"]
    assert conf["x-shown"] == "yes"
    assert sender.secret not in str(conf)
    for part in ("auth", "cookie", "key", "signature", "token"):
        assert not any(part in name for name in conf), part


@pytest.mark.parametrize(
    ("members", "content", "status", "code"),
    [
        ({"conf": "{'ref': body.absent}"}, PUSH, 422, "expression_error"),
        ({"conf": "body.ref"}, PUSH, 422, "expression_error"),
        ({"conf": "{'ref': 1}"}, PUSH, 400, "params_mismatch"),
        ({"conf": "{'unknown': body.ref}"}, PUSH, 400, "params_mismatch"),
        ({"filter": "body.ref"}, PUSH, 422, "expression_error"),
        ({"filter": "body.absent == 1"}, PUSH, 422, "expression_error"),
        ({"filter": "body.exists(x, body.exists(y, x == y && x == -1))"}, [*range(1000)], 422, "expression_error"),
    ],
)
def test_an_expression_that_fails_on_a_delivery_starts_nothing(
    sqlite_api: Api, members: dict[str, str], content: Any, status: int, code: str
) -> None:
    sqlite_api.save(params=PARAMS)
    sender = make_hook(sqlite_api, **members)
    answer = sender.send(content)
    assert (answer.status, answer.json["errors"][0]["code"]) == (status, code)
    assert runs(sqlite_api) == []
    (kept,) = sqlite_api.get(f"/hooks/{sender.id}/deliveries")["deliveries"]
    assert (kept["outcome"], kept["status"]) == ("failed", status)
    assert kept["message"]
    sqlite_api.patch(f"/hooks/{sender.id}", {"conf": None, "filter": None})
    assert sender.send(content).status == 202, "a failed delivery may be sent again"


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"{", "application/json", 422),
        (b'{"a":1,"a":2}', "application/json", 422),
        (b"[" * 200 + b"]" * 200, "application/json", 422),
        (b"<x/>", "application/xml", 415),
        (b"x" * (BODY_BYTES_MAX + 1), "application/json", 413),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(sqlite_api: Api, body: bytes, media_type: str, status: int) -> None:
    sqlite_api.save()
    sender = make_hook(sqlite_api)
    assert sender.send(body=body, media_type=media_type).status == status
    assert runs(sqlite_api) == []


def test_unknown_disabled_and_wrong_are_answered_alike_after_the_same_work(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.save()
    sender = make_hook(api)
    ctx = api.app.extensions["mainspring"]
    work: list[str] = []
    begin = Database.write

    def counted(database: Database) -> AbstractContextManager[Connection]:
        if current_thread() is main_thread():
            work.append("write")
        return begin(database)

    monkeypatch.setattr(Database, "write", counted)
    for name in ("open_hook_secret", "check_delivery", "find_hook_of_url", "note_delivery"):
        inner = getattr(hook_deliveries, name)
        monkeypatch.setattr(
            hook_deliveries,
            name,
            lambda *given, _inner=inner, _name=name, **more: (work.append(_name), _inner(*given, **more))[1],
        )

    def refused(**options: Any) -> tuple[int, Any, list[str]]:
        for limit in (ctx.limits.refused_deliveries, ctx.limits.noted_deliveries):
            limit._known.clear()
        work.clear()
        answer = sender.send(PUSH, **options)
        told = {name: value for name, value in answer.json.items() if name != "request_id"}
        headers = {name for name, _ in answer.headers}
        return answer.status, (told, headers), sorted(work)

    wrong = refused(secret="x" * 32)
    assert wrong[0] == 404
    assert refused(path="/hooks/mh_unknown") == wrong
    assert refused(headers={"x-hub-signature-256": None}) == wrong
    assert refused(path=f"/hooks/{sender.id}") == wrong, "the identifier opens nothing"
    api.patch(f"/hooks/{sender.id}", {"is_enabled": False})
    assert refused() == wrong
    work_of_ours = [name for name in work if name != "write"]
    assert work_of_ours == ["find_hook_of_url", "open_hook_secret", "check_delivery"], "a limit alone writes"
    assert runs(api) == []
    api.patch(f"/hooks/{sender.id}", {"is_enabled": True})
    assert sender.send(PUSH).status == 202


def test_a_refusal_is_kept_with_its_answer_and_audited_as_nothing_done(api: Api) -> None:
    api.save()
    sender = make_hook(api, HookKind.STANDARD)
    assert sender.send(PUSH, age=timedelta(minutes=6)).status == 400
    assert sender.send(PUSH, secret="whsec_" + "eHh4" * 8).status == 404
    api.patch(f"/hooks/{sender.id}", {"is_enabled": False})
    assert sender.send(PUSH).status == 404
    assert deliveries(sender) == [("refused", 400), ("refused", 404), ("refused", 404)]
    api.patch(f"/hooks/{sender.id}", {"is_enabled": True, "conf": "body.absent"})
    assert sender.send(PUSH).status == 422
    kept = api.get(f"/hooks/{sender.id}/deliveries")["deliveries"]
    messages = [each["message"] for each in reversed(kept)]
    assert "5 minutes" in messages[0]
    assert messages[1:3] == ["the signature is wrong", "the hook is disabled"]
    assert api.get("/eventLogs?event=deliver_to_hook&outcome=done")["event_logs"] == []


def test_the_thread_keeps_refusals_and_ends(sqlite_api: Api) -> None:
    sqlite_api.save()
    sender = make_hook(sqlite_api)
    refused = sqlite_api.app.extensions["mainspring"].refused_deliveries
    sender.send(PUSH, secret="x" * 32)
    refused.close()
    assert sqlite_api.get(f"/hooks/{sender.id}/deliveries")["deliveries"][0]["outcome"] == "refused"
    assert not refused._thread.is_alive()


def test_a_stop_waits_once_for_a_database_that_is_away(sqlite_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = sqlite_api.app.extensions["mainspring"].refused_deliveries
    waits: list[str] = []

    def away(holder: str) -> bool:
        waits.append(holder)
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(refused._noted, "has_room", away)
        refused._waiting.extend([None] * 100)
        refused.add(None)
        refused.close()
    assert waits == [""]
    assert not refused._thread.is_alive()


def test_a_request_without_a_hook_makes_no_keys(sqlite_api: Api) -> None:
    keys = key_file(sqlite_api.app.extensions["mainspring"].settings.home)
    hook_deliveries._decoy.cache_clear()
    assert sqlite_api.request("POST", "/hooks/mh_unknown", token=None, json=PUSH).status == 404
    assert not keys.exists()


@pytest.mark.parametrize("kind", [HookKind.STRIPE, HookKind.STANDARD])
def test_a_signed_time_that_is_too_old_is_refused(sqlite_api: Api, kind: HookKind) -> None:
    sqlite_api.save()
    sender = make_hook(sqlite_api, kind)
    stale = sender.send(PUSH, age=timedelta(minutes=6))
    assert (stale.status, stale.json["errors"][0]["code"]) == (400, "stale_delivery")
    assert runs(sqlite_api) == []
    assert sender.send(PUSH, age=timedelta(minutes=4)).status == 202


def test_the_run_needs_the_rights_that_the_owner_has_now(api: Api) -> None:
    api.save("etl", {"a": SHELL})
    grants = [Grant(pattern="etl", role=Role.AUTHOR)]
    token_id = add_token(api.database, "ms_author", name="author", role=None, grants=grants, now=datetime.now(UTC))
    sender = make_hook(api, token="ms_author")
    assert sender.send(PUSH).status == 202
    assert token_id is not None
    revoke_token(api.database, token_id, owner_id=None, now=datetime.now(UTC))
    refused = sender.send({"after": "2"}, headers={"x-github-delivery": "d2"})
    assert refused.status == 403
    assert deliveries(sender) == [("run", 202), ("failed", 403)]
    assert len(runs(api)) == 1


def test_the_rights_of_the_user_count_and_not_those_of_the_token(api: Api) -> None:
    user = {"username": "ada", "password": "at least twelve", "grants": [{"pattern": "etl", "role": "author"}]}
    api.post("/users", {**user, "role": None}, 201)
    api.save("etl", {"a": SHELL})
    login = api.request("POST", "/auth/token", token=None, json={"username": "ada", "password": user["password"]})
    sender = make_hook(api, token=login.json["access_token"])
    assert sender.send(PUSH).status == 202
    api.patch("/users/ada", {"grants": [{"pattern": "etl", "role": "viewer"}]})
    assert sender.send({"after": "2"}, headers={"x-github-delivery": "d2"}).status == 403
    api.patch("/users/ada", {"grants": [{"pattern": "etl", "role": "operator"}]})
    assert sender.send({"after": "3"}, headers={"x-github-delivery": "d3"}).status == 202
    api.delete("/users/ada")
    assert sender.send({"after": "4"}, headers={"x-github-delivery": "d4"}).status == 403
    assert len(runs(api)) == 2


def test_refusals_are_counted_and_at_most_ten_a_minute_are_logged_and_kept(
    sqlite_api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    sqlite_api.save()
    sender = make_hook(sqlite_api)
    with caplog.at_level(logging.WARNING, logger="mainspring_api"):
        statuses = [sender.send({"n": number}, secret="x" * 32).status for number in range(70)]
    assert set(statuses[:60]) == {404}
    assert set(statuses[62:]) == {429}, "guessing costs no more than this"
    write_refusals(sqlite_api)
    told = [record for record in caplog.records if "refused" in record.message]
    assert 10 <= len(told) <= 11
    assert sender.path.rpartition("/")[2] not in caplog.text
    assert sender.id not in caplog.text, "the log tells unknown and wrong no more apart than the answer"
    assert deliveries(sender)[:10] == [("refused", 404)] * 10
    assert len(deliveries(sender)) <= 11
    figures = sqlite_api.request("GET", "/metrics").body.decode()
    assert 'mainspring_hook_deliveries_total{outcome="refused"} 70' in figures
    assert sender.send(PUSH).status == 202, "who knows the secret is let in"


def test_the_url_stays_out_of_the_log_when_the_server_fails(
    sqlite_api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sqlite_api.save()
    sender = make_hook(sqlite_api)
    monkeypatch.setattr(hook_deliveries, "check_delivery", lambda *_, **__: 1 / 0)
    with pytest.raises(AssertionError, match="answered 500"):
        sender.send(PUSH)
    assert "POST /api/v2/hooks/<hook_id>" in caplog.text
    assert sender.path.rpartition("/")[2] not in caplog.text


def test_a_hook_takes_a_bounded_number_of_deliveries(sqlite_api: Api) -> None:
    ctx = sqlite_api.app.extensions["mainspring"]
    bucket = Bucket(name="hook_deliveries", per_second=0.001, size=3)
    limits = replace(ctx.limits, hook_deliveries=RateLimit("deliveries to this hook", sqlite_api.database, bucket))
    sqlite_api.app.extensions["mainspring"] = replace(ctx, limits=limits)
    sqlite_api.save()
    sender, other = make_hook(sqlite_api), make_hook(sqlite_api, name="other")
    answers = [sender.send({"n": number}, headers={"x-github-delivery": str(number)}) for number in range(5)]
    assert [answer.status for answer in answers] == [202, 202, 202, 429, 429]
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert sender.send({}, headers={"x-github-event": "ping"}).status == 429, "a ping is a delivery"
    assert len(runs(sqlite_api)) == 3
    assert other.send(PUSH).status == 202, "each hook has a bound of its own"


def test_the_latest_deliveries_are_kept(api: Api) -> None:
    api.save()
    sender = make_hook(api)
    now = datetime.now(UTC)
    for number in range(DELIVERIES_KEPT + 5):
        delivery = Delivery(
            hook_id=sender.id,
            received_at=now,
            delivery_id=str(number),
            outcome=DeliveryOutcome.FILTERED,
            status=200,
        )
        note_delivery(api.database, delivery)
    listed = api.get(f"/hooks/{sender.id}/deliveries")["deliveries"]
    assert [each["delivery_id"] for each in (listed[0], listed[-1])] == [str(DELIVERIES_KEPT + 4), "5"]
    assert len(listed) == DELIVERIES_KEPT


def test_a_paused_dag_takes_deliveries(sqlite_api: Api) -> None:
    sqlite_api.save(is_paused_upon_creation=True)
    assert make_hook(sqlite_api).send(PUSH).status == 202
    assert runs(sqlite_api)[0]["state"] == "queued"


def test_the_page_cannot_be_made_to_deliver_without_a_secret(open_api: OpenApi) -> None:
    with open_api("sqlite") as api:
        api.save()
        sender = make_hook(api)
        answer = api.request("POST", sender.path, json=PUSH)  # a token is no signature
        assert answer.status == 404


def test_a_flood_is_refused_without_a_write_and_the_rest_goes_on(
    sqlite_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = sqlite_api.app.extensions["mainspring"]
    bucket = Bucket(name="hook_deliveries", per_second=0.001, size=3)
    limits = replace(ctx.limits, hook_deliveries=RateLimit("deliveries to this hook", sqlite_api.database, bucket))
    sqlite_api.app.extensions["mainspring"] = replace(ctx, limits=limits)
    sqlite_api.save()
    sender = make_hook(sqlite_api)

    def flood(count: int) -> set[int]:
        return {sender.send({}, headers={"x-github-delivery": f"{count}-{number}"}).status for number in range(count)}

    assert flood(5) == {202, 429}
    writes: list[None] = []
    write = Database.write

    def counted(self: Database) -> AbstractContextManager[Connection]:
        writes.append(None)
        return write(self)

    with monkeypatch.context() as patched:
        patched.setattr(Database, "write", counted)
        assert flood(100) == {429}
    assert len(writes) <= 2, "a refusal of the limit costs the database nothing"
    assert len(runs(sqlite_api)) == 1, "equal bodies make one run"
    assert sqlite_api.get("/dags/etl")["dag_id"] == "etl"
