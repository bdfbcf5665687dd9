"""What expressions and tasks may ask about their run: the names of `${{ ... }}`."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from mainspring.run_names import run_names
from mainspring.states import TaskState
from mainspring_scheduler.versions import Version
from mainspring_store.scheduling import Pass, RunFacts

__all__ = ["RunContexts", "expression_context"]

KEPT_MAX = 4096


class RunContexts:
    """The facts of runs, as the names that expressions use: they change only with a run's version. A bounded cache,
    refilled from the store."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[int, Mapping[str, Any]]] = OrderedDict()

    def get(self, version_ids: Mapping[int, int], scheduling: Pass) -> Mapping[int, Mapping[str, Any]]:
        """The contexts of these runs, each with the version that it was last seen to have; at most one question to
        the store."""
        missing = [
            run_id
            for run_id, version_id in version_ids.items()
            if run_id not in self._kept or self._kept[run_id][0] != version_id
        ]
        if missing:
            for facts in scheduling.runs.run_facts(missing):
                self._kept[facts.id] = facts.version_id, _names(facts)
        found = {run_id: self._kept[run_id][1] for run_id in version_ids if run_id in self._kept}
        while len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return found

    def forget(self, run_ids: Iterable[int]) -> None:
        """Of runs that have ended: whoever clears one has it asked for again."""
        for run_id in run_ids:
            self._kept.pop(run_id, None)


def _names(facts: RunFacts) -> Mapping[str, Any]:
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
    )


def expression_context(
    scheduling: Pass,
    version: Version,
    run_id: int,
    run: Mapping[str, Any],
    task_references: Iterable[str],
    extra: Mapping[str, Any],
) -> Mapping[str, Any]:
    """The names for one evaluation. Only the referenced tasks are read and handed over.

    extra: what belongs to the instance: `task_id`, `try_number`, `map`; and `vars`.
    """
    context = {**run, **extra}
    indexes = [version.graph.index[task_id] for task_id in task_references]
    if indexes:
        context["tasks"] = _tasks(scheduling, version, run_id, indexes)
    return context


def _tasks(scheduling: Pass, version: Version, run_id: int, indexes: Iterable[int]) -> Mapping[str, Any]:
    found: dict[int, dict[int, tuple[TaskState, dict[str, Any]]]] = {}
    for index, map_index, state, key, value in scheduling.runs.outputs(run_id, indexes):
        _, outputs = found.setdefault(index, {}).setdefault(map_index, (state, {}))
        if key is not None:
            outputs[key] = orjson.loads(value)
    return {
        version.tasks[index].task_id: _mapped(instances) if version.tasks[index].is_mapped else _plain(instances)
        for index, instances in found.items()
    }


def _plain(instances: Mapping[int, tuple[TaskState, dict[str, Any]]]) -> Mapping[str, Any]:
    state, outputs = instances[-1]
    return {"state": state.value, "outputs": outputs}


def _mapped(instances: Mapping[int, tuple[TaskState, dict[str, Any]]]) -> Mapping[str, Any]:
    """Each output is a list with an item for each instance, null where the instance has none; a skipped instance
    contributes nothing. The instance that stands for a task without items, or not expanded yet, is one of them."""
    ordered = [instances[map_index] for map_index in sorted(instances)]
    speaking = [outputs for state, outputs in ordered if state is not TaskState.SKIPPED or outputs]
    names = dict.fromkeys(name for outputs in speaking for name in outputs)
    lists = {name: [outputs.get(name) for outputs in speaking] for name in names}
    return {"state": [state.value for state, _ in ordered], "outputs": lists if speaking else _NoItems()}


class _NoItems(dict[str, Any]):
    """The outputs of a mapped task of which all instances were skipped: each of them is an empty list."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)

    def __missing__(self, name: str) -> list[Any]:
        return []
