"""What a restored database needs before services may use it.

Since the backup, the original may have gone on: its attempts ran, its workers may still run, its schedules made runs.
So the restored database

- has no live attempt that a process of before could report to: the scheduler finds them all lost, and retries them,
- makes no runs by schedules and backfills, sends no webhooks, and neither moves logs into the log store nor deletes
  any there, until an administrator resumes it,
- knows no token and no session that was made before, unless the administrator keeps them,
- sends followers of the event feed back to the beginning, because the original gave out numbers after the backup.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, String, bindparam, delete, exists, func, literal_column, null, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from mainspring_store.access.audit import AuditEvent, Outcome, write_event
from mainspring_store.access.installation import hold_schedules, sealed_webhook_key
from mainspring_store.backups.files import BackupError
from mainspring_store.database.key_ring import CannotOpen, KeyRing
from mainspring_store.database.transactions import Database, lift_time_limit
from mainspring_store.database.types import UtcDateTime
from mainspring_store.queries.events import POSTGRESQL_LAST, SQLITE_LAST
from mainspring_store.resources.log_store_owner import renew_log_store_id
from mainspring_store.state.records import RESTORED_OWNER
from mainspring_store.tables import (
    api_token,
    attempt_report,
    browser_session,
    feed_event,
    feed_floor,
    hook,
    receiver,
    secret,
    service,
    session_code,
    task_try,
)
from mainspring_store.tables import connection as stored_connection

__all__ = ["EVENTS_SKIPPED", "Restored", "check_keys", "prepare_restored"]

EVENTS_SKIPPED = 1_000_000_000
"""Numbers of events that the original may have given out after the backup."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """What `prepare_restored` changed."""

    attempts: int
    """Attempts that the scheduler will find lost."""
    tokens: int
    """Tokens that were revoked."""
    sessions: int
    """Sessions of browsers that were ended."""


def check_keys(database: Database, key_ring: KeyRing) -> int:
    """Open every secret; returns the number of ciphertexts. Writes nothing.

    Raises:
        BackupError: The key ring cannot open some of them.
    """
    with database.read() as connection:
        sealed = {f"secret '{row.name}'": row.ciphertext for row in connection.execute(_SECRETS)}
        sealed |= {f"connection '{row.connection_id}'": row.ciphertext for row in connection.execute(_CONNECTIONS)}
        sealed |= {f"{row.kind} '{row.name}'": row.ciphertext for row in connection.execute(_RECEIVERS)}
        sealed |= {f"hook '{row.name}'": row.ciphertext for row in connection.execute(_HOOKS)}
        sealed |= {f"previous secret of hook '{row.name}'": row.ciphertext for row in connection.execute(_PREVIOUS)}
        webhook_key = sealed_webhook_key(connection)
        if webhook_key is not None:
            sealed["private key of webhooks"] = webhook_key
    locked = [name for name, ciphertext in sealed.items() if not _opens(key_ring, ciphertext)]
    if locked:
        raise BackupError(
            f"the key ring at hand cannot open {len(locked)} of {len(sealed)} secrets, among them {locked[0]};"
            " restore the keys first: put the file of `mainspring backup keys` in the home folder as `secret-keys`,"
            " or set MAINSPRING_SECRET_KEYS"
        )
    return len(sealed)


def prepare_restored(database: Database, *, keeps_tokens: bool, now: datetime) -> Restored:
    """Make a restored database of this version's revision fit for services. In one transaction.

    A second call revokes the tokens that were made since the first.
    """
    with database.write() as connection:
        lift_time_limit(connection)
        hold_schedules(connection, now)
        renew_log_store_id(connection)
        attempts = _fence_attempts(connection, now)
        connection.execute(_STOP_SERVICES)
        tokens = sessions = 0
        if not keeps_tokens:
            tokens = connection.execute(_REVOKE_TOKENS, {"now": now}).rowcount
            sessions = connection.execute(_END_SESSIONS).rowcount
            connection.execute(delete(session_code))
        _skip_events(connection, is_sqlite=database.is_sqlite)
        restored = Restored(attempts=attempts, tokens=tokens, sessions=sessions)
        event = AuditEvent(
            at=now,
            event="restore",
            outcome=Outcome.DONE,
            owner="mainspring restore",
            principal_id=None,
            extra={"attempts": attempts, "tokens": tokens, "sessions": sessions, "keeps_tokens": keeps_tokens},
        )
        write_event(connection, event)
    return restored


def _opens(key_ring: KeyRing, ciphertext: bytes) -> bool:
    try:
        key_ring.reencrypt(ciphertext)
    except (CannotOpen, FileNotFoundError):
        return False
    return True


def _fence_attempts(connection: Connection, now: datetime) -> int:
    """Give the attempts whose processes may still run to no scheduler and no worker.

    A worker that claimed an attempt may have begun it, so the loss must cost a try: the inbox gets the start. An
    attempt whose end is in the inbox keeps its end.
    """
    claimed = connection.execute(_CLAIMED_AHEAD).all()
    if claimed:
        dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
        rows = [
            {
                "attempt_id": row.attempt_id,
                "kind": "started",
                "body": {"at": row.claimed_at.isoformat(), "hostname": row.hostname},
            }
            for row in claimed
        ]
        connection.execute(dialect.insert(attempt_report).on_conflict_do_nothing(), rows)
    fenced = connection.execute(_FENCE, {"now": now}).rowcount
    connection.execute(_FENCE_REPORTED)
    return fenced


def _skip_events(connection: Connection, *, is_sqlite: bool) -> None:
    # The sequence is ahead of the rows when the last events were rolled back or deleted, or after an earlier restore.
    drawn: int | None = connection.scalar(SQLITE_LAST if is_sqlite else POSTGRESQL_LAST)
    last: int | None = connection.scalar(_LAST_EVENT)
    following = max(drawn or 0, last or 0) + EVENTS_SKIPPED
    if is_sqlite:
        updated = connection.execute(
            text("UPDATE sqlite_sequence SET seq = :seq WHERE name = 'feed_event'"), {"seq": following}
        )
        if not updated.rowcount:
            connection.execute(text("INSERT INTO sqlite_sequence VALUES ('feed_event', :seq)"), {"seq": following})
    else:
        connection.execute(text("SELECT setval('feed_event_id_seq', :seq)"), {"seq": following})
    connection.execute(update(feed_floor).values(event_id=following))


_SECRETS = select(secret.c.name, secret.c.ciphertext).order_by(secret.c.name)
_CONNECTIONS = (
    select(stored_connection.c.connection_id, stored_connection.c.ciphertext)
    .where(stored_connection.c.ciphertext.is_not(None))
    .order_by(stored_connection.c.connection_id)
)
_HOOKS = select(hook.c.name, hook.c.ciphertext).order_by(hook.c.id)
_PREVIOUS = (
    select(hook.c.name, hook.c.previous_ciphertext.label("ciphertext"))
    .where(hook.c.previous_ciphertext.is_not(None))
    .order_by(hook.c.id)
)
_RECEIVERS = select(receiver.c.kind, receiver.c.name, receiver.c.ciphertext).order_by(receiver.c.id)
_UNSTOPPED = text("task_try.stopped_at IS NULL")
_HAS_END = exists().where(
    attempt_report.c.attempt_id == task_try.c.attempt_id, attempt_report.c.kind == literal_column("'finished'")
)
_CLAIMED_AHEAD = select(task_try.c.attempt_id, task_try.c.claimed_at, task_try.c.hostname).where(
    _UNSTOPPED,
    task_try.c.state == literal_column("'queued'"),
    task_try.c.claimed_at.is_not(None),
    task_try.c.owner != RESTORED_OWNER,
)
_NO_WORKER = {
    "token_hash": null(),
    # A value that no worker has: without one, workers of old releases could renew the lease.
    "worker_id": bindparam("nobody", RESTORED_OWNER, type_=String()),
}
_FENCE = (
    update(task_try)
    .where(_UNSTOPPED, ~_HAS_END)
    .values(
        **_NO_WORKER,
        owner=bindparam("restored", RESTORED_OWNER, type_=String()),
        lease_expires_at=null(),
        # Counts as claimed, so that a message that lies in Redis gives the attempt to no worker.
        claimed_at=func.coalesce(task_try.c.claimed_at, bindparam("now", type_=UtcDateTime)),
    )
)
_FENCE_REPORTED = update(task_try).where(_UNSTOPPED, _HAS_END).values(**_NO_WORKER)
_STOP_SERVICES = update(service).where(service.c.stopped_at.is_(None)).values(stopped_at=service.c.heartbeat_at)
_REVOKE_TOKENS = (
    update(api_token).where(api_token.c.revoked_at.is_(None)).values(revoked_at=bindparam("now", type_=UtcDateTime))
)
_END_SESSIONS = delete(browser_session)
_LAST_EVENT = select(func.max(feed_event.c.id))
