from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.dag_version_details import DagVersionDetails

from ..plain import as_dict

T = TypeVar("T", bound="DagVersionCollection")


@_attrs_define
class DagVersionCollection:
    """
    Attributes:
        dag_versions (list[DagVersionDetails]): Versions of this page
        total_entries (int): Number of entries on all pages
    """

    dag_versions: list[DagVersionDetails]
    total_entries: int
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        dag_versions = []
        for dag_versions_item_data in self.dag_versions:
            dag_versions_item = as_dict(dag_versions_item_data)
            dag_versions.append(dag_versions_item)

        total_entries = self.total_entries

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "dag_versions": dag_versions,
                "total_entries": total_entries,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.dag_version_details import DagVersionDetails  # noqa: PLC0415

        d = dict(src_dict)
        dag_versions = []
        _dag_versions = d.pop("dag_versions")
        for dag_versions_item_data in _dag_versions:
            dag_versions_item = DagVersionDetails.from_dict(dag_versions_item_data)

            dag_versions.append(dag_versions_item)

        total_entries = d.pop("total_entries")

        dag_version_collection = cls(
            dag_versions=dag_versions,
            total_entries=total_entries,
        )

        dag_version_collection.additional_properties = d
        return dag_version_collection

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
