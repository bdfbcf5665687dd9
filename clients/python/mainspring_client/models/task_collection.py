from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.task_definition import TaskDefinition

from ..plain import as_dict

T = TypeVar("T", bound="TaskCollection")


@_attrs_define
class TaskCollection:
    """
    Attributes:
        tasks (list[TaskDefinition]): Tasks of the DAG
        total_entries (int): Number of tasks
    """

    tasks: list[TaskDefinition]
    total_entries: int
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        tasks = []
        for tasks_item_data in self.tasks:
            tasks_item = as_dict(tasks_item_data)
            tasks.append(tasks_item)

        total_entries = self.total_entries

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "tasks": tasks,
                "total_entries": total_entries,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.task_definition import TaskDefinition  # noqa: PLC0415

        d = dict(src_dict)
        tasks = []
        _tasks = d.pop("tasks")
        for tasks_item_data in _tasks:
            tasks_item = TaskDefinition.from_dict(tasks_item_data)

            tasks.append(tasks_item)

        total_entries = d.pop("total_entries")

        task_collection = cls(
            tasks=tasks,
            total_entries=total_entries,
        )

        task_collection.additional_properties = d
        return task_collection

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
