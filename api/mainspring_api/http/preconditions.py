"""The state that a request is about: entity tags, and `If-Match` of a PUT (RFC 9110, 13.1.1)."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

from flask import request

from mainspring.errors import PreconditionFailed
from mainspring_api.http.answers import dump

__all__ = ["entity_tag", "has_precondition", "names_a_state", "refuse_entity_tags"]


def entity_tag(body: bytes) -> str:
    """The tag of an answer with this body, without quotes."""
    return blake2b(body, digest_size=12).hexdigest()


def has_precondition() -> bool:
    """Whether the current request has an `If-Match`, readable or not."""
    return "If-Match" in request.headers


def names_a_state(answers: Iterable[Any]) -> bool:
    """Whether `If-Match` is `*` or holds the present tag of a response.

    Tags are compared weakly, because every tag that is answered is a weak one: the tag follows from the uncompressed
    response.
    """
    tags = request.if_match
    return tags.star_tag or any(tags.contains_weak(entity_tag(dump(content))) for content in answers)


def refuse_entity_tags() -> None:
    """For what has no entity tags: raises PreconditionFailed unless `If-Match` is absent or `*`."""
    if has_precondition() and not request.if_match.star_tag:
        raise PreconditionFailed("`If-Match` names a state, and this has no entity tags; send it without")
