"""A DAG as checked data. Only `parse_definition` builds a `Definition`, so every `Definition` is checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from mainspring.definition.flat_tasks import FlatTasks
from mainspring.expressions import Expression, Template
from mainspring.trigger_rules import TriggerRule
from mainspring.waits import check_kind

__all__ = [
    "KEY_BYTES_MAX",
    "SLOTLESS_TYPES",
    "WAITING_TYPES",
    "Catchup",
    "Concurrency",
    "ConcurrencyStrategy",
    "Deadline",
    "DeadlineAction",
    "DeadlineAnchor",
    "Definition",
    "GapRule",
    "MatchRule",
    "OverlapRule",
    "Repeat",
    "RetryRule",
    "RunHandler",
    "RunStateRule",
    "Schedule",
    "ScheduleAlias",
    "SetupTeardownType",
    "Task",
    "TaskType",
    "Teardown",
    "UpstreamDag",
    "UpstreamEnd",
    "WeightRule",
]


class TaskType(StrEnum):
    """The built-in kinds of task."""

    SHELL = "shell"
    PYTHON = "python"
    HTTP = "http"
    NOOP = "noop"
    WAIT = "wait"
    BRANCH = "branch"
    APPROVAL = "approval"
    DAG = "dag"


WAITING_TYPES: frozenset[str] = frozenset({TaskType.WAIT, TaskType.APPROVAL, TaskType.DAG})
"""Kinds of task that begin without a slot, because they mostly wait."""
SLOTLESS_TYPES: frozenset[str] = WAITING_TYPES - {TaskType.DAG}
"""Those of them that do not count for `max_active_tasks`, `max_active_tis` and `max_active_tis_per_dag`."""


class WeightRule(StrEnum):
    """How a task's effective priority follows from `priority_weight`."""

    DOWNSTREAM = "downstream"
    """The weight of the task plus the weights of all downstream tasks."""
    UPSTREAM = "upstream"
    """The weight of the task plus the weights of all upstream tasks."""
    ABSOLUTE = "absolute"


class GapRule(StrEnum):
    """Rule for a time of day that the clocks leave out."""

    SHIFT = "shift"
    """It is due when the gap ends."""
    SKIP = "skip"
    """It is not due on that day."""


class OverlapRule(StrEnum):
    """When a time of day is due that comes twice, because the clocks are put back over it."""

    FIRST = "first"
    LAST = "last"
    BOTH = "both"


class MatchRule(StrEnum):
    """How many of the ends that a schedule waits for make a run."""

    ALL = "all"
    """One end of each."""
    ANY = "any"
    """Every end alone."""


class Catchup(StrEnum):
    """What happens to the slots of a schedule that were missed."""

    NONE = "none"
    """No missed slot runs."""
    LATEST = "latest"
    """The latest of them runs."""
    ALL = "all"
    """They run, oldest first, at most `catchup_max` of them."""


class ScheduleAlias(StrEnum):
    """Airflow's names for schedules that are no cron lines."""

    ONCE = "@once"
    """One run, at the start date or after the save."""
    CONTINUOUS = "@continuous"
    """One run after another."""


class UpstreamEnd(StrEnum):
    """An end of a run that a schedule can wait for."""

    SUCCESS = "success"
    FAILED = "failed"


class DeadlineAnchor(StrEnum):
    """The instant from which a deadline counts."""

    RUN_AFTER = "run_after"
    """The earliest start of the run."""
    RUN_START = "run_start"
    """The start of the run; counts again after a clear."""
    QUEUED = "queued"
    """Of a run: its making. Of a task: when it is first handed to its executor, or begins to wait."""


class RunHandler(StrEnum):
    """When a handler of the run runs: after all other tasks have ended."""

    ON_FAILURE = "on_failure"
    """The run fails: by a task, a time limit, a deadline or `fail_fast`."""
    ON_SUCCESS = "on_success"
    ON_CANCEL = "on_cancel"
    FINALLY = "finally"
    """After every end."""


class SetupTeardownType(StrEnum):
    """Airflow's name of a task that makes something for others, or cleans up."""

    SETUP = "setup"
    TEARDOWN = "teardown"


class RunStateRule(StrEnum):
    """How the states of the tasks make the state of their run."""

    ANY_FAILURE = "any_failure"
    """A failed leaf fails the run, and so does every failed task without a downstream that handled the failure."""
    LEAVES = "leaves"
    """Only the leaves count, as in Airflow: what runs after a failure by `all_done` hides the failure."""


KEY_BYTES_MAX = 1024
"""Size of a concurrency key, and of the key of a mapped instance, in UTF-8."""


RUN_PRIORITY_MAX = 100
"""Bound of the priority of a run, on both sides of 0."""


class ConcurrencyStrategy(StrEnum):
    """What happens to a run while as many runs as allowed have its concurrency key."""

    QUEUE = "queue"
    """The run waits queued; the oldest starts first."""
    REJECT = "reject"
    """The run is not made; a run that the scheduler makes fails at once."""
    KEEP_LATEST = "keep_latest"
    """Of the waiting runs only the newest stays; the others fail as superseded."""
    CANCEL_RUNNING = "cancel_running"
    """The run cancels the running ones, and starts when they have ended, handlers included. Of the waiting runs only
    the newest stay."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Concurrency:
    """How many runs of a DAG with the same key may be running."""

    key: Template
    max: int = 1
    strategy: ConcurrencyStrategy = ConcurrencyStrategy.QUEUE


@dataclass(frozen=True, kw_only=True, slots=True)
class Debounce:
    """Triggers with the same key become one run."""

    key: Template
    wait: timedelta
    """How long the run waits for a further trigger."""
    max_wait: timedelta
    """How long the run waits in all, from the first trigger; at least `wait`."""


class DeadlineAction(StrEnum):
    """What a missed deadline does, besides the event and the mark `late_since`."""

    NOTIFY = "notify"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True, slots=True)
class Deadline:
    """When a run or a task must have ended."""

    after: DeadlineAnchor
    within: timedelta
    action: DeadlineAction = DeadlineAction.NOTIFY


@dataclass(frozen=True, kw_only=True, slots=True)
class UpstreamDag:
    """A DAG whose runs a schedule waits for."""

    dag_id: str
    state: UpstreamEnd = UpstreamEnd.SUCCESS
    """The end that counts."""
    again: bool = False
    """Whether a run counts once more when it ends so again, after a clear; if not, each run counts once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """When runs are due; exactly one of `crons`, `interval`, `at`, `upstream`, `alias` is given."""

    crons: tuple[str, ...] = ()
    timezone: str = "UTC"
    gap: GapRule = GapRule.SHIFT
    overlap: OverlapRule = OverlapRule.FIRST
    excluded_dates: tuple[date, ...] = ()
    """Local days on which no cron line is due."""
    excluded_calendars: tuple[str, ...] = ()
    """Names of `mainspring.calendars`, whose days are excluded too."""
    interval: timedelta | None = None
    anchor: datetime | None = None
    at: tuple[datetime, ...] = ()
    jitter: timedelta = timedelta(0)
    """Runs are due up to this much later, each DAG and slot by an amount of its own."""
    upstream: tuple[UpstreamDag, ...] = ()
    """The DAGs whose ends make runs: each pair of DAG and end once."""
    match: MatchRule = MatchRule.ALL
    within: timedelta | None = None
    """The time within which the ends that make a run together must lie; None = any time."""
    alias: ScheduleAlias | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryRule:
    """One line of a retry policy. All conditions that are given must hold; the first rule that fits decides."""

    action: str
    """`retry` or `fail`."""
    exit_codes: frozenset[int] = frozenset()
    reasons: frozenset[str] = frozenset()
    """Values of `StateReason`."""
    error_pattern: str | None = None
    """A linear-time regular expression searched in the failure's message."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Teardown:
    """What a tear-down cleans up."""

    of: tuple[str, ...]
    """Ids of its set-ups, in the order written, each once; never empty. The tear-down runs when one has succeeded."""
    fails_run: bool = False
    """Whether a failure of the tear-down fails the run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeat:
    """How often a task runs again after a success. Each such run is a turn of the same instance."""

    until: Expression
    """Evaluated after each turn that succeeds; true = the turn was the last."""
    max: int
    """Number of turns after which the instance fails."""
    delay: timedelta = timedelta(0)
    """Time from the end of one turn to the next."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A node of the graph. The defaults hold when neither the task nor `default_args` has the field."""

    task_id: str
    index: int
    """Position in the definition, from 0; how the engine names the task within one version."""
    type: str
    """A `TaskType` value, or the name of a task type from an entry point."""
    depends_on: tuple[str, ...] = ()
    """Direct upstream, in the order written, each once. The set-ups of a tear-down are always among them."""
    trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS
    when: Expression | None = None
    """False = the instance is skipped. Evaluated once the trigger rule lets it run."""
    answer_until: Expression | None = None
    """Of an HTTP wait: false = the wait goes on after this `answer`."""
    payload: Template
    """The fields of this task type, as a JSON object with unevaluated expressions."""
    display_name: str | None = None
    description: str | None = None
    doc_md: str | None = None
    owner: str | None = None
    retries: int = 0
    retry_delay: timedelta = timedelta(minutes=5)
    retry_backoff: float = 1.0
    """Factor between one delay and the next; 1 = constant."""
    max_retry_delay: timedelta | None = None
    retry_jitter: bool = False
    retry_deadline: timedelta | None = None
    """No further try starts later than this after the first start."""
    retry_policy: tuple[RetryRule, ...] = ()
    execution_timeout: timedelta | None = None
    queue_timeout: timedelta | None = None
    """A task that has not started this long after it was handed to its executor fails."""
    deadline: Deadline | None = None
    cancel_grace: timedelta = timedelta(seconds=10)
    expand: Mapping[str, Template] = field(default_factory=dict)
    """Name -> list; empty = not mapped. Several names make the product, the last one varying fastest."""
    key: Template | None = None
    """Gives each mapped instance its key, from its item; None = the map index is the key."""
    map_group: str | None = None
    """The mapped group that holds the task: `expand` and `key` are those of the group. None = no mapped group."""
    max_active_tis: int | None = None
    """Active instances of this task in a run."""
    max_active_tis_per_dag: int | None = None
    pool: str = "default_pool"
    pool_slots: int = 1
    priority_weight: int = 1
    weight_rule: WeightRule = WeightRule.DOWNSTREAM
    queue: str = "default"
    executor: str | None = None
    """Name of the executor; `None` = the scheduler's default."""
    depends_on_past: bool = False
    handler: RunHandler | None = None
    """The end of the run after which the task runs; None = the task is no handler."""
    is_setup: bool = False
    """Whether the task makes what a tear-down cleans up."""
    teardown: Teardown | None = None
    """None = the task is no tear-down."""
    repeat: Repeat | None = None
    """None = the task ends with its first success."""
    allow_failure: bool = False
    """Whether a failure counts as a success: for the trigger rules of the downstream, and for the run."""
    output_types: Mapping[str, Any] = field(default_factory=dict)
    """Output name -> JSON Schema it must fit."""

    @property
    def variable_references(self) -> frozenset[str]:
        """Keys of the variables in the task's expressions."""
        parts = [self.payload, *self.expand.values()]
        optional = [self.when, self.key, None if self.repeat is None else self.repeat.until]
        references = (part.variable_references for part in [*parts, *optional] if part is not None)
        return frozenset[str]().union(*references)

    @property
    def text_outputs(self) -> tuple[str, ...]:
        """Names of the outputs with string as the only declared type."""
        types = self.output_types.items()
        return tuple(name for name, schema in types if isinstance(schema, Mapping) and schema.get("type") == "string")

    @property
    def runner(self) -> str:
        """The type that an executor carries out: the checks of a `wait` have types of their own."""
        return self.type if self.type != TaskType.WAIT else check_kind(self.payload.source) or self.type

    @property
    def written_payload(self) -> Mapping[str, Any]:
        """The payload of an attempt, as it is written in the definition. Its expressions are not evaluated."""
        source: Mapping[str, Any] = self.payload.source
        kind = check_kind(source) if self.type == TaskType.WAIT else None
        return source if kind is None else source[kind]

    @property
    def counts_for_run(self) -> bool:
        """Whether the result of the run depends on the task: not on a tear-down, unless asked."""
        return self.teardown is None or self.teardown.fails_run

    @property
    def setup_teardown_type(self) -> SetupTeardownType | None:
        """None = neither a set-up nor a tear-down."""
        if self.teardown is not None:
            return SetupTeardownType.TEARDOWN
        return SetupTeardownType.SETUP if self.is_setup else None

    @property
    def is_mapped(self) -> bool:
        return bool(self.expand)


@dataclass(frozen=True, kw_only=True, slots=True)
class Definition:
    """A whole DAG."""

    dag_id: str
    display_name: str | None = None
    description: str | None = None
    doc_md: str | None = None
    tags: tuple[str, ...] = ()
    """In the order written, each once."""
    owners: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    """A JSON Schema 2020-12 of type object; empty = anything goes."""
    schedule: Schedule | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    catchup: Catchup = Catchup.LATEST
    catchup_max: int = 10
    """How many of the latest missed slots `Catchup.ALL` makes up for."""
    max_active_runs: int = 16
    priority: int = 0
    """Of the runs; a higher priority starts first."""
    concurrency: Concurrency | None = None
    debounce: Debounce | None = None
    max_active_tasks: int = 128
    """Of one run at one time."""
    dagrun_timeout: timedelta | None = None
    fail_fast: bool = False
    """Whether the first failure that no task allows ends the run."""
    run_state: RunStateRule = RunStateRule.ANY_FAILURE
    deadline: Deadline | None = None
    is_paused_upon_creation: bool = False
    retention: Mapping[str, Any] | None = None
    """Fields of `RunPolicy` that differ from the settings, as stored; None = none."""
    notify: tuple[Mapping[str, Any], ...] = ()
    """Rules as stored: `on`, and `webhook` or `notifier`."""
    tasks: Mapping[str, Task]
    """In the order written; never empty."""
    outputs: Mapping[str, Template] = field(default_factory=dict)
    """What a run returns: name -> value over the tasks' outputs."""
    flat: FlatTasks
    """The groups, and the fields of each task in `document`."""
    document: Mapping[str, Any]
    """The normalised document: the client's document with durations and instants in the stored spelling, without added
    defaults."""
    content_hash: str
    """SHA-256 (hex) over the canonical JSON of `document`: the identity of a version."""

    @property
    def made_up_for(self) -> int:
        """How many of the missed slots run; 0 = none."""
        return {Catchup.NONE: 0, Catchup.LATEST: 1, Catchup.ALL: self.catchup_max}[self.catchup]
