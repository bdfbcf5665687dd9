from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.run_name import RunName

from ..plain import as_dict

T = TypeVar("T", bound="RunStatesBody")


@_attrs_define
class RunStatesBody:
    """
    Attributes:
        dag_runs (list[RunName]): Names of runs, at most 1000
    """

    dag_runs: list[RunName]

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
        from ..models.run_name import RunName  # noqa: PLC0415

        d = dict(src_dict)
        dag_runs = []
        _dag_runs = d.pop("dag_runs")
        for dag_runs_item_data in _dag_runs:
            dag_runs_item = RunName.from_dict(dag_runs_item_data)

            dag_runs.append(dag_runs_item)

        run_states_body = cls(
            dag_runs=dag_runs,
        )

        return run_states_body
