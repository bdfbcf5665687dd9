"""What must become of instances that wait to be decided: trigger rules, limits, branches, waits, calls.

Where the engine is free (which of several ready instances gets a slot first), the model follows what it observes;
where it is not free, it says what must be seen.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from datetime import datetime

from mainspring.definition.model import Definition
from mainspring.durations import parse_duration
from mainspring.ids import child_run_id
from mainspring.instants import parse_instant
from tests.invariants import FROM_OUTSIDE
from tests.simulation.model_state import Instance, Key, Run, Seen, Wait
from tests.simulation.oracle import FINISHED, after_setups, decision, run_result, taken_as

__all__ = ["Decisions", "MayLag"]

MayLag = Callable[[Run, Instance], bool]
"""Whether this instance may be left undecided, because room is missing or the pass was short."""

_WITHOUT_RUNNING = {"skip": "skipped", "upstream_failed": "upstream_failed"}


class Decisions:
    """The part of the model that decides."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.current: dict[str, Definition] = {}
        """By DAG id: what a new run of it is made from."""
        self.by_attempt: dict[str, tuple[Run, Instance]] = {}
        self.pruned: list[tuple[str, datetime]] = []
        """DAG id and moment of runs that retention took."""
        self.now: datetime | None = None
        """Of the last pass."""
        self.may_postpone: MayLag = lambda *_: False
        """Whether a due check may have had no place in the last step, or its task no room."""

    def follow(
        self,
        seen: Mapping[str, Mapping[Key, Seen]],
        numbers: Mapping[str, int],
        may_lag: MayLag,
        held: Set[str] = frozenset(),
    ) -> None:
        """Decide whatever can be decided, until nothing changes; then end what is over.

        numbers: run id -> its place in the order of creation.
        held: complete runs that were ended from outside, and that the engine may leave so: a process may not have
            stopped, or nobody has looked.
        """
        self._numbers = numbers
        self._said: dict[int, set[str]] = defaultdict(set)
        # What is decided in one run may let another one go on.
        while self._decide_one(seen, may_lag):
            pass
        for run in self.runs.values():
            is_complete = all(one.state in FINISHED for one in run.instances.values())
            if run.state == "running" and is_complete and run.run_id not in held:
                self._finish(run)

    def _finish(self, run: Run) -> None:
        """All its instances are over: tear-downs that an end set aside begin, or its handlers, or it ends."""
        states = {task_id: [one.state for one in run.of_task(task_id)] for task_id in run.definition.tasks}
        result = run_result(run.definition, states)
        ending = run.ending or ("success" if result == "success" else "task_failed")
        owed = run.teardowns_set_aside() if run.ending in FROM_OUTSIDE else []
        if followers := owed or run.handlers_after(ending):
            run.ending, run.timeout_at = ending, None
            for one in followers:
                one.state, one.max_tries = "scheduled", one.tries + one.task.retries
                one.generation += 1
            return
        self._end_run(run, "failed" if run.ending in FROM_OUTSIDE - {"marked_success"} else result)

    def _decide_one(self, seen: Mapping[str, Mapping[Key, Seen]], may_lag: MayLag) -> bool:
        """Whether any of those that wait was decided."""
        waiting = [
            (run, key, instance)
            for run in self.runs.values()
            if run.state == "running"
            for key, instance in self._undecided(run)
        ]
        for run, key, instance in waiting:
            self._said[id(instance)].add(self._ask(run, key, instance))
        return any(
            self._decide(run, key, instance, seen.get(run.run_id, {}), may_lag) for run, key, instance in waiting
        )

    def _ask(self, run: Run, key: Key, instance: Instance) -> str:
        """What the trigger rule says now."""
        task = instance.task
        said = decision(
            task.trigger_rule,
            [taken_as(one.task, one.state) for name in task.depends_on for one in run.before(key, name)],
        )
        if task.teardown is None:
            return said
        return after_setups(said, [one.state for name in task.teardown.of for one in run.of_task(name)])

    def _end_run(self, run: Run, state: str) -> None:
        run.state, run.ending = state, None
        self._wake_parent(run)

    def _wake_parent(self, run: Run) -> None:
        """Whoever waits for the run is told, once."""
        parent, run.parent = run.parent, None
        _, instance = self.by_attempt.get(parent or "", (None, None))
        if instance is not None and instance.attempt_id == parent and instance.wait is not None:
            instance.wait.is_woken = True

    def _undecided(self, run: Run) -> Iterator[tuple[Key, Instance]]:
        waiting = [(key, one) for key, one in run.instances.items() if one.state == "scheduled"]
        # Branches first: what they leave out is skipped whatever else it may be waiting for.
        return iter(sorted(waiting, key=lambda one: one[1].task.type != "branch"))

    def _decide(self, run: Run, key: Key, instance: Instance, seen: Mapping[Key, Seen], may_lag: MayLag) -> bool:
        """Decide one waiting instance; whether anything changed."""
        task, said = instance.task, self._ask(run, key, instance)
        if said == "wait":
            return False
        now_seen = seen.get(key)
        if now_seen is not None and now_seen.state in _WITHOUT_RUNNING.values():
            # A rule that one result decides may have been asked before the next one was there, which decides otherwise.
            told = [one for one in self._said[id(instance)] if _WITHOUT_RUNNING.get(one) == now_seen.state]
            said = told[0] if told else said
        # An item that was found anew may stand in the row of one that had attempts.
        known = (instance.attempt_id, now_seen.attempt_id if instance.attempt_id is None and now_seen else None)
        is_left = now_seen is not None and now_seen.state == "scheduled" and now_seen.attempt_id in known
        if instance.is_check:
            return self._check(run, instance, now_seen, is_left=is_left and may_lag(run, instance))
        if is_left and (may_lag(run, instance) or self._is_held_back(run, key, instance)):
            return False
        if said != "run":
            instance.state = _WITHOUT_RUNNING[said]
            if task.type == "branch" and task.is_mapped and not instance.is_placeholder:
                self._leave_out(run, instance, seen)
        elif not instance.is_placeholder and self._waits_for_past(run, key, instance):
            return False
        elif task.when is not None and not run.conf["go"] and not (instance.is_placeholder and task.map_group):
            instance.state = "skipped"
        elif instance.is_placeholder:
            self._expand(run, key, instance)
        elif task.type == "noop":
            instance.state = "success"
        elif task.type in ("wait", "approval"):
            self._defer(run, instance, now_seen)
        elif task.type == "dag":
            self._call(run, instance, now_seen)
        elif "choose" in task.payload.source:
            self._choose(run, instance, seen)
        else:
            self._begin(run, instance, now_seen, "queued")
        return True

    def _check(self, run: Run, instance: Instance, seen: Seen | None, *, is_left: bool) -> bool:
        """A check is due, and begins or waits for a place; whether anything changed."""
        if is_left:
            return False
        assert instance.wait is not None
        is_postponed = seen is not None and (seen.state, seen.attempt_id) == ("deferred", instance.attempt_id)
        if is_postponed and self.may_postpone(run, instance):
            assert seen is not None
            instance.state, instance.wait.until = "deferred", seen.not_before
            return True
        tries = instance.tries
        self._begin(run, instance, seen, "queued", instance.wait)
        instance.tries = tries
        return True

    def _begin(self, run: Run, instance: Instance, seen: Seen | None, state: str, wait: Wait | None = None) -> None:
        """It has an attempt from now on."""
        instance.state, instance.wait = state, wait
        instance.tries += 1
        self._count_deadlines(run, instance)
        if seen is not None and seen.attempt_id is not None and seen.attempt_id != instance.attempt_id:
            instance.attempt_id = seen.attempt_id
            self.by_attempt[seen.attempt_id] = (run, instance)

    def _count_deadlines(self, run: Run, instance: Instance) -> None:
        """Those that count from the moment in which the instance is queued or begins to wait. A retry moves none."""
        assert self.now is not None
        task = instance.task
        [index] = [index for (_, index), one in run.instances.items() if one is instance]
        if instance.state == "queued" and task.queue_timeout is not None:
            run.deadlines[task.task_id, index, "start"] = (instance.generation, self.now + task.queue_timeout)
        rule = task.deadline
        if instance.state in ("queued", "deferred") and rule is not None and rule.after == "queued":
            key = (task.task_id, index, "end")
            if run.deadlines.get(key, (None, None))[0] != instance.generation:
                run.deadlines[key] = (instance.generation, self.now + rule.within)

    def _defer(self, run: Run, instance: Instance, seen: Seen | None) -> None:
        fields = instance.task.payload.source
        assert self.now is not None
        gives_up_at = self.now + parse_duration(fields["timeout"]) if "timeout" in fields else None
        if instance.task.type == "approval":
            wait = Wait("approval", gives_up_at=gives_up_at, default=fields.get("default"))
            self._begin(run, instance, seen, "deferred", wait)
            return
        if "signal" in fields:
            wait = Wait("signal", gives_up_at=gives_up_at, signal=fields["signal"], began_at=self.now)
            self._begin(run, instance, seen, "deferred", wait)
            return
        if "shell" in fields:
            self._begin(run, instance, seen, "deferred", Wait("check", until=self.now, gives_up_at=gives_up_at))
            return
        until = self.now + parse_duration(fields["for"]) if "for" in fields else parse_instant(fields["until"])
        if until <= self.now:
            instance.state = "success"
        else:
            self._begin(run, instance, seen, "deferred", Wait("time", until=until, gives_up_at=gives_up_at))

    def _call(self, run: Run, instance: Instance, seen: Seen | None) -> None:
        assert self.now is not None
        fields, limit = instance.task.payload.source, instance.task.execution_timeout
        definition = self.current.get(fields["dag_id"])
        if definition is None or "version" in fields:
            # A document names only a version that does not exist.
            self._begin(run, instance, seen, "failed")
            return
        is_awaited = fields.get("wait", True)
        self._begin(run, instance, seen, "deferred" if is_awaited else "success")
        run_id = child_run_id(instance.task.task_id, instance.attempt_id or "")
        at = (self.now, self._numbers.get(run_id, 0))
        child = Run(run_id, definition.dag_id, definition, fields["conf"], at, at)
        self.runs[run_id] = child
        if is_awaited:
            child.parent = instance.attempt_id
            gives_up_at = None if limit is None else self.now + limit
            instance.wait = Wait("run", gives_up_at=gives_up_at, child=(child.dag_id, run_id))
        if child.key == "":
            for one in child.instances.values():
                if one.state == "scheduled":
                    one.state, one.was_prevented = "skipped", True
            self._end_run(child, "failed")

    def _expand(self, run: Run, key: Key, placeholder: Instance) -> None:
        count = len(placeholder.task.expand["way"].source if "way" in placeholder.task.expand else run.conf["items"])
        if count == 0:
            placeholder.state = "skipped"
            return
        for task_id in run.mapped_with(key[0]):
            whole = run.instances.pop((task_id, -1), None)
            for index in range(count) if whole is not None else ():
                # One that had ended before has ended so for all items.
                run.instances[task_id, index] = Instance(
                    whole.task, False, whole.max_tries, whole.state, was_marked=whole.was_marked
                )

    def _choose(self, run: Run, instance: Instance, seen: Mapping[Key, Seen]) -> None:
        instance.state = "success"
        self._leave_out(run, instance, seen)

    def _leave_out(self, run: Run, instance: Instance, seen: Mapping[Key, Seen]) -> None:
        chosen = self._chosen(run, instance)
        if chosen is None:
            return
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

    def _chosen(self, run: Run, instance: Instance) -> list[str] | None:
        """The instances of a mapped branch choose together, when the last of them has ended; None = they have not."""
        if not instance.task.is_mapped:
            return re.findall("t[0-9]", instance.task.payload.source["choose"])
        ways = instance.task.expand["way"].source
        choices = {key[1]: one for key, one in run.instances.items() if one.task is instance.task}
        present = {index: one for index, one in choices.items() if one.state != "removed"}
        if any(one.state not in ("success", "skipped") for one in present.values()):
            return None
        done = {index: one for index, one in present.items() if one.state == "success"}
        if any(one.was_marked for one in done.values()):
            return None
        return [name for index in done for name in ways[index]]

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
        left = [one for name in self._downstream(run, task_id) if name not in kept for one in run.of_task(name)]
        return [one for one in left if one.task.teardown is None]

    def _is_held_back(self, run: Run, key: Key, instance: Instance) -> bool:
        """Whether a limit of its own task holds the instance back."""
        if instance.is_placeholder:
            return False
        task = instance.task
        in_run = sum(one.is_active for one in run.of_task(task.task_id))
        in_dag = sum(
            one.is_active
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
        latest = max(earlier, key=lambda one: one.moment)
        if any(dag_id == run.dag_id and latest.moment[0] < moment < run.moment[0] for dag_id, moment in self.pruned):
            return False  # that run is the one before, and nothing of it is left to wait for
        past = latest.instances
        same = [past[other] for other in ((key[0], key[1]), (key[0], -1)) if other in past]
        # A task that a change of the version took out of the run before holds nothing back.
        counted = [one for one in same if one.state != "removed"]
        # A user who calls that run a success says so of all that it did not run.
        is_success = latest.state == "success"
        return any(one.state not in ("success", "skipped") or (one.was_prevented and not is_success) for one in counted)
