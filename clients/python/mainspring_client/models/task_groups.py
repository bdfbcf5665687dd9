from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.task_group import TaskGroup

from ..plain import as_dict

T = TypeVar("T", bound="TaskGroups")


@_attrs_define
class TaskGroups:
    additional_properties: dict[str, TaskGroup] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:

        field_dict: dict[str, Any] = {}
        for prop_name, prop in self.additional_properties.items():
            field_dict[prop_name] = as_dict(prop)

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.task_group import TaskGroup  # noqa: PLC0415

        d = dict(src_dict)
        task_groups = cls()

        additional_properties = {}
        for prop_name, prop_dict in d.items():
            additional_property = TaskGroup.from_dict(prop_dict)

            additional_properties[prop_name] = additional_property

        task_groups.additional_properties = additional_properties
        return task_groups

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> TaskGroup:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: TaskGroup) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
