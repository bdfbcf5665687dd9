"""Devices: clients that logged in as a user lately, known by a random token.

A device token opens nothing: it only gives the client a budget of its own for failed logins. Only its SHA-256 is kept.
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
"""From the last login of a device."""
DEVICES_MAX = 20
"""Of one user; the device that logged in longest ago makes room for another."""


def find_device(database: Database, username: str, token: str, *, now: datetime) -> str | None:
    """The id of a device that logged in as this user within `DEVICE_LIFE`; None = it did not."""
    with database.read() as connection:
        params = {"name": username, "token_hash": _hash(token), "since": now - DEVICE_LIFE}
        device_id: str | None = connection.scalar(_FIND, params)
    return device_id


def keep_device(connection: Connection, user_id: str, token: str, *, now: datetime) -> None:
    """Note that a device has logged in as a user, within a transaction of the caller's."""
    params = {"user_key": user_id, "hash": _hash(token), "now": now, "since": now - DEVICE_LIFE}
    if connection.execute(_USED, params).rowcount == 0:
        row = {"id": str(uuid7()), "user_id": user_id, "token_hash": params["hash"], "created_at": now}
        connection.execute(insert(login_device), {**row, "last_login_at": now})
    connection.execute(_FORGET_OLD, params)


def forget_devices(connection: Connection, user_id: str) -> None:
    """Have no device be known for this user, within a transaction of the caller's."""
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
