"""Roles of users and tokens, on all DAGs or on some DAGs. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mainspring.identity_rules import DAG_PATTERN

__all__ = ["GRANT_PATTERN", "Grant", "Principal", "Rights", "Role"]


class Role(StrEnum):
    """The rights of a user or token. Each role includes the roles above it in this list."""

    VIEWER = "viewer"
    """Read all resources except the values of secrets."""
    OPERATOR = "operator"
    """Trigger, cancel, pause."""
    AUTHOR = "author"
    """Write and delete DAGs, and so run code on the workers."""
    ADMIN = "admin"
    """All operations, including users and tokens of other people."""

    def includes(self, role: "Role") -> bool:
        return _RANKS[self] >= _RANKS[role]


_RANKS = {role: rank for rank, role in enumerate(Role)}
GRANT_PATTERN = DAG_PATTERN


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """A role on some DAGs."""

    pattern: str
    """A dag_id, or a prefix of dag_ids followed by `*`."""
    role: Role

    def covers(self, name: str) -> bool:
        return name.startswith(self.pattern[:-1]) if self.pattern.endswith("*") else name == self.pattern


@dataclass(frozen=True, kw_only=True, slots=True)
class Rights:
    """The role and the grants of a user or a token."""

    role: Role | None
    """The role on all DAGs and all other resources; `None` = the grants only."""
    grants: tuple[Grant, ...] = ()

    def on(self, dag_id: str) -> Role | None:
        """The role on a DAG; `None` = the DAG is invisible."""
        granted = [grant.role for grant in self.grants if grant.covers(dag_id)]
        return max([self.role, *granted] if self.role else granted, key=_RANKS.__getitem__, default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """The authenticated sender of a request."""

    id: str
    """Id of the user, or of a token without a user."""
    name: str
    token_id: str | None
    """`None` = a session after a login with a password."""
    user_id: str | None
    rights: tuple[Rights, ...]
    """The rights of the user, of the token, or of both. A principal may do only what all of these rights allow."""

    @property
    def role(self) -> Role | None:
        """The role on all DAGs and all other resources; `None` = the grants only."""
        return _least([rights.role for rights in self.rights])

    def role_on(self, dag_id: str) -> Role | None:
        """The role on a DAG; `None` = the DAG is invisible."""
        return _least([rights.on(dag_id) for rights in self.rights])

    @property
    def seen(self) -> tuple[tuple[str, ...], ...] | None:
        """The visible DAGs, in the format of `dags_with`."""
        return self.dags_with(Role.VIEWER)

    def dags_with(self, role: Role) -> tuple[tuple[str, ...], ...] | None:
        """Groups of patterns: the principal has the role on the DAGs that a pattern of each group covers.

        `None` = all DAGs.
        """
        limited = [rights for rights in self.rights if rights.role is None or not rights.role.includes(role)]
        if not limited:
            return None
        return tuple(tuple(grant.pattern for grant in rights.grants if grant.role.includes(role)) for rights in limited)

    def may_somewhere(self, role: Role) -> bool:
        """Whether the principal may have the role on some DAG. False is certain; True is not."""
        return all(
            any(
                granted is not None and granted.includes(role)
                for granted in (rights.role, *(grant.role for grant in rights.grants))
            )
            for rights in self.rights
        )


def _least(roles: Sequence[Role | None]) -> Role | None:
    return None if None in roles else min((role for role in roles if role), key=_RANKS.__getitem__, default=None)
