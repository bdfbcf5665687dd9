from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="SearchHit")


@_attrs_define
class SearchHit:
    """
    Attributes:
        kind (str): `dag`, `task` or `run`
        title (str): Name for people
        dag_id (str): Identifier of the DAG
        dag_run_id (None | str): Null = no run
        task_id (None | str): Null = no task
    """

    kind: str
    title: str
    dag_id: str
    dag_run_id: None | str
    task_id: None | str
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        kind = self.kind

        title = self.title

        dag_id = self.dag_id

        dag_run_id: None | str
        dag_run_id = self.dag_run_id

        task_id: None | str
        task_id = self.task_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "kind": kind,
                "title": title,
                "dag_id": dag_id,
                "dag_run_id": dag_run_id,
                "task_id": task_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        kind = d.pop("kind")

        title = d.pop("title")

        dag_id = d.pop("dag_id")

        def _parse_dag_run_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        dag_run_id = _parse_dag_run_id(d.pop("dag_run_id"))

        def _parse_task_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        task_id = _parse_task_id(d.pop("task_id"))

        search_hit = cls(
            kind=kind,
            title=title,
            dag_id=dag_id,
            dag_run_id=dag_run_id,
            task_id=task_id,
        )

        search_hit.additional_properties = d
        return search_hit

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
