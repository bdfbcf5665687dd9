"""Sends the deliveries of one receiver, one after another, and notes their outcomes."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from time import monotonic
from traceback import format_tb
from typing import Protocol

from mainspring.errors import StoreUnavailable
from mainspring.failpoints import failpoint
from mainspring.webhook_signatures import new_private_key, signature_headers
from mainspring_scheduler.clock import Clock
from mainspring_scheduler.deliveries.posting import PostFailed, Reply
from mainspring_store.access.installation import keep_webhook_key
from mainspring_store.access.principals import principal_by_id
from mainspring_store.access.roles import Grant, Principal, Role
from mainspring_store.database.key_ring import CannotOpen, KeyRing
from mainspring_store.database.transactions import Database
from mainspring_store.scheduling.deliveries import (
    Attempted,
    Claim,
    DueDelivery,
    claim_receiver,
    end_receiver,
    give_up_late,
    note_failure,
    note_progress,
    release_receiver,
    remove_callback,
)
from mainspring_store.state.receivers import Address, DeliveryState, ReceiverKind, open_address

__all__ = ["GONE", "LEASE", "Outcomes", "Post", "Sender", "delay_after"]

_log = logging.getLogger(__name__)

BATCH = 50
"""Deliveries that are read at once."""
LEASE = timedelta(seconds=60)
"""Longer than an attempt and the time between two renewals."""
RENEW_SECONDS = 1.0
"""Outcomes are stored at least this often, unless an attempt takes longer."""
TURN_SECONDS = 10.0
"""After this time another receiver gets the thread."""
DELAY_MAX = timedelta(hours=1)
GONE = 410
"""The receiver wants no further deliveries (Standard Webhooks)."""
_OK = range(200, 300)


class Post(Protocol):
    """Sends a body to an address; see `Poster.post` and `Notices.post`."""

    def __call__(self, url: str, headers: dict[str, str], body: bytes) -> Reply: ...


class Outcomes:
    """Counts outcomes since the start of this process. For many threads."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = Lock()

    def add(self, outcome: str, number: int = 1) -> None:
        with self._lock:
            self._counts[outcome] += number

    def read(self) -> Mapping[str, int]:
        with self._lock:
            return dict(self._counts)


def delay_after(failures: int, random: Callable[[], float]) -> timedelta:
    """The pause after a number of failed attempts in a row: doubled each time, from a second to an hour.

    A quarter of the pause is drawn at random, so that receivers that failed together do not come back together.
    """
    seconds = min(2.0 ** min(failures - 1, 20), DELAY_MAX.total_seconds())
    return timedelta(seconds=seconds * (0.75 + 0.25 * random()))


@dataclass(slots=True)
class Sender:
    """Sends to one receiver at a time. Several threads may each use the same sender for different receivers."""

    database: Database
    key_ring: KeyRing | None
    clock: Clock
    incarnation: str
    random: Callable[[], float]
    outcomes: Outcomes

    def send(self, receiver_id: int, post_of: Callable[[ReceiverKind], Post], is_stopped: Callable[[], bool]) -> int:
        """Send the due deliveries of a receiver, until nothing is, an attempt fails, or its turn is over.

        post_of: the way to send to a kind of receiver.

        Returns the number of attempts.

        Raises:
            StoreUnavailable: Outcomes may be lost; these deliveries are sent again.
        """
        began, attempts = monotonic(), 0
        while not is_stopped() and monotonic() - began < TURN_SECONDS:
            now = self.clock.now()
            claim = claim_receiver(
                self.database, receiver_id, by=self.incarnation, now=now, until=now + LEASE, limit=BATCH
            )
            if claim is None:
                return attempts
            batch = _Batch(self, claim, post_of(claim.kind), is_stopped)
            goes_on = batch.send()
            attempts += batch.attempts
            if not goes_on:
                return attempts
        given_up = give_up_late(self.database, receiver_id, now=self.clock.now()) if attempts else 0
        if given_up:
            self.outcomes.add("given_up", given_up)
            _log.warning("receiver is too slow: receiver=%d given_up=%d", receiver_id, given_up)
        release_receiver(self.database, receiver_id, by=self.incarnation)
        return attempts


class _Batch:
    """The deliveries of one claim."""

    def __init__(self, sender: Sender, claim: Claim, post: Post, is_stopped: Callable[[], bool]) -> None:
        self._sender = sender
        self._claim = claim
        self._post = post
        self._is_stopped = is_stopped
        self._attempted: list[Attempted] = []
        self.attempts = 0

    def send(self) -> bool:
        """Returns whether all of them were sent, or the rest waits for the next claim."""
        principal = self._principal()
        if self._claim.principal_id is not None and principal is None:
            self._end("owner_gone")
            return False
        try:
            address = self._address()
        except CannotOpen as exc:
            self._failed(self._outcome(self._claim.deliveries[0], monotonic(), error=str(exc)))
            return False
        began = monotonic()
        for delivery in self._claim.deliveries:
            if self._is_stopped() or monotonic() - began > RENEW_SECONDS:
                break
            if not self._send_delivery(delivery, principal, address):
                return False
        self._note()
        return True

    def _send_delivery(self, delivery: DueDelivery, principal: Principal | None, address: Address) -> bool:
        """Returns False when the batch must end."""
        if principal is not None and delivery.dag_id is not None and principal.role_on(delivery.dag_id) is None:
            if self._is_subscribed(delivery):
                self._note()
                self._end("grant_revoked")
                return False
            self._refuse(delivery)
            return True
        began = monotonic()
        self.attempts += 1
        try:
            reply = self._post(address.url, self._headers(delivery, address), delivery.body.encode())
        except StoreUnavailable:
            raise
        except Exception as exc:
            if self._is_stopped():  # the end of this process, not of the receiver
                self._note()
                return True
            self._failed(self._outcome(delivery, began, error=_error_of(exc)))
            return False
        failpoint("webhooks.sent")
        if reply.status == GONE and self._claim.kind is ReceiverKind.WEBHOOK:
            self._attempted.append(self._outcome(delivery, began, reply=reply, state=DeliveryState.FAILED))
            self._note()
            self._end("gone")
            return False
        if reply.status is not None and reply.status not in _OK:
            error = f"the receiver answered {reply.status}"
            self._failed(self._outcome(delivery, began, reply=reply, error=error))
            return False
        self._attempted.append(self._outcome(delivery, began, reply=reply, state=DeliveryState.DELIVERED))
        self._sender.outcomes.add("delivered")
        return True

    def _principal(self) -> Principal | None:
        """The owner with the rights of now; None = no owner, or an owner that is gone."""
        owner = self._claim.principal_id
        if owner is None:
            return None
        with self._sender.database.read() as connection:
            return principal_by_id(connection, owner, now=self._sender.clock.now())

    def _address(self) -> Address:
        """Raises CannotOpen when this service lacks the key."""
        claim, key_ring = self._claim, self._sender.key_ring
        if key_ring is None:
            raise CannotOpen("this service has no keys of secrets; give it those of the API")
        return open_address(key_ring, claim.kind, claim.name, claim.ciphertext)

    def _headers(self, delivery: DueDelivery, address: Address) -> dict[str, str]:
        now, keys = self._sender.clock.now(), address.keys(self._sender.clock.now())
        if self._claim.kind is ReceiverKind.CALLBACK and not keys and self._sender.key_ring is not None:
            keys = [keep_webhook_key(self._sender.database, self._sender.key_ring, new_private_key)]
        return dict(signature_headers(keys, delivery.message_id, now, delivery.body.encode()))

    def _is_subscribed(self, delivery: DueDelivery) -> bool:
        """Whether the webhook's own subscription asks for the event, and not the definition of a DAG."""
        claim = self._claim
        covers = Grant(pattern=claim.pattern, role=Role.VIEWER).covers(delivery.dag_id or "")
        return claim.kind is ReceiverKind.WEBHOOK and delivery.type in claim.types and covers

    def _outcome(
        self,
        delivery: DueDelivery,
        began: float,
        *,
        reply: Reply | None = None,
        state: DeliveryState | None = None,
        error: str | None = None,
    ) -> Attempted:
        """state: None = the attempt failed; the delivery waits, or its time is over."""
        now = self._sender.clock.now()
        if state is None:
            state = DeliveryState.FAILED if delivery.expires_at <= now else DeliveryState.PENDING
        return Attempted(
            delivery_id=delivery.id,
            state=state,
            attempted_at=now,
            seconds=monotonic() - began,
            status=None if reply is None else reply.status,
            answer=None if reply is None else reply.text,
            error=None if error is None else error.replace("\0", ""),  # PostgreSQL stores no NUL
        )

    def _refuse(self, delivery: DueDelivery) -> None:
        error = "the owner of the receiver may not see the DAG"
        self._attempted.append(self._outcome(delivery, monotonic(), state=DeliveryState.REFUSED, error=error))
        self._sender.outcomes.add("refused")

    def _note(self) -> None:
        attempted, self._attempted = self._attempted, []
        if not attempted:
            return
        note_progress(self._sender.database, self._claim.receiver_id, attempted)
        failpoint("webhooks.noted")
        if self._claim.failures and _has_success(attempted):
            _log.info("receiver answers again: kind=%s name=%s", self._claim.kind, self._claim.name)
        if self._claim.kind is ReceiverKind.CALLBACK:
            remove_callback(self._sender.database, self._claim.receiver_id)

    def _failed(self, attempted: Attempted) -> None:
        claim, sender = self._claim, self._sender
        # A refusal says nothing about the receiver.
        failures = (0 if _has_success(self._attempted) else claim.failures) + 1
        now = sender.clock.now()
        given_up = note_failure(
            sender.database,
            claim.receiver_id,
            [*self._attempted, attempted],
            by=sender.incarnation,
            failures=failures,
            now=now,
            next_attempt_at=now + delay_after(failures, sender.random),
        )
        sender.outcomes.add("failed_attempts")
        sender.outcomes.add("given_up", given_up)
        if failures == 1 or given_up:
            _log.warning(
                "receiver fails: kind=%s name=%s failures=%d given_up=%d status=%s",
                claim.kind,
                claim.name,
                failures,
                given_up,
                attempted.status,
            )
        if given_up and claim.kind is ReceiverKind.CALLBACK:
            remove_callback(sender.database, claim.receiver_id)

    def _end(self, reason: str) -> None:
        claim, sender = self._claim, self._sender
        if claim.kind is ReceiverKind.CALLBACK:
            remove_callback(sender.database, claim.receiver_id)
        else:
            end_receiver(sender.database, claim.receiver_id, reason, now=sender.clock.now())
        sender.outcomes.add("ended")
        _log.warning("webhook ended: kind=%s name=%s reason=%s", claim.kind, claim.name, reason)


def _has_success(attempted: Sequence[Attempted]) -> bool:
    return any(entry.state is DeliveryState.DELIVERED for entry in attempted)


def _error_of(exc: Exception) -> str:
    """The cause of a failed attempt. The texts of unexpected errors may hold parts of the address."""
    if isinstance(exc, PostFailed):
        return str(exc)
    _log.error("attempt failed unexpectedly: error=%s\n%s", type(exc).__name__, "".join(format_tb(exc.__traceback__)))
    return f"the scheduler could not send: {type(exc).__name__}"
