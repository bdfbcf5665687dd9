from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="RunName")


@_attrs_define
class RunName:
    """
    Attributes:
        dag_id (str): Identifier of the DAG
        dag_run_id (str): Identifier of the run within its DAG
    """

    dag_id: str
    dag_run_id: str

    def to_dict(self) -> dict[str, Any]:
        dag_id = self.dag_id

        dag_run_id = self.dag_run_id

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "dag_id": dag_id,
                "dag_run_id": dag_run_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        dag_id = d.pop("dag_id")

        dag_run_id = d.pop("dag_run_id")

        run_name = cls(
            dag_id=dag_id,
            dag_run_id=dag_run_id,
        )

        return run_name
