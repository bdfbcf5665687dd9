"""Outputs of task instances that clients of the API write; tasks report their outputs through their attempts."""

from datetime import datetime

from sqlalchemy import delete, insert, update
from sqlalchemy.exc import IntegrityError

from mainspring.errors import Conflict, NotFound
from mainspring_store.database.transactions import Database
from mainspring_store.queries.xcoms import xcom_not_found
from mainspring_store.tables import xcom

__all__ = ["create_xcom", "delete_xcom", "update_xcom"]


def create_xcom(database: Database, instance_id: int, key: str, value: str, *, now: datetime) -> None:
    """Add an output to a task instance; `value` is JSON text.

    Raises:
        Conflict: The task instance has an output with this key.
        NotFound: The task instance was deleted.
    """
    row = {"task_instance_id": instance_id, "key": key, "value": value, "timestamp": now}
    try:
        with database.write() as connection:
            connection.execute(insert(xcom), row)
    except IntegrityError as exc:
        if "foreign key" in str(exc.orig).lower():
            raise NotFound("the task instance was deleted at this moment") from exc
        raise Conflict(f"The XCom with key: `{key}` already exists; change it by PATCH") from exc


def update_xcom(database: Database, instance_id: int, key: str, value: str, *, now: datetime) -> None:
    """Replace the value of an output. Raises NotFound when the task instance has no such output."""
    change = update(xcom).where(xcom.c.task_instance_id == instance_id, xcom.c.key == key)
    with database.write() as connection:
        if not connection.execute(change, {"value": value, "timestamp": now, "large_id": None}).rowcount:
            raise xcom_not_found(key)


def delete_xcom(database: Database, instance_id: int, key: str) -> None:
    """Delete an output. Raises NotFound when the task instance has no such output."""
    with database.write() as connection:
        removal = delete(xcom).where(xcom.c.task_instance_id == instance_id, xcom.c.key == key)
        if not connection.execute(removal).rowcount:
            raise xcom_not_found(key)
