from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.task_try import TaskTry

from ..plain import as_dict

T = TypeVar("T", bound="TaskTryCollection")


@_attrs_define
class TaskTryCollection:
    """
    Attributes:
        task_instances (list[TaskTry]): Tries, oldest first
        total_entries (int): Number of tries
    """

    task_instances: list[TaskTry]
    total_entries: int
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        task_instances = []
        for task_instances_item_data in self.task_instances:
            task_instances_item = as_dict(task_instances_item_data)
            task_instances.append(task_instances_item)

        total_entries = self.total_entries

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "task_instances": task_instances,
                "total_entries": total_entries,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.task_try import TaskTry  # noqa: PLC0415

        d = dict(src_dict)
        task_instances = []
        _task_instances = d.pop("task_instances")
        for task_instances_item_data in _task_instances:
            task_instances_item = TaskTry.from_dict(task_instances_item_data)

            task_instances.append(task_instances_item)

        total_entries = d.pop("total_entries")

        task_try_collection = cls(
            task_instances=task_instances,
            total_entries=total_entries,
        )

        task_try_collection.additional_properties = d
        return task_try_collection

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
