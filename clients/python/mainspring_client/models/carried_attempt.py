from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="CarriedAttempt")


@_attrs_define
class CarriedAttempt:
    """
    Attributes:
        attempt_id (str): Identifier of the attempt
        dag_id (str): Identifier of the DAG
        dag_run_id (str): Identifier of the run within its DAG
        task_id (str): Identifier of the task within its DAG
        map_index (int): Position among the instances of a mapped task; -1 = not mapped
        try_number (int): Number of the try, from 1
    """

    attempt_id: str
    dag_id: str
    dag_run_id: str
    task_id: str
    map_index: int
    try_number: int
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        attempt_id = self.attempt_id

        dag_id = self.dag_id

        dag_run_id = self.dag_run_id

        task_id = self.task_id

        map_index = self.map_index

        try_number = self.try_number

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "attempt_id": attempt_id,
                "dag_id": dag_id,
                "dag_run_id": dag_run_id,
                "task_id": task_id,
                "map_index": map_index,
                "try_number": try_number,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        attempt_id = d.pop("attempt_id")

        dag_id = d.pop("dag_id")

        dag_run_id = d.pop("dag_run_id")

        task_id = d.pop("task_id")

        map_index = d.pop("map_index")

        try_number = d.pop("try_number")

        carried_attempt = cls(
            attempt_id=attempt_id,
            dag_id=dag_id,
            dag_run_id=dag_run_id,
            task_id=task_id,
            map_index=map_index,
            try_number=try_number,
        )

        carried_attempt.additional_properties = d
        return carried_attempt

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
