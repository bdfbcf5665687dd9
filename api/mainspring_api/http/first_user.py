"""The first user of an instance, from the settings."""

import logging
from contextlib import suppress
from datetime import UTC, datetime

from mainspring.errors import Conflict
from mainspring_api.http.passwords import hash_password
from mainspring_api.settings import FirstUser
from mainspring_store import Database
from mainspring_store.access.roles import Role
from mainspring_store.access.users import create_user, has_users

__all__ = ["ensure_first_user"]

log = logging.getLogger(__name__)


def ensure_first_user(database: Database, first: FirstUser | None) -> None:
    """Make an administrator while there is no user. Idempotent, also from several processes at once.

    A deleted user does not come back while another user exists.
    """
    if first is None or has_users(database):
        return
    with suppress(Conflict):  # another process was faster
        create_user(
            database, first.name, password_hash=hash_password(first.password), role=Role.ADMIN, now=datetime.now(UTC)
        )
        log.info("the first user was made, as an administrator: name=%s", first.name)
