"""An engine, its fan-out and its sender, step by step, for tests of what leaves the installation."""

from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from mainspring.attempts import Outcome
from mainspring.webhook_signatures import new_secret
from mainspring_executors.addresses import AddressPolicy
from mainspring_scheduler.deliveries.duty import DeliveryDuty, DeliverySettings
from mainspring_scheduler.deliveries.fan_out import FanOut
from mainspring_scheduler.deliveries.posting import Poster
from mainspring_scheduler.deliveries.sending import Outcomes, Sender
from mainspring_store.access.roles import Grant, Role
from mainspring_store.access.users import create_user
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.queries.receivers import get_receiver
from mainspring_store.resources.receivers import NewReceiver, create_receiver
from mainspring_store.scheduling.deliveries import due_receivers
from mainspring_store.state.receivers import (
    Address,
    LiveSecret,
    NewCallback,
    ReceiverKind,
    new_message_id,
    seal_address,
)
from mainspring_store.tables import delivery, receiver
from tests.scheduler.engine import Engine
from tests.services.receiver import Receiver

ALL_RUN_TYPES = ("run.queued", "run.running", "run.success", "run.failed", "run.late")
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


def callback_of(sending: Sending, path: str, secret: str | None) -> NewCallback:
    name = new_message_id()
    address = Address(url=sending.server.url + path, secrets=() if secret is None else (LiveSecret(value=secret),))
    ciphertext = seal_address(sending.key_ring, ReceiverKind.CALLBACK, name, address)
    return NewCallback(ciphertext=ciphertext, name=name, shown_url="shown")
