"""Whom what is created counts for, and how much of it they may have.

Counted in the transaction that adds, by one statement over an index. Near a quota, which is its last twentieth or
twenty, whoever counts for the same principal waits for the end of the transaction (on SQLite all writers do), so that
requests at once do not exceed it.

Counting is not paid for each time. A process goes on without it for ten seconds, and for a twentieth of the room that
it saw; within twenty of a quota it always counts. So what several processes can add unseen is a twentieth of a quota
each, and only where that much is created in ten seconds.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock

from sqlalchemy import Connection, Select, Table, bindparam, func, select, text

from mainspring.errors import QuotaExceeded
from mainspring.quotas import Quotas
from mainspring_store.access.stored_totals import StoredTotals
from mainspring_store.tables import connection as connection_table
from mainspring_store.tables import dag, dag_run, secret, variable

__all__ = ["Owner", "Quota", "Usage"]

_PARTS = 20
_NEAR_MIN = 20
_TRUST_SECONDS = 10.0
_KEPT_MAX = 10_000


class Quota(StrEnum):
    """What is counted, by the names of `Quotas`."""

    DAGS = "dags"
    ACTIVE_RUNS = "active_runs"
    ACTIVE_TASKS = "active_tasks"
    LOG_BYTES = "log_bytes"
    RUN_BYTES = "run_bytes"
    SECRETS = "secrets"
    CONNECTIONS = "connections"
    VARIABLES = "variables"


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """The principal that something new counts for."""

    principal_id: str
    name: str
    usage: "Usage"

    def admit(self, connection: Connection, quota: Quota, added: int = 1, *, is_written: bool = False) -> None:
        """Let so many more be added in this transaction.

        is_written: they were already, because only writing them tells how many are new; an error undoes that.

        Raises:
            QuotaExceeded: There would be more than the quota.
        """
        self.usage.admit(connection, self, quota, added, is_written=is_written)

    def check_stored(self) -> None:
        """Raises QuotaExceeded when the last count found more log of the principal's runs, or more bytes of the runs
        themselves, than the principal may have."""
        self.usage.check_stored(self)


@dataclass(slots=True)
class _Room:
    """How many more may be added without counting, and until when."""

    left: int
    until: float


class Usage:
    """What one process knows of how much principals have. Safe to use from many threads."""

    def __init__(
        self, quotas: Quotas, stored_totals: StoredTotals, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._quotas = quotas
        self._stored_totals = stored_totals
        self._monotonic = monotonic
        self._rooms: OrderedDict[tuple[str, Quota], _Room] = OrderedDict()
        self._lock = Lock()

    def owner(self, principal_id: str, name: str) -> Owner:
        return Owner(principal_id=principal_id, name=name, usage=self)

    def admit(self, connection: Connection, owner: Owner, quota: Quota, added: int, *, is_written: bool) -> None:
        """See `Owner`."""
        most: int = getattr(self._quotas, quota)
        if not most or self._takes_room(owner, quota, added):
            return
        uncounted = 0 if is_written else added
        used = _count_of(connection, owner, quota) + uncounted
        if most - used < max(_NEAR_MIN, most // _PARTS) and connection.dialect.name == "postgresql":
            connection.execute(_TAKE_TURN, {"name": f"{quota} of {owner.principal_id}"})
            used = _count_of(connection, owner, quota) + uncounted
        if used > most:
            raise _exceeded(owner, quota, most)
        self._remember(owner, quota, _Room((most - used) // _PARTS, self._monotonic() + _TRUST_SECONDS))

    def check_stored(self, owner: Owner) -> None:
        """See `Owner`."""
        quotas, totals = self._quotas, self._stored_totals
        if quotas.log_bytes and totals.log_bytes_of(owner.principal_id) > quotas.log_bytes:
            raise _exceeded(owner, Quota.LOG_BYTES, quotas.log_bytes)
        if quotas.run_bytes and totals.run_bytes_of(owner.principal_id) > quotas.run_bytes:
            raise _exceeded(owner, Quota.RUN_BYTES, quotas.run_bytes)

    def close(self) -> None:
        """End what counts in the background."""
        self._stored_totals.close()

    def _takes_room(self, owner: Owner, quota: Quota, added: int) -> bool:
        with self._lock:
            room = self._rooms.get((owner.principal_id, quota))
            if room is None or room.left < added or self._monotonic() >= room.until:
                return False
            room.left -= added
            return True

    def _remember(self, owner: Owner, quota: Quota, room: _Room) -> None:
        key = (owner.principal_id, quota)
        with self._lock:
            self._rooms[key] = room
            self._rooms.move_to_end(key)
            while len(self._rooms) > _KEPT_MAX:
                self._rooms.popitem(last=False)


def _count_of(connection: Connection, owner: Owner, quota: Quota) -> int:
    return connection.scalar(_COUNTS[quota], {"principal": owner.principal_id}) or 0


def _exceeded(owner: Owner, quota: Quota, most: int) -> QuotaExceeded:
    what, cure = _WORDS[quota]
    return QuotaExceeded(f"'{owner.name}' may have {most} {what} and no more (quota_{quota}); {cure}")


_WORDS: Mapping[Quota, tuple[str, str]] = {
    Quota.DAGS: ("DAGs", "delete some that are not needed"),
    Quota.ACTIVE_RUNS: ("runs queued or running", "wait until some have ended, or cancel some"),
    Quota.ACTIVE_TASKS: ("task instances to be carried out", "wait until some have ended, or cancel runs"),
    Quota.LOG_BYTES: ("bytes of log", "delete runs whose logs are not needed"),
    Quota.RUN_BYTES: ("bytes of runs, with their inputs and outputs", "delete runs that are not needed"),
    Quota.SECRETS: ("secrets", "delete some that are not needed"),
    Quota.CONNECTIONS: ("connections", "delete some that are not needed"),
    Quota.VARIABLES: ("variables", "delete some that are not needed"),
}
"""What the principal has, and what can be done."""


def _count(table: Table) -> Select[int]:
    return select(func.count()).select_from(table).where(table.c.principal_id == bindparam("principal"))


_IS_ACTIVE = text("state IN ('queued', 'running')")
_COUNTS: Mapping[Quota, Select[int]] = {
    Quota.DAGS: _count(dag),
    Quota.ACTIVE_RUNS: _count(dag_run).where(_IS_ACTIVE),
    Quota.ACTIVE_TASKS: select(func.sum(dag_run.c.tasks_unfinished)).where(
        dag_run.c.principal_id == bindparam("principal"), _IS_ACTIVE
    ),
    Quota.SECRETS: _count(secret),
    Quota.CONNECTIONS: _count(connection_table),
    Quota.VARIABLES: _count(variable),
}
_TAKE_TURN = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("name"), 0)))
