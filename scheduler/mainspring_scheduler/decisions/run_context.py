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
    return {version.tasks[index].task_id: _task(instances) for index, instances in found.items()}


def _task(instances: Mapping[int, tuple[TaskState, dict[str, Any]]]) -> Mapping[str, Any]:
    if -1 in instances:
        state, outputs = instances[-1]
        return {"state": state.value, "outputs": outputs}
    # A mapped task: each output is a list with one item per instance, null where that instance has none.
    ordered = [instances[map_index] for map_index in sorted(instances)]
    names = dict.fromkeys(name for _, outputs in ordered for name in outputs)
    return {
        "state": [state.value for state, _ in ordered],
        "outputs": {name: [outputs.get(name) for _, outputs in ordered] for name in names},
    }
