"""Who speaks to the execution API: a token of the settings, or a token of one queue from the store."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from time import monotonic
from uuid import UUID, uuid5

from mainspring.worker_tokens import split_token
from mainspring_store.access.tokens import USE_KEPT_TO, touch_token
from mainspring_store.access.worker_tokens import WorkerToken, valid_worker_tokens
from mainspring_store.database.transactions import Database

__all__ = ["INCARNATIONS", "Credential", "Credentials", "incarnation_of"]

KEPT_SECONDS = 2.0
"""How long the tokens of the store are believed: a revoked token is refused after this time."""
_READ_AGAIN_SECONDS = 0.2
"""Minimum time between two database reads for unknown tokens: strangers must not load the database."""
INCARNATIONS = UUID("6a0f7d52-3c1e-5b83-9d36-58f1f0f6a1b7")
"""The name space of the incarnations that are made from the keys of workers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """What a request may do."""

    queue: str | None
    """The one queue whose attempts it opens; `None` = all."""
    token: WorkerToken | None = None
    """`None` = a token of the settings."""


class Credentials:
    """Knows the tokens of the settings, and those of the store to within seconds."""

    def __init__(self, database: Database, tokens: Iterable[str]) -> None:
        """tokens: of the settings; `TOKEN` opens all queues, `QUEUE:TOKEN` opens one queue."""
        self._database = database
        self._of_settings = {_hash(token): Credential(queue=queue) for queue, token in map(split_token, tokens)}
        self._of_store: Mapping[str, WorkerToken] = {}
        self._read_at = float("-inf")
        self._lock = threading.Lock()
        """Guards the tokens of the store, and what follows."""
        self._touched_at: dict[str, float] = {}

    def find(self, token: str) -> Credential | None:
        """What a token may do; `None` when it is unknown, revoked or has expired.

        Hashes are compared: the place of the first different character reveals nothing about a token.
        """
        hashed = _hash(token)
        if hashed in self._of_settings:
            return self._of_settings[hashed]
        stored = self._tokens_of_store(hashed).get(hashed)
        if stored is None or (stored.expires_at is not None and stored.expires_at <= datetime.now(UTC)):
            return None
        return Credential(queue=stored.queue, token=stored)

    def touch(self, token: WorkerToken) -> None:
        """Note that a token was used, about once a minute."""
        now = monotonic()
        with self._lock:
            if now - self._touched_at.get(token.id, float("-inf")) < USE_KEPT_TO.total_seconds():
                return
            self._touched_at[token.id] = now
        touch_token(self._database, token.id, now=datetime.now(UTC))

    def _tokens_of_store(self, hashed: str) -> Mapping[str, WorkerToken]:
        """Read from the database when they are too old, or when the wanted one may be new."""
        with self._lock:
            patience = KEPT_SECONDS if hashed in self._of_store else _READ_AGAIN_SECONDS
            if monotonic() - self._read_at >= patience:
                self._of_store = valid_worker_tokens(self._database, now=datetime.now(UTC))
                self._read_at = monotonic()
            return self._of_store


def incarnation_of(key: str) -> str:
    """The incarnation of the worker with this key. Other workers see incarnations and cannot compute keys from them."""
    return str(uuid5(INCARNATIONS, key))


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
