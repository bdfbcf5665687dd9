"""Steps: who follows the log of events. A follower of the feed, and receivers of webhooks with their deliveries.

Whatever breaks meanwhile, the follower has seen every event once, in the order of the numbers, and each receiver has
exactly one delivery of each event that it wants.
"""

from collections import Counter
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy import insert, select, update

from mainspring.errors import StoreUnavailable
from mainspring.states import RunState
from mainspring_scheduler.deliveries.fan_out import FanOut
from mainspring_store.queries.events import SettledEvents
from mainspring_store.state.receivers import ReceiverKind, ReceiverState, last_event_number
from mainspring_store.tables import dag_run, delivery, feed_event, receiver, webhook_position
from tests.simulation.machine import PICK, Machine, one_of
from tests.simulation.world import Host

__all__ = ["Followers"]

TYPES = ("run.queued", "run.running", "run.success", "run.failed")
SETTLED_AFTER_MAX = 5
"""Looks until the numbers of transactions that were rolled back are known to be gaps."""


class Followers(Machine):
    """The feed and its receivers."""

    def open_world(self, slots: int, features: frozenset[str]) -> None:
        super().open_world(slots, features)
        with self.database.write() as connection:
            if connection.execute(update(webhook_position).values(event_id=0)).rowcount == 0:
                connection.execute(insert(webhook_position).values(id=1, event_id=0))
        self.fan_outs: dict[str, FanOut] = {}
        self.feed = SettledEvents(self.database)
        self.feed.position = 0
        self.followed: list[int] = []
        self.receivers: dict[str, int] = {}
        """Name -> the number of the last event before its creation."""
        self.subscribe()

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "facts"):
            self.check_what_was_followed()

    @rule(limit=st.sampled_from([1, 3, 100]))
    def follow_the_feed(self, limit: int) -> None:
        self.followed += [event.id for event in self.feed.read(limit)]

    @precondition(lambda self: len(self.receivers) < 3)
    @rule()
    def subscribe(self) -> None:
        """A receiver gets the events from now on."""
        name = f"w{len(self.receivers)}"
        with self.database.write() as connection:
            begins_after = last_event_number(connection)
            connection.execute(insert(receiver).values({**self._receiver(name), "begins_after": begins_after}))
        self.receivers[name] = begins_after

    @rule(host=PICK, fault=st.sampled_from([None, None, "rollback", "unknown"]))
    def make_deliveries(self, host: int, fault: str | None) -> None:
        """One page of one scheduler; its commit may be lost, or the answer to it."""
        self.database.fault = fault
        try:
            self._fan_out(one_of(self.hosts, host)).step()
        except StoreUnavailable:
            pass
        finally:
            self.database.fault = None

    def check_what_was_followed(self) -> None:
        """Hold what the follower and the receivers have against the log."""
        for host in self.hosts:
            self._make_all(host)
        for _ in range(SETTLED_AFTER_MAX):
            while events := self.feed.read(100):
                self.followed += [event.id for event in events]
        with self.database.read() as connection:
            log = connection.execute(
                select(feed_event.c.id, feed_event.c.kind, feed_event.c.state, feed_event.c.state_reason)
                .outerjoin(dag_run, dag_run.c.id == feed_event.c.dag_run_id)
                .order_by(feed_event.c.id)
            ).all()
            rows = connection.execute(
                select(receiver.c.name, delivery.c.event_id)
                .join(receiver, receiver.c.id == delivery.c.receiver_id)
                .order_by(delivery.c.id)
            ).all()
        numbers = {row.id for row in log}
        assert self.followed == sorted({*self.followed}), "the follower got an event twice, or out of order"
        missed = numbers - {*self.followed}
        assert not missed, f"the follower missed the events {sorted(missed)}"
        states = {*RunState}
        wanted = [row.id for row in log if row.kind == "run" and row.state_reason != "late" and row.state in states]
        for name, begins_after in self.receivers.items():
            mine = [row.event_id for row in rows if row.name == name]
            twice = [number for number, count in Counter(mine).items() if count > 1]
            assert not twice, f"{name} has two deliveries of the events {twice}"
            assert mine == sorted(mine), f"{name} has its deliveries out of order"
            # A run that was pruned has no event any more; a delivery of before stays.
            found, expected = numbers & {*mine}, [number for number in wanted if number > begins_after]
            assert sorted(found) == expected, f"{name} wants the events {expected} and has {sorted(found)}"

    def _make_all(self, host: Host) -> None:
        quiet = 0
        while quiet < SETTLED_AFTER_MAX:
            quiet = 0 if self._fan_out(host).step()[0] else quiet + 1

    def _fan_out(self, host: Host) -> FanOut:
        """Of this process: another one begins at what is stored."""
        if host.incarnation not in self.fan_outs:
            self.fan_outs[host.incarnation] = FanOut(self.database, None, self.clock, public_url=None)
        return self.fan_outs[host.incarnation]

    def _receiver(self, name: str) -> dict[str, Any]:
        return {
            "kind": ReceiverKind.WEBHOOK,
            "name": name,
            "pattern": "*",
            "types": list(TYPES),
            "includes_outputs": False,
            "state": ReceiverState.ACTIVE,
            "ciphertext": b"",
            "shown_url": "",
            "created_at": self.clock.now(),
            "updated_at": self.clock.now(),
        }
