from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="RunInFlight")


@_attrs_define
class RunInFlight:
    """
    Attributes:
        dag_run_id (str): Identifier of the run within its DAG
        version_number (int): Number of the version that the run executes
    """

    dag_run_id: str
    version_number: int
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        dag_run_id = self.dag_run_id

        version_number = self.version_number

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "dag_run_id": dag_run_id,
                "version_number": version_number,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        dag_run_id = d.pop("dag_run_id")

        version_number = d.pop("version_number")

        run_in_flight = cls(
            dag_run_id=dag_run_id,
            version_number=version_number,
        )

        run_in_flight.additional_properties = d
        return run_in_flight

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
