"""Devices: clients that logged in as a user lately. A random token identifies a device.

A device token grants no access: the client only gets a separate budget for failed logins. The store keeps only the
SHA-256 of the token.
"""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from uuid_utils import uuid7

from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.tables import login_device, user_account

__all__ = ["DEVICES_MAX", "DEVICE_LIFE", "find_device", "forget_devices", "keep_device"]

DEVICE_LIFE = timedelta(days=30)
"""Time since the last login after which a device is forgotten."""
DEVICES_MAX = 20
"""Devices of a user; when a user has more, the device with the oldest login is forgotten."""


def find_device(database: Database, username: str, token: str, *, now: datetime) -> str | None:
    """The id of the device; None = the device has not logged in as this user within `DEVICE_LIFE`."""
    with database.read() as connection:
        params = {"name": username, "token_hash": _hash(token), "since": now - DEVICE_LIFE}
        device_id: str | None = connection.scalar(_FIND, params)
    return device_id


def keep_device(connection: Connection, user_id: str, token: str, *, now: datetime) -> None:
    """Record the login of a device in the caller's transaction. Deletes old and surplus devices of the user."""
    params = {"user_key": user_id, "hash": _hash(token), "now": now, "since": now - DEVICE_LIFE}
    if connection.execute(_USED, params).rowcount == 0:
        row = {"id": str(uuid7()), "user_id": user_id, "token_hash": params["hash"], "created_at": now}
        connection.execute(insert(login_device), {**row, "last_login_at": now})
    connection.execute(_FORGET_OLD, params)


def forget_devices(connection: Connection, user_id: str) -> None:
    """Delete all devices of a user in the caller's transaction."""
    connection.execute(_FORGET_ALL, {"user_key": user_id})


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


_device = login_device.c
_since = bindparam("since", type_=UtcDateTime)
_is_of_user = _device.user_id == bindparam("user_key")
_FIND = (
    select(_device.id)
    .join(user_account, user_account.c.id == _device.user_id)
    .where(
        user_account.c.username == bindparam("name"),
        _device.token_hash == bindparam("token_hash"),
        _device.last_login_at > _since,
    )
)
_USED = (
    update(login_device)
    .where(_is_of_user, _device.token_hash == bindparam("hash"))
    .values(last_login_at=bindparam("now", type_=UtcDateTime))
)
_newest = select(_device.id).where(_is_of_user).order_by(_device.last_login_at.desc(), _device.id).limit(DEVICES_MAX)
_FORGET_OLD = delete(login_device).where(_is_of_user, (_device.last_login_at <= _since) | _device.id.not_in(_newest))
_FORGET_ALL = delete(login_device).where(_is_of_user)
