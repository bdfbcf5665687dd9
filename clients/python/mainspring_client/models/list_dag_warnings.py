from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.json_object import JsonObject

from ..plain import as_dict

T = TypeVar("T", bound="ListDagWarnings")


@_attrs_define
class ListDagWarnings:
    """
    Attributes:
        total_entries (int): Number of entries on all pages
        dag_warnings (list[JsonObject]): Always empty
    """

    total_entries: int
    dag_warnings: list[JsonObject]
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        total_entries = self.total_entries

        dag_warnings = []
        for dag_warnings_item_data in self.dag_warnings:
            dag_warnings_item = as_dict(dag_warnings_item_data)
            dag_warnings.append(dag_warnings_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "total_entries": total_entries,
                "dag_warnings": dag_warnings,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.json_object import JsonObject  # noqa: PLC0415

        d = dict(src_dict)
        total_entries = d.pop("total_entries")

        dag_warnings = []
        _dag_warnings = d.pop("dag_warnings")
        for dag_warnings_item_data in _dag_warnings:
            dag_warnings_item = JsonObject.from_dict(dag_warnings_item_data)

            dag_warnings.append(dag_warnings_item)

        list_dag_warnings = cls(
            total_entries=total_entries,
            dag_warnings=dag_warnings,
        )

        list_dag_warnings.additional_properties = d
        return list_dag_warnings

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
