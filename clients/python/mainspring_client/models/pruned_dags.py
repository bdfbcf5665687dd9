from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="PrunedDags")


@_attrs_define
class PrunedDags:
    """
    Attributes:
        bundle_name (str): Bundle that was pruned
        dag_ids (list[str]): DAGs that became stale by this request, or would; sorted
        stale_dag_ids (list[str]): DAGs of the bundle that were stale before; sorted
    """

    bundle_name: str
    dag_ids: list[str]
    stale_dag_ids: list[str]
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        bundle_name = self.bundle_name

        dag_ids = self.dag_ids

        stale_dag_ids = self.stale_dag_ids

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "bundle_name": bundle_name,
                "dag_ids": dag_ids,
                "stale_dag_ids": stale_dag_ids,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        bundle_name = d.pop("bundle_name")

        dag_ids = cast(list[str], d.pop("dag_ids"))

        stale_dag_ids = cast(list[str], d.pop("stale_dag_ids"))

        pruned_dags = cls(
            bundle_name=bundle_name,
            dag_ids=dag_ids,
            stale_dag_ids=stale_dag_ids,
        )

        pruned_dags.additional_properties = d
        return pruned_dags

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
