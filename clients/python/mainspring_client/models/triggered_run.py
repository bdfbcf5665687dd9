from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.dag_run import DagRun
    from ..models.problem import Problem

from ..plain import as_dict

T = TypeVar("T", bound="TriggeredRun")


@_attrs_define
class TriggeredRun:
    """
    Attributes:
        status (int): HTTP status that a trigger of this run alone would have
        is_replayed (bool): Whether the run was made by an earlier request with the key of the entry
        dag_run (DagRun | None): Run as it was made; null = refused
        problem (None | Problem): Cause of the refusal; null = the run was made
    """

    status: int
    is_replayed: bool
    dag_run: DagRun | None
    problem: None | Problem
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.dag_run import DagRun  # noqa: PLC0415
        from ..models.problem import Problem  # noqa: PLC0415

        status = self.status

        is_replayed = self.is_replayed

        dag_run: dict[str, Any] | None
        if isinstance(self.dag_run, DagRun):
            dag_run = as_dict(self.dag_run)
        else:
            dag_run = self.dag_run

        problem: dict[str, Any] | None
        if isinstance(self.problem, Problem):
            problem = as_dict(self.problem)
        else:
            problem = self.problem

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
                "is_replayed": is_replayed,
                "dag_run": dag_run,
                "problem": problem,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.dag_run import DagRun  # noqa: PLC0415
        from ..models.problem import Problem  # noqa: PLC0415

        d = dict(src_dict)
        status = d.pop("status")

        is_replayed = d.pop("is_replayed")

        def _parse_dag_run(data: object) -> DagRun | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                dag_run_type_0 = DagRun.from_dict(data)

                return dag_run_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(DagRun | None, data)

        dag_run = _parse_dag_run(d.pop("dag_run"))

        def _parse_problem(data: object) -> None | Problem:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                problem_type_0 = Problem.from_dict(data)

                return problem_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Problem, data)

        problem = _parse_problem(d.pop("problem"))

        triggered_run = cls(
            status=status,
            is_replayed=is_replayed,
            dag_run=dag_run,
            problem=problem,
        )

        triggered_run.additional_properties = d
        return triggered_run

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
