"""Who may do what: roles, everywhere or on some DAGs. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["GRANT_PATTERN", "Grant", "Principal", "Rights", "Role"]


class Role(StrEnum):
    """What somebody may do. Each role may do what those before it may."""

    VIEWER = "viewer"
    """Read everything but secrets."""
    OPERATOR = "operator"
    """Trigger, cancel, pause."""
    AUTHOR = "author"
    """Write and delete DAGs, and so run code on the workers."""
    ADMIN = "admin"
    """Everything: users and tokens of others too."""

    def includes(self, other: "Role") -> bool:
        return _RANKS[self] >= _RANKS[other]


_RANKS = {role: rank for rank, role in enumerate(Role)}
GRANT_PATTERN = re.compile(r"[A-Za-z0-9_.~:+-]{0,249}\*|[A-Za-z0-9_.~:+-]{1,250}", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """A role on some DAGs."""

    pattern: str
    """A dag_id, or the beginning of some followed by `*`."""
    role: Role

    def covers(self, name: str) -> bool:
        return name.startswith(self.pattern[:-1]) if self.pattern.endswith("*") else name == self.pattern


@dataclass(frozen=True, kw_only=True, slots=True)
class Rights:
    """What a user or a token was given."""

    role: Role | None
    """On every DAG and on everything else; `None` = on nothing but what is granted."""
    grants: tuple[Grant, ...] = ()

    def on(self, dag_id: str) -> Role | None:
        """The role on a DAG; `None` = the DAG is not seen."""
        granted = [grant.role for grant in self.grants if grant.covers(dag_id)]
        return max([self.role, *granted] if self.role else granted, key=_RANKS.__getitem__, default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """Whoever sends a request."""

    id: str
    """Of the user, or of a token that belongs to none."""
    name: str
    token_id: str
    user_id: str | None
    rights: tuple[Rights, ...]
    """Of the user, of the token, or both: a user's token may do what both may."""

    @property
    def role(self) -> Role | None:
        """The role on everything."""
        return _least([rights.role for rights in self.rights])

    def role_on(self, dag_id: str) -> Role | None:
        """The role on a DAG; `None` = the DAG is not seen."""
        return _least([rights.on(dag_id) for rights in self.rights])

    @property
    def seen(self) -> tuple[tuple[str, ...], ...] | None:
        """The DAGs that are seen, as `dags_with` tells them."""
        return self.dags_with(Role.VIEWER)

    def dags_with(self, role: Role) -> tuple[tuple[str, ...], ...] | None:
        """Patterns of the DAGs on which this role is held: one of each group must cover a DAG. `None` = all DAGs."""
        limited = [rights for rights in self.rights if rights.role is None or not rights.role.includes(role)]
        if not limited:
            return None
        return tuple(tuple(grant.pattern for grant in rights.grants if grant.role.includes(role)) for rights in limited)

    def may_somewhere(self, role: Role) -> bool:
        """Whether there can be a DAG on which this role is held. False is certain."""
        return all(
            any(held is not None and held.includes(role) for held in (rights.role, *(g.role for g in rights.grants)))
            for rights in self.rights
        )


def _least(roles: Sequence[Role | None]) -> Role | None:
    return None if None in roles else min((role for role in roles if role), key=_RANKS.__getitem__, default=None)
