"""What leaves the installation: each event at least once, in order, to those who may see it, signed and bounded."""

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import delete, select, update

from mainspring.attempts import Outcome
from mainspring.events import EventKind
from mainspring.webhook_signatures import new_private_key, new_secret, public_key_of
from mainspring_executors.addresses import AddressPolicy, HostList
from mainspring_scheduler.deliveries import fan_out
from mainspring_scheduler.deliveries.duty import DeliveryDuty, DeliverySettings
from mainspring_scheduler.deliveries.fan_out import FanOut
from mainspring_scheduler.deliveries.posting import Poster, PostFailed, Reply
from mainspring_scheduler.deliveries.sending import LEASE, Outcomes, Sender, delay_after
from mainspring_store.access.installation import hold_schedules, keep_webhook_key, release_schedules
from mainspring_store.access.roles import Grant, Role
from mainspring_store.access.tokens import add_token, revoke_token
from mainspring_store.access.users import change_user, create_user, delete_user
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.queries.receivers import get_receiver
from mainspring_store.resources.receivers import (
    NewReceiver,
    change_receiver,
    create_receiver,
    delete_receiver,
    redeliver,
    rotate_secret,
    send_test,
)
from mainspring_store.resources.secrets import put_secret
from mainspring_store.scheduling.deliveries import claim_receiver, due_receivers
from mainspring_store.state.receivers import (
    Address,
    LiveSecret,
    NewCallback,
    ReceiverKind,
    new_message_id,
    seal_address,
)
from mainspring_store.tables import delivery, feed_event, receiver
from tests.scheduler.engine import Engine
from tests.services.receiver import Receiver, receiving

ALL_RUN_TYPES = ("run.queued", "run.running", "run.success", "run.failed", "run.late")
PENDING_MAX = 20
LOOPBACK = DeliverySettings(http_allow=("127.0.0.1",), callback_allow=("127.0.0.1",))


class Sending:
    """An engine, its fan-out and its sender, step by step, with the receiver that they send to."""

    def __init__(self, engine: Engine, folder: Path, server: Receiver, public_url: str | None = None) -> None:
        self.engine = engine
        engine.clock.instant = datetime.now(UTC)  # libraries refuse signatures that are minutes old
        self.database = engine.database
        self.server = server
        self.key_ring = KeyRing(folder / "secret-keys")
        self.fan_out = FanOut(self.database, self.key_ring, engine.clock, public_url=public_url)
        self.outcomes = Outcomes()
        self.sender = Sender(
            database=self.database,
            key_ring=self.key_ring,
            clock=engine.clock,
            incarnation="first",
            random=lambda: 1.0,
            outcomes=self.outcomes,
        )
        self.secrets: dict[str, str] = {}

    def user(self, name: str = "anna", **grants: Role) -> str:
        """A user with roles on DAGs; returns the id."""
        return create_user(
            self.database,
            name,
            password_hash="x",
            role=None,
            grants=[Grant(pattern=pattern, role=role) for pattern, role in grants.items()],
            now=self.engine.clock.now(),
        )

    def webhook(
        self, name: str = "w", *, owner: str | None = None, types: tuple[str, ...] = ALL_RUN_TYPES, **more: Any
    ) -> str:
        """A webhook of a new user who may see everything, unless `owner` names another; returns its secret."""
        if owner is None:
            owner = create_user(
                self.database,
                f"owner of {name}",
                password_hash="x",
                role=Role.AUTHOR,
                now=self.engine.clock.now(),
            )
        secret = self.secrets[name] = new_secret()
        address = Address(url=more.pop("url", f"{self.server.url}/{name}"), secrets=(LiveSecret(value=secret),))
        new = NewReceiver(
            **{
                "kind": ReceiverKind.WEBHOOK,
                "name": name,
                "principal_id": owner,
                "address": address,
                "shown_url": "shown",
                "pattern": "*",
                "types": types,
                **more,
            }
        )
        create_receiver(self.database, self.key_ring, new, now=self.engine.clock.now())
        return secret

    def make(self) -> int:
        """Make deliveries of all events so far; returns their number."""
        total = 0
        while True:
            events, deliveries = self.fan_out.step()
            total += deliveries
            if not events and not self.fan_out.is_blocked:
                return total

    def send(self) -> int:
        """Send what is due; returns the number of attempts."""
        with closing(Poster(AddressPolicy(("127.0.0.1",)))) as poster:
            return sum(
                self.sender.send(due.id, lambda kind: poster.post, lambda: False)
                for due in due_receivers(self.database, now=self.engine.clock.now(), limit=100)
            )

    def deliver(self) -> list[Any]:
        """Make and send; returns the bodies that the receiver has accepted so far."""
        self.make()
        self.send()
        return [received.json for received in self.server.accepted]

    def run(self, name: str = "r1", outcome: Outcome = Outcome.SUCCESS, dag_id: str = "etl", **fields: Any) -> None:
        """A whole run of a DAG with the one task `a`."""
        version = self.engine.save(dag_id, {"a": {}}, **fields)
        self.engine.trigger(version, name)
        self.engine.run_until_idle()
        outputs = {"return_value": 1} if outcome is Outcome.SUCCESS else {}
        self.engine.finish("a", outcome, run_id=name, outputs=outputs)
        self.engine.run_until_idle()

    def states(self, name: str = "w") -> list[str]:
        """States of the deliveries of a webhook, oldest first."""
        with self.database.read() as connection:
            statement = (
                select(delivery.c.state)
                .join(receiver, receiver.c.id == delivery.c.receiver_id)
                .where(receiver.c.name == name)
            )
            return list(connection.scalars(statement.order_by(delivery.c.id)))

    def row(self, name: str = "w") -> Mapping[str, Any]:
        return get_receiver(self.database, ReceiverKind.WEBHOOK, name, principal_id=None)

    @property
    def events(self) -> list[int]:
        """Numbers of the events that the receiver has accepted, in order."""
        return [int(received.json["data"]["event"]["id"], 16) for received in self.server.accepted]


def duty_of(sending: Sending) -> DeliveryDuty:
    return DeliveryDuty(
        sending.database,
        LOOPBACK,
        sending.engine.clock,
        key_ring=sending.key_ring,
        incarnation="duty",
        is_exclusive=True,
    )


@pytest.fixture
def sending(make_engine: Callable[..., Engine], tmp_path: Path) -> Iterator[Sending]:
    with receiving() as server:
        engine = make_engine(key_ring=KeyRing(tmp_path / "secret-keys"))
        yield Sending(engine, tmp_path, server, public_url="https://page.example.test")


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


def test_a_failed_attempt_is_repeated_after_a_growing_pause_in_order(sending: Sending) -> None:
    sending.webhook()
    statuses = iter([500, 200, 503, 404, 200])
    sending.server.answer = lambda path, body: (next(statuses, 200), {}, b"x" * 2000)
    sending.run()
    sending.make()
    assert sending.send() == 1
    assert sending.send() == 0
    assert sending.row()["failures"] == 1
    sending.engine.clock.move(timedelta(seconds=1))
    assert sending.send() == 2
    for pause in (1, 2):
        sending.engine.clock.move(timedelta(seconds=pause, milliseconds=-1))
        assert sending.send() == 0
        sending.engine.clock.move(timedelta(milliseconds=1))
        sending.send()
    types = [received.json["type"] for received in sending.server.accepted]
    assert types == ["run.queued", "run.running", "run.success"]
    ids = [received.id for received in sending.server.ledger]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert sending.row()["failures"] == 0
    with sending.database.read() as connection:
        rows = connection.execute(
            select(delivery.c.attempts, delivery.c.status, delivery.c.answer).order_by(delivery.c.id)
        ).all()
    assert [(row.attempts, row.status, len(row.answer)) for row in rows] == [
        (2, 200, 1024),
        (3, 200, 1024),
        (1, 200, 1024),
    ]


def test_pauses_double_up_to_an_hour() -> None:
    seconds = [delay_after(number, lambda: 1.0).total_seconds() for number in (1, 2, 3, 12, 13, 500)]
    assert seconds == [1, 2, 4, 2048, 3600, 3600]
    assert delay_after(3, lambda: 0.0).total_seconds() == 3


def test_after_a_day_a_delivery_is_given_up_and_can_be_sent_again(sending: Sending) -> None:
    sending.webhook(types=("run.success",))
    sending.server.answer = lambda path, body: (500, {}, b"")
    sending.run("r1")
    sending.deliver()
    sending.engine.clock.move(timedelta(hours=23))
    sending.run("r2")
    sending.deliver()
    assert sending.states() == ["pending", "pending"]
    sending.engine.clock.move(timedelta(hours=2))
    sending.deliver()
    assert sending.states() == ["failed", "pending"]
    sending.server.answer = lambda path, body: (200, {}, b"")
    sending.engine.clock.move(timedelta(hours=1))
    assert [body["data"]["run"]["dag_run_id"] for body in sending.deliver()] == ["r2"]
    with sending.database.read() as connection:
        first = connection.scalar(select(delivery.c.id).order_by(delivery.c.id).limit(1))
    assert first is not None
    redeliver(sending.database, ReceiverKind.WEBHOOK, "w", first, now=sending.engine.clock.now())
    assert [body["data"]["run"]["dag_run_id"] for body in sending.deliver()] == ["r2", "r1"]
    assert sending.states() == ["delivered", "delivered"]


def test_a_receiver_that_fails_keeps_a_bounded_number_of_deliveries(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mainspring_store.scheduling.deliveries.PENDING_OF_RECEIVER_MAX", PENDING_MAX)
    sending.webhook(types=("run.success",))
    sending.server.answer = lambda path, body: (500, {}, b"")
    sending.run()
    sending.make()
    with sending.database.write() as connection:
        row = connection.execute(select(delivery)).one()._asdict()
        del row["id"]
        connection.execute(delivery.insert(), [row] * PENDING_MAX)
    sending.send()
    states = sending.states()
    assert (states[0], states.count("pending")) == ("failed", PENDING_MAX)


def test_a_slow_receiver_keeps_a_bounded_number_of_deliveries_for_a_bounded_time(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mainspring_store.scheduling.deliveries.PENDING_OF_RECEIVER_MAX", PENDING_MAX)
    monkeypatch.setattr("mainspring_scheduler.deliveries.sending.BATCH", 1)
    monkeypatch.setattr("mainspring_scheduler.deliveries.sending.TURN_SECONDS", 0.05)
    sending.webhook(types=("run.success",))
    sending.run()
    sending.make()
    now = sending.engine.clock.now()
    with sending.database.write() as connection:
        row = connection.execute(select(delivery)).one()._asdict()
        del row["id"]
        expired = {**row, "created_at": now - timedelta(days=1), "expires_at": now}
        connection.execute(delivery.insert(), [expired, expired, *[row] * PENDING_MAX])
    send_test(sending.database, ReceiverKind.WEBHOOK, "w", type_="webhook.test", body="{}", now=now)
    monkeypatch.setattr("mainspring_scheduler.deliveries.sending.monotonic", ticking())
    assert sending.send() == 1
    states = sending.states()
    assert states[:5] == ["delivered", "failed", "failed", "failed", "pending"]
    assert states.count("pending") == PENDING_MAX
    assert states[-1] == "pending"
    assert sending.outcomes.read() == {"delivered": 1, "given_up": 3}


def ticking() -> Callable[[], float]:
    """A clock that moves 30 ms with each look, so that a turn ends after its first batch."""
    looks = itertools.count()
    return lambda: next(looks) * 0.03


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


def test_a_receiver_that_answers_gone_gets_nothing_more(sending: Sending) -> None:
    sending.webhook()
    sending.server.answer = lambda path, body: (410, {}, b"")
    sending.run()
    sending.make()
    assert sending.send() == 1
    assert sending.row()["ended_reason"] == "gone"
    assert sending.states() == ["failed", "refused", "refused"]


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


def test_a_refusal_is_no_success_of_a_receiver_that_fails(sending: Sending) -> None:
    owner = sending.user(**{"team_a.*": Role.AUTHOR})
    sending.webhook(owner=owner, types=("run.failed",), pattern="team_a.*")
    rules = [{"on": ["failed"], "webhook": "w"}]
    sending.server.answer = lambda path, body: (500, {}, b"")
    sending.run("r1", Outcome.FAILED, dag_id="team_b.etl", notify=rules)
    sending.run("r1", Outcome.FAILED, dag_id="team_a.etl")
    sending.run("r2", Outcome.FAILED, dag_id="team_b.etl", notify=rules)
    sending.run("r2", Outcome.FAILED, dag_id="team_a.etl")
    sending.make()
    with sending.database.write() as connection:
        connection.execute(update(receiver).values(failures=5))
    assert sending.send() == 1
    assert sending.row()["failures"] == 6
    with sending.database.write() as connection:
        connection.execute(delete(delivery).where(delivery.c.dag_id == "team_a.etl"))
    sending.engine.clock.move(timedelta(hours=1))
    assert sending.send() == 0
    assert sending.states() == ["refused", "refused"]
    assert sending.row()["failures"] == 6


def callback_of(sending: Sending, path: str, secret: str | None) -> NewCallback:
    name = new_message_id()
    address = Address(url=sending.server.url + path, secrets=() if secret is None else (LiveSecret(value=secret),))
    ciphertext = seal_address(sending.key_ring, ReceiverKind.CALLBACK, name, address)
    return NewCallback(ciphertext=ciphertext, name=name, shown_url="shown")


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


def test_a_webhook_that_is_switched_off_while_it_is_sent_to_goes_on_at_once_when_it_is_switched_on(
    sending: Sending,
) -> None:
    sending.webhook()

    def change(state: str) -> None:
        now = sending.engine.clock.now()
        change_receiver(sending.database, sending.key_ring, ReceiverKind.WEBHOOK, "w", {"state": state}, now=now)

    def answer(path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        change("disabled")
        return 200, {}, b""

    sending.server.answer = answer
    sending.run("r1")
    sending.deliver()
    sending.server.answer = lambda path, body: (200, {}, b"")
    change("active")
    sending.run("r2")
    assert [body["data"]["run"]["dag_run_id"] for body in sending.deliver()] == ["r1"] * 3 + ["r2"] * 3


def test_an_attempt_that_is_not_noted_is_made_again_with_its_id(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending.webhook(types=("run.success",))
    sending.run()
    sending.make()

    def die(place: str) -> None:
        if place == "webhooks.sent":
            raise RuntimeError(place)

    monkeypatch.setattr("mainspring_scheduler.deliveries.sending.failpoint", die)
    with pytest.raises(RuntimeError):
        sending.send()
    monkeypatch.undo()
    sending.engine.clock.move(LEASE + timedelta(seconds=1))
    sending.send()
    assert [received.id for received in sending.server.ledger] == [sending.server.ledger[0].id] * 2
    assert sending.states() == ["delivered"]


def test_a_deleted_webhook_stops_nothing(sending: Sending) -> None:
    sending.webhook("gone")
    sending.webhook("w", types=("run.success",))
    sending.run()
    sending.make()
    delete_receiver(sending.database, ReceiverKind.WEBHOOK, "gone")
    with sending.database.read() as connection:
        assert {row.name for row in connection.execute(select(receiver.c.name))} == {"w"}
    assert [body["type"] for body in sending.deliver()] == ["run.success"]


def test_a_webhook_that_is_deleted_meanwhile_takes_no_delivery_of_others_along(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending.webhook("gone")
    sending.webhook("w", types=("run.success",))
    sending.run()

    def delete_first(place: str) -> None:
        if place == "webhooks.fan-out.before":
            monkeypatch.undo()
            delete_receiver(sending.database, ReceiverKind.WEBHOOK, "gone")

    monkeypatch.setattr("mainspring_scheduler.deliveries.fan_out.failpoint", delete_first)
    assert [body["type"] for body in sending.deliver()] == ["run.success"]


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
    monkeypatch.setattr(fan_out.SettledEvents, "read", between("events", fan_out.SettledEvents.read))
    sending.make()
    sending.deliver()
    assert len(reads) >= 2
    paths = sorted(received.path for received in sending.server.accepted)
    assert paths == ["/other", "/w"]


def test_a_webhook_whose_key_is_lost_fails_with_the_cause(sending: Sending) -> None:
    sending.webhook(types=("run.success",))
    sending.run()
    sending.make()
    with sending.database.write() as connection:
        connection.execute(update(receiver).values(ciphertext=b"no ciphertext"))
    sending.send()
    with sending.database.read() as connection:
        row = connection.execute(select(delivery.c.state, delivery.c.error)).one()
    assert row.state == "pending"
    assert "cannot be opened" in row.error


def redirecting(status: int, location: str) -> Callable[[str, bytes], tuple[int, dict[str, str], bytes]]:
    return lambda path, body: (status, {"Location": location}, b"") if path != "/end" else (200, {}, b"arrived")


@pytest.mark.parametrize("cause", [OSError("no process: canary"), RecursionError(), PostFailed("line\0 of an answer")])
def test_any_error_of_an_attempt_is_a_failure_with_a_pause(
    sending: Sending, cause: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    sending.webhook(types=("run.success",))
    sending.run()
    sending.make()
    (due,) = due_receivers(sending.database, now=sending.engine.clock.now(), limit=9)

    def post(url: str, headers: dict[str, str], body: bytes) -> Reply:
        raise cause

    assert sending.sender.send(due.id, lambda kind: post, lambda: False) == 1
    with sending.database.read() as connection:
        row = connection.execute(select(delivery.c.state, delivery.c.attempts, delivery.c.error)).one()
    assert (row.state, row.attempts) == ("pending", 1)
    assert "canary" not in row.error + caplog.text
    assert "\0" not in row.error
    assert sending.row()["failures"] == 1
    sending.engine.clock.move(timedelta(seconds=1))
    assert sending.send() == 1
    assert sending.states() == ["delivered"]


def test_redirects_are_followed_with_the_body_and_guarded(sending: Sending) -> None:
    secret = sending.webhook(types=("run.success",))
    sending.server.answer = redirecting(307, "/end")
    sending.run("r1")
    sending.deliver()
    assert [received.path for received in sending.server.ledger] == ["/w", "/end"]
    assert sending.server.ledger[1].verified(secret)["type"] == "run.success"
    for location, part in (
        ("http://169.254.169.254/", "not public"),
        ("http://[::1]:1/", "not public"),
        ("http://user:pw@127.0.0.1/", "user name or a password"),
        ("file:///etc/passwd", "no http or https URL"),
        ("/w", "more than 3 times"),
    ):
        sending.server.answer = redirecting(308, location)
        sending.run(f"r {location}")
        sending.engine.clock.move(timedelta(hours=2))
        sending.deliver()
        with sending.database.write() as connection:
            error = connection.scalar(select(delivery.c.error).order_by(delivery.c.id.desc()).limit(1))
            connection.execute(delete(delivery))
        assert error is not None
        assert part in error, error
    sending.server.answer = redirecting(302, "/end")
    sending.run("r9")
    sending.engine.clock.move(timedelta(hours=2))
    sending.deliver()
    assert sending.states() == ["pending"]


def test_a_callback_is_led_to_no_host_that_is_not_allowed() -> None:
    with receiving() as server, closing(Poster(AddressPolicy(("127.0.0.1",)))) as poster:
        poster.restrict(HostList((server.url.removeprefix("http://"),)))
        for location in ("http://127.0.0.1:1/", "http://169.254.169.254/", "http://localhost/"):
            server.answer = redirecting(307, location)
            with pytest.raises(PostFailed, match="is not in callback_allow"):
                poster.post(f"{server.url}/done", {}, b"{}")
        server.answer = redirecting(307, "/end")
        assert poster.post(f"{server.url}/done", {}, b"{}").status == 200


def test_a_private_address_is_refused_at_each_attempt(sending: Sending) -> None:
    sending.webhook(types=("run.success",), url="http://localhost:1/")
    poster = Poster(AddressPolicy((), resolve=lambda host, port: ["10.0.0.1"]))
    sending.run()
    sending.make()
    (due,) = due_receivers(sending.database, now=sending.engine.clock.now(), limit=9)
    sending.sender.send(due.id, lambda kind: poster.post, lambda: False)
    with sending.database.read() as connection:
        assert "not public" in (connection.scalar(select(delivery.c.error)) or "")


def test_a_closed_connection_is_opened_again_at_once(sending: Sending) -> None:
    sending.webhook()
    sending.server.answer = lambda path, body: (200, {"Connection": "close"}, b"")
    sending.run()
    assert len(sending.deliver()) == 3
    assert sending.send() == 0


def test_old_deliveries_are_forgotten_in_batches_until_none_is_left(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mainspring_store.scheduling.deliveries._FORGOTTEN_AT_ONCE", 10)
    seconds = [0.0]
    monkeypatch.setattr("mainspring_scheduler.deliveries.duty.monotonic", lambda: seconds[0])
    sending.webhook(types=("run.success",))
    sending.run()
    sending.deliver()
    with sending.database.write() as connection:
        row = connection.execute(select(delivery)).one()._asdict()
        del row["id"]
        old = {**row, "created_at": row["created_at"] - timedelta(days=8)}
        connection.execute(delivery.insert(), [old] * 25 + [{**old, "state": "pending"}])
        connection.execute(update(receiver).values(state="disabled"))
    duty = duty_of(sending)
    left = []
    for seconds[0] in (599.0, 601.0, 601.5, 602.0, 603.0, 604.0):
        duty.turn()
        left.append(len(sending.states()))
    duty.stop()
    assert left == [27, 17, 17, 7, 2, 2]
    assert sorted(sending.states()) == ["delivered", "pending"]


class Hanging:
    """Counts requests that hang."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._number = self.most = 0

    def __enter__(self) -> None:
        with self._changed:
            self._number += 1
            self.most = max(self.most, self._number)
            self._changed.notify_all()

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._number -= 1

    def wait_for(self, number: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._number >= number, 30), f"{self._number} requests hang"


@pytest.mark.parametrize("kind", ["webhook", "callback"])
def test_a_slow_receiver_costs_only_itself(tmp_path: Path, engine: Engine, kind: str) -> None:
    """Threads of the real duty: more receivers hang than may have a thread, and another gets its events meanwhile."""
    with ExitStack() as stack:
        server = stack.enter_context(receiving())
        sending = Sending(engine, tmp_path, server)
        let_go = threading.Event()
        stack.callback(let_go.set)

        hanging = Hanging()

        def answer(path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
            if path.startswith("/slow"):
                with hanging:
                    let_go.wait(60)
            return 200, {}, b""

        server.answer = answer
        sending.webhook("quick", types=("run.success",))
        duty = duty_of(sending)
        duty.start()
        stack.callback(duty.stop)
        sending.run("r0")
        server.wait(1)
        owner = sending.user(etl=Role.OPERATOR)
        version = sending.engine.save("etl", {"a": {}})
        for number in range(20):
            if kind == "webhook":
                sending.webhook(f"slow{number}", types=("run.success",))
            else:
                callback = callback_of(sending, f"/slow{number}", new_secret())
                sending.engine.trigger(version, f"c{number}", callback=callback, principal_id=owner)
        sending.engine.run_until_idle()
        for number in range(20 if kind == "callback" else 0):
            sending.engine.finish("a", run_id=f"c{number}")
        sending.run("r1")
        hanging.wait_for(8)
        sending.run("r2")
        quick = 23 if kind == "callback" else 3
        bodies = [received.json["data"]["run"]["dag_run_id"] for received in server.wait(quick)]
        assert (len(bodies), bodies[-1]) == (quick, "r2")
        assert hanging.most == 8
        let_go.set()
        server.wait(quick + (20 if kind == "callback" else 40))


def test_the_duty_ends_while_a_receiver_hangs_and_loses_nothing(tmp_path: Path, engine: Engine) -> None:
    with receiving() as server:
        sending = Sending(engine, tmp_path, server)
        arrived, let_go = threading.Event(), threading.Event()

        def answer(path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
            arrived.set()
            let_go.wait(60)
            return 200, {}, b""

        server.answer = answer
        sending.webhook(types=("run.success",))
        sending.run()
        duty = duty_of(sending)
        duty.start()
        assert arrived.wait(30)
        duty.stop()
        let_go.set()
        assert sending.states() == ["pending"]
        assert sending.row()["failures"] == 0
        server.answer = lambda path, body: (200, {}, b"")
        assert sending.send() == 1


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
