"""The JSON form of events, and the part of an event that a client may see."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from mainspring.events import EventKind, format_event_id
from mainspring_api.http.answers import dump
from mainspring_store.access.roles import Principal
from mainspring_store.queries.events import StoredEvent

__all__ = ["Bursts", "EventFilter", "FeedEvent", "as_json", "as_stream", "feed_events", "reset_event"]

BURST_MAX = 200
"""Events of one run in one second; beyond, the client gets `many` and reads the run again."""
_RUNS_KEPT_MAX = 10_000
_OF_RUN = frozenset({EventKind.RUN, EventKind.TASK, EventKind.APPROVAL, EventKind.SIGNAL})


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """An event with its text."""

    id: int
    kind: EventKind
    dag_id: str | None
    run_key: int | None
    data: bytes
    """JSON."""

    @property
    def stream(self) -> bytes:
        return b"id: %s\nevent: %s\ndata: %s\n\n" % (_id(self.id), self.kind.encode(), self.data)

    @property
    def json(self) -> bytes:
        return b'{"id":"%s","event":"%s","data":%s}' % (_id(self.id), self.kind.encode(), self.data)


def feed_events(stored: Iterable[StoredEvent]) -> list[FeedEvent]:
    """The texts of stored events, without those of a kind that only a later version knows.

    During an upgrade, processes of this version work beside those of the next version.
    """
    return [_feed_event(event) for event in stored if event.kind in _KINDS]


_KINDS = frozenset(EventKind)


def _feed_event(stored: StoredEvent) -> FeedEvent:
    return FeedEvent(stored.id, EventKind(stored.kind), stored.dag_id, stored.run_key, dump(stored.members))


def reset_event(position: int, reason: str) -> FeedEvent:
    """The client must read everything again; later events follow `position`."""
    return FeedEvent(position, EventKind.RESET, None, None, dump({"reason": reason}))


def as_stream(events: Iterable[FeedEvent]) -> bytes:
    return b"".join(event.stream for event in events)


def as_json(events: Iterable[FeedEvent], position: int) -> bytes:
    """position: where the client goes on."""
    return b'{"events":[%s],"cursor":"%s"}' % (b",".join(event.json for event in events), _id(position))


def _id(number: int) -> bytes:
    return format_event_id(number).encode()


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What a client sees of the feed. Clients with equal filters share their events."""

    seen: tuple[tuple[str, ...], ...] | None
    """`Principal.seen`."""
    sees_rest: bool
    """Whether the client sees what belongs to no DAG."""
    dag_ids: frozenset[str] | None
    """None = all."""
    kinds: frozenset[EventKind] | None
    """None = all."""
    principal: Principal = field(compare=False)

    @classmethod
    def of(
        cls, principal: Principal, dag_ids: frozenset[str] | None, kinds: frozenset[EventKind] | None
    ) -> "EventFilter":
        return cls(principal.seen, principal.role is not None, dag_ids, kinds, principal)

    def admits(self, event: FeedEvent) -> bool:
        if self.kinds is not None and event.kind not in self.kinds:
            is_for_runs = event.kind is EventKind.MANY and not self.kinds.isdisjoint(_OF_RUN)
            if not is_for_runs:
                return False
        if event.dag_id is None:
            return self.sees_rest and self.dag_ids is None
        if self.dag_ids is not None and event.dag_id not in self.dag_ids:
            return False
        return self.seen is None or self.principal.role_on(event.dag_id) is not None


class Bursts:
    """Joins the events of a run that changes too often. For one reader of the feed, in its order."""

    def __init__(self) -> None:
        self._counts: dict[int, tuple[int, int]] = {}
        """Key of the run -> second, and number of its events in the second."""

    def join(self, events: Sequence[StoredEvent]) -> list[StoredEvent]:
        """The events, where of each run the events beyond `BURST_MAX` in a second are joined to the last of them."""
        last_of_run: dict[int, int] = {}
        excess = set()
        for index, event in enumerate(events):
            if event.run_key is not None and self._is_excess(event.run_key, int(event.at.timestamp())):
                excess.add(index)
                last_of_run[event.run_key] = index
        if not excess:
            return list(events)
        return [
            replace(event, kind=EventKind.MANY, task_id=None, data=None) if index in excess else event
            for index, event in enumerate(events)
            if index not in excess or (event.run_key is not None and last_of_run[event.run_key] == index)
        ]

    def _is_excess(self, run_key: int, second: int) -> bool:
        if len(self._counts) > _RUNS_KEPT_MAX:
            self._counts = {key: entry for key, entry in self._counts.items() if entry[0] >= second - 1}
        counted_in, count = self._counts.get(run_key, (second, 0))
        count = count + 1 if counted_in == second else 1
        self._counts[run_key] = (second, count)
        return count > BURST_MAX
