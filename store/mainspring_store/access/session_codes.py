"""One-time codes: each opens one session of a browser, within minutes. The store keeps only the SHA-256 of a code."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, insert
from uuid_utils import uuid7

from mainspring.errors import NotFound
from mainspring_store.access.roles import Principal
from mainspring_store.access.sessions import NewSession, add_session
from mainspring_store.access.tokens import hash_of
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.tables import session_code

__all__ = ["CODE_LIFE", "add_code", "redeem_code"]

CODE_LIFE = timedelta(minutes=10)


def add_code(database: Database, code: str, principal: Principal, *, now: datetime) -> datetime:
    """Store a code that opens a session with the rights of the principal; returns its end. Deletes expired codes."""
    expires_at = now + CODE_LIFE
    row = {
        "id": str(uuid7()),
        "code_hash": hash_of(code),
        "user_id": principal.user_id,
        "token_id": principal.token_id,
        "expires_at": expires_at,
    }
    with database.write() as connection:
        connection.execute(_FORGET, {"now": now})
        connection.execute(insert(session_code), row)
    return expires_at


def redeem_code(database: Database, code: str, *, secret: str, client: str, now: datetime) -> None:
    """Delete a code and store the session that it opens.

    secret, client: as in `NewSession`.

    Raises:
        NotFound: The code is unknown, used or expired. The transaction is rolled back, with its audit event.
    """
    with database.write() as connection:
        row = connection.execute(_TAKE, {"code_hash": hash_of(code), "now": now}).one_or_none()
        if row is None:
            raise NotFound("the code is unknown, used or expired")
        session = NewSession(secret=secret, user_id=row.user_id, token_id=row.token_id, client=client)
        add_session(connection, session, now=now)


_now = bindparam("now", type_=UtcDateTime)
_TAKE = (
    delete(session_code)
    .where(session_code.c.code_hash == bindparam("code_hash"), session_code.c.expires_at > _now)
    .returning(session_code.c.user_id, session_code.c.token_id)
)
_FORGET = delete(session_code).where(session_code.c.expires_at <= _now)
