"""The loop of the service: when it passes, and when it waits for more."""

import socket
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from mainspring.attempts import Report
from mainspring.webhook_signatures import new_secret
from mainspring_scheduler.deliveries.duty import DeliverySettings
from mainspring_scheduler.service import LINGER_SECONDS_MAX, Service
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.database.lease import take_scheduler_lease
from mainspring_store.database.notify import open_notifier
from mainspring_store.database.transactions import Database, open_database
from mainspring_store.resources.receivers import NewReceiver, create_receiver, send_test
from mainspring_store.schema.migrate import migrate
from mainspring_store.state.receivers import Address, LiveSecret, ReceiverKind
from tests.scheduler.engine import BOUND, MovedClock, ScriptedExecutor

NOTIFICATIONS = 30
DONE_SECONDS_MAX = 60.0


class Notifying(ScriptedExecutor):
    """Rings in each pass, as a worker does that reports without a pause."""

    def __init__(self, database: Database, *, headroom: float) -> None:
        super().__init__(MovedClock(), 8, BOUND)
        self._headroom = headroom
        self._notifier = open_notifier(database)
        self._notifications = 0
        self.is_done = threading.Event()

    def reports(self, timeout: float) -> Sequence[Report]:
        self._notifications += 1
        if self._notifications < NOTIFICATIONS:
            self._notifier.notify()
        else:
            self.is_done.set()
        return super().reports(timeout)

    def headroom(self) -> float:
        return self._headroom

    def close(self, grace: timedelta) -> None:
        super().close(grace)
        self._notifier.close()


def seconds_of_passes(database: Database, executor: Notifying) -> float:
    lease = take_scheduler_lease(database)
    service = Service(database, {"thread": executor}, lease, version="1")
    thread = threading.Thread(target=service.run, args=(timedelta(0),))
    began = monotonic()
    thread.start()
    assert executor.is_done.wait(DONE_SECONDS_MAX)
    seconds = monotonic() - began
    service.stop()
    thread.join()
    lease.release()
    return seconds


class Closing(ScriptedExecutor):
    """Says when the service closes it."""

    def __init__(self) -> None:
        super().__init__(MovedClock(), 8, BOUND)
        self.closed = threading.Event()

    def close(self, grace: timedelta) -> None:
        super().close(grace)
        self.closed.set()


def test_tasks_get_their_grace_while_a_receiver_is_connected_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection fails only after the service has closed its executor."""
    database, key_ring, executor = open_database(f"sqlite:///{tmp_path}/m.db"), KeyRing(tmp_path / "keys"), Closing()
    migrate(database)
    connecting, outcome = threading.Event(), []

    def connect(*_: Any, **__: Any) -> None:
        connecting.set()
        outcome.append(executor.closed.wait(10))
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", connect)
    new = NewReceiver(
        kind=ReceiverKind.WEBHOOK,
        name="dead",
        principal_id=None,
        address=Address(url="http://127.0.0.1:9/", secrets=(LiveSecret(value=new_secret()),)),
        shown_url="",
        pattern="*",
    )
    now = datetime.now(UTC)
    create_receiver(database, key_ring, new, now=now)
    send_test(database, ReceiverKind.WEBHOOK, "dead", type_="webhook.test", body="{}", now=now)
    lease = take_scheduler_lease(database)
    settings = DeliverySettings(http_allow=("127.0.0.1",))
    service = Service(database, {"thread": executor}, lease, version="1", key_ring=key_ring, deliveries=settings)
    thread = threading.Thread(target=service.run, args=(timedelta(0),))
    thread.start()
    assert connecting.wait(DONE_SECONDS_MAX)
    service.stop()
    thread.join()
    lease.release()
    database.close()
    assert outcome == [True]


def test_rings_are_collected_while_there_is_slack_and_answered_at_once_while_there_is_none(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/mainspring.db")
    migrate(database)
    assert (
        seconds_of_passes(database, Notifying(database, headroom=float("inf")))
        >= (NOTIFICATIONS - 2) * LINGER_SECONDS_MAX
    )
    assert seconds_of_passes(database, Notifying(database, headroom=0.05)) >= (NOTIFICATIONS - 2) * 0.05
    assert seconds_of_passes(database, Notifying(database, headroom=0.0)) < (NOTIFICATIONS - 2) * 0.05
    database.close()
