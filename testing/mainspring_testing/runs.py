"""One run of a definition, driven to its end."""

import select
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import yaml
from sqlalchemy import bindparam
from sqlalchemy import select as sql_select

from mainspring.definition import Definition, parse_definition
from mainspring.large_values import LargeValue
from mainspring.params import resolve_params
from mainspring.states import RUN_FINISHED, RunState, RunType, TaskState
from mainspring_executors import ExecutorSettings
from mainspring_scheduler.duties.value_carrier import open_carried
from mainspring_scheduler.scheduler import Scheduler
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.database.transactions import Database, open_database
from mainspring_store.queries.large_values import read_value
from mainspring_store.queries.logs import read_log
from mainspring_store.queries.run_reports import instances_of_run
from mainspring_store.resources.conflict_policy import OnExistence
from mainspring_store.resources.dags import save_dag
from mainspring_store.resources.pools import NewPool, create_pools
from mainspring_store.resources.secrets import put_secret
from mainspring_store.resources.variables import NewVariable, create_variables
from mainspring_store.schema.migrate import migrate
from mainspring_store.state.runs import NewRun, create_run
from mainspring_store.tables import dag_run, task_instance, xcom
from mainspring_testing.results import RunResult, TaskResult
from mainspring_testing.stubs import EXECUTORS, StubbingExecutor, stubbed_document

__all__ = ["run_dag"]

SECONDS_MAX = 600.0
"""Default of the time limit."""
_LOG_BYTES_MAX = 16 * 1024 * 1024
_IDLE_SECONDS = 0.2
_WAITING_STATES = (TaskState.UP_FOR_RETRY, TaskState.DEFERRED)


def run_dag(
    source: str | bytes | Path | Mapping[str, Any],
    conf: Mapping[str, Any] | None = None,
    *,
    task: str | None = None,
    stubs: Mapping[str, Any] | None = None,
    variables: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    logical_date: datetime | None = None,
    code_path: Sequence[Path] = (),
    timeout: float = SECONDS_MAX,
) -> RunResult:
    """Run a DAG once in this process, by the real engine on a temporary SQLite database.

    Conditions, expressions, retries and trigger rules are real. Waits and pauses before retries take no time: the clock
    of the engine moves on when no task runs. Nothing is left afterwards.

    source: the definition as a dict, as YAML or JSON text, or the path of its file.
    conf: values of the DAG's parameters.
    task: the only task that does its work; the tasks above it end with their stubs, or with no outputs.
    stubs: task id -> outputs (for a mapped task a list of them, by map index) in place of the work of the task.
    variables, secrets: name -> text.
    code_path: folders of Python callables.
    timeout: seconds from the start of the run after which the run is returned as it is.

    Raises:
        InvalidDag, InvalidParams, InvalidInput: The definition, `conf`, or a name of a task has faults.
    """
    definition = _parsed(source)
    with_stubs = dict(stubs or {})
    document = stubbed_document(definition.document, with_stubs, task)
    if task is not None:
        with_stubs = {name: with_stubs.get(name, {}) for name in document["tasks"] if name != task}
    prepared = parse_definition(document, media="json", dag_id=definition.dag_id)
    params = resolve_params(prepared.params, conf or {})
    with _opened(code_path) as (database, key_ring, executors):
        _fill(database, key_ring, prepared, variables or {}, secrets or {})
        stubbing = {name: StubbingExecutor(executor, with_stubs) for name, executor in executors.items()}
        began = time.monotonic()
        key = _start(database, prepared, dict(conf or {}), params, logical_date)
        _drive(database, key_ring, stubbing, key, began + timeout)
        return _result(database, key, prepared, with_stubs, time.monotonic() - began)


def _parsed(source: str | bytes | Path | Mapping[str, Any]) -> Definition:
    if isinstance(source, Mapping):
        return parse_definition(source, media="json", dag_id=source.get("dag_id", "dag"))
    text = source.read_bytes() if isinstance(source, Path) else source
    dag_id = source.stem if isinstance(source, Path) else "dag"
    # YAML reads JSON too, and its faults have lines.
    return parse_definition(text, media="yaml", dag_id=_named_id(text) or dag_id)


def _named_id(text: str | bytes) -> str | None:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    return document.get("dag_id") if isinstance(document, dict) else None


@contextmanager
def _opened(code_path: Sequence[Path]) -> Iterator[tuple[Database, KeyRing, Mapping[str, Any]]]:
    with ExitStack() as stack:
        home = Path(stack.enter_context(TemporaryDirectory(prefix="mainspring-test-")))
        # A lost database costs nothing here.
        database = open_database(f"sqlite:///{home / 'test.db'}", synchronous="NORMAL")
        stack.callback(database.close)
        migrate(database)
        executors = {}
        for name in EXECUTORS:
            settings = ExecutorSettings(code_path=tuple(code_path), state_dir=home / name)
            executors[name] = open_carried(name, settings, database)
            stack.callback(executors[name].close, timedelta(0))
        yield database, KeyRing(home / "keys"), executors


def _fill(
    database: Database,
    key_ring: KeyRing,
    definition: Definition,
    variables: Mapping[str, str],
    secrets: Mapping[str, str],
) -> None:
    now = datetime.now(UTC)
    names = {task.pool for task in definition.tasks.values()}
    create_pools(database, [NewPool(name=name, slots=-1) for name in sorted(names)], on_existence=OnExistence.SKIP)
    create_variables(database, [NewVariable(key=key, value=value) for key, value in variables.items()], now=now)
    for name, value in secrets.items():
        put_secret(database, key_ring, name, value, now=now)


def _start(
    database: Database,
    definition: Definition,
    conf: dict[str, Any],
    params: dict[str, Any],
    logical_date: datetime | None,
) -> int:
    now = datetime.now(UTC)
    document = {name: value for name, value in definition.document.items() if name != "schedule"}
    # No run but this one: the schedule is left out.
    unscheduled = parse_definition(
        {**document, "is_paused_upon_creation": False}, media="json", dag_id=definition.dag_id
    )
    version = save_dag(database, unscheduled, by=None, now=now).version
    run = NewRun(
        version=version,
        run_id="test",
        run_type=RunType.MANUAL,
        conf=conf,
        params=params,
        run_after=now,
        logical_date=logical_date,
        data_interval=None if logical_date is None else (logical_date, logical_date),
    )
    return create_run(database, run, now=now)


class _MovingClock:
    """The machine's clock, ahead by the waits that were left out."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead.total_seconds()

    def move_to(self, instant: datetime) -> None:
        self._ahead += max(timedelta(0), instant - self.now())


def _drive(
    database: Database, key_ring: KeyRing, executors: Mapping[str, StubbingExecutor], key: int, deadline: float
) -> None:
    """Run passes until the run has ended, waits for a person or another DAG, or the time is over."""
    clock = _MovingClock()
    scheduler = Scheduler(
        database,
        executors,
        incarnation="test",
        clock=clock,
        random=Random(),  # noqa: S311  spreads retries, guards nothing
        key_ring=key_ring,
    )
    while time.monotonic() < deadline:
        counts = scheduler.run_once(is_woken=True)
        if _state(database, key) in RUN_FINISHED:
            return
        if not (counts.did_nothing and counts.is_complete) or any(
            executor.has_reports for executor in executors.values()
        ):
            continue
        if any(executor.live for executor in executors.values()):
            select.select([executor.fileno() for executor in executors.values()], [], [], _IDLE_SECONDS)
            continue
        due_at = _next_due(database, key)
        if due_at is None:
            return
        clock.move_to(due_at)


def _state(database: Database, key: int) -> RunState:
    with database.read() as connection:
        return RunState(connection.scalars(sql_select(dag_run.c.state).where(dag_run.c.id == key)).one())


def _next_due(database: Database, key: int) -> datetime | None:
    """When the next wait of the run ends by itself; `None` = none does."""
    table = task_instance.c
    statement = (
        sql_select(table.not_before)
        .where(table.dag_run_id == key, table.state.in_(_WAITING_STATES), table.not_before.is_not(None))
        .order_by(table.not_before)
        .limit(1)
    )
    with database.read() as connection:
        return connection.scalar(statement)


def _result(
    database: Database, key: int, definition: Definition, stubs: Mapping[str, Any], seconds: float
) -> RunResult:
    with database.read() as connection:
        run = connection.execute(sql_select(dag_run).where(dag_run.c.id == key)).one()
        rows = connection.execute(_OUTPUTS, {"key": key}).all()
    outputs = _outputs(database, rows)
    tasks = [
        _task_result(database, row, outputs.get((row["task_id"], row["map_index"]), {}), row["task_id"] in stubs)
        for row in instances_of_run(database, key)
    ]
    return RunResult(
        dag_id=definition.dag_id,
        state=RunState(run.state),
        state_reason=run.state_reason,
        message=run.message,
        params=run.params,
        outputs=run.outputs or {},
        seconds=seconds,
        tasks=tasks,
        upstream={name: task.depends_on for name, task in definition.tasks.items()},
    )


def _outputs(database: Database, rows: Sequence[Any]) -> dict[tuple[str, int], dict[str, Any]]:
    outputs: dict[tuple[str, int], dict[str, Any]] = {}
    for row in rows:
        value = orjson.loads(row.value)
        reference = LargeValue.stored(value, row.large_id)
        if reference is not None:
            value = orjson.loads(read_value(database, reference))
        outputs.setdefault((row.task_id, row.map_index), {})[row.key] = value
    return outputs


def _task_result(
    database: Database, row: Mapping[str, Any], outputs: Mapping[str, Any], is_stubbed: bool
) -> TaskResult:
    start, end = row["start_date"], row["end_date"]
    pieces = (
        [] if row["attempt_id"] is None else read_log(database, row["attempt_id"], offset=0, bytes_max=_LOG_BYTES_MAX)
    )
    return TaskResult(
        task_id=row["task_id"],
        map_index=row["map_index"],
        state=TaskState(row["state"]),
        state_reason=row["state_reason"],
        message=row["message"],
        try_number=row["try_number"],
        exit_code=row["exit_code"],
        seconds=(end - start).total_seconds() if start and end else None,
        outputs=outputs,
        log=b"".join(piece.data for piece in pieces).decode(errors="replace"),
        is_stubbed=is_stubbed,
    )


_OUTPUTS = (
    sql_select(task_instance.c.task_id, task_instance.c.map_index, xcom.c.key, xcom.c.value, xcom.c.large_id)
    .join(xcom, xcom.c.task_instance_id == task_instance.c.id)
    .where(task_instance.c.dag_run_id == bindparam("key"))
    .order_by(xcom.c.key)
)
