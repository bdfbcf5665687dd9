"""The state that a request is about: entity tags, `If-Match` and `If-None-Match` of writes (RFC 9110, 13.1)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from hashlib import blake2b
from typing import Any

from flask import Response, request
from sqlalchemy import Connection
from werkzeug.datastructures import ETags

from mainspring.errors import PreconditionFailed
from mainspring_api.http.context import context, replace_database
from mainspring_store.database.shared_transaction import SharedTransaction

__all__ = [
    "CurrentState",
    "Guard",
    "check_preconditions",
    "conditional",
    "entity_tag",
    "has_precondition",
    "refuse_preconditions",
    "with_entity_tag",
]

IF_MATCH = "If-Match"
IF_NONE_MATCH = "If-None-Match"
_IF_UNMODIFIED_SINCE = "If-Unmodified-Since"


@dataclass(frozen=True, kw_only=True, slots=True)
class CurrentState:
    """The present state of a resource."""

    bodies: Sequence[bytes]
    """The body of each GET that represents the resource, the most usual GET first; empty = no such resource."""
    version_number: int | None = None
    """The current version of a DAG."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """The state of a resource for a PATCH or DELETE with preconditions. Both functions get the parts of the path."""

    subject: str
    """The kind of the resource, for messages."""
    lock: Callable[..., None]
    """Locks the rows of the resource on a connection, its first argument, until the write commits."""
    state: Callable[..., CurrentState]
    """Reads the state. Raises NotFound when there is no such resource."""


def entity_tag(body: bytes) -> str:
    """The tag of an answer with this body, without quotes."""
    return blake2b(body, digest_size=12).hexdigest()


def with_entity_tag(response: Response, body: bytes) -> Response:
    """Give an answer the tag of a state that `body` represents."""
    response.set_etag(entity_tag(body), weak=True)
    return response


def has_precondition() -> bool:
    """Whether the current request has a precondition, readable or not."""
    return IF_MATCH in request.headers or IF_NONE_MATCH in request.headers or _IF_UNMODIFIED_SINCE in request.headers


def check_preconditions(state: CurrentState, subject: str) -> None:
    """Check the preconditions of the current request.

    Tags are compared weakly, because every tag that is answered is a weak one: the tag follows from the uncompressed
    response.

    Raises:
        PreconditionFailed: `If-Match` names no present state, `If-None-Match` names a present state, or the request
            names a date.
    """
    tags = [entity_tag(body) for body in state.bodies]
    if IF_MATCH in request.headers and not _names_a_tag(request.if_match, tags):
        fault = f"{subject} is not in the state that `If-Match` names" if tags else f"there is no {subject} to match"
    elif IF_NONE_MATCH in request.headers and _rules_out(tags):
        fault = f"{subject} is in a state that `If-None-Match` rules out"
    elif _IF_UNMODIFIED_SINCE in request.headers:
        fault = "states are named by tags, not by dates; send `If-Match`"
    else:
        return
    raise PreconditionFailed(
        f"{fault}; nothing was changed", version_number=state.version_number, entity_tag=tags[0] if tags else None
    )


def refuse_preconditions() -> None:
    """For operations without entity tags: raises PreconditionFailed for every precondition but `If-Match: *`."""
    is_by_tag_or_date = IF_NONE_MATCH in request.headers or _IF_UNMODIFIED_SINCE in request.headers
    if is_by_tag_or_date or (IF_MATCH in request.headers and not request.if_match.star_tag):
        raise PreconditionFailed("the request names a state, and this has no entity tags; send it without")


def conditional(view: Callable[..., Response], guard: Guard) -> Callable[..., Response]:
    """The view, which a request with preconditions runs in one transaction with the check of the state."""

    @wraps(view)
    def checked(*arguments: Any, **path: Any) -> Response:
        if not has_precondition():
            return view(*arguments, **path)
        ctx = context()

        def lock(connection: Connection) -> None:
            guard.lock(connection, **path)

        with SharedTransaction(ctx.database, at_begin=lock) as shared:
            replace_database(shared)
            with shared.write():
                check_preconditions(guard.state(**path), f"this {guard.subject}")
            response = view(*arguments, **path)
        # The view notified the scheduler before the commit.
        ctx.notifier.notify()
        return response

    return checked


def _rules_out(tags: Sequence[str]) -> bool:
    """Whether `If-None-Match` names the present state; an empty header, which names no tag, counts as a fault."""
    return not request.headers[IF_NONE_MATCH].strip() or _names_a_tag(request.if_none_match, tags)


def _names_a_tag(named: ETags, tags: Sequence[str]) -> bool:
    """Whether a header names the state with these tags; no tags = no state."""
    return bool(tags) and (named.star_tag or any(named.contains_weak(tag) for tag in tags))
