"""What the model knows: runs, their instances, and what some of these wait for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from mainspring.definition.model import Definition, Task
from tests.simulation.oracle import FINISHED

__all__ = ["ACTIVE", "WAITING_TYPES", "DeadlineKey", "Instance", "Key", "Run", "Seen", "Wait", "key_of"]

DeadlineKey = tuple[str, int | None, str]
"""Task id (empty = the run), map index (None = all), `end` or `start`."""
Key = tuple[str, int]
"""Task id and map index."""
ACTIVE = frozenset({"queued", "running"})
WAITING_TYPES = frozenset({"wait", "approval", "dag"})


@dataclass(frozen=True)
class Seen:
    """One instance as the database shows it."""

    state: str
    attempt_id: str | None
    not_before: datetime | None = None


@dataclass
class Wait:
    """What a deferred instance waits for."""

    kind: str
    """`time`, `approval`, `signal`, `run` or `check`."""
    until: datetime | None = None
    """When the time has come, or when the next check is due."""
    gives_up_at: datetime | None = None
    default: str | None = None
    answer: str | None = None
    child: tuple[str, str] | None = None
    """DAG id and run id."""
    signal: str | None = None
    began_at: datetime | None = None
    """Of waits for a signal."""
    is_woken: bool = False
    """Whether the child ended, or went, since somebody looked."""
    losses: int = 0
    """How many checks in a row have lost their worker."""


@dataclass
class Instance:
    task: Task
    is_placeholder: bool
    max_tries: int
    state: str = "scheduled"
    tries: int = 0
    attempt_id: str | None = None
    not_before: datetime | None = None
    wait: Wait | None = None
    was_prevented: bool = False
    """Whether the end of its run kept it from running: it is skipped, and yet unfinished work."""
    was_marked: bool = False
    """Whether a user said how it ended."""
    generation: int = field(default_factory=count(1_000).__next__)
    """Changes with a clear."""

    @property
    def is_check(self) -> bool:
        """Whether it waits for a check that holds, whatever it does now."""
        return self.wait is not None and self.wait.kind == "check"

    @property
    def is_active(self) -> bool:
        """Whether it counts for the limits of its task and run: also while it waits for a child run."""
        return self.state in ACTIVE or (self.state == "deferred" and self.task.type == "dag")


def key_of(definition: Definition, conf: Mapping[str, Any]) -> str:
    """The concurrency key of a run; empty = the expression fails."""
    assert definition.concurrency is not None
    return _key(definition.concurrency.key.source, conf)


def _key(source: Any, conf: Mapping[str, Any]) -> str:
    match source:
        case "${{ params.go }}":
            return "true" if conf["go"] else "false"
        case "${{ params.items[0] }}":
            return str(conf["items"][0]) if conf["items"] else ""
        case key:
            return str(key)


def debounce_key_of(definition: Definition, conf: Mapping[str, Any]) -> str:
    """The debounce key of a trigger; empty = the expression fails."""
    assert definition.debounce is not None
    return _key(definition.debounce.key.source, conf)


@dataclass
class Run:
    run_id: str
    dag_id: str
    definition: Definition
    conf: Mapping[str, Any]
    moment: tuple[datetime, int]
    """Where it stands among the runs of its DAG: logical date, or earliest start; then order of creation."""
    due: tuple[datetime, int]
    """Earliest start, then order of creation."""
    parent: str | None = None
    """The attempt that waits for its end."""
    state: str = "queued"
    timeout_at: datetime | None = None
    is_complete_by_hand: bool = False
    """A user's mark or clear left no task to do: the time limit stops nothing any more."""
    made_at: datetime | None = None
    """None = at its earliest start."""
    deadlines: dict[DeadlineKey, tuple[int, datetime | None]] = field(default_factory=dict)
    """What each deadline is about -> generation of the instance, and the instant; None = it has come."""
    instances: dict[Key, Instance] = field(default_factory=dict)
    ending: str | None = None
    """The reason of an end from outside that has begun, or of the end that handlers wait for, or `success`."""
    has_failed: bool = False
    """Whether a failure must end it, which nobody has looked at yet."""

    key: str | None = None
    """The concurrency key; empty = it could not be evaluated. None = the definition has none."""
    key_max: int = 0
    strategy: str | None = None
    is_paused: bool = False
    signals: list[tuple[str, datetime]] = field(default_factory=list)
    """Name and instant of each signal that no wait has taken, in order."""
    debounce_key: str | None = None
    """Triggers with the key join it while it has not begun; None = none does."""
    version_id: int | None = None
    own_priority: int | None = None
    """As the trigger said; None = as the definition says."""
    priority: int = 0

    @property
    def turn(self) -> tuple[int, datetime, int]:
        """Where it stands among the queued runs of its DAG."""
        return (-self.priority, *self.due)

    def __post_init__(self) -> None:
        if self.definition.concurrency is not None:
            self.key, self.key_max = key_of(self.definition, self.conf), self.definition.concurrency.max
            self.strategy = self.definition.concurrency.strategy.value
        self.priority = self.definition.priority if self.own_priority is None else self.own_priority
        for task in self.definition.tasks.values():
            state = "scheduled" if task.handler is None else "removed"
            self.instances[task.task_id, -1] = Instance(task, task.is_mapped, task.retries, state)
        self.count_deadlines("run_after", self.due[0])
        if self.definition.deadline is not None and self.definition.deadline.after == "queued":
            due_at = (self.made_at or self.due[0]) + self.definition.deadline.within
            self.deadlines["", None, "end"] = (0, due_at)

    def join(self, conf: Mapping[str, Any], now: datetime) -> None:
        """A trigger joins the run."""
        assert self.definition.debounce is not None
        assert self.made_at is not None
        debounce = self.definition.debounce
        self.conf = conf
        if self.definition.concurrency is not None:
            self.key = key_of(self.definition, conf)
        self.move_start(min(now + debounce.wait, self.made_at + debounce.max_wait))

    def move_start(self, at: datetime) -> None:
        """A user changes the earliest start. Deadlines that have passed stay."""
        passed = {key: one for key, one in self.deadlines.items() if one[1] is None}
        if self.moment == self.due:
            self.moment = (at, self.moment[1])
        self.due = (at, self.due[1])
        self.count_deadlines("run_after", at)
        self.deadlines |= passed

    def count_deadlines(self, after: str, at: datetime) -> None:
        """Those of the run and its tasks that count from one instant of the run."""
        rules = {"": self.definition.deadline, **{name: one.deadline for name, one in self.definition.tasks.items()}}
        for name, rule in rules.items():
            if rule is not None and rule.after == after:
                self.deadlines[name, None, "end"] = (0, at + rule.within)

    def note_failure(self, instance: Instance) -> None:
        """A final failure."""
        counts = instance.task.teardown is None or instance.task.teardown.fails_run
        self.has_failed |= self.definition.fail_fast and counts and not instance.task.allow_failure

    def handlers_after(self, ending: str) -> list[Instance]:
        """Handlers for an end that have not run."""
        kind = {"success": "on_success", "marked_success": "on_success", "cancelled": "on_cancel"}.get(
            ending, "on_failure"
        )
        handlers = [task.task_id for task in self.definition.tasks.values() if task.handler in (kind, "finally")]
        return [one for task_id in handlers for one in self.of_task(task_id) if one.state == "removed"]

    def owed_teardowns(self) -> list[Instance]:
        """Open tear-downs of which a set-up has succeeded."""
        return [
            one
            for one in self.instances.values()
            if one.task.teardown is not None and one.state not in FINISHED
            if any(setup.state == "success" for name in one.task.teardown.of for setup in self.of_task(name))
        ]

    def teardowns_set_aside(self) -> list[Instance]:
        """Tear-downs that an end from outside has left to run."""
        names = [name for name, task in self.definition.tasks.items() if task.teardown is not None]
        return [self.instances[name, -1] for name in names if self.instances[name, -1].state == "removed"]

    @property
    def is_over(self) -> bool:
        return self.state in ("success", "failed")

    def mapped_with(self, task_id: str) -> list[str]:
        """The tasks whose items are found together with those of a mapped task; the task itself included."""
        group = self.definition.tasks[task_id].map_group
        return [
            name for name, one in self.definition.tasks.items() if name == task_id or (group and one.map_group == group)
        ]

    def before(self, key: Key, upstream_id: str) -> list[Instance]:
        """The instances of an upstream task that count for an instance: in a mapped group those of its item alone."""
        if upstream_id not in self.mapped_with(key[0]):
            return self.of_task(upstream_id)
        whole = self.instances.get((upstream_id, -1))
        return [whole if whole is not None else self.instances[upstream_id, key[1]]]

    def of_task(self, task_id: str) -> list[Instance]:
        return [one for (name, _), one in self.instances.items() if name == task_id]
