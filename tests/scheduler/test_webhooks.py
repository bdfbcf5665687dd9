"""What leaves the installation: each event at least once, in order, to those who may see it, signed and bounded."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from mainspring.attempts import Outcome
from mainspring.events import EventKind
from mainspring.webhook_signatures import new_private_key, new_secret, public_key_of
from mainspring_scheduler.deliveries import fan_out
from mainspring_scheduler.deliveries.fan_out import FanOut
from mainspring_scheduler.deliveries.sending import LEASE
from mainspring_store.access.installation import hold_schedules, keep_webhook_key, release_schedules
from mainspring_store.access.roles import Grant, Role
from mainspring_store.access.tokens import add_token, revoke_token
from mainspring_store.access.users import change_user, delete_user
from mainspring_store.resources.receivers import change_receiver, rotate_secret, send_test
from mainspring_store.resources.secrets import put_secret
from mainspring_store.scheduling.deliveries import claim_receiver, due_receivers
from mainspring_store.state.receivers import ReceiverKind
from mainspring_store.tables import feed_event, receiver
from tests.scheduler.engine import Engine
from tests.scheduler.sending import Sending, callback_of, duty_of
from tests.services.receiver import receiving


def test_each_event_of_a_subscription_is_sent_once_in_order_and_signed(sending: Sending) -> None:
    secret = sending.webhook()
    sending.run("r1")
    sending.run("r2", Outcome.FAILED)
    types = [body["type"] for body in sending.deliver()]
    assert types == ["run.queued", "run.running", "run.success", "run.queued", "run.running", "run.failed"]
    for received in sending.server.ledger:
        assert received.verified(secret) == received.json
        assert received.headers["content-type"] == "application/json"
    assert len({received.id for received in sending.server.ledger}) == 6
    assert sending.deliver()[6:] == []
    assert set(sending.states()) == {"delivered"}


def test_a_body_tells_the_event_the_run_its_failed_tasks_and_a_link(sending: Sending) -> None:
    sending.webhook(types=("run.failed",))
    sending.run("r 1", Outcome.FAILED)
    (body,) = sending.deliver()
    data = body["data"]
    assert (data["event"]["event"], data["event"]["state"], data["event"]["dag_run_id"]) == ("run", "failed", "r 1")
    assert data["run"]["dag_run_id"] == "r 1"
    assert (data["run"]["state"], data["run"]["duration"]) == ("failed", 0.0)
    assert data["run"]["url"] == "https://page.example.test/dags/etl/runs/r%201"
    assert (data["failed_tasks_total"], [task["task_id"] for task in data["failed_tasks"]]) == (1, ["a"])
    assert "outputs" not in data
    assert body["timestamp"] == data["event"]["at"]


def test_without_the_setting_there_is_no_link(engine: Engine, tmp_path: Path) -> None:
    with receiving() as server:
        sending = Sending(engine, tmp_path, server)
        sending.webhook(types=("run.success",))
        sending.run()
        assert "url" not in sending.deliver()[0]["data"]["run"]


def test_outputs_are_sent_when_asked_for_with_secrets_masked_and_at_most_64_kib(sending: Sending) -> None:
    put_secret(sending.database, sending.key_ring, "s", "canary-123456", now=sending.engine.clock.now())
    sending.webhook("with", types=("run.success", "run.failed"), includes_outputs=True)
    sending.webhook("without", types=("run.success",))
    task = {"type": "shell", "command": ["true"], "env": {"S": {"secret": "s"}}}
    text = {"said": "it is canary-123456", "list": ["canary-123456", 1.5], "canary-123456": True}
    for name, value in (("r1", text), ("r2", {"long": "x" * 70_000})):
        version = sending.engine.save("etl", {"a": task}, outputs={"all": "${{ tasks.a.outputs.v }}"})
        sending.engine.trigger(version, name)
        sending.engine.run_until_idle()
        sending.engine.finish("a", run_id=name, outputs={"v": value})
        sending.engine.run_until_idle()
    sending.deliver()
    bodies: dict[str, list[Any]] = {"/with": [], "/without": []}
    for received in sending.server.accepted:
        assert b"canary" not in received.body
        bodies[received.path].append(received.json["data"])
    first, second = bodies["/with"]
    assert first["outputs"] == {"all": {"said": "it is ***", "list": ["***", 1.5], "***": True}}
    assert (second["outputs"], second["outputs_omitted"]) == (None, True)
    assert all("outputs" not in data for data in bodies["/without"])


def test_a_pattern_and_types_bound_what_is_sent(sending: Sending) -> None:
    sending.webhook(types=("run.success", "dag.saved"), pattern="team_a.*")
    sending.run(dag_id="team_a.etl")
    sending.run(dag_id="team_b.etl")
    assert [(body["type"], body["data"]["event"]["dag_id"]) for body in sending.deliver()] == [
        ("dag.saved", "team_a.etl"),
        ("run.success", "team_a.etl"),
    ]


def test_runs_that_no_receiver_wants_are_not_read(sending: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    sending.webhook(pattern="team_a.*")
    sending.webhook("named", types=())
    rules = [{"on": ["failed"], "webhook": "named"}]
    sending.run(dag_id="team_a.etl")
    for dag_id, fields in (("team_b.etl", {}), ("team_c.etl", {"notify": rules})):
        for number, outcome in enumerate((Outcome.SUCCESS, Outcome.FAILED)):
            sending.run(f"r{number}", outcome, dag_id=dag_id, **fields)
    read: list[int] = []
    read_facts = fan_out.run_facts

    def counting(database: Any, keys: Any) -> Any:
        facts = read_facts(database, keys)
        read.extend(facts)
        assert len(facts) == len(keys)
        return facts

    monkeypatch.setattr(fan_out, "run_facts", counting)
    bodies = sending.deliver()
    assert [(body["type"], body["data"]["run"]["dag_id"]) for body in bodies if "queued" not in body["type"]] == [
        ("run.running", "team_a.etl"),
        ("run.success", "team_a.etl"),
        ("run.failed", "team_c.etl"),
    ]
    assert len(read) == 2


def test_only_events_after_the_creation_are_sent_and_none_of_a_time_without_the_webhook(sending: Sending) -> None:
    sending.run("before")
    sending.webhook()
    sending.run("r1")
    assert {body["data"]["run"]["dag_run_id"] for body in sending.deliver()} == {"r1"}
    change = {"state": "disabled"}
    change_receiver(
        sending.database, sending.key_ring, ReceiverKind.WEBHOOK, "w", change, now=sending.engine.clock.now()
    )
    sending.run("r2")
    assert sending.make() == 0
    change = {"state": "active"}
    change_receiver(
        sending.database, sending.key_ring, ReceiverKind.WEBHOOK, "w", change, now=sending.engine.clock.now()
    )
    sending.run("r3")
    assert {body["data"]["run"]["dag_run_id"] for body in sending.deliver()} == {"r1", "r3"}


def test_a_test_is_sent_once_whatever_comes_of_it(sending: Sending) -> None:
    secret = sending.webhook()
    now = sending.engine.clock.now()
    for status, state in ((500, "failed"), (200, "delivered")):
        sending.server.answer = lambda path, body, status=status: (status, {}, b"")  # type: ignore[misc]
        send_test(sending.database, ReceiverKind.WEBHOOK, "w", type_="webhook.test", body='{"type":"x"}', now=now)
        sending.send()
        assert sending.states()[-1] == state
        assert sending.server.ledger[-1].verified(secret) == {"type": "x"}


def test_two_secrets_sign_after_a_rotation_until_the_old_one_expires(sending: Sending) -> None:
    old = sending.webhook(types=("run.success",))
    new, now = new_secret(), sending.engine.clock.now()
    rotate_secret(sending.database, sending.key_ring, "w", secret=new, old_until=now + timedelta(hours=1), now=now)
    sending.run("r1")
    sending.deliver()
    assert sending.server.ledger[0].headers["webhook-signature"].count("v1,") == 2
    sending.engine.clock.move(timedelta(hours=1))
    sending.run("r2")
    sending.deliver()
    assert sending.server.ledger[1].headers["webhook-signature"].count("v1,") == 1
    assert old != new


@pytest.mark.parametrize("loss", ["grant", "user", "inactive"])
def test_what_the_owner_may_no_longer_see_is_not_sent_and_ends_the_webhook(sending: Sending, loss: str) -> None:
    owner = sending.user(etl=Role.AUTHOR, other=Role.AUTHOR)
    sending.webhook(owner=owner, types=("run.success",))
    now = sending.engine.clock.now()
    sending.run("r1")
    sending.deliver()
    sending.run("r2")
    sending.make()
    if loss == "grant":
        change_user(sending.database, "anna", {}, grants=[Grant(pattern="other", role=Role.AUTHOR)], now=now)
    elif loss == "user":
        delete_user(sending.database, "anna")
    else:
        change_user(sending.database, "anna", {"is_active": False}, grants=None, now=now)
    sending.send()
    assert [body["data"]["run"]["dag_run_id"] for body in sending.deliver()] == ["r1"]
    reason = "grant_revoked" if loss == "grant" else "owner_gone"
    assert (sending.row()["state"], sending.row()["ended_reason"]) == ("ended", reason)
    assert sending.states() == ["delivered", "refused"]
    with sending.database.read() as connection:
        (event,) = connection.execute(select(feed_event).where(feed_event.c.kind == EventKind.WEBHOOK)).all()
    assert (event.state, event.data) == ("ended", {"name": "w", "reason": reason})
    sending.run("r3")
    assert sending.make() == 0


def test_a_revoked_token_ends_its_webhook(sending: Sending) -> None:
    now = sending.engine.clock.now()
    token_id = add_token(sending.database, "ms_x", name="ci", role=Role.AUTHOR, now=now)
    assert token_id is not None
    sending.webhook(owner=token_id, types=("run.success",))
    sending.run("r1")
    assert len(sending.deliver()) == 1
    revoke_token(sending.database, token_id, owner_id=None, now=now)
    sending.run("r2")
    assert len(sending.deliver()) == 1
    assert sending.row()["ended_reason"] == "owner_gone"


def test_a_definition_notifies_of_ends_delays_and_approvals(sending: Sending) -> None:
    sending.webhook(types=())
    rules = [{"on": ["failed", "late"], "webhook": "w"}, {"on": ["approval"], "webhook": "w"}]
    sending.run("good", notify=rules)
    sending.run("bad", Outcome.FAILED, notify=rules)
    version = sending.engine.save("asks", {"ok": {"type": "approval", "message": "go?"}}, notify=rules)
    sending.engine.trigger(version, "waits")
    sending.engine.run_until_idle()
    deadline = {"after": "queued", "within": "1m"}
    version = sending.engine.save("slow", {"a": {}}, notify=rules, deadline=deadline)
    sending.engine.trigger(version, "slow")
    sending.engine.run_until_idle()
    sending.engine.clock.move(timedelta(minutes=2))
    sending.engine.run_until_idle()
    told = [(body["type"], body["data"]["run"]["dag_run_id"]) for body in sending.deliver()]
    assert told == [("run.failed", "bad"), ("approval.waiting", "waits"), ("run.late", "slow")]


def test_an_event_that_is_wanted_twice_is_sent_once(sending: Sending) -> None:
    sending.webhook(types=("run.failed",))
    rules = [{"on": ["failed"], "webhook": "w"}, {"on": ["failed", "late"], "webhook": "w"}]
    sending.run("bad", Outcome.FAILED, notify=rules)
    assert len(sending.deliver()) == 1


def test_a_definition_does_not_send_what_the_owner_of_its_webhook_may_not_see(sending: Sending) -> None:
    owner = sending.user(**{"team_a.*": Role.AUTHOR})
    sending.webhook(owner=owner, types=("run.failed",), pattern="team_a.*")
    rules = [{"on": ["failed"], "webhook": "w"}]
    sending.run("bad", Outcome.FAILED, dag_id="team_b.etl", notify=rules)
    sending.run("bad", Outcome.FAILED, dag_id="team_a.etl")
    assert [body["data"]["run"]["dag_id"] for body in sending.deliver()] == ["team_a.etl"]
    assert sending.states() == ["refused", "delivered"]
    assert sending.row()["state"] == "active"


def test_a_callback_gets_the_first_end_of_its_run_alone_and_is_forgotten(sending: Sending) -> None:
    owner = sending.user(etl=Role.OPERATOR)
    secret = new_secret()
    version = sending.engine.save("etl", {"a": {}})
    for number, key in enumerate((secret, None)):
        callback = callback_of(sending, f"/{number}", key)
        sending.engine.trigger(version, f"r{number}", callback=callback, principal_id=owner)
        sending.engine.trigger(version, f"other{number}")
    assert sending.make() == 0
    sending.engine.run_until_idle()
    for name in ("r0", "other0", "r1", "other1"):
        sending.engine.finish("a", run_id=name)
    bodies = sending.deliver()
    assert sorted(body["data"]["run"]["dag_run_id"] for body in bodies) == ["r0", "r1"]
    assert all(body["type"] == "run.success" for body in bodies)
    by_path = {received.path: received for received in sending.server.ledger}
    assert by_path["/0"].verified(secret)["type"] == "run.success"
    assert by_path["/1"].headers["webhook-signature"].startswith("v1a,")
    with sending.database.read() as connection:
        assert connection.execute(select(receiver)).all() == []


def test_the_key_of_the_installation_verifies_a_callback(sending: Sending) -> None:
    from base64 import b64decode

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    version = sending.engine.save("etl", {"a": {}})
    callback = callback_of(sending, "/", None)
    sending.engine.trigger(version, "r1", callback=callback, principal_id=sending.user(etl=Role.OPERATOR))
    sending.engine.run_until_idle()
    sending.engine.finish("a", run_id="r1")
    sending.engine.run_until_idle()
    sending.deliver()
    (received,) = sending.server.ledger
    private = keep_webhook_key(sending.database, sending.key_ring, new_private_key)
    public = Ed25519PublicKey.from_public_bytes(b64decode(public_key_of(private).removeprefix("whpk_")))
    signed = b".".join((received.id.encode(), received.headers["webhook-timestamp"].encode(), received.body))
    public.verify(b64decode(received.headers["webhook-signature"].removeprefix("v1a,")), signed)


def test_two_schedulers_make_each_delivery_once(sending: Sending, tmp_path: Path) -> None:
    sending.webhook()
    other = FanOut(sending.database, sending.key_ring, sending.engine.clock, public_url=None)
    made = 0
    for number in range(6):
        sending.run(f"r{number}")
        for maker in (sending.fan_out, other) if number % 2 else (other, sending.fan_out):
            for _ in range(4):
                made += maker.step()[1]
    while sending.fan_out.step()[0] or other.step()[0]:
        pass
    sending.deliver()
    assert sending.events == sorted(set(sending.events))
    assert len(sending.events) == 18


def test_a_lease_keeps_other_schedulers_away_until_it_ends(sending: Sending) -> None:
    sending.webhook()
    sending.run()
    sending.make()
    now = sending.engine.clock.now()
    (due,) = due_receivers(sending.database, now=now, limit=9)
    claim = claim_receiver(sending.database, due.id, by="dead", now=now, until=now + LEASE, limit=9)
    assert claim is not None
    assert len(claim.deliveries) == 3
    assert sending.send() == 0
    assert claim_receiver(sending.database, due.id, by="first", now=now, until=now + LEASE, limit=9) is None
    sending.engine.clock.move(LEASE + timedelta(seconds=1))
    assert sending.send() == 3


@pytest.mark.parametrize("kind", ["webhook", "callback"])
def test_a_receiver_that_is_made_while_the_fan_out_reads_misses_no_event(
    sending: Sending, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The receiver and its event are committed between the two reads of a step: of the log, and of the receivers."""
    sending.webhook("other", types=("run.success",))
    version = sending.engine.save("etl", {"a": {}})
    sending.make()

    def make_both() -> None:
        monkeypatch.undo()
        if kind == "webhook":
            sending.webhook(types=("run.success",))
        callback = callback_of(sending, "/w", new_secret()) if kind == "callback" else None
        owner = sending.user(etl=Role.OPERATOR)
        sending.engine.trigger(version, "r1", callback=callback, principal_id=owner)
        sending.engine.run_until_idle()
        sending.engine.finish("a", run_id="r1")
        sending.engine.run_until_idle()

    reads: list[str] = []

    def between(name: str, read: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any) -> Any:
            if reads and reads[-1] != name:
                make_both()
            reads.append(name)
            return read(*arguments)

        return wrapped

    monkeypatch.setattr(fan_out, "read_subscribers", between("subscribers", fan_out.read_subscribers))
    monkeypatch.setattr(fan_out.SettledEvents, "skim", between("events", fan_out.SettledEvents.skim))
    sending.make()
    sending.deliver()
    assert len(reads) >= 2
    paths = sorted(received.path for received in sending.server.accepted)
    assert paths == ["/other", "/w"]


def test_a_restored_instance_sends_nothing_until_it_is_resumed(tmp_path: Path, engine: Engine) -> None:
    with receiving() as server:
        sending = Sending(engine, tmp_path, server)
        sending.webhook(types=("run.success",))
        sending.run()
        with engine.database.write() as connection:
            hold_schedules(connection, engine.clock.now())
        duty = duty_of(sending)
        assert duty.turn() > 0
        assert sending.states() == []
        release_schedules(engine.database)
        duty.start()
        server.wait(1)
        duty.stop()


def test_bodies_are_json_of_utf_8(sending: Sending) -> None:
    sending.webhook(types=("run.failed",))
    sending.run("r✓", Outcome.FAILED)
    sending.deliver()
    assert orjson.loads(sending.server.ledger[0].body)["data"]["run"]["dag_run_id"] == "r✓"
