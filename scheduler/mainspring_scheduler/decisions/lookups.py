"""Further data for the candidates of one round: first starts, secrets, set-ups, variables. At most one query for each
kind."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mainspring.states import TaskState
from mainspring.text_values import read_value
from mainspring_scheduler.versions import Version
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.resources.secrets import OpenedSecrets, open_ciphertexts
from mainspring_store.scheduling import Candidate, Pass

__all__ = ["Lookups", "look_up", "read_variables"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookups:
    """The looked-up data of one round."""

    first_starts: Mapping[int, datetime]
    """Instance id -> start of its first try, for retries of tasks with a `retry_deadline`."""
    secrets: OpenedSecrets
    """The secrets that the candidates name."""
    setups: Mapping[tuple[int, int], TaskState]
    """(run, task index) -> state of the set-ups of tear-downs."""
    variables: Mapping[str, Any]
    """Key -> value of the existing variables that the candidates' expressions name."""


def look_up(scheduling: Pass, candidates: Sequence[tuple[Candidate, Version]], key_ring: KeyRing | None) -> Lookups:
    """Read the data that these candidates need."""
    tried: list[int] = []
    names: set[str] = set()
    keys: set[str] = set()
    setups: set[tuple[int, int]] = set()
    for candidate, version in candidates:
        if candidate.try_number and version.tasks[candidate.task_index].retry_deadline is not None:
            tried.append(candidate.id)
        names |= version.secret_names.get(candidate.task_index, frozenset())
        setups |= {(candidate.dag_run_id, index) for index in version.setups_of(version.tasks[candidate.task_index])}
        keys |= version.variable_keys.get(candidate.task_index, frozenset())
    return Lookups(
        first_starts=scheduling.reports.first_starts(tried) if tried else {},
        secrets=open_ciphertexts(names, scheduling.resources.secrets(names), key_ring) if names else OpenedSecrets(),
        setups=scheduling.runs.states_of_tasks(sorted(setups)) if setups else {},
        variables=read_variables(scheduling, keys),
    )


def read_variables(scheduling: Pass, keys: Collection[str]) -> Mapping[str, Any]:
    """Key -> value of the existing variables. JSON objects and lists are parsed; every other value stays text."""
    return {key: _value(text) for key, text in scheduling.resources.variables(keys).items()} if keys else {}


def _value(text: str) -> Any:
    if text.lstrip()[:1] not in ("{", "["):
        return text
    return read_value(text)
