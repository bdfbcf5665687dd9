from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.task_dependency import TaskDependency

from ..plain import as_dict

T = TypeVar("T", bound="TaskDependencyCollection")


@_attrs_define
class TaskDependencyCollection:
    """
    Attributes:
        dependencies (list[TaskDependency]): Unmet conditions; empty when the instance waits for nothing or has begun
    """

    dependencies: list[TaskDependency]
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        dependencies = []
        for dependencies_item_data in self.dependencies:
            dependencies_item = as_dict(dependencies_item_data)
            dependencies.append(dependencies_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "dependencies": dependencies,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.task_dependency import TaskDependency  # noqa: PLC0415

        d = dict(src_dict)
        dependencies = []
        _dependencies = d.pop("dependencies")
        for dependencies_item_data in _dependencies:
            dependencies_item = TaskDependency.from_dict(dependencies_item_data)

            dependencies.append(dependencies_item)

        task_dependency_collection = cls(
            dependencies=dependencies,
        )

        task_dependency_collection.additional_properties = d
        return task_dependency_collection

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
