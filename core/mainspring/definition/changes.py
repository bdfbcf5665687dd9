"""The difference between two definitions: by meaning, and by lines of text.

The comparison by meaning works on normalised documents. A task is compared with `default_args` applied, so moving a
field between a task and `default_args` is no change.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from enum import StrEnum
from typing import Any

from mainspring.definition.build import ungrouped
from mainspring.definition.flat_tasks import FlatTasks
from mainspring.definition.groups import flatten
from mainspring.pointers import join_pointer

__all__ = ["Change", "ChangeKind", "ChangeOp", "compare_definitions", "compare_texts", "summarise"]

SUMMARY_CHARS_MAX = 300
_SENTENCES_MAX = 4
_VALUE_CHARS_MAX = 4_000
"""A longer value is cut in a change: the text of the definitions shows the whole value."""
_LINES_COMPARED_MAX = 3_000
"""With more changed lines in one text, a block of all changed lines replaces the comparison, which is quadratic."""


class ChangeKind(StrEnum):
    """The part of a definition that changed."""

    TASK = "task"
    EDGE = "edge"
    SCHEDULE = "schedule"
    PARAMS = "params"
    LIMITS = "limits"
    """How much may run and for how long, how a run ends, who is notified, and how long the history stays."""
    OUTPUTS = "outputs"
    TEXT = "text"
    """Names, descriptions, tags, owners and `x-` fields, which change no run."""


class ChangeOp(StrEnum):
    """The way in which a part changed."""

    ADD = "add"
    REMOVE = "remove"
    CHANGE = "change"


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One difference. `old_value` is None for an addition, `new_value` is None for a removal."""

    op: ChangeOp
    kind: ChangeKind
    path: str
    """RFC 6901 pointer into the newer document; into the older document for a removal."""
    task_id: str | None
    old_value: Any
    new_value: Any
    text: str
    """The difference in a sentence."""


def compare_definitions(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> list[Change]:
    """The differences between two normalised documents; `None` = no DAG.

    Order: fields of the DAG, params, tasks in the order of `new`, then removed tasks, names of groups, then outputs of
    the run.
    """
    old, new = old or {}, new or {}
    return [
        *_compare_fields(old, new),
        *_compare_params(old.get("params", {}), new.get("params", {})),
        *_compare_tasks(old, new),
        *_compare_groups(old, new),
        *_compare_members(old.get("outputs", {}), new.get("outputs", {}), "/outputs", ChangeKind.OUTPUTS, "output"),
    ]


def summarise(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> str:
    """The differences in at most `SUMMARY_CHARS_MAX` characters."""
    if old is None:
        return f"first version, {_counted(len(flatten(new).tasks), 'task')}"
    sentences = [change.text for change in compare_definitions(old, new)]
    if not sentences:
        return "no change of meaning"
    first = sentences[:_SENTENCES_MAX]
    while len(first) > 1 and len("; ".join(first)) > SUMMARY_CHARS_MAX - 20:
        first.pop()
    rest = len(sentences) - len(first)
    return _cut("; ".join(first), SUMMARY_CHARS_MAX - 20) + (f"; and {rest} more" if rest else "")


def compare_texts(old: str, new: str, *, old_name: str, new_name: str) -> str:
    """A unified diff with three lines of context; empty for equal texts."""
    old_lines, new_lines = old.splitlines(), new.splitlines()
    if _is_large(old_lines, new_lines):
        return "\n".join(_replaced_block(old_lines, new_lines, old_name, new_name)) + "\n"
    lines = list(unified_diff(old_lines, new_lines, old_name, new_name, lineterm=""))
    return "\n".join(lines) + "\n" if lines else ""


def _is_large(old: Sequence[str], new: Sequence[str]) -> bool:
    prefix, suffix = _common_ends(old, new)
    return max(len(old), len(new)) - prefix - suffix > _LINES_COMPARED_MAX


def _common_ends(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """The numbers of equal lines at the beginning and at the end."""
    shorter = min(len(old), len(new))
    prefix = next((n for n in range(shorter) if old[n] != new[n]), shorter)
    suffix = next((n for n in range(shorter - prefix) if old[-1 - n] != new[-1 - n]), shorter - prefix)
    return prefix, suffix


def _replaced_block(old: Sequence[str], new: Sequence[str], old_name: str, new_name: str) -> Iterator[str]:
    prefix, suffix = _common_ends(old, new)
    removed, added = old[prefix : len(old) - suffix], new[prefix : len(new) - suffix]
    yield f"--- {old_name}"
    yield f"+++ {new_name}"
    yield f"@@ -{prefix + 1},{len(removed)} +{prefix + 1},{len(added)} @@"
    yield from (f"-{line}" for line in removed)
    yield from (f"+{line}" for line in added)


def _compare_fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for name in _names(old, new):
        if name not in _COMPARED_APART and old.get(name) != new.get(name):
            kind = ChangeKind.TEXT if name.startswith("x-") else _DAG_KINDS.get(name, ChangeKind.LIMITS)
            yield _changed(kind, join_pointer("", name), None, old, new, name, name)


def _compare_params(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    old_properties, new_properties = old.get("properties", {}), new.get("properties", {})
    if not isinstance(old_properties, Mapping) or not isinstance(new_properties, Mapping):
        old_properties, new_properties = {}, {}
    for name in _names(old, new):
        if name != "properties" and old.get(name) != new.get(name):
            yield _changed(ChangeKind.PARAMS, join_pointer("/params", name), None, old, new, name, f"params: {name}")
    yield from _compare_members(old_properties, new_properties, "/params/properties", ChangeKind.PARAMS, "param")


def _compare_members(
    old: Mapping[str, Any], new: Mapping[str, Any], at: str, kind: ChangeKind, noun: str
) -> Iterator[Change]:
    for name in _names(old, new):
        if name not in old or name not in new or old[name] != new[name]:
            yield _changed(kind, join_pointer(at, name), None, old, new, name, f"{noun} '{name}'")


def _compare_tasks(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    old_tasks, new_tasks = _effective_tasks(old), _effective_tasks(new)
    old_flat, new_flat = flatten(old), flatten(new)
    for task_id in _names(new_tasks, old_tasks):
        path = (new_flat if task_id in new_tasks else old_flat).place(task_id)
        if task_id not in old_tasks or task_id not in new_tasks:
            yield _changed(ChangeKind.TASK, path, task_id, old_tasks, new_tasks, task_id, f"task '{task_id}'")
        else:
            yield from _compare_edges(task_id, path, old_tasks[task_id], new_tasks[task_id])
            yield from _compare_task(task_id, new_flat, old_tasks[task_id], new_tasks[task_id])


def _compare_groups(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """What people read about groups; the effect of a group on its tasks is a change of the tasks."""
    old_flat, new_flat = flatten(old), flatten(new)
    for group_id in _names(new_flat.groups, old_flat.groups):
        path = (new_flat if group_id in new_flat.groups else old_flat).place(group_id)
        old_text, new_text = _group_text(old_flat, group_id), _group_text(new_flat, group_id)
        if old_text != new_text:
            yield _changed(ChangeKind.TEXT, path, None, old_text, new_text, group_id, f"group '{group_id}'")


def _group_text(flat: FlatTasks, group_id: str) -> Mapping[str, Any]:
    """Group id -> what people read about the group; empty = there is no such group."""
    group = flat.groups.get(group_id)
    return {} if group is None else {group_id: {"group_display_name": group.display_name, "tooltip": group.tooltip}}


def _compare_edges(task_id: str, at: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    old_ids, new_ids = old.get("depends_on", []), new.get("depends_on", [])
    path = f"{at}/depends_on"
    for upstream in new_ids:
        if upstream not in old_ids:
            text = f"'{task_id}' waits for '{upstream}' now"
            yield _edge(ChangeOp.ADD, path, task_id, None, upstream, text)
    for upstream in old_ids:
        if upstream not in new_ids:
            text = f"'{task_id}' no longer waits for '{upstream}'"
            yield _edge(ChangeOp.REMOVE, path, task_id, upstream, None, text)


def _edge(op: ChangeOp, path: str, task_id: str, old_id: str | None, new_id: str | None, text: str) -> Change:
    return Change(
        op=op, kind=ChangeKind.EDGE, path=path, task_id=task_id, old_value=old_id, new_value=new_id, text=text
    )


def _compare_task(
    task_id: str, new_flat: FlatTasks, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[Change]:
    for name in _names(old, new):
        if name == "depends_on" or old.get(name) == new.get(name):
            continue
        kind = ChangeKind.TEXT if name.startswith("x-") else _TASK_KINDS.get(name, ChangeKind.TASK)
        path = new_flat.moved(join_pointer("/tasks", task_id, name))
        yield _changed(kind, path, task_id, old, new, name, f"'{task_id}': {name}")


def _changed(
    kind: ChangeKind,
    path: str,
    task_id: str | None,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    name: str,
    subject: str,
) -> Change:
    op = ChangeOp.ADD if name not in old else ChangeOp.REMOVE if name not in new else ChangeOp.CHANGE
    old_value, new_value = _cut_value(old.get(name)), _cut_value(new.get(name))
    text = f"{subject} {_PARTICIPLES[op]}"
    if op is ChangeOp.CHANGE and isinstance(old_value, _SCALARS) and isinstance(new_value, _SCALARS):
        values = f"{_show(old_value)} → {_show(new_value)}"
        text = f"{subject} {values}" if len(values) <= 80 else text
    return Change(op=op, kind=kind, path=path, task_id=task_id, old_value=old_value, new_value=new_value, text=text)


def _effective_tasks(document: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """With `map_group`, the mapped group around a task: what the task waits for depends on it."""
    defaults, map_groups = document.get("default_args", {}), flatten(document).map_groups
    return {
        task_id: {**defaults, **task, **({"map_group": map_groups[task_id]} if task_id in map_groups else {})}
        for task_id, task in ungrouped(document).get("tasks", {}).items()
    }


def _names(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """The names of both, each once, those of `first` in front."""
    return list(dict.fromkeys([*first, *second]))


def _cut_value(value: Any) -> Any:
    encoded = _show(value)
    return value if len(encoded) <= _VALUE_CHARS_MAX else _cut(encoded, _VALUE_CHARS_MAX)


def _show(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


_SCALARS = (str, int, float, bool, type(None))
_PARTICIPLES: Mapping[ChangeOp, str] = {ChangeOp.ADD: "added", ChangeOp.REMOVE: "removed", ChangeOp.CHANGE: "changed"}
_COMPARED_APART = frozenset({"dag_id", "params", "default_args", "tasks", "groups", "outputs"})
_DAG_KINDS: Mapping[str, ChangeKind] = {
    **dict.fromkeys(("schedule", "start_date", "end_date", "catchup", "catchup_max"), ChangeKind.SCHEDULE),
    **dict.fromkeys(("dag_display_name", "description", "doc_md", "tags", "owners"), ChangeKind.TEXT),
}
"""Field of a DAG -> its kind; further fields are limits."""
_TASK_KINDS: Mapping[str, ChangeKind] = {
    **dict.fromkeys(("task_display_name", "description", "doc_md", "owner"), ChangeKind.TEXT),
    **dict.fromkeys(
        (
            *("retries", "retry_delay", "retry_backoff", "max_retry_delay", "retry_jitter", "retry_deadline"),
            *("retry_policy", "execution_timeout", "cancel_grace", "max_active_tis", "max_active_tis_per_dag", "pool"),
            *("pool_slots", "priority_weight", "weight_rule", "queue", "executor"),
        ),
        ChangeKind.LIMITS,
    ),
}
"""Field of a task -> its kind; further fields are part of the task's work."""
