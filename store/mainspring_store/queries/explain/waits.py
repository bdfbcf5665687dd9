"""What deferred instances wait for: an instant, the result of a check, a signal, a run of another DAG, a person."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import bindparam, null, select

from mainspring.blockers import BlockCode, Blocker
from mainspring.instants import format_instant, parse_instant
from mainspring.waits import CHOICES, WaitKind
from mainspring_store.queries.explain.question import Question
from mainspring_store.queries.explain.service_facts import service_blockers
from mainspring_store.queries.listing import is_seen
from mainspring_store.tables import dag_run

__all__ = ["wait_blockers"]


def wait_blockers(question: Question, row: Any) -> Iterator[Blocker]:
    """The wait of a deferred instance."""
    yield from service_blockers(question.services)
    waits_for: Mapping[str, Any] = row.waits_for or {}
    give_up_at = waits_for.get("give_up_at")
    limit = "" if give_up_at is None else f"; the wait ends at {give_up_at} without it"
    match waits_for.get("kind"):
        case WaitKind.TIME:
            until = parse_instant(waits_for["until"]) if waits_for.get("until") else row.not_before
            text = f"The task waits until {format_instant(until)}"
            yield Blocker(code=BlockCode.WAIT_TIME, text=text, since=row.start_date, until=until, ids=(row.task_id,))
        case WaitKind.HTTP:
            due = "now" if row.not_before is None else f"at {format_instant(row.not_before)}"
            text = f"The address has not answered as the task wants; the next request is due {due}{limit}"
            yield Blocker(
                code=BlockCode.WAIT_HTTP, text=text, since=row.start_date, until=row.not_before, ids=(row.task_id,)
            )
        case WaitKind.SHELL | WaitKind.PYTHON | WaitKind.FILE:
            text = f"{_checked(waits_for)}; {_looks(row, waits_for)}{limit}"
            yield Blocker(
                code=BlockCode.WAIT_CHECK, text=text, since=row.start_date, until=row.not_before, ids=(row.task_id,)
            )
        case WaitKind.SIGNAL:
            text = f"The task waits for the signal '{waits_for['name']}'; no client has sent it to the run{limit}"
            yield Blocker(code=BlockCode.WAIT_SIGNAL, text=text, since=row.start_date, ids=(waits_for["name"],))
        case WaitKind.RUN:
            yield _run_blocker(question, row, waits_for, limit)
        case WaitKind.APPROVAL:
            choices = tuple(waits_for.get("choices") or CHOICES)
            text = f"A person must answer: {', '.join(choices)}{limit}"
            yield Blocker(code=BlockCode.APPROVAL_OPEN, text=text, since=row.start_date, ids=choices)


def _checked(waits_for: Mapping[str, Any]) -> str:
    match waits_for["kind"]:
        case WaitKind.FILE:
            return f"The task waits for file {waits_for['path']}"
        case WaitKind.PYTHON:
            return f"The task waits for a true value of the callable '{waits_for['callable']}'"
    return f"The task waits for exit code 0 of the command `{waits_for['command']}`"


def _looks(row: Any, waits_for: Mapping[str, Any]) -> str:
    """When the latest check ended and the next check is due."""
    latest = f"the latest check ended at {waits_for['checked_at']}, " if "checked_at" in waits_for else ""
    due = "now" if row.not_before is None else f"at {format_instant(row.not_before)}"
    return f"{latest}the next check is due {due}"


def _run_blocker(question: Question, row: Any, waits_for: Mapping[str, Any], limit: str) -> Blocker:
    key = {"dag_id": waits_for["dag_id"], "run_id": waits_for["run_id"]}
    child = question.connection.execute(_CHILD, key).one_or_none()
    is_visible = question.seen is None or question.connection.scalar(
        select(dag_run.c.id).where(
            dag_run.c.dag_id == key["dag_id"],
            dag_run.c.run_id == key["run_id"],
            is_seen(dag_run.c.dag_id, question.seen),
        )
    )
    if not is_visible:
        text = f"The task waits for the end of a run of a DAG that you do not see{limit}"
        return Blocker(code=BlockCode.WAIT_RUN, text=text, since=row.start_date, holders_total=1, holders_hidden=1)
    state = "missing" if child is None else child.state
    text = f"The task waits for the end of run '{key['run_id']}' of DAG '{key['dag_id']}', which is {state}{limit}"
    running = _CHILD_HOLDER.where(dag_run.c.dag_id == key["dag_id"], dag_run.c.run_id == key["run_id"])
    return Blocker(
        code=BlockCode.WAIT_RUN,
        text=text,
        since=row.start_date,
        ids=(key["run_id"],),
        **question.holders(running),
    )


_CHILD = select(dag_run.c.state).where(dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.run_id == bindparam("run_id"))
_CHILD_HOLDER = select(dag_run.c.dag_id, dag_run.c.run_id, null().label("task_id"), null().label("map_index")).order_by(
    dag_run.c.id
)
