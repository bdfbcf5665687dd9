from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.task_instance import TaskInstance

from ..plain import as_dict

T = TypeVar("T", bound="TaskInstanceCollection")


@_attrs_define
class TaskInstanceCollection:
    """
    Attributes:
        task_instances (list[TaskInstance]): Task instances of this page
        total_entries (int): Exact by offset; by cursor at most `total_entries_limit`
        total_entries_limit (int | None): Bound of the count when paged by cursor; null = paged by offset
        next_cursor (None | str): Cursor of the next page; null = none
        previous_cursor (None | str): Cursor of the previous page; null = none
    """

    task_instances: list[TaskInstance]
    total_entries: int
    total_entries_limit: int | None
    next_cursor: None | str
    previous_cursor: None | str
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        task_instances = []
        for task_instances_item_data in self.task_instances:
            task_instances_item = as_dict(task_instances_item_data)
            task_instances.append(task_instances_item)

        total_entries = self.total_entries

        total_entries_limit: int | None
        total_entries_limit = self.total_entries_limit

        next_cursor: None | str
        next_cursor = self.next_cursor

        previous_cursor: None | str
        previous_cursor = self.previous_cursor

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "task_instances": task_instances,
                "total_entries": total_entries,
                "total_entries_limit": total_entries_limit,
                "next_cursor": next_cursor,
                "previous_cursor": previous_cursor,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.task_instance import TaskInstance  # noqa: PLC0415

        d = dict(src_dict)
        task_instances = []
        _task_instances = d.pop("task_instances")
        for task_instances_item_data in _task_instances:
            task_instances_item = TaskInstance.from_dict(task_instances_item_data)

            task_instances.append(task_instances_item)

        total_entries = d.pop("total_entries")

        def _parse_total_entries_limit(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        total_entries_limit = _parse_total_entries_limit(d.pop("total_entries_limit"))

        def _parse_next_cursor(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        next_cursor = _parse_next_cursor(d.pop("next_cursor"))

        def _parse_previous_cursor(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        previous_cursor = _parse_previous_cursor(d.pop("previous_cursor"))

        task_instance_collection = cls(
            task_instances=task_instances,
            total_entries=total_entries,
            total_entries_limit=total_entries_limit,
            next_cursor=next_cursor,
            previous_cursor=previous_cursor,
        )

        task_instance_collection.additional_properties = d
        return task_instance_collection

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
