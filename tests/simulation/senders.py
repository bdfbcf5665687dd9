"""Steps: the deliveries of webhooks are sent, while receivers fail, answers are lost and senders die.

Each receiver gets every delivery that is stored for it, in the order of the deliveries; only what was lost on the way
back comes again.
"""

import os
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule
from sqlalchemy import select

from mainspring.errors import StoreUnavailable
from mainspring_scheduler.deliveries.posting import PostFailed, Reply
from mainspring_scheduler.deliveries.sending import Outcomes, Sender
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.state.receivers import (
    Address,
    DeliveryState,
    LiveSecret,
    ReceiverKind,
    seal_address,
)
from mainspring_store.tables import delivery, receiver
from tests.simulation.followers import Followers
from tests.simulation.machine import PICK, one_of

__all__ = ["Senders"]

ANSWERS = ("taken", "taken", "taken", "refused", "unreachable", "answer lost", "sender killed")
_LOSSES = frozenset({"answer lost", "sender killed"})
_LEASES_AND_PAUSES_END_AFTER = timedelta(hours=2)
_KEY = "c2ltdWxhdGlvbi1zaW11bGF0aW9uLXNpbXVsYXRpb24="
_ADDRESS = Address(url="https://receiver.test/", secrets=(LiveSecret(value="whsec_c2ltdWxhdGlvbg=="),))


class _Killed(BaseException):
    """The process of a sender ended."""


class _LaterClock:
    """Stands still after all leases and pauses."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return 0.0


class Senders(Followers):
    """What leaves the installation."""

    def open_world(self, slots: int, features: frozenset[str]) -> None:
        self.key_ring = KeyRing(Path(os.devnull), [_KEY])
        self.taken: defaultdict[int, list[str]] = defaultdict(list)
        """Receiver id -> message ids in the order in which the receiver took them."""
        self.losses: Counter[int] = Counter()
        """Receiver id -> how often the store may not know what the receiver took."""
        super().open_world(slots, features)

    @rule(
        host=PICK,
        receiver_pick=PICK,
        answers=st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=4),
        fault=st.sampled_from([None, None, "rollback", "unknown"]),
    )
    def send_deliveries(self, host: int, receiver_pick: int, answers: list[str], fault: str | None) -> None:
        """A scheduler sends to a receiver, until the answers are used up; a commit may be lost, or the answer to it."""
        incarnation = one_of(self.hosts, host).incarnation
        receiver_id = one_of(self._receiver_ids(), receiver_pick)
        self.losses[receiver_id] += fault is not None
        self.database.fault = fault
        try:
            self._send(incarnation, receiver_id, answers, self.clock)
        except (StoreUnavailable, _Killed):
            pass
        finally:
            self.database.fault = None

    def check_what_was_followed(self) -> None:
        super().check_what_was_followed()
        later = _LaterClock(self.clock.now() + _LEASES_AND_PAUSES_END_AFTER)
        for receiver_id in self._receiver_ids():
            self._send("a sender of later", receiver_id, ["taken"] * 10_000, later)
            self._check_what_was_taken(receiver_id, later.now())

    def _check_what_was_taken(self, receiver_id: int, now: datetime) -> None:
        with self.database.read() as connection:
            rows = connection.execute(
                select(delivery.c.message_id, delivery.c.state, delivery.c.expires_at)
                .where(delivery.c.receiver_id == receiver_id)
                .order_by(delivery.c.id)
            ).all()
        times = Counter(self.taken[receiver_id])
        first_times = list(dict.fromkeys(self.taken[receiver_id]))
        order = [row.message_id for row in rows]
        assert first_times == [message for message in order if message in times], "deliveries came out of order"
        for row in rows:
            if row.state == DeliveryState.DELIVERED:
                assert row.message_id in times, f"{row.message_id} is delivered, and the receiver has nothing"
            else:
                is_over = row.state == DeliveryState.FAILED and row.expires_at <= now
                assert is_over, f"{row.message_id} is {row.state} before its time is over"
        most = max(times.values(), default=0)
        assert most <= 1 + self.losses[receiver_id], (
            f"a delivery came {most} times, after {self.losses[receiver_id]} losses"
        )

    def _send(self, incarnation: str, receiver_id: int, answers: list[str], clock: Any) -> None:
        waiting = list(answers)

        def post(url: str, headers: dict[str, str], body: bytes) -> Reply:
            answer = waiting.pop(0)
            self.losses[receiver_id] += answer in _LOSSES
            if answer == "taken" or answer in _LOSSES:
                self.taken[receiver_id].append(headers["webhook-id"])
            if answer == "sender killed":
                raise _Killed
            if answer in ("unreachable", "answer lost"):
                raise PostFailed("no answer came")
            return Reply(200 if answer == "taken" else 503, "")

        Sender(
            database=self.database,
            key_ring=self.key_ring,
            clock=clock,
            incarnation=incarnation,
            random=lambda: 0.5,
            outcomes=Outcomes(),
        ).send(receiver_id, lambda _: post, lambda: not waiting)

    def _receiver_ids(self) -> list[int]:
        with self.database.read() as connection:
            return list(connection.scalars(select(receiver.c.id).order_by(receiver.c.id)))

    def _receiver(self, name: str) -> dict[str, Any]:
        ciphertext = seal_address(self.key_ring, ReceiverKind.WEBHOOK, name, _ADDRESS)
        return {**super()._receiver(name), "ciphertext": ciphertext}
