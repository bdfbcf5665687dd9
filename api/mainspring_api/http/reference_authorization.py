"""How far a definition may reach: no further than whoever saves it.

Without this check an author of some DAGs could make a DAG that runs foreign DAGs, or prints foreign secrets.
"""

from collections.abc import Iterator

from flask import g

from mainspring.definition import Definition
from mainspring.definition.model import TaskType
from mainspring.definition.secret_names import secret_names
from mainspring.errors import InvalidDag, NotFound, Problem
from mainspring.pointers import join_pointer
from mainspring_api.http.context import context
from mainspring_store.access.roles import Grant, Principal, Role
from mainspring_store.queries.receivers import get_receiver
from mainspring_store.state.receivers import ReceiverKind

__all__ = ["check_references"]


def check_references(definition: Definition) -> None:
    """Check the names in a definition against the rights of the sender of the current request.

    Raises:
        InvalidDag: The sender may not run a DAG that the definition runs, may not see a DAG for whose end the schedule
            waits, was granted no DAGs of the name of a secret
            in the definition, does not own a webhook of `notify`, or may not use a notifier for this DAG.
    """
    user: Principal = g.user
    problems = list(_notify_problems(definition, user)) if definition.notify else []
    if user.role is None or not user.role.includes(Role.AUTHOR):
        problems += _problems(definition, user)
    if problems:
        raise InvalidDag(problems)


def _notify_problems(definition: Definition, user: Principal) -> Iterator[Problem]:
    for position, rule in enumerate(definition.notify):
        kind = ReceiverKind.WEBHOOK if "webhook" in rule else ReceiverKind.NOTIFIER
        name, at = rule[kind], join_pointer("/notify", position, kind)
        owner_id = None if kind is ReceiverKind.NOTIFIER or user.role is Role.ADMIN else user.id
        try:
            row = get_receiver(context().database, kind, name, principal_id=owner_id)
        except NotFound:
            yield _unknown_webhook(name, at) if kind is ReceiverKind.WEBHOOK else _unknown_notifier(name, at)
            continue
        grant = Grant(pattern=row["pattern"], role=Role.VIEWER)
        if kind is ReceiverKind.NOTIFIER and not grant.covers(definition.dag_id):
            message = f"the notifier '{name}' is for DAGs that fit '{row['pattern']}'; ask an administrator"
            yield Problem(pointer=at, message=message, code="not_allowed")


def _unknown_webhook(name: str, at: str) -> Problem:
    return Problem(pointer=at, message=f"you have no webhook '{name}'; create it first", code="unknown_webhook")


def _unknown_notifier(name: str, at: str) -> Problem:
    message = f"there is no notifier '{name}'; an administrator creates it"
    return Problem(pointer=at, message=message, code="unknown_notifier")


def _problems(definition: Definition, user: Principal) -> Iterator[Problem]:
    for position, item in enumerate(definition.schedule.upstream if definition.schedule else ()):
        if user.role_on(item.dag_id) is None:
            message = f"you may not see '{item.dag_id}'; ask an administrator for the role viewer on it"
            yield Problem(pointer=join_pointer("/schedule/after", position, "dag"), message=message, code="not_allowed")
    for task_id, task in definition.flat.tasks.items():
        at = definition.flat.place(task_id)
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
