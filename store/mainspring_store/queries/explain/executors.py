"""The executors and workers that an instance needs."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, literal_column, or_, select, text

from mainspring.blockers import BlockCode, Blocker
from mainspring_store.queries.explain.question import Question
from mainspring_store.queries.explain.service_facts import service_blockers
from mainspring_store.tables import task_instance, task_try

__all__ = ["attempt_blockers", "executor_blockers"]


def executor_blockers(question: Question, row: Any) -> Iterator[Blocker]:
    """What keeps the executor from taking a ready instance."""
    services = question.services
    executor = row.executor or services.default_executor
    if executor is None:
        return
    if executor not in services.executors:
        available = ", ".join(sorted(services.executors)) or "none"
        text_ = f"No scheduler has the executor '{executor}', only: {available}"
        yield Blocker(code=BlockCode.EXECUTOR_MISSING, text=text_, ids=(executor,))
        return
    refusal = services.refusal(executor)
    if refusal is not None:
        text_ = f"The machine of the executor '{executor}' cannot start a task now: {refusal}"
        yield Blocker(code=BlockCode.EXECUTOR_REFUSES, text=text_, ids=(executor,))
    if services.is_full(executor):
        running = (
            select(func.count())
            .select_from(task_try)
            .where(text("task_try.stopped_at IS NULL"), task_try.c.executor == executor)
        )
        count = question.connection.scalar(running) or 0
        text_ = f"The executor '{executor}' has {count} tasks and takes no further task now"
        yield Blocker(code=BlockCode.EXECUTOR_FULL, text=text_, ids=(executor,), holders_total=count)


def attempt_blockers(question: Question, row: Any) -> Iterator[Blocker]:
    """What a queued instance waits for: its executor has the attempt, and the task has not started."""
    services, executor = question.services, row.try_executor
    if not services.schedulers:
        yield from service_blockers(services)
    elif executor not in services.executors:
        text_ = f"No scheduler has the executor '{executor}' of the attempt any more"
        yield Blocker(code=BlockCode.EXECUTOR_MISSING, text=text_, since=row.try_queued_at, ids=(executor,))
    elif services.is_remote(executor) and row.try_claimed_at is None:
        yield from _queue_blockers(question, row)
    else:
        refusal = None if services.is_remote(executor) else services.refusal(executor)
        if refusal is not None:
            text_ = f"The machine of the executor '{executor}' cannot start a task now: {refusal}"
            yield Blocker(code=BlockCode.EXECUTOR_REFUSES, text=text_, since=row.try_queued_at, ids=(executor,))
            return
        text_ = f"The executor '{executor}' has the task and starts it"
        yield Blocker(code=BlockCode.STARTING, text=text_, since=row.try_queued_at, ids=(executor,))


def _queue_blockers(question: Question, row: Any) -> Iterator[Blocker]:
    workers = question.services.workers.get(row.queue, ())
    ids, since = (row.queue,), row.try_queued_at
    if not workers:
        text_ = f"No worker serves the queue '{row.queue}'"
        yield Blocker(code=BlockCode.NO_WORKER, text=text_, since=since, ids=ids, position=_position(question, row))
        return
    refusals = [details["refused_for"] for details in workers if "refused_for" in details]
    if len(refusals) == len(workers):
        text_ = f"No machine of a worker of the queue '{row.queue}' can start a task now: {refusals[0]}"
        yield Blocker(code=BlockCode.EXECUTOR_REFUSES, text=text_, since=since, ids=ids)
    busy = sum(1 for details in workers if details.get("attempts"))
    text_ = f"{busy} of {len(workers)} workers of the queue '{row.queue}' are busy; none has taken the task yet"
    yield Blocker(code=BlockCode.WORKERS_BUSY, text=text_, since=since, ids=ids, position=_position(question, row))


def _position(question: Question, row: Any) -> int:
    """Place of the attempt among the attempts of its queue that no worker has taken."""
    before = (
        select(func.count())
        .select_from(task_try)
        .join(task_instance, task_instance.c.id == task_try.c.task_instance_id)
        .where(
            text("task_try.stopped_at IS NULL"),
            task_try.c.executor == row.try_executor,
            task_try.c.state == literal_column("'queued'"),
            task_try.c.claimed_at.is_(None),
            task_instance.c.queue == row.queue,
            or_(
                task_try.c.queued_at < row.try_queued_at,
                (task_try.c.queued_at == row.try_queued_at) & (task_try.c.attempt_id < row.attempt_id),
            ),
        )
    )
    return 1 + (question.connection.scalar(before) or 0)
