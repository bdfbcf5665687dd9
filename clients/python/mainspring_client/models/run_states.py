from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.named_run_state import NamedRunState

from ..plain import as_dict

T = TypeVar("T", bound="RunStates")


@_attrs_define
class RunStates:
    """
    Attributes:
        dag_runs (list[NamedRunState]): States of the runs, in the order of the body
    """

    dag_runs: list[NamedRunState]
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        dag_runs = []
        for dag_runs_item_data in self.dag_runs:
            dag_runs_item = as_dict(dag_runs_item_data)
            dag_runs.append(dag_runs_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "dag_runs": dag_runs,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.named_run_state import NamedRunState  # noqa: PLC0415

        d = dict(src_dict)
        dag_runs = []
        _dag_runs = d.pop("dag_runs")
        for dag_runs_item_data in _dag_runs:
            dag_runs_item = NamedRunState.from_dict(dag_runs_item_data)

            dag_runs.append(dag_runs_item)

        run_states = cls(
            dag_runs=dag_runs,
        )

        run_states.additional_properties = d
        return run_states

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
