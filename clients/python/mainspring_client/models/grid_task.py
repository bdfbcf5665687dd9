from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="GridTask")


@_attrs_define
class GridTask:
    """
    Attributes:
        task_id (str): Identifier of the task within its DAG
        is_mapped (bool): Whether the task is expanded over a list
        versions (list[int]): First and last version number in view that has the task
    """

    task_id: str
    is_mapped: bool
    versions: list[int]
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        task_id = self.task_id

        is_mapped = self.is_mapped

        versions = self.versions

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "task_id": task_id,
                "is_mapped": is_mapped,
                "versions": versions,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        task_id = d.pop("task_id")

        is_mapped = d.pop("is_mapped")

        versions = cast(list[int], d.pop("versions"))

        grid_task = cls(
            task_id=task_id,
            is_mapped=is_mapped,
            versions=versions,
        )

        grid_task.additional_properties = d
        return grid_task

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
