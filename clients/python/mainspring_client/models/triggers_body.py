from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.named_trigger_body import NamedTriggerBody

from ..plain import as_dict

T = TypeVar("T", bound="TriggersBody")


@_attrs_define
class TriggersBody:
    """
    Attributes:
        dag_runs (list[NamedTriggerBody]): Runs to start, at most 100
    """

    dag_runs: list[NamedTriggerBody]

    def to_dict(self) -> dict[str, Any]:
        dag_runs = []
        for dag_runs_item_data in self.dag_runs:
            dag_runs_item = as_dict(dag_runs_item_data)
            dag_runs.append(dag_runs_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "dag_runs": dag_runs,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.named_trigger_body import NamedTriggerBody  # noqa: PLC0415

        d = dict(src_dict)
        dag_runs = []
        _dag_runs = d.pop("dag_runs")
        for dag_runs_item_data in _dag_runs:
            dag_runs_item = NamedTriggerBody.from_dict(dag_runs_item_data)

            dag_runs.append(dag_runs_item)

        triggers_body = cls(
            dag_runs=dag_runs,
        )

        return triggers_body
