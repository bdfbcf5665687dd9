from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.hook_answer_outcome import HookAnswerOutcome

T = TypeVar("T", bound="HookAnswer")


@_attrs_define
class HookAnswer:
    """
    Attributes:
        outcome (HookAnswerOutcome): What became of the delivery
        dag_id (str): DAG of the hook
        dag_run_id (None | str): Run that this, or the first such delivery started; null = none
    """

    outcome: HookAnswerOutcome
    dag_id: str
    dag_run_id: None | str
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        outcome = self.outcome.value

        dag_id = self.dag_id

        dag_run_id: None | str
        dag_run_id = self.dag_run_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "outcome": outcome,
                "dag_id": dag_id,
                "dag_run_id": dag_run_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        outcome = HookAnswerOutcome(d.pop("outcome"))

        dag_id = d.pop("dag_id")

        def _parse_dag_run_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        dag_run_id = _parse_dag_run_id(d.pop("dag_run_id"))

        hook_answer = cls(
            outcome=outcome,
            dag_id=dag_id,
            dag_run_id=dag_run_id,
        )

        hook_answer.additional_properties = d
        return hook_answer

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
