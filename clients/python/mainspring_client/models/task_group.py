from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.default_args import DefaultArgs
    from ..models.expand import Expand
    from ..models.task_groups import TaskGroups
    from ..models.tasks import Tasks

from ..plain import as_dict

T = TypeVar("T", bound="TaskGroup")


@_attrs_define
class TaskGroup:
    """
    Attributes:
        group_display_name (str | Unset): Name that people read.
        tooltip (str | Unset): What the group does, in a sentence.
        prefix_group_id (bool | Unset): Whether the ids of the tasks and groups in the group begin with its id and a
            dot; true when absent.
        default_args (DefaultArgs | Unset):
        depends_on (list[str] | Unset): Tasks and groups that come directly before the first tasks of the group.
        expand (Expand | Unset):
        key (str | Unset): Text that names the instances of an item, such as `${{ map.region }}`; the map index when
            absent.
        tasks (Tasks | Unset):
        groups (TaskGroups | Unset):
    """

    group_display_name: str | Unset = UNSET
    tooltip: str | Unset = UNSET
    prefix_group_id: bool | Unset = UNSET
    default_args: DefaultArgs | Unset = UNSET
    depends_on: list[str] | Unset = UNSET
    expand: Expand | Unset = UNSET
    key: str | Unset = UNSET
    tasks: Tasks | Unset = UNSET
    groups: TaskGroups | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        group_display_name = self.group_display_name

        tooltip = self.tooltip

        prefix_group_id = self.prefix_group_id

        default_args: dict[str, Any] | Unset = UNSET
        if not isinstance(self.default_args, Unset):
            default_args = as_dict(self.default_args)

        depends_on: list[str] | Unset = UNSET
        if not isinstance(self.depends_on, Unset):
            depends_on = self.depends_on

        expand: dict[str, Any] | Unset = UNSET
        if not isinstance(self.expand, Unset):
            expand = as_dict(self.expand)

        key = self.key

        tasks: dict[str, Any] | Unset = UNSET
        if not isinstance(self.tasks, Unset):
            tasks = as_dict(self.tasks)

        groups: dict[str, Any] | Unset = UNSET
        if not isinstance(self.groups, Unset):
            groups = as_dict(self.groups)

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if group_display_name is not UNSET:
            field_dict["group_display_name"] = group_display_name
        if tooltip is not UNSET:
            field_dict["tooltip"] = tooltip
        if prefix_group_id is not UNSET:
            field_dict["prefix_group_id"] = prefix_group_id
        if default_args is not UNSET:
            field_dict["default_args"] = default_args
        if depends_on is not UNSET:
            field_dict["depends_on"] = depends_on
        if expand is not UNSET:
            field_dict["expand"] = expand
        if key is not UNSET:
            field_dict["key"] = key
        if tasks is not UNSET:
            field_dict["tasks"] = tasks
        if groups is not UNSET:
            field_dict["groups"] = groups

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.default_args import DefaultArgs  # noqa: PLC0415
        from ..models.expand import Expand  # noqa: PLC0415
        from ..models.task_groups import TaskGroups  # noqa: PLC0415
        from ..models.tasks import Tasks  # noqa: PLC0415

        d = dict(src_dict)
        group_display_name = d.pop("group_display_name", UNSET)

        tooltip = d.pop("tooltip", UNSET)

        prefix_group_id = d.pop("prefix_group_id", UNSET)

        _default_args = d.pop("default_args", UNSET)
        default_args: DefaultArgs | Unset
        if isinstance(_default_args, Unset):
            default_args = UNSET
        else:
            default_args = DefaultArgs.from_dict(_default_args)

        depends_on = cast(list[str], d.pop("depends_on", UNSET))

        _expand = d.pop("expand", UNSET)
        expand: Expand | Unset
        if isinstance(_expand, Unset):
            expand = UNSET
        else:
            expand = Expand.from_dict(_expand)

        key = d.pop("key", UNSET)

        _tasks = d.pop("tasks", UNSET)
        tasks: Tasks | Unset
        if isinstance(_tasks, Unset):
            tasks = UNSET
        else:
            tasks = Tasks.from_dict(_tasks)

        _groups = d.pop("groups", UNSET)
        groups: TaskGroups | Unset
        if isinstance(_groups, Unset):
            groups = UNSET
        else:
            groups = TaskGroups.from_dict(_groups)

        task_group = cls(
            group_display_name=group_display_name,
            tooltip=tooltip,
            prefix_group_id=prefix_group_id,
            default_args=default_args,
            depends_on=depends_on,
            expand=expand,
            key=key,
            tasks=tasks,
            groups=groups,
        )

        return task_group
