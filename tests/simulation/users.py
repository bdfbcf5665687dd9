"""Steps: what users of the API do."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from mainspring.concurrency_keys import ConcurrencyKeyInvalid
from mainspring.definition import parse_definition
from mainspring.definition.model import Definition
from mainspring.errors import Conflict, NotFound
from mainspring.params import resolve_params
from mainspring.signals import signals_of
from mainspring.states import TASK_FINISHED, RunState, RunType, TaskState
from mainspring_store.interventions import (
    Clear,
    Mark,
    RunSelection,
    TaskSelection,
    change_run_version,
    clear,
    mark,
    mark_run,
)
from mainspring_store.resources import dag_deletion, dag_pauses, dags, run_order, run_pauses
from mainspring_store.resources.pools import change_pools
from mainspring_store.resources.versions import Versions
from mainspring_store.state import runs
from mainspring_store.state.concurrency import ConcurrencyKeyTaken
from mainspring_store.state.debounces import trigger_run
from tests.simulation.documents import CALLED, CALLER, POOLS, SIGNALS, confs, documents
from tests.simulation.machine import PICK, Machine, one_of
from tests.simulation.model_state import Run, debounce_key_of

__all__ = ["Users"]

DAGS = (CALLER, CALLED)
FINISHED = TASK_FINISHED - {TaskState.REMOVED}
HOURS = st.integers(0, 5)
PRIORITIES = st.sampled_from([None, None, -1, 0, 1, 100])


class Users(Machine):
    """Save, trigger, cancel, clear, mark, answer, pause, delete; change pools."""

    @rule(data=st.data(), dag_id=st.sampled_from(DAGS))
    def save(self, data: st.DataObject, dag_id: str) -> None:
        self._save(data, dag_id)

    def _save(self, data: st.DataObject, dag_id: str) -> None:
        definition = parse_definition(data.draw(documents(dag_id, self.features)), media="json")
        saved = dags.save_dag(self.database, definition, by="test", now=self.clock.now())
        self.versions[dag_id], self.version_numbers[dag_id] = saved.version, saved.version_number
        self.model.paused.setdefault(dag_id, False)
        self.model.max_active_runs[dag_id] = definition.max_active_runs
        self.model.current[dag_id] = definition

    @precondition(lambda self: self.versions)
    @rule(pick=PICK, conf=confs, hour=st.none() | HOURS, delay=st.sampled_from([0, 0, 0, 15]), priority=PRIORITIES)
    def trigger(
        self, pick: int, conf: Mapping[str, Any], hour: int | None, delay: int, priority: int | None = None
    ) -> None:
        dag_id = one_of(sorted(self.versions), pick)
        version = self.versions[dag_id]
        self.triggers += 1
        now = self.clock.now()
        date = None if hour is None else now.replace(hour=hour, minute=0, second=0) - timedelta(days=1)
        new = runs.NewRun(
            version=version,
            run_id=f"r{self.triggers}",
            run_type=RunType.MANUAL,
            conf=conf,
            params=resolve_params(version.definition.params, conf),
            run_after=now + timedelta(seconds=delay),
            logical_date=date,
            priority=priority if "priorities" in self.features else None,
            may_join=hour is None and delay == 0,
        )
        is_debounced = new.may_join and version.definition.debounce is not None
        is_refused = self.model.refuses(version.definition, conf, is_debounced=is_debounced)
        try:
            triggered = trigger_run(self.database, new, now=now)
        except (ConcurrencyKeyInvalid, ConcurrencyKeyTaken):
            assert is_refused, "a run was refused though its concurrency key is free"
            return
        except Conflict:
            assert (dag_id, hour) in self.dates, "a run was refused though its logical date is free"
            return
        assert not is_refused, "a run was made though its concurrency key is taken"
        if hour is not None:
            assert (dag_id, hour) not in self.dates, "two runs of one logical date"
            self.dates.add((dag_id, hour))
        joined = self.model.joined_by(version.id, version.definition, conf) if is_debounced else None
        assert triggered.is_merged is (joined is not None), "a trigger joined a run, or did not"
        if joined is not None:
            assert triggered.run_id == joined.run_id, "a trigger joined another run"
            joined.join(conf, now)
            return
        debounce, number, start = version.definition.debounce, triggered.key, new.run_after
        if is_debounced and debounce is not None:
            start = min(now + debounce.wait, now + debounce.max_wait)
        moment = (date or start, number)
        self.model.runs[new.run_id] = Run(
            new.run_id, dag_id, version.definition, conf, moment, due=(start, number), made_at=now,
            own_priority=new.priority, version_id=version.id,
            debounce_key=debounce_key_of(version.definition, conf) if is_debounced else None,
        )  # fmt: skip

    @precondition(lambda self: self.model.runs)
    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        run = one_of(list(self.model.runs.values()), pick)
        was_over = run.is_over or run.ending is not None
        done = runs.cancel_run(self.database, run.dag_id, run.run_id, now=self.clock.now(), message="by test")
        assert done is not was_over
        if done:
            self.model.stop(run, "cancelled")

    @precondition(lambda self: self.model.runs)
    @rule(pick=PICK, task=PICK, has_downstream=st.booleans(), has_upstream=st.sampled_from([False, False, True]))
    def clear(self, pick: int, task: int, has_downstream: bool, has_upstream: bool) -> None:
        run = one_of(list(self.model.runs.values()), pick)
        request = Clear(
            runs=RunSelection(run_id=run.run_id),
            tasks=TaskSelection(
                task_ids=[one_of(list(run.definition.tasks), task)],
                include_downstream=has_downstream,
                include_upstream=has_upstream,
            ),
        )
        clear(self.database, Versions(self.database), run.dag_id, request, now=self.clock.now())
        self.follow_the_hand(run)
        if run.state == "running" and run.is_complete_by_hand:
            # A clear of handlers leaves no task to do: the scheduler's next look lets them run.
            self.do_pass(self.hosts[0])

    @precondition(lambda self: any(not run.is_over and run.dag_id in self.versions for run in self.model.runs.values()))
    @rule(data=st.data(), pick=PICK, restarts=st.booleans())
    def change_the_version(self, data: st.DataObject, pick: int, restarts: bool) -> None:
        runs_open = [run for run in self.model.runs.values() if not run.is_over and run.dag_id in self.versions]
        run = one_of(runs_open, pick)
        # The history of a run is held against its version from the instant at which the version was saved.
        self.let_time_pass(1)
        self._save(data, run.dag_id)
        finished = {key: one.state for key, one in run.instances.items() if one.state in FINISHED}
        has_begun = any(one.state in ("queued", "running", "deferred") for one in run.instances.values())
        number, now = self.version_numbers[run.dag_id], self.clock.now()
        versions = Versions(self.database)
        try:
            changed = change_run_version(
                self.database, versions, run.dag_id, run.run_id, number, restarts=restarts, now=now
            )
        except Conflict:
            is_remapped = self._would_run_again(run, finished)
            is_refused = is_remapped or run.ending is not None
            assert is_refused or not restarts, "a version was refused though its tasks may be stopped"
            return
        assert not changed or not self._would_run_again(run, finished), "a finished task runs again"
        assert restarts or not changed or not has_begun, "a task goes on by a version that its run no longer has"
        if not changed:
            return
        before, run.definition = run.definition, self.versions[run.dag_id].definition
        self.follow_the_hand(run)
        for (task_id, map_index), state in finished.items():
            task, old_task = run.definition.tasks.get(task_id), before.tasks.get(task_id)
            if task is not None and old_task is not None:
                assert run.instances[task_id, map_index].state == state, "a finished task did not stay finished"
            elif task is None:
                assert run.instances[task_id, map_index].state == "removed", "a task that is gone counts on"
        assert run.definition.tasks.keys() <= {task_id for task_id, _ in run.instances}, "a new task has no instance"
        # A run that has nothing left to do is ended by the scheduler's next look.
        self.do_pass(self.hosts[0])

    def _would_run_again(self, run: Run, finished: Collection[tuple[str, int]]) -> bool:
        """Whether a task with a finished instance became mapped, stopped being mapped, or is mapped with other tasks in
        the saved version."""
        saved = self.versions[run.dag_id].definition
        return any(
            task_id in saved.tasks and _mapping(saved, task_id) != _mapping(run.definition, task_id)
            for task_id, _ in finished
        )

    @precondition(lambda self: self.model.runs)
    @rule(pick=PICK, task=PICK, state=st.sampled_from([TaskState.SUCCESS, TaskState.FAILED, TaskState.SKIPPED]))
    def mark(self, pick: int, task: int, state: TaskState) -> None:
        run = one_of(list(self.model.runs.values()), pick)
        request = Mark(
            state=state,
            runs=RunSelection(run_id=run.run_id),
            tasks=TaskSelection(task_ids=[one_of(list(run.definition.tasks), task)]),
        )
        mark(self.database, Versions(self.database), run.dag_id, request, by="test", now=self.clock.now())
        self.follow_the_hand(run)
        # A run that has nothing left to do is ended by the scheduler's next look.
        self.do_pass(self.hosts[0])

    @precondition(lambda self: self.model.runs)
    @rule(pick=PICK, state=st.sampled_from([RunState.SUCCESS, RunState.FAILED]))
    def mark_the_run(self, pick: int, state: RunState) -> None:
        run = one_of(list(self.model.runs.values()), pick)
        versions, now = Versions(self.database), self.clock.now()
        mark_run(self.database, versions, run.dag_id, run.run_id, state, by="test", now=now)
        self.follow_the_hand(run)
        # Tear-downs and handlers run before the end, once the processes have stopped.
        self.do_pass(self.hosts[0])

    @precondition(lambda self: self.open_approvals())
    @rule(pick=PICK, choice=st.sampled_from(["approve", "reject"]))
    def answer(self, pick: int, choice: str) -> None:
        run, instance = one_of(self.open_approvals(), pick)
        counts = self.model.answer(run, instance, choice, self.clock.now())
        try:
            self.do_answer(run, instance, choice)
        except Conflict:
            assert not counts, "an answer was refused"
            return
        assert counts, "an answer was taken that came too late or second"

    @precondition(lambda self: "waits" in self.features and self.model.runs)
    @rule(pick=PICK, name=st.sampled_from(SIGNALS))
    def signal(self, pick: int, name: str) -> None:
        run = one_of(list(self.model.runs.values()), pick)
        is_refused = run.is_over or name not in signals_of(run.definition)
        try:
            self.do_signal(run, name)
        except (Conflict, NotFound):
            assert is_refused, "a signal was refused though a task may wait for it"
            return
        assert not is_refused, "a signal was kept for which no task can wait"

    @precondition(lambda self: self.versions)
    @rule(pick=PICK, is_paused=st.booleans())
    def pause(self, pick: int, is_paused: bool) -> None:
        dag_id = one_of(sorted(self.versions), pick)
        dag_pauses.set_paused(self.database, dag_id, is_paused, now=self.clock.now())
        self.model.paused[dag_id] = is_paused

    @precondition(lambda self: self.model.runs)
    @rule(pick=PICK, is_paused=st.booleans())
    def pause_a_run(self, pick: int, is_paused: bool) -> None:
        run = one_of(list(self.model.runs.values()), pick)
        is_refused = is_paused and run.is_over and not run.is_paused
        try:
            run_pauses.set_run_paused(self.database, run.dag_id, run.run_id, is_paused, now=self.clock.now())
        except Conflict:
            assert is_refused, "a pause was refused though the run goes on"
            return
        assert not is_refused, "a run that has ended was paused"
        run.is_paused = is_paused

    @precondition(lambda self: self.model.runs)
    @rule(pick=PICK, delay=st.sampled_from([-15, 0, 15, 30]))
    def delay_a_run(self, pick: int, delay: int) -> None:
        run, now = one_of(list(self.model.runs.values()), pick), self.clock.now()
        start, was_queued = max(now + timedelta(seconds=delay), now), run.state == "queued"
        versions = Versions(self.database)
        try:
            has_moved = run_order.set_run_after(
                self.database, versions, run.dag_id, run.run_id, now + timedelta(seconds=delay), now=now
            )
        except Conflict:
            assert not was_queued, "a queued run could not be delayed"
            return
        assert was_queued, "a run that is not queued was delayed"
        assert has_moved is (start != run.due[0] and (delay > 0 or run.due[0] > now)), "a start moved, or did not"
        if has_moved:
            run.move_start(start)

    @precondition(lambda self: self.model.runs and "priorities" in self.features)
    @rule(pick=PICK, priority=st.sampled_from([-100, 0, 1]))
    def give_a_run_a_priority(self, pick: int, priority: int) -> None:
        run = one_of(list(self.model.runs.values()), pick)
        has_changed = run_order.set_run_priority(self.database, run.dag_id, run.run_id, priority, now=self.clock.now())
        assert has_changed is (run.priority != priority), "a priority changed, or did not"
        run.priority = priority

    @precondition(lambda self: "pools" in self.features)
    @rule(
        name=st.sampled_from(POOLS),
        slots=st.sampled_from([-1, 0, 1, 2, 3]),
        includes_deferred=st.none() | st.booleans(),
    )
    def change_a_pool(self, name: str, slots: int, includes_deferred: bool | None) -> None:
        more = {} if includes_deferred is None else {"include_deferred": includes_deferred}
        change_pools(self.database, {name: {"slots": slots, **more}})

    @precondition(lambda self: self.versions)
    @rule(pick=PICK)
    def delete(self, pick: int) -> None:
        dag_id = one_of(sorted(self.versions), pick)
        mine = [run for run in self.model.runs.values() if run.dag_id == dag_id]
        is_active = any(one.state in ("queued", "running") for run in mine for one in run.instances.values())
        is_active |= any(run.ending is not None for run in mine)
        try:
            dag_deletion.delete_dag(self.database, dag_id, now=self.clock.now())
        except Conflict:
            assert is_active, "a DAG without active instances could not be deleted"
            return
        assert not is_active, "a DAG with active instances was deleted"
        self.model.forget(dag_id)
        self.dates = {date for date in self.dates if date[0] != dag_id}
        del self.versions[dag_id]


def _mapping(definition: Definition, task_id: str) -> tuple[bool, frozenset[str]]:
    """Whether a task is mapped, and the tasks of its mapped group."""
    task = definition.tasks[task_id]
    together = {name for name, one in definition.tasks.items() if task.map_group and one.map_group == task.map_group}
    return task.is_mapped, frozenset(together)
