"""Task groups: the tasks of nested groups as ordinary tasks of the DAG.

Groups exist in a document alone. The id of a task in a group is `group.task`; a dependency on a group stands for
dependencies on its leaves, and the dependencies of a group hold for its roots. So the engine knows tasks only. The
tasks of a mapped group have the expansion of the group, and `FlatTasks.map_groups` tells that they go together.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from mainspring.definition.flat_tasks import OF_MAPPING, FlatTasks, Group
from mainspring.definition.report import Report
from mainspring.ids import is_valid_id
from mainspring.pointers import join_pointer

__all__ = ["EDGES_MAX", "MovedReport", "flatten"]

EDGES_MAX = 200_000
"""Dependencies between tasks that the dependencies of groups may stand for."""
_NOT_IN_MAPPED: Mapping[str, str] = {
    "expand": "expand over all combinations in the group, or run the inner part as a DAG of its own",
    "key": "give the key to the group: it names the instances of an item in all tasks",
    "handler": "put the handler outside of the group: it runs once, after the run",
    "setup": "put the set-up outside of the group: it runs once, before all items",
    "teardown": "put the tear-down outside of the group: it runs once, after all items",
}
"""Field of a task that a task in a mapped group cannot have -> hint."""


class MovedReport(Report):
    """Adds to another report the problems of flat tasks, with pointers into the document."""

    def __init__(self, report: Report, flat: FlatTasks) -> None:
        super().__init__()
        self.problems = report.problems
        self._report, self._flat = report, flat

    def add(self, code: str, pointer: str, message: str, hint: str | None = None) -> Any:
        return self._report.add(code, self._flat.moved(pointer), message, hint)


def flatten(document: Mapping[str, Any], report: Report | None = None) -> FlatTasks:
    """The tasks of a normalised document. Faults of its groups go into `report`; a faulty part is left out."""
    if not document.get("groups"):
        return FlatTasks(tasks=document.get("tasks", {}))
    return _Flattening(document, report or Report()).result()


class _Scope:
    """A group, or the whole DAG: the names that a dependency within it finds first."""

    def __init__(self, fields: Mapping[str, Any], parent: "_Scope | None", group_id: str, at: str) -> None:
        self.fields, self.parent, self.group_id, self.at = fields, parent, group_id, at
        self.names: dict[str, str | _Scope] = {}
        """Name as written in this group -> full id of a task, or a group."""
        self.groups: list[_Scope] = []
        self.members: list[str] = []
        """Full ids of the tasks in the group and below."""
        self.roots: list[str] = []
        self.leaves: list[str] = []

    def child_id(self, name: str) -> str:
        has_prefix = self.group_id and self.fields.get("prefix_group_id", True)
        return f"{self.group_id}.{name}" if has_prefix else name

    @property
    def mapped(self) -> "_Scope | None":
        """The mapped group that holds the tasks of the group, the group itself included; the outermost one."""
        return next((scope for scope in reversed(list(self.chain())) if scope.is_mapped), None)

    @property
    def is_mapped(self) -> bool:
        return self.parent is not None and bool(self.fields.get("expand"))

    def chain(self) -> "Iterator[_Scope]":
        """The group and all groups around it, the whole DAG last."""
        scope: _Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent


@dataclass(frozen=True, slots=True)
class _Dependency:
    """What a task or a group waits for."""

    owner: "str | _Scope"
    scope: _Scope
    """Where the owner stands."""
    name: str
    at: str
    rank: tuple[bool, int]
    """Order among the dependencies of a task: its own first."""


class _Flattening:
    """One document on its way to flat tasks."""

    def __init__(self, document: Mapping[str, Any], report: Report) -> None:
        self._report = report
        self._tasks: dict[str, Mapping[str, Any]] = {}
        self._groups: dict[str, _Scope] = {}
        self._scopes: dict[str, _Scope] = {}
        """Task id -> the group that holds the task."""
        self._places: dict[str, str] = {}
        self._dependencies: list[_Dependency] = []
        self._edges: dict[str, dict[str, tuple[tuple[bool, int], str]]] = {}
        """Task id -> upstream task id -> rank and pointer of the dependency."""
        self._edges_left = EDGES_MAX
        self._root = _Scope(document, None, "", "")
        self._add_members(self._root)
        self._inner: dict[int, list[tuple[_Dependency, str | _Scope]]] = {}
        """Key of a scope -> dependencies between its parts."""
        for dependency in self._dependencies:
            self._find(dependency)
        self._link(self._root)

    def result(self) -> FlatTasks:
        tasks, edges = {}, {}
        for task_id, fields in self._tasks.items():
            links = sorted(self._edges.get(task_id, {}).items(), key=lambda link: link[1][0])
            edges[task_id] = tuple(at for _, (_, at) in links)
            mapped = self._scopes[task_id].mapped
            excluded = {"depends_on", *(() if mapped is None else _NOT_IN_MAPPED)}
            without = {name: value for name, value in fields.items() if name not in excluded}
            upstream = [upstream_id for upstream_id, _ in links]
            tasks[task_id] = {**without, "depends_on": upstream} if upstream or "depends_on" in fields else without
            if mapped is not None:
                of_group = {name: mapped.fields[name] for name in OF_MAPPING if name in mapped.fields}
                tasks[task_id] = {**tasks[task_id], **of_group}
            elif "teardown" in fields:
                set_ups = [self._set_up(self._scopes[task_id], name) for name in fields["teardown"].get("of", ())]
                tasks[task_id] = {**tasks[task_id], "teardown": {**fields["teardown"], "of": set_ups}}
        return FlatTasks(
            tasks=tasks,
            groups={group_id: _group(scope) for group_id, scope in self._groups.items()},
            defaults={
                task_id: _defaults_around(scope) for task_id, scope in self._scopes.items() if scope is not self._root
            },
            map_groups={
                task_id: mapped.group_id for task_id, scope in self._scopes.items() if (mapped := scope.mapped)
            },
            places=self._places,
            default_places={
                f"{scope.at}/default_args": scope.fields["default_args"]
                for scope in self._groups.values()
                if "default_args" in scope.fields
            },
            edges=edges,
        )

    def _set_up(self, scope: _Scope, name: str) -> str:
        """The full id of a set-up that a tear-down names; an unknown name as written."""
        target = self._target(scope, name)
        return target if isinstance(target, str) else name

    def _add_members(self, scope: _Scope) -> None:
        """Give the tasks and groups in a scope, and below it, their full ids."""
        for name, task in scope.fields.get("tasks", {}).items():
            task_id, at = scope.child_id(name), scope.at + join_pointer("/tasks", name)
            if self._is_free(task_id, at):
                self._tasks[task_id], self._scopes[task_id] = task, scope
                scope.names[name] = task_id
                scope.members.append(task_id)
                if scope is not self._root:
                    self._places[task_id] = at
                if scope.mapped is not None:
                    self._check_in_mapped(task_id, task, scope.mapped, at)
                self._note(task_id, scope, task, at)
        for name, fields in scope.fields.get("groups", {}).items():
            group_id, at = scope.child_id(name), scope.at + join_pointer("/groups", name)
            if not self._is_free(group_id, at):
                continue
            group = _Scope(fields, scope, group_id, at)
            scope.names[name] = self._groups[group_id] = group
            self._places[group_id] = at
            scope.groups.append(group)
            self._check_mapped(group)
            self._note(group, scope, fields, at)
            self._add_members(group)
            scope.members += group.members

    def _check_mapped(self, group: _Scope) -> None:
        """Report what makes no sense in the expansion of a group."""
        outer = group.parent.mapped if group.parent is not None else None
        if group.is_mapped and outer is not None:
            message = f"group {group.group_id!r} stands in the mapped group {outer.group_id!r}"
            hint = "expand over all combinations in the outer group, or run the inner part as a DAG of its own"
            self._report.add("exclusive_fields", f"{group.at}/expand", message, hint)
        if "key" in group.fields and not group.is_mapped:
            message = "'key' means something only beside 'expand'"
            self._report.add("exclusive_fields", f"{group.at}/key", message, "leave it out")

    def _check_in_mapped(self, task_id: str, task: Mapping[str, Any], mapped: _Scope, at: str) -> None:
        for name, hint in _NOT_IN_MAPPED.items():
            if task.get(name):
                message = f"task {task_id!r} of the mapped group {mapped.group_id!r} cannot have {name}"
                self._report.add("exclusive_fields", f"{at}/{name}", message, hint)

    def _is_free(self, full_id: str, at: str) -> bool:
        """Whether an id is well-formed and new; a fault is reported."""
        if not is_valid_id(full_id):
            message = f"the id {full_id[:60]!r}… has {len(full_id)} characters; allowed are 250"
            self._report.add("invalid_id", at, message, "shorten the names of the group, or set prefix_group_id: false")
            return False
        if full_id in self._tasks or full_id in self._groups:
            other = self._places.get(full_id) or join_pointer("/tasks", full_id)
            hint = "rename one of them, or leave out prefix_group_id: false"
            self._report.add("duplicate_id", at, f"the id {full_id!r} is that of {other} already", hint)
            return False
        return True

    def _note(self, owner: str | _Scope, scope: _Scope, fields: Mapping[str, Any], at: str) -> None:
        for position, name in enumerate(fields.get("depends_on", ())):
            rank = (isinstance(owner, _Scope), len(self._dependencies))
            self._dependencies.append(_Dependency(owner, scope, name, f"{at}/depends_on/{position}", rank))

    def _target(self, scope: _Scope, name: str) -> str | _Scope | None:
        """The task or group of a name: looked up from the inside out, then as a full id."""
        for around in scope.chain():
            if name in around.names:
                return around.names[name]
        return name if name in self._tasks else self._groups.get(name)

    def _find(self, dependency: _Dependency) -> None:
        """Look up the name, and note the dependency where both ends meet."""
        name, owner = dependency.name, dependency.owner
        target = self._target(dependency.scope, name)
        if target is None:
            visible = (scope.names for scope in dependency.scope.chain())
            known = list(dict.fromkeys([*chain.from_iterable(visible), *self._tasks, *self._groups]))
            what = f"{_called(owner)} depends on unknown task or group"
            self._report.add_unknown("unknown_task", dependency.at, what, name, known)
            return
        around = set(map(id, (owner if isinstance(owner, _Scope) else dependency.scope).chain()))
        target_scope = target if isinstance(target, _Scope) else self._scopes[target]
        if isinstance(target, _Scope) and id(target) in around:
            message = f"{_called(owner)} depends on group {target.group_id!r}, of which it is a part"
            self._report.add("cycle", dependency.at, message, "name tasks of the group instead")
        elif isinstance(owner, _Scope) and any(scope is owner for scope in target_scope.chain()):
            message = f"{_called(owner)} depends on {name!r}, which is a part of it"
            self._report.add("cycle", dependency.at, message, "let the tasks in the group depend on it")
        else:
            outer = target_scope.parent if isinstance(target, _Scope) else target_scope
            outside = set(map(id, dependency.scope.chain()))
            assert outer is not None
            meeting = next(scope for scope in outer.chain() if id(scope) in outside)
            self._inner.setdefault(id(meeting), []).append((dependency, target))

    def _link(self, scope: _Scope) -> None:
        """Make the dependencies within a scope, from the inside out, and note its roots and leaves."""
        for group in scope.groups:
            self._link(group)
        for dependency, target in self._inner.get(id(scope), ()):
            owners = dependency.owner.roots if isinstance(dependency.owner, _Scope) else [dependency.owner]
            upstream = target.leaves if isinstance(target, _Scope) else [target]
            if isinstance(target, _Scope) and not upstream and target.members:
                message = f"group {target.group_id!r} has only tasks that nothing can wait for: handlers and tear-downs"
                self._report.add("invalid_dependency", dependency.at, message, "leave it out")
            self._edges_left -= len(owners) * len(upstream)
            if self._edges_left < 0:
                message = f"the groups stand for more than {EDGES_MAX} dependencies between tasks"
                hint = "let a task of type noop stand between two large groups"
                self._report.add("out_of_range", dependency.at, message, hint)
                return
            for task_id in owners:
                links = self._edges.setdefault(task_id, {})
                for upstream_id in upstream:
                    links.setdefault(upstream_id, (dependency.rank, dependency.at))
        if scope is not self._root:
            self._note_ends(scope)

    def _note_ends(self, scope: _Scope) -> None:
        """As in Airflow, a tear-down is no leaf, nor is a set-up that only a tear-down follows."""
        members = [task_id for task_id in scope.members if "handler" not in self._tasks[task_id]]
        inside = set(members)
        inner = {task_id: self._edges.get(task_id, {}).keys() & inside for task_id in members}
        scope.roots = [task_id for task_id in members if not inner[task_id]]
        ends = [task_id for task_id in members if "teardown" not in self._tasks[task_id]]
        followed = set().union(*(inner[task_id] for task_id in ends))
        cleaned = set().union(*(inner[task_id] for task_id in members if "teardown" in self._tasks[task_id]))
        leaves = [task_id for task_id in ends if task_id not in followed]
        set_ups = {task_id for task_id in leaves if self._tasks[task_id].get("setup") and task_id in cleaned}
        scope.leaves = [task_id for task_id in leaves if task_id not in set_ups] or leaves


def _called(owner: str | _Scope) -> str:
    return f"group {owner.group_id!r}" if isinstance(owner, _Scope) else f"task {owner!r}"


def _defaults_around(scope: _Scope) -> Mapping[str, Any]:
    """The `default_args` of the groups around a task; the inner group wins."""
    defaults: dict[str, Any] = {}
    for group in scope.chain():
        if group.parent is not None:
            defaults = {**group.fields.get("default_args", {}), **defaults}
    return defaults


def _group(scope: _Scope) -> Group:
    assert scope.parent is not None
    return Group(
        group_id=scope.group_id,
        display_name=scope.fields.get("group_display_name"),
        tooltip=scope.fields.get("tooltip"),
        parent_id=scope.parent.group_id or None,
        task_ids=tuple(scope.members),
        is_mapped=scope.is_mapped,
    )
