"""Makes deliveries of events: reads the feed behind the stored position, and stores a delivery for every receiver
of an event, in the transaction that moves the position."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from time import monotonic
from typing import Any

from mainspring.definition.groups import flatten
from mainspring.definition.secret_names import secret_names
from mainspring.failpoints import failpoint
from mainspring.webhook_types import NOTIFY_TYPES, webhook_type
from mainspring_executors.masking import Masker
from mainspring_scheduler.clock import Clock
from mainspring_scheduler.deliveries.bodies import Subject, body_of, message_of
from mainspring_store.access.roles import Grant, Role
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.database.transactions import Database
from mainspring_store.queries.events import SettledEvents, StoredEvent, events_of_kinds
from mainspring_store.queries.webhook_events import RunFacts, ciphertexts_of, document_of, run_facts, versions_of_runs
from mainspring_store.resources.receivers import EXPIRES_AFTER
from mainspring_store.resources.secrets import open_ciphertexts
from mainspring_store.scheduling.deliveries import (
    NewDelivery,
    Subscriber,
    Subscribers,
    callbacks_of,
    make_deliveries,
    read_position,
    read_subscribers,
)
from mainspring_store.state.receivers import ReceiverKind

__all__ = ["FanOut"]

PAGE = 500
"""Events read at once."""
_POSITION_KEPT_SECONDS = 5.0
"""How often the position is stored while no event is for any receiver."""
_VERSIONS_MAX = 500
_END_TYPES = frozenset({"run.success", "run.failed"})
_NOTIFY_TYPES = frozenset(NOTIFY_TYPES.values())


@dataclass(frozen=True, slots=True)
class _Version:
    """What deliveries need of a definition."""

    notify: Sequence[Mapping[str, Any]]
    secrets: frozenset[str]


class FanOut:
    """Turns events into deliveries. For one thread; several schedulers may do so at the same time."""

    def __init__(self, database: Database, key_ring: KeyRing | None, clock: Clock, *, public_url: str | None) -> None:
        self._database = database
        self._key_ring = key_ring
        self._clock = clock
        self._public_url = public_url
        self._events = SettledEvents(database)
        self._stored_position: int | None = None
        self._stored_at = monotonic()
        self._versions: OrderedDict[int, _Version] = OrderedDict()
        self.has_subscribers = False

    @property
    def is_blocked(self) -> bool:
        """Whether a foreign transaction keeps events back."""
        return self._events.is_blocked

    def step(self) -> tuple[int, int]:
        """Make the deliveries of the next page of events. Returns the number of events and of deliveries.

        Raises:
            StoreUnavailable: The next step repeats the page.
        """
        if self._stored_position is None and not self._begin():
            return 0, 0
        begin = self._events.position
        try:
            kinds = self._events.skim(PAGE)
            # A receiver commits before the events that it wants. Read after them, none of these receivers is missing.
            subscribers = read_subscribers(self._database)
            if subscribers.begins_after is None:
                self._end()
                return 0, 0
            deliveries = list(self._deliveries(subscribers, self._read(subscribers, begin, {*kinds.values()})))
            self._store(deliveries)
        except BaseException:
            self._events.position = begin
            raise
        return len(kinds), len(deliveries)

    def _read(self, subscribers: Subscribers, begin: int | None, kinds: set[str]) -> Sequence[StoredEvent]:
        """The events behind `begin` of those kinds that a subscriber or a definition may want."""
        types = chain(_NOTIFY_TYPES, *(subscriber.types for subscriber in subscribers.active))
        wanted = kinds & {type_.partition(".")[0] for type_ in types}
        if not wanted:
            return ()
        assert begin is not None
        assert self._events.position is not None
        return events_of_kinds(self._database, begin, self._events.position, wanted)

    def _begin(self) -> bool:
        """Take the stored position. Returns False when there are no subscribers."""
        begins_after = read_subscribers(self._database).begins_after
        if begins_after is None:
            self._end()
            return False
        self.has_subscribers = True
        self._stored_position = read_position(self._database)
        # No subscriber wants an event before; without subscribers the position stood still.
        self._events.position = max(self._stored_position, begins_after)
        return True

    def _end(self) -> None:
        self.has_subscribers = False
        self._stored_position = None

    def _store(self, deliveries: Sequence[NewDelivery]) -> None:
        old, new = self._stored_position, self._events.position
        assert old is not None
        assert new is not None
        is_late = monotonic() - self._stored_at >= _POSITION_KEPT_SECONDS
        if new == old or (not deliveries and not is_late):
            return
        now = self._clock.now()
        failpoint("webhooks.fan-out.before")
        if make_deliveries(self._database, old, new, deliveries, now=now, expires_at=now + EXPIRES_AFTER):
            self._stored_position, self._stored_at = new, monotonic()
            failpoint("webhooks.fan-out.done")
        else:
            # Another scheduler has made these deliveries, or a receiver is gone: look again.
            self._stored_position = None

    def _deliveries(self, subscribers: Subscribers, events: Sequence[StoredEvent]) -> Iterator[NewDelivery]:
        typed = [
            (event, webhook_type(event.kind, event.state, event.state_reason))
            for event in events
            if event.dag_id is not None
        ]
        wanted = list(self._wanted(subscribers, typed))
        runs = run_facts(self._database, {event.run_key for event, _, _ in wanted if event.run_key is not None})
        maskers: dict[int, Masker | None] = {}
        for event, type_, receivers in wanted:
            run = None if event.run_key is None else runs.get(event.run_key)
            subject = Subject(
                event=event, run=run, masker=self._masker(run, type_, maskers), public_url=self._public_url
            )
            for receiver in receivers:
                assert event.dag_id is not None
                yield NewDelivery(
                    receiver_id=receiver.id,
                    event_id=event.id,
                    type=type_,
                    dag_id=event.dag_id,
                    body=_body(receiver, subject),
                )

    def _wanted(
        self, subscribers: Subscribers, typed: Sequence[tuple[StoredEvent, str]]
    ) -> Iterator[tuple[StoredEvent, str, Sequence[Subscriber]]]:
        """The events that receivers want, with these receivers."""
        callbacks = self._callbacks(subscribers, typed)
        notifying = {event.run_key for event, type_ in typed if type_ in _NOTIFY_TYPES and event.run_key is not None}
        versions = versions_of_runs(self._database, notifying) if notifying and subscribers.active else {}
        for event, type_ in typed:
            version_id = None if event.run_key is None else versions.get(event.run_key)
            receivers = {
                subscriber.id: subscriber
                for subscriber in self._receivers_of(subscribers, callbacks, event, type_, version_id)
            }
            if receivers:
                yield event, type_, list(receivers.values())

    def _callbacks(self, subscribers: Subscribers, typed: Sequence[tuple[StoredEvent, str]]) -> dict[int, Subscriber]:
        """Key of a run -> its callback, for the runs that end in these events."""
        if subscribers.callbacks_begin is None:
            return {}
        run_keys = {event.run_key for event, type_ in typed if event.run_key is not None and type_ in _END_TYPES}
        waiting = callbacks_of(self._database, run_keys) if run_keys else ()
        return {subscriber.run_key: subscriber for subscriber in waiting if subscriber.run_key is not None}

    def _receivers_of(
        self,
        subscribers: Subscribers,
        callbacks: dict[int, Subscriber],
        event: StoredEvent,
        type_: str,
        version_id: int | None,
    ) -> Iterator[Subscriber]:
        """version_id: of the run, where its definition may notify.

        May yield a receiver twice. Removes the callback of the run from `callbacks`: only the first end is sent.
        """
        assert event.dag_id is not None
        active = [subscriber for subscriber in subscribers.active if event.id > subscriber.begins_after]
        for subscriber in active:
            if type_ in subscriber.types and _covers(subscriber.pattern, event.dag_id):
                yield subscriber
        if version_id is not None and type_ in _NOTIFY_TYPES:
            yield from self._notified(active, event.dag_id, type_, version_id)
        if type_ in _END_TYPES and event.run_key is not None and event.run_key in callbacks:
            yield callbacks.pop(event.run_key)

    def _notified(self, active: Sequence[Subscriber], dag_id: str, type_: str, version_id: int) -> Iterator[Subscriber]:
        """The receivers that the definition of a run names for a type."""
        for rule in self._version(version_id).notify:
            if type_ not in (NOTIFY_TYPES[word] for word in rule["on"]):
                continue
            kind = ReceiverKind.WEBHOOK if "webhook" in rule else ReceiverKind.NOTIFIER
            for subscriber in active:
                if (
                    subscriber.kind is kind
                    and subscriber.name == rule[kind]
                    and (kind is ReceiverKind.WEBHOOK or _covers(subscriber.pattern, dag_id))
                ):
                    yield subscriber

    def _version(self, version_id: int) -> _Version:
        version = self._versions.get(version_id)
        if version is None:
            document = document_of(self._database, version_id)
            names = frozenset(name for task in flatten(document).tasks.values() for name in secret_names(task))
            version = self._versions[version_id] = _Version(document.get("notify", ()), names)
            while len(self._versions) > _VERSIONS_MAX:
                self._versions.popitem(last=False)
        return version

    def _masker(self, run: RunFacts | None, type_: str, maskers: dict[int, Masker | None]) -> Masker | None:
        """Masks the secrets of the run's definition; None = one of them cannot be opened."""
        if run is None or type_ not in _END_TYPES:
            return None
        if run.version_id not in maskers:
            # A secret that was deleted masks nothing: nobody can read its value any more.
            ciphertexts = ciphertexts_of(self._database, self._version(run.version_id).secrets)
            opened = open_ciphertexts(ciphertexts, ciphertexts, self._key_ring)
            maskers[run.version_id] = None if opened.locked else Masker(opened.values.values())
        return maskers[run.version_id]


def _body(receiver: Subscriber, subject: Subject) -> str:
    if receiver.kind is ReceiverKind.NOTIFIER:
        return message_of(subject)
    return body_of(subject, includes_outputs=receiver.includes_outputs)


def _covers(pattern: str, dag_id: str) -> bool:
    return Grant(pattern=pattern, role=Role.VIEWER).covers(dag_id)
