"""Why a task instance does not run: the blockers of its run, of its task, and of the limits that it needs."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from mainspring.blockers import BlockCode, Blocker, Explanation, Satisfied
from mainspring.definition.model import SLOTLESS_TYPES, Definition, RunHandler, TaskType
from mainspring.states import RUN_FINISHED, RunState, StateReason, TaskState
from mainspring_store.database.transactions import Database
from mainspring_store.queries.explain.executors import attempt_blockers, executor_blockers
from mainspring_store.queries.explain.pools import pool_blockers, pool_satisfied, run_slot_blockers
from mainspring_store.queries.explain.question import Question
from mainspring_store.queries.explain.run_blockers import ONE_RUN, run_blockers, run_satisfied
from mainspring_store.queries.explain.service_facts import read_services
from mainspring_store.queries.explain.task_limits import past_blocker, task_limit_blockers
from mainspring_store.queries.explain.upstream import Upstream, read_upstream
from mainspring_store.queries.explain.waits import wait_blockers
from mainspring_store.queries.listing import Seen
from mainspring_store.queries.task_instances import get_task_instance
from mainspring_store.tables import pool, task_instance, task_try

__all__ = ["explain_instance", "explain_instances", "unmet_dependencies"]

_WAITING = frozenset({TaskState.SCHEDULED, TaskState.UP_FOR_RETRY})


def explain_instance(
    database: Database,
    definition: Definition,
    dag_id: str,
    run_id: str,
    task_id: str,
    *,
    map_index: int,
    seen: Seen | None,
    now: datetime,
) -> Explanation:
    """Explain a task instance. A running instance has no blocker; an ended one only when it did not run.

    definition: of the version of the run.
    seen: the DAGs that the caller sees, as in `ListQuery`.

    Raises:
        NotFound: There is no such task instance.
    """
    key = get_task_instance(database, dag_id, run_id, task_id, map_index=map_index)["id"]
    with database.read() as connection:
        run = connection.execute(ONE_RUN, {"dag_id": dag_id, "run_id": run_id}).one_or_none()
        question = Question(connection, read_services(connection, now), seen, now)
        explanations = [] if run is None else explain_instances(question, definition, run, [key])
        if run is None or not explanations:
            # A user deleted the instance between the two reads.
            return Explanation(state=TaskState.REMOVED)
        [(_, _, explanation)] = explanations
        if run.state in RUN_FINISHED or explanation.state not in _WAITING:
            return explanation
        return Explanation(
            state=explanation.state,
            blockers=(*_unique(run_blockers(question, run), explanation.blockers), *explanation.blockers),
            satisfied=(*run_satisfied(question, run), *explanation.satisfied),
        )


def explain_instances(
    question: Question, definition: Definition, run: Any, keys: Sequence[int]
) -> list[tuple[str, int, Explanation]]:
    """Task id, map index and explanation of instances of a run, in the order of `keys`; without the run's blockers."""
    if not keys:
        return []
    rows = {row.id: row for row in question.connection.execute(_INSTANCES, {"keys": list(keys)})}
    upstream = read_upstream(question.connection, run.id)
    explainer = _Explainer(question, definition, run, upstream)
    return [(rows[key].task_id, rows[key].map_index, explainer.explain(rows[key])) for key in keys if key in rows]


def _unique(blockers: Iterator[Blocker], more: Sequence[Blocker]) -> list[Blocker]:
    """The blockers without those whose code is among `more`, which know the position of the instance."""
    codes = {blocker.code for blocker in more}
    return [blocker for blocker in blockers if blocker.code not in codes]


class _Explainer:
    """Explains instances of one run."""

    def __init__(self, question: Question, definition: Definition, run: Any, upstream: Upstream) -> None:
        self._question = question
        self._definition = definition
        self._run = run
        self._upstream = upstream

    def explain(self, row: Any) -> Explanation:
        state = TaskState(row.state)
        if state is TaskState.SCHEDULED and self._run.state not in RUN_FINISHED:
            return Explanation(
                state=state, blockers=tuple(self._of_scheduled(row)), satisfied=tuple(self._satisfied(row))
            )
        return Explanation(state=state, blockers=tuple(self._of_begun(state, row)))

    def _of_begun(self, state: TaskState, row: Any) -> Iterator[Blocker]:
        match state:
            case TaskState.UP_FOR_RETRY:
                yield from self._of_retry(row)
            case TaskState.DEFERRED:
                yield from wait_blockers(self._question, row)
            case TaskState.QUEUED:
                yield from attempt_blockers(self._question, row)
            case TaskState.SKIPPED | TaskState.UPSTREAM_FAILED:
                yield from self._of_not_run(row)
            case TaskState.REMOVED if row.state_reason == StateReason.HANDLER:
                yield self._of_handler(row)
            case TaskState.REMOVED if row.state_reason == StateReason.CANCELLING and self._run.ending is not None:
                text = "The task is a tear-down of an ended run: it runs when the processes of the run have stopped"
                yield Blocker(code=BlockCode.STOPPING, text=text, since=row.updated_at, ids=(row.task_id,))

    def _of_handler(self, row: Any) -> Blocker:
        """Why a handler of the run has not run."""
        task = self._definition.tasks.get(row.task_id)
        text = "The task is a handler of the run"
        if task is not None and task.handler is not None:
            text += f": it runs {_AFTER[task.handler]}"
        return Blocker(code=BlockCode.HANDLER, text=text, ids=(row.task_id,))

    def _of_scheduled(self, row: Any) -> Iterator[Blocker]:
        task = self._definition.tasks.get(row.task_id)
        if row.state_reason == StateReason.DEPENDS_ON_PAST:
            yield past_blocker(self._question, self._run, row)
        elif row.state_reason == StateReason.MAX_ACTIVE_TIS:
            yield from task_limit_blockers(self._question, self._run, row, task)
        elif not row.ready and task is not None:
            yield from self._upstream.blockers(task, row)
        if row.ready and self._run.state == RunState.RUNNING:
            yield from self._of_ready(row)
        else:
            yield from pool_blockers(self._question, row, is_ready=False)

    def _of_ready(self, row: Any) -> Iterator[Blocker]:
        """The causes that keep an instance waiting although nothing before it is open."""
        blockers = [
            *run_slot_blockers(self._question, self._run, row),
            *pool_blockers(self._question, row, is_ready=True),
        ]
        if not _decided_by_scheduler(row):
            blockers += executor_blockers(self._question, row)
        is_paused = self._run.is_paused or self._run.run_is_paused
        if not blockers and (not is_paused or self._run.ending is not None):
            text = "The next pass of the scheduler decides on the task"
            blockers.append(Blocker(code=BlockCode.DECISION_PENDING, text=text, ids=(row.task_id,)))
        yield from blockers

    def _of_retry(self, row: Any) -> Iterator[Blocker]:
        is_turn = row.state_reason == StateReason.NEXT_TURN
        if row.not_before is not None and row.not_before > self._question.now:
            what = self._turn(row) if is_turn else "The next try"
            yield Blocker(
                code=BlockCode.TURN_DELAY if is_turn else BlockCode.RETRY_DELAY,
                text=f"{what} is due at {row.not_before.isoformat()}",
                since=row.updated_at,
                until=row.not_before,
                ids=(row.task_id,),
            )
        else:
            what = "turn" if is_turn else "try"
            text = f"The delay before the next {what} is over, and the next pass of the scheduler decides on the task"
            yield Blocker(code=BlockCode.DECISION_PENDING, text=text, ids=(row.task_id,))

    def _turn(self, row: Any) -> str:
        """The next turn of an instance, counted from 1 as people do."""
        task = self._definition.tasks.get(row.task_id)
        bound = f" of at most {task.repeat.max}" if task is not None and task.repeat is not None else ""
        return f"Turn {row.turn + 1}{bound}"

    def _of_not_run(self, row: Any) -> Iterator[Blocker]:
        """Why an ended instance did not run."""
        task = self._definition.tasks.get(row.task_id)
        match row.state_reason:
            case StateReason.TRIGGER_RULE if task is not None:
                yield self._upstream.rule_decided(task, row)
            case StateReason.WHEN:
                text = "The condition `when` of the task was false"
                yield Blocker(code=BlockCode.WHEN, text=text, since=row.end_date, ids=(row.task_id,))
            case StateReason.BRANCH if task is not None:
                branches = [name for name in task.depends_on if self._type(name) == TaskType.BRANCH]
                text = "A branch upstream did not choose the task"
                yield Blocker(code=BlockCode.BRANCH, text=text, since=row.end_date, ids=tuple(branches))
            case StateReason.EXPAND_EMPTY:
                text = "The list that the task maps over was empty"
                yield Blocker(code=BlockCode.EXPAND_EMPTY, text=text, since=row.end_date, ids=(row.task_id,))

    def _type(self, task_id: str) -> str | None:
        task = self._definition.tasks.get(task_id)
        return None if task is None else task.type

    def _satisfied(self, row: Any) -> Iterator[Satisfied]:
        if row.up_total and row.ready:
            text = f"{self._upstream.done(row)} of {row.up_total} upstream task instances have ended"
            yield Satisfied(code=BlockCode.UPSTREAM_NOT_DONE, text=text)
        if row.ready:
            yield from pool_satisfied(row)


def _decided_by_scheduler(row: Any) -> bool:
    """Whether the scheduler carries out the instance by itself, so that no executor has to take it."""
    return row.operator == TaskType.NOOP or (row.operator in (*SLOTLESS_TYPES, TaskType.DAG) and row.waits_for is None)


def unmet_dependencies(
    database: Database,
    definition: Definition,
    dag_id: str,
    run_id: str,
    task_id: str,
    *,
    map_index: int,
    seen: Seen | None,
    now: datetime,
) -> list[tuple[str, str]]:
    """Airflow's name, and a sentence, of each blocker that Airflow knows; empty when the instance has started.

    Raises:
        NotFound: There is no such task instance.
    """
    explanation = explain_instance(
        database, definition, dag_id, run_id, task_id, map_index=map_index, seen=seen, now=now
    )
    if explanation.state not in _WAITING:
        return []
    unmet = [
        (_AIRFLOW_NAMES[blocker.code], blocker.text)
        for blocker in explanation.blockers
        if blocker.code in _AIRFLOW_NAMES
    ]
    has_started = any(satisfied.code is BlockCode.MAX_ACTIVE_RUNS for satisfied in explanation.satisfied)
    return unmet if has_started else [("Dagrun Running", "The run is queued"), *unmet]


_AFTER: Mapping[RunHandler, str] = {
    RunHandler.ON_FAILURE: "after all other tasks, when the run fails",
    RunHandler.ON_SUCCESS: "after all other tasks, when the run succeeds",
    RunHandler.ON_CANCEL: "after all other tasks, when the run was cancelled",
    RunHandler.FINALLY: "after all other tasks",
}
_AIRFLOW_NAMES: Mapping[BlockCode, str] = {
    BlockCode.DAG_PAUSED: "Dag Not Paused",
    BlockCode.RUN_AFTER_AHEAD: "Execution Date",
    BlockCode.MAX_ACTIVE_TASKS: "Dag Active Tasks",
    BlockCode.RETRY_DELAY: "Not In Retry Period",
    BlockCode.TURN_DELAY: "Not In Retry Period",
    BlockCode.UPSTREAM_NOT_DONE: "Trigger Rule",
    BlockCode.TRIGGER_RULE: "Trigger Rule",
    BlockCode.DEPENDS_ON_PAST: "Previous Dagrun State",
    BlockCode.MAX_ACTIVE_TIS: "Task Concurrency",
    BlockCode.MAX_ACTIVE_TIS_PER_DAG: "Task Concurrency",
    BlockCode.POOL_MISSING: "Pool Slots Available",
    BlockCode.POOL_TOO_SMALL: "Pool Slots Available",
    BlockCode.POOL_FULL: "Pool Slots Available",
}
_ti = task_instance.c
_INSTANCES = (
    select(
        task_instance,
        pool.c.slots,
        pool.c.used,
        pool.c.calling,
        pool.c.include_deferred,
        task_try.c.executor.label("try_executor"),
        task_try.c.owner.label("try_owner"),
        task_try.c.queued_at.label("try_queued_at"),
        task_try.c.claimed_at.label("try_claimed_at"),
    )
    .outerjoin(pool, pool.c.name == _ti.pool)
    .outerjoin(task_try, task_try.c.attempt_id == _ti.attempt_id)
    .where(_ti.id.in_(bindparam("keys", expanding=True)))
)
