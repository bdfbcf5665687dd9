"""Receivers that fail, hang or go away: each delivery comes again in order, bounded in number, time and threads."""

import itertools
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from mainspring.attempts import Outcome
from mainspring.webhook_signatures import new_secret
from mainspring_scheduler.deliveries.sending import LEASE, delay_after
from mainspring_store.access.roles import Role
from mainspring_store.resources.receivers import change_receiver, delete_receiver, redeliver, send_test
from mainspring_store.state.receivers import ReceiverKind
from mainspring_store.tables import delivery, receiver
from tests.scheduler.engine import Engine
from tests.scheduler.sending import Sending, callback_of, duty_of
from tests.services.receiver import receiving

PENDING_MAX = 20


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


def test_a_receiver_that_answers_gone_gets_nothing_more(sending: Sending) -> None:
    sending.webhook()
    sending.server.answer = lambda path, body: (410, {}, b"")
    sending.run()
    sending.make()
    assert sending.send() == 1
    assert sending.row()["ended_reason"] == "gone"
    assert sending.states() == ["failed", "refused", "refused"]


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
