"""What remote workers do: claim an attempt, keep its lease, append to its log, report its start and its end.

Nothing is decided here. A claim is a compare-and-set; every report goes to an inbox that the scheduler empties in the
transaction in which it applies what it read, so each is applied once, whoever dies meanwhile. Every write here is
idempotent, so a worker repeats it until it is acknowledged.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, String, and_, bindparam, exists, func, literal_column, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mainspring.attempts import LogChunk
from mainspring.failpoints import failpoint
from mainspring.states import ATTEMPT_LIVE, AttemptState
from mainspring_store.database.batches import as_rows, dump_rows
from mainspring_store.database.transactions import Database
from mainspring_store.resources.logs import insert_chunks
from mainspring_store.state.conditions import LIVE
from mainspring_store.tables import attempt_report, dag_run, service, task_instance, task_try

__all__ = [
    "ClaimRequest",
    "Claimed",
    "End",
    "ForeignIncarnation",
    "Worker",
    "append_log",
    "claim_attempt",
    "finish_attempt",
    "hear_worker",
    "release_attempt",
    "report_and_claim",
    "start_attempt",
]  # fmt: skip

_log = logging.getLogger(__name__)

_Report = dict[str, Any]
"""A row of the inbox."""


class ForeignIncarnation(Exception):
    """A worker beats as a service of another kind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimRequest:
    """A worker's wish to have an attempt."""

    attempt_id: str
    token_hash: str
    """Of what it will make its other calls for this attempt with."""
    hostname: str
    at: datetime
    lease_expires_at: datetime
    is_ahead: bool = False
    """It starts later: its start is reported by itself or with its end, and until then it can be released."""
    worker_id: str | None = None
    """Incarnation of the worker, as it proved it; its beats renew the claim. `None` = of a release that proves none."""
    queue: str | None = None
    """The one queue that the worker may take attempts from; `None` = any."""


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """What a worker has to say of an attempt that has ended."""

    attempt_id: str
    token_hash: str
    report: Mapping[str, Any]
    chunks: Sequence[LogChunk] = ()
    """The last of its log."""
    start: Mapping[str, Any] | None = None
    """Of one that was claimed ahead, when its start is not reported yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """What a claim answers from, besides the definition: enough to make the work order."""

    attempt_id: str
    try_number: int
    map_index: int
    task_index: int
    version_id: int
    dag_id: str
    run_id: str
    run_type: str
    payload: Any
    """Evaluated; without the values of secrets."""
    waits_for: Mapping[str, Any] | None
    """Of a request that a wait makes."""
    params: Mapping[str, Any]
    conf: Mapping[str, Any]
    logical_date: datetime | None
    data_interval_start: datetime | None
    data_interval_end: datetime | None
    run_after: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """A worker as it tells about itself."""

    incarnation: str
    """Random, one for each start."""
    hostname: str
    pid: int
    version: str
    queue: str
    is_stopped: bool
    """It is about to end, orderly."""
    is_proven: bool = False
    """It has shown the key that its incarnation is made from. Workers of the release before have none."""
    token_id: str | None = None
    """Of the token of its queue; `None` = it has the token of the installation."""
    token_name: str | None = None


def claim_attempt(database: Database, claim_request: ClaimRequest) -> Claimed | None:
    """Take a queued attempt for a worker; None when it is not to be had: claimed, cancelled, over or unknown.

    Its start is reported in the same transaction, unless it is claimed ahead. Whoever holds the token of a claim may
    repeat it while the attempt is live: the first answer may have been lost.
    """
    with database.write() as connection:
        claimed, reports = _claim(connection, [claim_request])
        _put(connection, reports)
        failpoint("execution.claim.before-commit")
    failpoint("execution.claim.committed")
    return claimed.get(claim_request.attempt_id)


def hear_worker(
    database: Database, worker: Worker, attempt_ids: Iterable[str], *, lease_expires_at: datetime, now: datetime
) -> frozenset[str]:
    """Note that a worker lives and renew the leases of its attempts; returns those that it is to go on with.

    What another worker claimed is not renewed, and not noted as this worker's.

    An attempt that was fenced keeps its lease while its worker stops it: the end of the lease is the proof that
    nothing of it runs any more.

    Raises:
        ForeignIncarnation: The incarnation is that of a service of another kind. Nothing has changed.
    """
    rows = dump_rows({"attempt_id": attempt_id} for attempt_id in sorted(set(attempt_ids)))
    holder = worker.incarnation if worker.is_proven else None
    with database.write() as connection:
        statements = _statements(connection.dialect.name == "sqlite")
        renewed = (
            connection.execute(statements.renew, {"rows": rows, "lease": lease_expires_at, "holder": holder}).all()
            if rows != "[]"
            else []
        )
        noted = _noted(worker, [row.attempt_id for row in renewed], lease_expires_at=lease_expires_at, now=now)
        if connection.scalar(statements.note_worker, noted) is None:
            raise ForeignIncarnation(worker.incarnation)
        failpoint("execution.beat.before-commit")
    failpoint("execution.beat.committed")
    return frozenset(row.attempt_id for row in renewed if row.state in ATTEMPT_LIVE and row.cancel_requested_at is None)


def _noted(worker: Worker, held: Sequence[str], *, lease_expires_at: datetime, now: datetime) -> Mapping[str, Any]:
    """The row of a worker."""
    return {
        "incarnation": worker.incarnation,
        "kind": "worker",
        "hostname": worker.hostname,
        "pid": worker.pid,
        "version": worker.version,
        "started_at": now,
        "heartbeat_at": now,
        "stopped_at": now if worker.is_stopped else None,
        "details": {
            "queue": worker.queue,
            "attempts": sorted(held),
            "lease_seconds": (lease_expires_at - now).total_seconds(),
            **({} if worker.token_id is None else {"token_id": worker.token_id, "token_name": worker.token_name}),
        },
    }


def start_attempt(database: Database, attempt_id: str, start: Mapping[str, Any], *, token_hash: str) -> bool:
    """Put the start of an attempt that was claimed ahead into the inbox; False when the token is not its token.
    Repeating it changes nothing."""
    with database.write() as connection:
        if not connection.scalar(_IS_HOLDER, {"me": attempt_id, "hash": token_hash}):
            return False
        _put(connection, [{"attempt_id": attempt_id, "kind": "started", "body": dict(start)}])
        failpoint("execution.start.before-commit")
    failpoint("execution.start.committed")
    return True


def release_attempt(database: Database, attempt_id: str, *, token_hash: str) -> bool:
    """Undo a claim that was made ahead: another worker may have the attempt, which has not begun.

    False when the token is not its token, as after a release whose answer was lost, or when its start is reported, or
    it is cancelled: it has stopped when its lease has run out, then.
    """
    with database.write() as connection:
        released = connection.execute(_RELEASE, {"me": attempt_id, "hash": token_hash}).rowcount == 1
        failpoint("execution.release.before-commit")
    failpoint("execution.release.committed")
    return released


def append_log(database: Database, chunks: Sequence[LogChunk], *, token_hash: str) -> bool:
    """Append to the log of one attempt; False when the token is not its token."""
    with database.write() as connection:
        if not connection.scalar(_IS_HOLDER, {"me": chunks[0].attempt_id, "hash": token_hash}):
            return False
        insert_chunks(connection, chunks)
        failpoint("execution.log.before-commit")
    failpoint("execution.log.committed")
    return True


def finish_attempt(
    database: Database, end: End, claim_request: ClaimRequest | None = None
) -> tuple[bool, Claimed | None]:
    """Put the final report, and the last of the log, into the inbox; False when the token is not its token.

    bid: for what the worker is to do next, claimed in the same transaction. Not tried when the token is refused.
    Repeating it changes nothing. A report of a fenced attempt is taken too: it says that the work has stopped.
    """
    with database.write() as connection:
        held, reports = _end(connection, [end])
        if not held:
            return False, None
        claimed, more = _claim(connection, [] if claim_request is None else [claim_request])
        _put(connection, reports + more)
        failpoint("execution.finish.before-commit")
    failpoint("execution.finish.committed")
    return True, None if claim_request is None else claimed.get(claim_request.attempt_id)


def report_and_claim(
    database: Database, ends: Sequence[End], claim_requests: Sequence[ClaimRequest]
) -> Mapping[str, Claimed]:
    """Do for some what `finish_attempt` and `claim_attempt` do for one, in one transaction. An end whose token is not
    its attempt's is dropped. Returns what could be claimed, by attempt."""
    with database.write() as connection:
        _, reports = _end(connection, ends)
        claimed, more = _claim(connection, claim_requests)
        _put(connection, reports + more)
        failpoint("execution.exchange.before-commit")
    failpoint("execution.exchange.committed")
    return claimed


def _end(connection: Connection, ends: Sequence[End]) -> tuple[frozenset[str], list[_Report]]:
    """Those whose token is right, and what is to be put into the inbox about them. Appends to their logs."""
    if not ends:
        return frozenset(), []
    rows = dump_rows({"attempt_id": end.attempt_id, "token_hash": end.token_hash} for end in ends)
    statements = _statements(connection.dialect.name == "sqlite")
    held = frozenset(connection.scalars(statements.held, {"rows": rows}))
    taken = [end for end in ends if end.attempt_id in held]
    chunks = [chunk for end in taken for chunk in end.chunks]
    if chunks:
        insert_chunks(connection, chunks)
    reports: list[_Report] = []
    for end in taken:
        if end.start is not None:
            reports.append({"attempt_id": end.attempt_id, "kind": "started", "body": dict(end.start)})
        reports.append({"attempt_id": end.attempt_id, "kind": "finished", "body": dict(end.report)})
    return held, reports


def _claim(
    connection: Connection, claim_requests: Sequence[ClaimRequest]
) -> tuple[Mapping[str, Claimed], list[_Report]]:
    """Those that are to be had, and what is to be put into the inbox about them."""
    if not claim_requests:
        return {}, []
    statements = _statements(connection.dialect.name == "sqlite")
    rows = dump_rows(
        {
            "attempt_id": claim_request.attempt_id,
            "token_hash": claim_request.token_hash,
            "hostname": claim_request.hostname,
            "at": claim_request.at,
            "lease": claim_request.lease_expires_at,
            "worker_id": claim_request.worker_id,
            "queue": claim_request.queue,
        }
        for claim_request in sorted(claim_requests, key=lambda claim_request: claim_request.attempt_id)
    )
    states = {row.attempt_id: row.state for row in connection.execute(statements.claim, {"rows": rows})}
    _log_foreign(
        connection,
        [
            claim_request
            for claim_request in claim_requests
            if claim_request.queue is not None and claim_request.attempt_id not in states
        ],
    )
    if not states:
        return {}, []
    # A claim that was made ahead and is repeated as another, or that is repeated before its start is applied.
    reports: list[_Report] = [
        {
            "attempt_id": claim_request.attempt_id,
            "kind": "started",
            "body": {"at": claim_request.at.isoformat(), "hostname": claim_request.hostname},
        }
        for claim_request in claim_requests
        if not claim_request.is_ahead and states.get(claim_request.attempt_id) == AttemptState.QUEUED
    ]
    rows = dump_rows({"attempt_id": attempt_id} for attempt_id in states)
    claimed = [Claimed(**row._mapping) for row in connection.execute(statements.claimed, {"rows": rows})]
    return {one.attempt_id: one for one in claimed}, reports


def _log_foreign(connection: Connection, refused: Sequence[ClaimRequest]) -> None:
    """Say which of the refused claims were for attempts of another queue than the worker's."""
    if not refused:
        return
    queues = {
        row.attempt_id: row.queue for row in connection.execute(_QUEUES, {"ids": [b.attempt_id for b in refused]})
    }
    for claim_request in refused:
        queue = queues.get(claim_request.attempt_id, claim_request.queue)
        if queue != claim_request.queue:
            _log.warning(
                "a claim for an attempt of another queue is refused: attempt=%s queue=%s worker_queue=%s hostname=%s",
                claim_request.attempt_id, queue, claim_request.queue, claim_request.hostname,
            )  # fmt: skip


def _put(connection: Connection, reports: Sequence[_Report]) -> None:
    """Into the inbox, each once. One statement for several."""
    if reports:
        connection.execute(_inbox(connection.dialect.name), reports)


_RELEASE = (
    update(task_try)
    .where(
        task_try.c.attempt_id == bindparam("me"),
        task_try.c.token_hash == bindparam("hash"),
        task_try.c.state == literal_column("'queued'"),
        ~exists().where(attempt_report.c.attempt_id == bindparam("me")),
    )
    .values(claimed_at=None, lease_expires_at=None, token_hash=None, hostname=None, worker_id=None)
)
_QUEUES = (
    select(task_try.c.attempt_id, task_instance.c.queue)
    .join(task_instance, task_instance.c.id == task_try.c.task_instance_id)
    .where(task_try.c.attempt_id.in_(bindparam("ids", expanding=True)))
)
_IS_HOLDER = select(task_try.c.attempt_id).where(
    and_(task_try.c.attempt_id == bindparam("me"), task_try.c.token_hash == bindparam("hash"))
)


@lru_cache(maxsize=2)
def _inbox(dialect: str) -> Any:
    kind = sqlite if dialect == "sqlite" else postgresql
    return kind.insert(attempt_report).on_conflict_do_nothing()


class _Statements:
    def __init__(self, is_sqlite: bool) -> None:
        rows = as_rows({"attempt_id": str}, is_sqlite=is_sqlite)
        self.renew = (
            update(task_try)
            .where(
                task_try.c.attempt_id == rows.c.attempt_id,
                task_try.c.claimed_at.is_not(None),
                task_try.c.stopped_at.is_(None),
                task_try.c.worker_id.is_not_distinct_from(bindparam("holder", type_=String())),
            )
            .values(lease_expires_at=bindparam("lease"))
            .returning(task_try.c.attempt_id, task_try.c.state, task_try.c.cancel_requested_at)
        )
        held = as_rows({"attempt_id": str, "token_hash": str}, is_sqlite=is_sqlite)
        self.held = select(task_try.c.attempt_id).join(
            held, and_(task_try.c.attempt_id == held.c.attempt_id, task_try.c.token_hash == held.c.token_hash)
        )
        claim_requests = as_rows(
            {
                "attempt_id": str,
                "token_hash": str,
                "hostname": str,
                "at": datetime,
                "lease": datetime,
                "worker_id": str,
                "queue": str,
            },
            is_sqlite=is_sqlite,
        )
        self.claim = (
            update(task_try)
            .where(
                task_try.c.attempt_id == claim_requests.c.attempt_id,
                task_instance.c.id == task_try.c.task_instance_id,
                func.coalesce(claim_requests.c.queue, task_instance.c.queue) == task_instance.c.queue,
                task_try.c.cancel_requested_at.is_(None),
                or_(
                    and_(task_try.c.state == AttemptState.QUEUED, task_try.c.claimed_at.is_(None)),
                    and_(LIVE, task_try.c.token_hash == claim_requests.c.token_hash),
                ),
            )
            .values(
                claimed_at=func.coalesce(task_try.c.claimed_at, claim_requests.c.at),
                lease_expires_at=claim_requests.c.lease,
                token_hash=claim_requests.c.token_hash,
                hostname=claim_requests.c.hostname,
                worker_id=claim_requests.c.worker_id,
            )
            .returning(task_try.c.attempt_id, task_try.c.state)
        )
        self.claimed = (
            select(
                task_try.c.attempt_id,
                task_try.c.try_number,
                task_instance.c.map_index,
                task_instance.c.task_index,
                dag_run.c.dag_version_id.label("version_id"),
                dag_run.c.dag_id,
                dag_run.c.run_id,
                dag_run.c.run_type,
                task_try.c.payload,
                task_instance.c.waits_for,
                dag_run.c.params,
                dag_run.c.conf,
                dag_run.c.logical_date,
                dag_run.c.data_interval_start,
                dag_run.c.data_interval_end,
                dag_run.c.run_after,
            )
            .select_from(rows)
            .join(task_try, task_try.c.attempt_id == rows.c.attempt_id)
            .join(task_instance, task_instance.c.id == task_try.c.task_instance_id)
            .join(dag_run, dag_run.c.id == task_instance.c.dag_run_id)
        )
        dialect: Any = sqlite if is_sqlite else postgresql
        insert = dialect.insert(service)
        changing = ("heartbeat_at", "stopped_at", "details")
        self.note_worker = insert.on_conflict_do_update(
            index_elements=["incarnation"],
            set_={name: insert.excluded[name] for name in changing},
            # Without it a worker could speak for a scheduler or an execution API.
            where=service.c.kind == literal_column("'worker'"),
        ).returning(service.c.incarnation)


@lru_cache(maxsize=2)
def _statements(is_sqlite: bool) -> _Statements:
    return _Statements(is_sqlite)
