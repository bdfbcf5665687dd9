"""What requests leave in the audit log: each write in its own transaction, and refused requests."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from flask import g, request
from sqlalchemy import Connection

from mainspring_api.http.client_address import client_address
from mainspring_api.http.context import application_context
from mainspring_store import Database
from mainspring_store.access.audit import AuditEvent, AuditOwner, Outcome, write_event
from mainspring_store.database.shared_transaction import AuditedTransaction

__all__ = ["READING_METHODS", "audit_detail", "audit_login", "audited", "operation_id", "record_refusal"]

READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_COLUMNS = {
    "dag_id": "dag_id",
    "dag_run_id": "run_id",
    "run_id": "run_id",
    "task_id": "task_id",
    "map_index": "map_index",
    "try_number": "try_number",
    "task_try_number": "try_number",
}
"""Path parameters and details of views with a separate column."""
_NUMBERS = frozenset({"map_index", "try_number"})
_NUMBER_MAX = 2**31 - 1


def audited(database: Database) -> Database:
    """The database for a request that may write: the first transaction also writes the operation and the owner.

    A request that writes nothing leaves nothing.
    """

    def along(connection: Connection) -> None:
        write_event(connection, _event(Outcome.DONE, _owner(connection)))

    return AuditedTransaction(database, along)


def audit_detail(**details: Any) -> None:
    """Add details to the audit event of the current request: a column's value, or anything worth knowing."""
    g.setdefault("audit_details", {}).update(details)


def audit_login(find_owner: Callable[[Connection], AuditOwner | None]) -> None:
    """Name the owner of a login's event. The request itself has no sender: the login makes the session or the token.

    find_owner: runs in the transaction of the login, just before its commit. A refused login has no owner.
    """
    g.find_audit_owner = find_owner


def record_refusal(reason: str) -> None:
    """Note that the current request was refused, in a transaction of its own."""
    audit_detail(reason=reason)
    with application_context().database.write() as connection:
        write_event(connection, _event(Outcome.REFUSED, _sender()))


def operation_id() -> str:
    """Of the current request."""
    return (request.endpoint or "unknown").rpartition(".")[2]


def _sender() -> AuditOwner | None:
    user = g.get("user")
    return None if user is None else AuditOwner(user.id, user.name)


def _owner(connection: Connection) -> AuditOwner | None:
    sender, find_owner = _sender(), g.get("find_audit_owner")
    return find_owner(connection) if sender is None and find_owner is not None else sender


def _event(outcome: Outcome, owner: AuditOwner | None) -> AuditEvent:
    columns: dict[str, Any] = {}
    extra: dict[str, Any] = {"request_id": g.request_id, "source": client_address()}
    details: Mapping[str, Any] = {**(request.view_args or {}), **g.get("audit_details", {})}
    for name, value in details.items():
        column = _COLUMNS.get(name)
        if column is None:
            extra[name] = value
        elif value != "~":
            columns[column] = _number(value) if column in _NUMBERS else str(value)
    return AuditEvent(
        at=datetime.now(UTC),
        event=operation_id(),
        outcome=outcome,
        owner=owner.name if owner else None,
        principal_id=owner.principal_id if owner else None,
        extra=extra,
        **columns,
    )


def _number(value: Any) -> int | None:
    try:
        number = int(value)
    except (TypeError, ValueError):
        return None
    return number if abs(number) <= _NUMBER_MAX else None
