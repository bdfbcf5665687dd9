"""How far a definition may reach: no further than whoever saves it.

Without this check an author of some DAGs could make a DAG that runs foreign DAGs, or prints foreign secrets.
"""

from collections.abc import Iterator

from flask import g

from mainspring.definition import Definition
from mainspring.definition.model import TaskType
from mainspring.definition.secret_names import secret_names
from mainspring.errors import InvalidDag, Problem
from mainspring.pointers import join_pointer
from mainspring_store.access.roles import Principal, Role

__all__ = ["check_references"]


def check_references(definition: Definition) -> None:
    """Raises InvalidDag when the sender of the current request may not run a DAG that it runs, or was granted no DAGs
    of the name of a secret that it names."""
    user: Principal = g.user
    if user.role is None or not user.role.includes(Role.AUTHOR):
        problems = list(_problems(definition, user))
        if problems:
            raise InvalidDag(problems)


def _problems(definition: Definition, user: Principal) -> Iterator[Problem]:
    for task_id, task in definition.document["tasks"].items():
        at = join_pointer("/tasks", task_id)
        if task["type"] == TaskType.DAG:
            role = user.role_on(task["dag_id"])
            if role is None or not role.includes(Role.OPERATOR):
                message = f"you may not run '{task['dag_id']}'; ask an administrator for the role operator on it"
                yield Problem(pointer=f"{at}/dag_id", message=message, code="not_allowed")
        for name in sorted(secret_names(task)):
            role = user.role_on(name)
            if role is None or not role.includes(Role.AUTHOR):
                message = f"secret '{name}' is not yours: its name must fit a grant that you have as an author"
                yield Problem(pointer=at, message=message, code="not_allowed")
