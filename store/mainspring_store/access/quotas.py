"""Quotas of principals: how many DAGs, active runs, secrets and so on a principal may have.

The transaction that adds rows counts the principal's rows by one statement over an index. In the last twentieth (at
least the last twenty) of a quota, transactions of one principal take turns (on SQLite all writers do), so concurrent
requests cannot exceed the quota.

A process does not count each time. After a count, a process admits up to a twentieth of the free rest without counting,
for at most ten seconds. With fewer than twenty free, a process always counts. So each process can exceed the quota by
at most a twentieth, and only when other processes add that much within ten seconds.
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
_ALLOWANCES_MAX = 10_000


class Quota(StrEnum):
    """The quotas; the values are field names of `Quotas`."""

    DAGS = "dags"
    ACTIVE_RUNS = "active_runs"
    ACTIVE_TASKS = "active_tasks"
    LOG_BYTES = "log_bytes"
    RUN_BYTES = "run_bytes"
    DEFINITION_BYTES = "definition_bytes"
    SECRETS = "secrets"
    CONNECTIONS = "connections"
    VARIABLES = "variables"


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """The principal whose quota new rows count for."""

    principal_id: str
    name: str
    usage: "Usage"

    def admit(self, connection: Connection, quota: Quota, added: int = 1, *, is_written: bool = False) -> None:
        """Admit `added` new rows in this transaction.

        is_written: the transaction has already inserted the rows, because only the insert shows whether they are new.
            The error then rolls the insert back.

        Raises:
            QuotaExceeded: The principal would have more than the quota.
        """
        self.usage.admit(connection, self, quota, added, is_written=is_written)

    def check_stored(self) -> None:
        """Raises QuotaExceeded when the logs or bytes of the principal's runs exceed a quota, as of the last count."""
        self.usage.check_stored(self)

    def check_definitions(self) -> None:
        """Raises QuotaExceeded when the versions that the principal saved exceed the quota, as of the last count."""
        self.usage.check_definitions(self)


@dataclass(slots=True)
class _Allowance:
    """Rows that may be added without counting, until a monotonic time."""

    count: int
    until: float


class Usage:
    """Checks quotas and caches allowances of principals for one process. Safe to use from many threads."""

    def __init__(
        self, quotas: Quotas, stored_totals: StoredTotals, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._quotas = quotas
        self._stored_totals = stored_totals
        self._monotonic = monotonic
        self._allowances: OrderedDict[tuple[str, Quota], _Allowance] = OrderedDict()
        self._lock = Lock()

    def owner(self, principal_id: str, name: str) -> Owner:
        return Owner(principal_id=principal_id, name=name, usage=self)

    def admit(self, connection: Connection, owner: Owner, quota: Quota, added: int, *, is_written: bool) -> None:
        """See `Owner`."""
        most: int = getattr(self._quotas, quota)
        if not most or self._use_allowance(owner, quota, added):
            return
        uncounted = 0 if is_written else added
        used = _count_of(connection, owner, quota) + uncounted
        if most - used < max(_NEAR_MIN, most // _PARTS) and connection.dialect.name == "postgresql":
            connection.execute(_TAKE_TURN, {"name": f"{quota} of {owner.principal_id}"})
            used = _count_of(connection, owner, quota) + uncounted
        if used > most:
            raise _exceeded(owner, quota, most)
        self._remember(owner, quota, _Allowance((most - used) // _PARTS, self._monotonic() + _TRUST_SECONDS))

    def check_stored(self, owner: Owner) -> None:
        """See `Owner`."""
        quotas, totals = self._quotas, self._stored_totals
        if quotas.log_bytes and totals.log_bytes_of(owner.principal_id) > quotas.log_bytes:
            raise _exceeded(owner, Quota.LOG_BYTES, quotas.log_bytes)
        if quotas.run_bytes and totals.run_bytes_of(owner.principal_id) > quotas.run_bytes:
            raise _exceeded(owner, Quota.RUN_BYTES, quotas.run_bytes)

    def check_definitions(self, owner: Owner) -> None:
        """See `Owner`."""
        most = self._quotas.definition_bytes
        if most and self._stored_totals.definition_bytes_of(owner.principal_id) > most:
            raise _exceeded(owner, Quota.DEFINITION_BYTES, most)

    def close(self) -> None:
        """Stop the background thread that counts stored bytes."""
        self._stored_totals.close()

    def _use_allowance(self, owner: Owner, quota: Quota, added: int) -> bool:
        with self._lock:
            allowance = self._allowances.get((owner.principal_id, quota))
            if allowance is None or allowance.count < added or self._monotonic() >= allowance.until:
                return False
            allowance.count -= added
            return True

    def _remember(self, owner: Owner, quota: Quota, allowance: _Allowance) -> None:
        key = (owner.principal_id, quota)
        with self._lock:
            self._allowances[key] = allowance
            self._allowances.move_to_end(key)
            while len(self._allowances) > _ALLOWANCES_MAX:
                self._allowances.popitem(last=False)


def _count_of(connection: Connection, owner: Owner, quota: Quota) -> int:
    return connection.scalar(_COUNTS[quota], {"principal": owner.principal_id}) or 0


def _exceeded(owner: Owner, quota: Quota, most: int) -> QuotaExceeded:
    noun, cure = _WORDS[quota]
    return QuotaExceeded(f"'{owner.name}' may have {most} {noun} and no more (quota_{quota}); {cure}")


_WORDS: Mapping[Quota, tuple[str, str]] = {
    Quota.DAGS: ("DAGs", "delete some that are not needed"),
    Quota.ACTIVE_RUNS: ("runs queued or running", "wait until some have ended, or cancel some"),
    Quota.ACTIVE_TASKS: ("task instances to be carried out", "wait until some have ended, or cancel runs"),
    Quota.LOG_BYTES: ("bytes of log", "delete runs whose logs are not needed"),
    Quota.RUN_BYTES: ("bytes of runs, with their inputs and outputs", "delete runs that are not needed"),
    Quota.DEFINITION_BYTES: ("bytes of definitions, with all their versions", "delete DAGs that are not needed"),
    Quota.SECRETS: ("secrets", "delete some that are not needed"),
    Quota.CONNECTIONS: ("connections", "delete some that are not needed"),
    Quota.VARIABLES: ("variables", "delete some that are not needed"),
}
"""Quota -> the noun and the cure of the error message."""


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
