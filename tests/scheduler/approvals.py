"""Answers of people to approvals."""

from typing import Any

from mainspring_store.access.roles import Principal, Rights, Role
from mainspring_store.resources import approvals
from mainspring_store.resources.approvals import Reply

__all__ = ["answer_approval", "person"]


def person(name: str, role: Role = Role.OPERATOR) -> Principal:
    """A user with a role on all DAGs."""
    return Principal(id=name, name=name, token_id=None, user_id=name, rights=(Rights(role=role),))


def answer_approval(*where: Any, choice: str, by: str | Principal = "ann", note: str | None = None, **more: Any) -> Any:
    """`approvals.answer_approval` with a single choice. by: a user, or the name of an operator."""
    caller = person(by) if isinstance(by, str) else by
    reply = Reply(choices=[choice], note=note, choices_at="/choice")
    return approvals.answer_approval(*where, reply=reply, by=caller, **more)
