"""Writes of the workers: claim an attempt, renew its lease, append to its log, report its start and its end.

The scheduler decides; this module only records. A claim is a compare-and-set. Every report goes to an inbox. The
scheduler empties the inbox in the transaction in which it applies the reports, so each report applies once, even after
a crash. Every write is idempotent: the worker repeats a write until the execution API acknowledges it.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Executable,
    Insert,
    Select,
    String,
    Update,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from mainspring.attempts import LogChunk
from mainspring.events import EventKind
from mainspring.failpoints import failpoint
from mainspring.large_values import LargeValue, opened
from mainspring.states import ATTEMPT_LIVE, AttemptState
from mainspring_store.database.batches import Fields, as_rows, dump_rows
from mainspring_store.database.transactions import Database
from mainspring_store.queries.large_values import whole_values
from mainspring_store.resources.logs import insert_chunks
from mainspring_store.state.conditions import LIVE
from mainspring_store.state.events import write_event
from mainspring_store.tables import attempt_report, dag_run, service, task_instance, task_try

__all__ = [
    "ClaimRequest",
    "Claimed",
    "End",
    "ForeignIncarnation",
    "ValueNotWhole",
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


class ValueNotWhole(Exception):
    """A report names a large output of which pieces are missing. Nothing has changed."""


class ForeignIncarnation(Exception):
    """The instance id of a heartbeat belongs to a service of another kind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimRequest:
    """A worker's request to claim an attempt."""

    attempt_id: str
    token_hash: str
    """Hash of the token for the worker's later calls about the attempt."""
    hostname: str
    at: datetime
    lease_expires_at: datetime
    is_ahead: bool = False
    """A prefetch: the worker starts the attempt later, and can release the claim until the start. A later call reports
    the start, at the latest together with the end."""
    worker_id: str | None = None
    """Proven instance id of the worker, whose heartbeats renew the claim; `None` = a worker of an older release,
    without a proof."""
    queue: str | None = None
    """The single queue of the worker; `None` = any queue."""
    takes_values: bool = False
    """Whether the worker can fetch large values; workers of the release before cannot."""


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """A worker's final report of an attempt."""

    attempt_id: str
    token_hash: str
    report: Mapping[str, Any]
    chunks: Sequence[LogChunk] = ()
    """The last part of the log."""
    start: Mapping[str, Any] | None = None
    """The unreported start of a prefetched attempt."""
    large: Sequence[LargeValue] = ()
    """The large outputs in the report, whose pieces the worker has sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """A claimed attempt; together with the definition enough for the work order."""

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
    """The wait, when the attempt is a request of an HTTP wait."""
    params: Mapping[str, Any]
    conf: Mapping[str, Any]
    logical_date: datetime | None
    data_interval_start: datetime | None
    data_interval_end: datetime | None
    run_after: datetime
    traceparent: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """A worker, as described by its heartbeat."""

    incarnation: str
    """The instance id: random for each start."""
    hostname: str
    pid: int
    version: str
    queue: str
    is_stopped: bool
    """The worker is about to end in an orderly way."""
    is_proven: bool = False
    """The worker has shown the key of its instance id. Workers of the release before have no key."""
    token_id: str | None = None
    """Id of the queue token; `None` = the worker uses the token of the installation."""
    token_name: str | None = None
    refusals_count: int = 0
    """Starts that its machine had no room for, since its own start."""
    refusals_cause: str | None = None
    """Why tasks cannot start there now; `None` = they can."""


def claim_attempt(database: Database, claim_request: ClaimRequest) -> Claimed | None:
    """Claim a queued attempt for a worker; None when the attempt is claimed, cancelled, ended or unknown.

    The transaction also reports the start, except for a prefetch. The holder of the claim's token may repeat the claim
    while the attempt is live, because the network may have lost the first answer.
    """
    with database.write() as connection:
        claims, reports = _claim(connection, [claim_request])
        _put(connection, reports)
        failpoint("execution.claim.before-commit")
    failpoint("execution.claim.committed")
    return claims.get(claim_request.attempt_id)


@cache
def _renew_leases(is_sqlite: bool) -> Update:
    rows = as_rows({"attempt_id": str}, is_sqlite=is_sqlite)
    return (
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


@cache
def _upsert_worker(is_sqlite: bool) -> Executable:
    dialect: Any = sqlite if is_sqlite else postgresql
    insert = dialect.insert(service)
    changing = ("heartbeat_at", "stopped_at", "details")
    upsert: Executable = insert.on_conflict_do_update(
        index_elements=["incarnation"],
        set_={name: insert.excluded[name] for name in changing},
        # Otherwise a worker could write the heartbeat of a scheduler or an execution API.
        where=service.c.kind == literal_column("'worker'"),
    ).returning(service.c.started_at)
    return upsert


def hear_worker(
    database: Database, worker: Worker, attempt_ids: Iterable[str], *, lease_expires_at: datetime, now: datetime
) -> frozenset[str]:
    """Record a worker's heartbeat and renew the leases of its attempts; returns the attempts to go on with.

    The leases of another worker's attempts stay unchanged.

    A fenced attempt keeps its lease while its worker stops the processes: the end of the lease proves the stop.

    Raises:
        ForeignIncarnation: The instance id belongs to a service of another kind. Nothing has changed.
    """
    rows = dump_rows({"attempt_id": attempt_id} for attempt_id in sorted(set(attempt_ids)))
    holder = worker.incarnation if worker.is_proven else None
    with database.write() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        renewed = (
            connection.execute(
                _renew_leases(is_sqlite), {"rows": rows, "lease": lease_expires_at, "holder": holder}
            ).all()
            if rows != "[]"
            else []
        )
        service_row = _service_row(
            worker, [row.attempt_id for row in renewed], lease_expires_at=lease_expires_at, now=now
        )
        started_at = connection.scalar(_upsert_worker(is_sqlite), service_row)
        if started_at is None:
            raise ForeignIncarnation(worker.incarnation)
        if started_at == now or worker.is_stopped:
            state = "stopped" if worker.is_stopped else "started"
            data = {"worker_id": worker.incarnation, "hostname": worker.hostname, "queue": worker.queue}
            write_event(connection, EventKind.WORKER, state, at=now, data=data)
        failpoint("execution.beat.before-commit")
    failpoint("execution.beat.committed")
    return frozenset(row.attempt_id for row in renewed if row.state in ATTEMPT_LIVE and row.cancel_requested_at is None)


def _service_row(
    worker: Worker, attempt_ids: Sequence[str], *, lease_expires_at: datetime, now: datetime
) -> Mapping[str, Any]:
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
            "attempts": sorted(attempt_ids),
            "lease_seconds": (lease_expires_at - now).total_seconds(),
            **({} if worker.token_id is None else {"token_id": worker.token_id, "token_name": worker.token_name}),
            **({"refusals": worker.refusals_count} if worker.refusals_count else {}),
            **({} if worker.refusals_cause is None else {"refused_for": worker.refusals_cause}),
        },
    }


_IS_HOLDER = select(task_try.c.attempt_id).where(
    and_(task_try.c.attempt_id == bindparam("me"), task_try.c.token_hash == bindparam("hash"))
)


def start_attempt(database: Database, attempt_id: str, start: Mapping[str, Any], *, token_hash: str) -> bool:
    """Put the start of a prefetched attempt into the inbox; False when the token does not match. Idempotent."""
    with database.write() as connection:
        if not connection.scalar(_IS_HOLDER, {"me": attempt_id, "hash": token_hash}):
            return False
        _put(connection, [{"attempt_id": attempt_id, "kind": "started", "body": dict(start)}])
        failpoint("execution.start.before-commit")
    failpoint("execution.start.committed")
    return True


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


def release_attempt(database: Database, attempt_id: str, *, token_hash: str) -> bool:
    """Release a prefetched claim, so that another worker can claim the attempt.

    False when the token does not match (as in the repetition of a release), or when the attempt has a reported start
    or is cancelled. Then the lease must expire first.
    """
    with database.write() as connection:
        released = connection.execute(_RELEASE, {"me": attempt_id, "hash": token_hash}).rowcount == 1
        failpoint("execution.release.before-commit")
    failpoint("execution.release.committed")
    return released


def append_log(database: Database, chunks: Sequence[LogChunk], *, token_hash: str) -> bool:
    """Append to the log of an attempt; False when the token does not match. All chunks belong to a single attempt."""
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
    """Put the final report into the inbox and append the last part of the log; False when the token does not match.

    Idempotent. The inbox also takes the report of a fenced attempt, which proves the stop of its processes.

    claim_request: the next attempt of the worker, claimed in this transaction; ignored when the token does not match.

    Raises:
        ValueNotWhole: Pieces of a large output are missing.
    """
    with database.write() as connection:
        finished, reports = _end(connection, [end])
        if not finished:
            return False, None
        claims, start_reports = _claim(connection, [] if claim_request is None else [claim_request])
        _put(connection, reports + start_reports)
        failpoint("execution.finish.before-commit")
    failpoint("execution.finish.committed")
    return True, None if claim_request is None else claims.get(claim_request.attempt_id)


def report_and_claim(
    database: Database, ends: Sequence[End], claim_requests: Sequence[ClaimRequest]
) -> Mapping[str, Claimed]:
    """Finish and claim several attempts in a single transaction, as `finish_attempt` and `claim_attempt` do.

    Ignores an end without the matching token. Returns attempt id -> claim of the claimed attempts. Raises as these do.
    """
    with database.write() as connection:
        _, reports = _end(connection, ends)
        claims, start_reports = _claim(connection, claim_requests)
        _put(connection, reports + start_reports)
        failpoint("execution.exchange.before-commit")
    failpoint("execution.exchange.committed")
    return claims


@cache
def _select_attempts_of_tokens(is_sqlite: bool) -> Select[Any]:
    rows = as_rows({"attempt_id": str, "token_hash": str}, is_sqlite=is_sqlite)
    return select(task_try.c.attempt_id).join(
        rows, and_(task_try.c.attempt_id == rows.c.attempt_id, task_try.c.token_hash == rows.c.token_hash)
    )


def _end(connection: Connection, ends: Sequence[End]) -> tuple[frozenset[str], list[_Report]]:
    """Append to the logs of the attempts with a matching token; returns their ids, and their reports for the inbox."""
    if not ends:
        return frozenset(), []
    rows = dump_rows({"attempt_id": end.attempt_id, "token_hash": end.token_hash} for end in ends)
    statement = _select_attempts_of_tokens(connection.dialect.name == "sqlite")
    attempt_ids = frozenset(connection.scalars(statement, {"rows": rows}))
    accepted = [end for end in ends if end.attempt_id in attempt_ids]
    values = [value for end in accepted for value in end.large]
    if values and len(whole := whole_values(connection, values)) < len(values):
        raise ValueNotWhole(next(value.name for value in values if value.id not in whole))
    chunks = [chunk for end in accepted for chunk in end.chunks]
    if chunks:
        insert_chunks(connection, chunks)
    reports: list[_Report] = []
    for end in accepted:
        if end.start is not None:
            reports.append({"attempt_id": end.attempt_id, "kind": "started", "body": dict(end.start)})
        reports.append({"attempt_id": end.attempt_id, "kind": "finished", "body": dict(end.report)})
    return attempt_ids, reports


_CLAIM_FIELDS: Fields = {
    "attempt_id": str,
    "token_hash": str,
    "hostname": str,
    "at": datetime,
    "lease": datetime,
    "worker_id": str,
    "queue": str,
}


@cache
def _update_claimed_attempts(is_sqlite: bool) -> Update:
    claim_requests = as_rows(_CLAIM_FIELDS, is_sqlite=is_sqlite)
    return (
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


@cache
def _select_claimed_attempts(is_sqlite: bool) -> Select[Any]:
    rows = as_rows({"attempt_id": str}, is_sqlite=is_sqlite)
    return (
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
            dag_run.c.traceparent,
        )
        .select_from(rows)
        .join(task_try, task_try.c.attempt_id == rows.c.attempt_id)
        .join(task_instance, task_instance.c.id == task_try.c.task_instance_id)
        .join(dag_run, dag_run.c.id == task_instance.c.dag_run_id)
    )


def _claim(
    connection: Connection, claim_requests: Sequence[ClaimRequest]
) -> tuple[Mapping[str, Claimed], list[_Report]]:
    """Claim the available attempts; returns attempt id -> claim, and the start reports for the inbox."""
    if not claim_requests:
        return {}, []
    is_sqlite = connection.dialect.name == "sqlite"
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
    claimed_rows = connection.execute(_update_claimed_attempts(is_sqlite), {"rows": rows})
    states = {row.attempt_id: row.state for row in claimed_rows}
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
    claims = _readable(connection, states, claim_requests)
    claimed_ids = {claim.attempt_id for claim in claims}
    # The attempt may still be queued in a repeated claim: as a start after a prefetch, or before the scheduler has
    # applied the first report of the start.
    reports: list[_Report] = [
        {
            "attempt_id": claim_request.attempt_id,
            "kind": "started",
            "body": {"at": claim_request.at.isoformat(), "hostname": claim_request.hostname},
        }
        for claim_request in claim_requests
        if not claim_request.is_ahead
        and claim_request.attempt_id in claimed_ids
        and states[claim_request.attempt_id] == AttemptState.QUEUED
    ]
    return {claim.attempt_id: claim for claim in claims}, reports


_GIVE_BACK = (
    update(task_try)
    .where(task_try.c.attempt_id.in_(bindparam("ids", expanding=True)), task_try.c.state == literal_column("'queued'"))
    .values(claimed_at=None, lease_expires_at=None, token_hash=None, hostname=None, worker_id=None)
)


def _readable(
    connection: Connection, attempt_ids: Iterable[str], claim_requests: Sequence[ClaimRequest]
) -> list[Claimed]:
    """The claims of these attempts, without those of workers that cannot fetch the large values of the attempt.

    Such a worker would run the task without the values. Its claim is given back, and the scheduler offers the attempt
    again, until another worker claims it.
    """
    rows = dump_rows({"attempt_id": attempt_id} for attempt_id in attempt_ids)
    statement = _select_claimed_attempts(connection.dialect.name == "sqlite")
    claims = [Claimed(**row._mapping) for row in connection.execute(statement, {"rows": rows})]
    takers = {claim_request.attempt_id for claim_request in claim_requests if claim_request.takes_values}
    unreadable = [claim.attempt_id for claim in claims if claim.attempt_id not in takers and opened(claim.payload)[1]]
    if unreadable:
        connection.execute(_GIVE_BACK, {"ids": unreadable})
        _log.warning("a worker of an older release cannot carry large values: attempts=%s", ",".join(unreadable))
    return [claim for claim in claims if claim.attempt_id not in unreadable]


_QUEUES = (
    select(task_try.c.attempt_id, task_instance.c.queue)
    .join(task_instance, task_instance.c.id == task_try.c.task_instance_id)
    .where(task_try.c.attempt_id.in_(bindparam("ids", expanding=True)))
)


def _log_foreign(connection: Connection, refused: Sequence[ClaimRequest]) -> None:
    """Log each refused claim of an attempt outside the queue of the worker."""
    if not refused:
        return
    ids = [claim_request.attempt_id for claim_request in refused]
    queues = {row.attempt_id: row.queue for row in connection.execute(_QUEUES, {"ids": ids})}
    for claim_request in refused:
        queue = queues.get(claim_request.attempt_id, claim_request.queue)
        if queue != claim_request.queue:
            _log.warning(
                "a claim for an attempt of another queue is refused: attempt=%s queue=%s worker_queue=%s hostname=%s",
                claim_request.attempt_id, queue, claim_request.queue, claim_request.hostname,
            )  # fmt: skip


@cache
def _insert_reports(is_sqlite: bool) -> Insert:
    dialect: Any = sqlite if is_sqlite else postgresql
    insert: Insert = dialect.insert(attempt_report).on_conflict_do_nothing()
    return insert


def _put(connection: Connection, reports: Sequence[_Report]) -> None:
    """Insert the reports into the inbox with a single statement; ignores a report already in the inbox."""
    if reports:
        connection.execute(_insert_reports(connection.dialect.name == "sqlite"), reports)
