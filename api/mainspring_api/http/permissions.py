"""What a request must be allowed to do, and whether its sender is.

A role is held everywhere, or on DAGs by a grant. A user without a role on a DAG does not see the DAG: every request
gets the response for an unknown DAG. What a list shows is narrowed in the database (`ListQuery.seen`).
"""

from dataclasses import dataclass
from enum import StrEnum

from flask import g, request

from mainspring_api.http.authentication import Forbidden
from mainspring_api.http.context import context
from mainspring_store.access.roles import Principal, Role
from mainspring_store.queries.backfills import dag_of_backfill
from mainspring_store.queries.dags import dag_not_found

__all__ = ["Over", "Permission", "check_permission", "require_role_on"]

EVERY_DAG = "~"


class Over(StrEnum):
    """What a role must be held over."""

    DAG = "dag"
    """The DAG of the path, or of the backfill in it. `~` in its place needs the role everywhere."""
    DAGS = "dags"
    """The DAG of the path, or without one any DAG: the view shows and touches only DAGs on which the role is held."""
    ALL = "all"
    """Everything: what is asked for belongs to no DAG."""
    SELF = "self"
    """Nothing: whoever is known may ask, about themselves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Permission:
    """What an operation needs."""

    role: Role
    over: Over

    def __str__(self) -> str:
        """A sentence for the document."""
        match self.over:
            case Over.DAG:
                return f"Needs the role `{self.role}` on the DAG."
            case Over.DAGS:
                return f"Needs the role `{self.role}` on a DAG, and is about the DAGs on which the caller has the role."
            case Over.ALL:
                return f"Needs the role `{self.role}` for the whole server."
            case Over.SELF:
                return "Needs a token, with any role."


def check_permission(permission: Permission) -> None:
    """Let the current request pass.

    Raises:
        NotFound: The request names a DAG that the user does not see. Forbidden: Its sender lacks the role.
    """
    user: Principal = g.user
    role_held = user.role
    if permission.over is Over.SELF or (role_held is not None and role_held.includes(permission.role)):
        return
    dag_id = _dag_of_path() if permission.over in (Over.DAG, Over.DAGS) else None
    if dag_id is not None and dag_id != EVERY_DAG:
        require_role_on(dag_id, permission.role)
    elif permission.over is not Over.DAGS or not user.may_somewhere(permission.role):
        raise Forbidden("Forbidden")


def require_role_on(dag_id: str, role: Role) -> None:
    """Refuse the current request unless its sender holds the role on a DAG; raises as `check_permission`."""
    role_held = g.user.role_on(dag_id)
    if role_held is None:
        raise dag_not_found(dag_id)
    if not role_held.includes(role):
        raise Forbidden("Forbidden")


def _dag_of_path() -> str | None:
    """Of what the path names; `None` = it names none."""
    parts = request.view_args or {}
    if "backfill_id" in parts:
        return dag_of_backfill(context().database, int(parts["backfill_id"]))
    return parts.get("dag_id")
