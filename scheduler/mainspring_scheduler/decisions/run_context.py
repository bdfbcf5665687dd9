"""The names that expressions (`${{ ... }}`) and tasks can use about their run."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from typing import Any

import orjson

from mainspring.large_values import LargeValue
from mainspring.run_ends import MARKED_SUCCESS
from mainspring.run_names import run_names
from mainspring.states import RunState, TaskState
from mainspring.traces import trace_of_run
from mainspring_scheduler.versions import Version
from mainspring_store.scheduling import Pass, RunFacts

__all__ = ["RunContexts", "expression_context", "run_end"]

KEPT_MAX = 4096
_OF_END = ("exit_code", "reason", "message")
"""Names in a task of an expression that tell how its latest try ended."""


class RunContexts:
    """The facts of runs, under the names that expressions use. The facts change only with a run's version. A bounded
    cache over the store."""

    def __init__(self, *, exports_traces: bool = False) -> None:
        """exports_traces: tasks continue the spans of their tries."""
        self._exports_traces = exports_traces
        self._kept: OrderedDict[int, tuple[int, Mapping[str, Any]]] = OrderedDict()

    def get(self, version_ids: Mapping[int, int], scheduling: Pass) -> Mapping[int, Mapping[str, Any]]:
        """Run -> its context, without the runs that are gone. At most one query.

        version_ids: run -> its version. A cached context of another version is read again.
        """
        missing = [
            run_id
            for run_id, version_id in version_ids.items()
            if run_id not in self._kept or self._kept[run_id][0] != version_id
        ]
        if missing:
            self.note(scheduling.runs.run_facts(missing))
        contexts = {run_id: self._kept[run_id][1] for run_id in version_ids if run_id in self._kept}
        while len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return contexts

    def note(self, runs: Iterable[RunFacts]) -> None:
        """Keep the contexts of runs that the pass has read."""
        for facts in runs:
            self._kept[facts.id] = facts.version_id, _names(facts, self._exports_traces)

    def forget(self, run_ids: Iterable[int]) -> None:
        """Drop the contexts of ended runs. A cleared run is read again."""
        for run_id in run_ids:
            self._kept.pop(run_id, None)

    def clear(self) -> None:
        """Drop all contexts after a rollback: a run that was undone lends its key to another run."""
        self._kept.clear()


def _names(facts: RunFacts, exports_traces: bool) -> Mapping[str, Any]:
    return run_names(
        dag_id=facts.dag_id,
        run_id=facts.run_id,
        run_type=facts.run_type,
        conf=facts.conf,
        params=facts.params,
        logical_date=facts.logical_date,
        data_interval_start=facts.data_interval_start,
        data_interval_end=facts.data_interval_end,
        run_after=facts.run_after,
        trace=trace_of_run(facts.traceparent, is_exported=exports_traces),
    )


def expression_context(
    scheduling: Pass,
    version: Version,
    run_id: int,
    run: Mapping[str, Any],
    paths: Collection[tuple[str, ...]],
    extra: Mapping[str, Any],
    *,
    of: tuple[int, int] | None = None,
) -> Mapping[str, Any]:
    """The names for evaluations. Reads only the referenced tasks.

    paths: the places that the expressions read.
    extra: the names of the instance (`task_id`, `try_number`, `map`), and `vars`.
    of: task index and map index of the instance: of a task in its mapped group it sees the instance of its own item.
        None = no instance.
    """
    context = {**run, **extra}
    task_ids = {path[1] for path in paths if path[0] == "tasks"}
    with_end = {path[1] for path in paths if path[0] == "tasks" and path[2] in _OF_END}
    if task_ids:
        context["tasks"] = {
            task_id: task
            for map_index, of_item in _by_item(version, task_ids, of)
            for task_id, task in _read(scheduling, version, run_id, of_item, with_end & of_item, map_index).items()
        }
    return context


def _by_item(
    version: Version, task_ids: Set[str], of: tuple[int, int] | None
) -> Iterator[tuple[int | None, frozenset[str]]]:
    """Map index -> the tasks of which the expression sees the instance with this index; None = all instances."""
    same_group: frozenset[str] = frozenset()
    if of is not None and of[1] >= 0:
        graph = version.graph
        same_group = frozenset(task_id for task_id in task_ids if graph.is_in_step(of[0], graph.index[task_id]))
        if same_group:
            yield of[1], same_group
    if rest := frozenset(task_ids - same_group):
        yield None, rest


def _read(
    scheduling: Pass,
    version: Version,
    run_id: int,
    task_ids: Set[str],
    with_end: Set[str],
    map_index: int | None,
) -> Mapping[str, Mapping[str, Any]]:
    index = version.graph.index
    tasks = _tasks(scheduling, version, run_id, [index[task_id] for task_id in sorted(task_ids)], map_index)
    if not with_end:
        return tasks
    ends = _ends(scheduling, version, run_id, [index[task_id] for task_id in sorted(with_end)], map_index)
    return {task_id: {**task, **ends.get(task_id, {})} for task_id, task in tasks.items()}


def run_end(scheduling: Pass, run_id: int) -> Mapping[str, Any]:
    """The end of a run, as its handlers read it: `state`, `reason`, `message`, `failures`."""
    reason, message = scheduling.runs.coming_end(run_id)
    is_success = reason in (RunState.SUCCESS, MARKED_SUCCESS)
    return {
        "state": (RunState.SUCCESS if is_success else RunState.FAILED).value,
        "reason": None if is_success else reason,
        "message": message,
        "failures": scheduling.runs.failures(run_id),
    }


def _ends(
    scheduling: Pass, version: Version, run_id: int, indexes: Iterable[int], map_index: int | None
) -> Mapping[str, Mapping[str, Any]]:
    """Task id -> `exit_code`, `reason` and `message`: lists for a mapped task, an item for each instance.

    map_index: of the only instance to see; None = all instances.
    """
    by_task: dict[int, list[tuple[Any, ...]]] = {}
    for index, *end in scheduling.runs.ends(run_id, indexes, map_index=map_index):
        by_task.setdefault(index, []).append(tuple(end))
    return {
        version.tasks[index].task_id: dict(
            zip(
                _OF_END,
                map(list, zip(*ends, strict=True)) if _is_list(version, index, map_index) else ends[0],
                strict=True,
            )
        )
        for index, ends in by_task.items()
    }


def _is_list(version: Version, index: int, map_index: int | None) -> bool:
    """Whether an expression sees a list with an item for each instance of the task."""
    return version.tasks[index].is_mapped and map_index is None


def _tasks(
    scheduling: Pass, version: Version, run_id: int, indexes: Iterable[int], map_index: int | None
) -> Mapping[str, Any]:
    by_task: dict[int, dict[int, tuple[TaskState, dict[str, Any]]]] = {}
    for index, place, state, key, text, large_id in scheduling.runs.outputs(run_id, indexes, map_index=map_index):
        _, outputs = by_task.setdefault(index, {}).setdefault(place, (state, {}))
        if key is not None:
            value = orjson.loads(text)
            outputs[key] = LargeValue.stored(value, large_id) or value
    return {
        version.tasks[index].task_id: _mapped(instances) if _is_list(version, index, map_index) else _plain(instances)
        for index, instances in by_task.items()
    }


def _plain(instances: Mapping[int, tuple[TaskState, dict[str, Any]]]) -> Mapping[str, Any]:
    ((state, outputs),) = instances.values()
    return {"state": state.value, "outputs": outputs}


def _mapped(instances: Mapping[int, tuple[TaskState, dict[str, Any]]]) -> Mapping[str, Any]:
    """Each output is a list with an item for each instance; null where the instance lacks the output. Skipped instances
    add no item. The placeholder of an empty or unexpanded task counts as an instance."""
    ordered = [instances[map_index] for map_index in sorted(instances)]
    speaking = [outputs for state, outputs in ordered if state is not TaskState.SKIPPED or outputs]
    names = dict.fromkeys(name for outputs in speaking for name in outputs)
    lists = {name: [outputs.get(name) for outputs in speaking] for name in names}
    return {"state": [state.value for state, _ in ordered], "outputs": lists if speaking else _NoItems()}


class _NoItems(dict[str, Any]):
    """The outputs of a mapped task with only skipped instances: every name gives an empty list."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)

    def __missing__(self, name: str) -> list[Any]:
        return []
