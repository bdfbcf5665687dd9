"""Forgetting old events."""

from datetime import datetime

from sqlalchemy import bindparam, delete, update

from mainspring_store.database.transactions import Database, lift_time_limit
from mainspring_store.queries.events import last_event_before
from mainspring_store.tables import feed_event, feed_floor

__all__ = ["prune_events"]


def prune_events(database: Database, *, before: datetime) -> int:
    """Forget the events before an instant, and let no client resume there; returns the number of the last event.

    The events of existing runs stay, because they are the history of the runs.
    """
    floor = last_event_before(database, before)
    if floor:
        with database.write() as connection:
            lift_time_limit(connection)
            if connection.execute(_RAISE_FLOOR, {"floor": floor}).rowcount:
                connection.execute(_FORGET, {"floor": floor})
    return floor


_RAISE_FLOOR = update(feed_floor).where(feed_floor.c.event_id < bindparam("floor")).values(event_id=bindparam("floor"))
_FORGET = delete(feed_event).where(feed_event.c.id <= bindparam("floor"), feed_event.c.dag_run_id.is_(None))
