"""The log of events is read in an order that is total and safe, whatever order transactions commit in."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, text

from mainspring.events import EventKind
from mainspring_store import Database
from mainspring_store.queries.events import SettledEvents, last_event_before
from mainspring_store.resources.events import prune_events
from mainspring_store.resources.pools import NewPool, create_pools
from mainspring_store.state.events import write_event
from mainspring_store.tables import pool

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def write(connection: Connection, name: str) -> None:
    """A change and its event."""
    connection.execute(pool.insert(), {"name": name, "slots": 1})
    write_event(connection, EventKind.POOL, "saved", at=NOW, data={"pool": name})


@contextmanager
def late(database: Database, name: str) -> Iterator[Connection]:
    """A transaction that has drawn its number and not committed."""
    connection = database.engine.connect()
    transaction = connection.begin()
    write(connection, name)
    try:
        yield connection
    finally:
        if transaction.is_active:
            transaction.rollback()
        connection.close()


def names(events: SettledEvents) -> list[str]:
    return [event.data["pool"] for event in events.read(100) if event.data is not None]


@pytest.fixture
def settled(database: Database) -> SettledEvents:
    events = SettledEvents(database)
    for _ in range(2):
        events.look()
    assert events.position is not None
    return events


def test_events_come_in_the_order_of_their_commits(database: Database, settled: SettledEvents) -> None:
    for name in ("a", "b", "c"):
        create_pools(database, [NewPool(name=name, slots=1)])
    first = settled.position
    assert names(settled) == ["a", "b", "c"]
    assert settled.position == (first or 0) + 3
    assert names(settled) == []


def test_a_position_moves_ahead_without_reading(database: Database, settled: SettledEvents) -> None:
    create_pools(database, [NewPool(name="a", slots=1)])
    for _ in range(2):
        settled.look()
    assert names(settled) == []
    create_pools(database, [NewPool(name="b", slots=1)])
    assert names(settled) == ["b"]


class TestOnPostgresql:
    @pytest.fixture(autouse=True)
    def only_there(self, database: Database) -> None:
        if database.is_sqlite:
            pytest.skip("SQLite has one writer")

    def test_an_event_waits_for_an_earlier_one_that_commits_late(
        self, database: Database, settled: SettledEvents
    ) -> None:
        with late(database, "slow") as slow:
            create_pools(database, [NewPool(name="quick", slots=1)])
            assert names(settled) == []
            assert settled.is_blocked
            slow.commit()
        assert names(settled) == ["slow", "quick"]
        assert not settled.is_blocked

    def test_a_number_that_was_rolled_back_holds_nothing_up(self, database: Database, settled: SettledEvents) -> None:
        with late(database, "undone"):
            create_pools(database, [NewPool(name="quick", slots=1)])
            assert names(settled) == []
        assert names(settled) == ["quick"]

    def test_a_position_is_not_ahead_of_a_late_event(self, database: Database, settled: SettledEvents) -> None:
        with late(database, "slow") as slow:
            create_pools(database, [NewPool(name="quick", slots=1)])
            for _ in range(3):
                settled.look()
            slow.commit()
        assert names(settled) == ["slow", "quick"]

    def test_a_foreign_transaction_delays_only_behind_a_gap(self, database: Database, settled: SettledEvents) -> None:
        with database.engine.connect() as foreign:
            foreign.execute(text("SELECT pg_current_xact_id()"))
            create_pools(database, [NewPool(name="a", slots=1)])
            assert names(settled) == ["a"], "no number is missing"
            with late(database, "undone"):
                pass
            create_pools(database, [NewPool(name="b", slots=1)])
            assert names(settled) == []
            assert settled.lag_seconds > 0
        assert names(settled) == ["b"]
        assert settled.lag_seconds == 0


def test_old_events_are_forgotten_and_their_place_is_known(database: Database) -> None:
    with database.write() as connection:
        for number in range(10):
            write_event(connection, EventKind.POOL, "saved", at=NOW.replace(day=number + 1), data={"pool": str(number)})
    floor = last_event_before(database, NOW.replace(day=4))
    assert prune_events(database, before=NOW.replace(day=4)) == floor
    events = SettledEvents(database)
    events.position = 0
    if not database.is_sqlite:
        events.read(100)
    assert names(events) == [str(number) for number in range(3, 10)]
