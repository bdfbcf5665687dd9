"""What states must become: the engine once more, as small as it can be said, without database, batches or caches.

Where the engine is free (which of several ready instances gets a slot first), the model follows what it observes;
where it is not free, the model says what must be seen.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mainspring.attempts import Finished, Outcome, Report, Started
from mainspring.definition.model import Definition, Task
from tests.reference import FINISHED, decision, run_result

__all__ = ["Instance", "Model", "Run", "Seen"]

Key = tuple[str, int]
"""Task id and map index."""
ACTIVE = frozenset({"queued", "running"})


@dataclass(frozen=True)
class Seen:
    """One instance as the database shows it."""

    state: str
    attempt_id: str | None


@dataclass
class Instance:
    task: Task
    is_placeholder: bool
    max_tries: int
    state: str = "scheduled"
    tries: int = 0
    attempt_id: str | None = None
    not_before: datetime | None = None


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
    state: str = "queued"
    timeout_at: datetime | None = None
    instances: dict[Key, Instance] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for task in self.definition.tasks.values():
            self.instances[task.task_id, -1] = Instance(task, task.is_mapped, task.retries)

    def of_task(self, task_id: str) -> list[Instance]:
        return [one for (name, _), one in self.instances.items() if name == task_id]


class Model:
    """All DAGs and runs."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.paused: dict[str, bool] = {}
        self.max_active_runs: dict[str, int] = {}
        self.by_attempt: dict[str, tuple[Run, Instance]] = {}

    # What is done to it.

    def apply(self, reports: Sequence[Report], now: datetime) -> None:
        """One batch of reports. The first final report of a live attempt counts, every other one is too late."""
        left_out: list[Instance] = []
        for attempt_id in dict.fromkeys(report.attempt_id for report in reports):
            mine = [report for report in reports if report.attempt_id == attempt_id]
            run, instance = self.by_attempt.get(attempt_id, (None, None))
            if run is None or instance is None or instance.attempt_id != attempt_id or instance.state not in ACTIVE:
                continue
            if any(isinstance(report, Started) for report in mine):
                instance.state = "running"
            final = next((report for report in mine if isinstance(report, Finished)), None)
            if final is not None:
                left_out += self._end(run, instance, final, now)
        for left in left_out:
            left.state = "skipped" if left.state == "scheduled" else left.state

    def stop(self, run: Run) -> None:
        """A cancel or a timeout."""
        for instance in run.instances.values():
            if instance.state not in FINISHED:
                instance.state = "failed" if instance.state in (*ACTIVE, "deferred") else "skipped"
        run.state = "failed"

    def adopt(self, run: Run, rows: Iterable[Any]) -> None:
        """Somebody changed the run by hand: go on from what the database shows."""
        run.instances = {}
        for row in rows:
            task = run.definition.tasks[row.task_id]
            instance = Instance(
                task,
                task.is_mapped and row.map_value is None,
                row.max_tries,
                row.state,
                row.try_number,
                row.attempt_id,
                row.not_before,
            )
            run.instances[row.task_id, row.map_index] = instance
            if instance.attempt_id is not None:
                self.by_attempt[instance.attempt_id] = (run, instance)

    def look(self, now: datetime) -> None:
        """What time and room bring: timeouts, retries, starts; in this order."""
        for run in self.runs.values():
            if run.state == "running" and run.timeout_at is not None and run.timeout_at <= now:
                self.stop(run)
        for run in self.runs.values():
            for instance in run.instances.values():
                if instance.state == "up_for_retry" and instance.not_before is not None and instance.not_before <= now:
                    instance.state = "scheduled"
        for run in sorted(self.runs.values(), key=lambda one: one.due):
            running = sum(one.state == "running" for one in self.runs.values() if one.dag_id == run.dag_id)
            is_due = run.state == "queued" and run.due[0] <= now
            if is_due and not self.paused[run.dag_id] and running < self.max_active_runs[run.dag_id]:
                run.state = "running"
                timeout = run.definition.dagrun_timeout
                run.timeout_at = now + timeout if timeout is not None else None

    def follow(self, seen: Mapping[str, Mapping[Key, Seen]], may_lag: Callable[[Run], bool]) -> None:
        """Decide whatever can be decided, until nothing changes; then end what is over.

        may_lag: whether instances of this run may be left undecided, because room is missing or the pass was short.
        """
        # What is decided in one run may let another one go on.
        while any(
            self._decide(run, key, instance, seen[run.run_id], may_lag(run))
            for run in self.runs.values()
            if run.state == "running"
            for key, instance in self._undecided(run)
        ):
            pass
        for run in self.runs.values():
            if run.state == "running" and all(one.state in FINISHED for one in run.instances.values()):
                run.state = run_result(
                    run.definition,
                    {task_id: [one.state for one in run.of_task(task_id)] for task_id in run.definition.tasks},
                )

    # What follows.

    def _end(self, run: Run, instance: Instance, report: Finished, now: datetime) -> list[Instance]:
        """Returns what a branch leaves out."""
        task = instance.task
        outcome, reason = report.outcome, report.reason
        if outcome is Outcome.SUCCESS and task.type == "branch":
            chosen = report.outputs.get("return_value") or []
            if set(chosen) <= set(self._downstream(run, task.task_id)):
                instance.state = "success"
                return self._left_out(run, task.task_id, chosen)
            outcome = Outcome.FAILED
        if outcome is Outcome.SUCCESS:
            instance.state = "success"
        elif outcome is Outcome.SKIPPED:
            instance.state = "skipped"
        elif outcome is Outcome.INTERRUPTED or (outcome is Outcome.LOST and instance.state == "queued"):
            instance.state = "scheduled"
            instance.max_tries += 1
        elif instance.tries > instance.max_tries or outcome is Outcome.CANCELLED or reason == "rejected":
            instance.state = "failed"
        elif task.retry_delay:
            instance.state, instance.not_before = "up_for_retry", now + task.retry_delay
        else:
            instance.state = "scheduled"
        return []

    def _undecided(self, run: Run) -> Iterator[tuple[Key, Instance]]:
        waiting = [(key, one) for key, one in run.instances.items() if one.state == "scheduled"]
        # Branches first: what they leave out is skipped whatever else it may be waiting for.
        return iter(sorted(waiting, key=lambda one: one[1].task.type != "branch"))

    def _decide(self, run: Run, key: Key, instance: Instance, seen: Mapping[Key, Seen], may_lag: bool) -> bool:
        """Decide one waiting instance; whether anything changed."""
        task = instance.task
        said = decision(task.trigger_rule, [one.state for name in task.depends_on for one in run.of_task(name)])
        if said == "wait":
            return False
        now_seen = seen.get(key)
        is_left = now_seen is not None and now_seen.state == "scheduled" and now_seen.attempt_id == instance.attempt_id
        if is_left and (may_lag or self._is_held_back(run, key, instance)):
            return False
        if said != "run":
            instance.state = "skipped" if said == "skip" else said
        elif not instance.is_placeholder and self._waits_for_past(run, key, instance):
            return False
        elif task.when is not None and not run.conf["go"]:
            instance.state = "skipped"
        elif instance.is_placeholder:
            self._expand(run, key, instance)
        elif task.type == "noop":
            instance.state = "success"
        elif "choose" in task.payload.source:
            self._choose(run, instance, seen)
        else:
            self._queue(run, instance, now_seen)
        return True

    def _queue(self, run: Run, instance: Instance, seen: Seen | None) -> None:
        instance.state = "queued"
        instance.tries += 1
        if seen is not None and seen.attempt_id is not None and seen.attempt_id != instance.attempt_id:
            instance.attempt_id = seen.attempt_id
            self.by_attempt[seen.attempt_id] = (run, instance)

    def _expand(self, run: Run, key: Key, placeholder: Instance) -> None:
        count = len(run.conf["items"])
        if count == 0:
            placeholder.state = "skipped"
            return
        del run.instances[key]
        for index in range(count):
            run.instances[key[0], index] = Instance(placeholder.task, False, placeholder.max_tries)

    def _choose(self, run: Run, instance: Instance, seen: Mapping[Key, Seen]) -> None:
        instance.state = "success"
        chosen = re.findall("t[0-9]", instance.task.payload.source["choose"])
        keys = {id(one): key for key, one in run.instances.items()}
        for left in self._left_out(run, instance.task.task_id, chosen):
            key = keys[id(left)]
            if left.state == "scheduled" and left.is_placeholder and key not in seen:
                # Its items were found in the same round, before the branch left them out.
                self._expand(run, key, left)
        for left in self._left_out(run, instance.task.task_id, chosen):
            keys = {id(one): key for key, one in run.instances.items()}
            # Decided within the same pass as the branch, it may have been decided before the branch was.
            if left.state == "scheduled" and seen[keys[id(left)]].state in ("scheduled", "skipped"):
                left.state = "skipped"

    def _downstream(self, run: Run, task_id: str) -> list[str]:
        return [one.task_id for one in run.definition.tasks.values() if task_id in one.depends_on]

    def _left_out(self, run: Run, task_id: str, chosen: Iterable[str]) -> list[Instance]:
        kept: set[str] = set()
        ahead = list(chosen)
        while ahead:
            name = ahead.pop()
            if name not in kept:
                kept.add(name)
                ahead += self._downstream(run, name)
        return [one for name in self._downstream(run, task_id) if name not in kept for one in run.of_task(name)]

    def _is_held_back(self, run: Run, key: Key, instance: Instance) -> bool:
        """Whether a limit of its own task holds the instance back."""
        if instance.is_placeholder:
            return False
        task = instance.task
        in_run = sum(one.state in ACTIVE for one in run.of_task(task.task_id))
        in_dag = sum(
            one.state in ACTIVE
            for other in self.runs.values()
            if other.dag_id == run.dag_id
            for one in other.of_task(task.task_id)
        )
        return (
            self._waits_for_past(run, key, instance)
            or (task.max_active_tis is not None and in_run >= task.max_active_tis)
            or (task.max_active_tis_per_dag is not None and in_dag >= task.max_active_tis_per_dag)
        )

    def _waits_for_past(self, run: Run, key: Key, instance: Instance) -> bool:
        if not instance.task.depends_on_past:
            return False
        earlier = [one for one in self.runs.values() if one.dag_id == run.dag_id and one.moment < run.moment]
        if not earlier:
            return False
        past = max(earlier, key=lambda one: one.moment).instances
        same = [past[other] for other in ((key[0], key[1]), (key[0], -1)) if other in past]
        return any(one.state not in ("success", "skipped") for one in same)
