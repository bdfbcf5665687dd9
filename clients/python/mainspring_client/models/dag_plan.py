from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.plan_action import PlanAction

if TYPE_CHECKING:
    from ..models.broken_caller import BrokenCaller
    from ..models.definition_change import DefinitionChange
    from ..models.definition_incompatibility import DefinitionIncompatibility
    from ..models.definition_warning import DefinitionWarning
    from ..models.next_runs import NextRuns
    from ..models.run_in_flight import RunInFlight

from ..plain import as_dict

T = TypeVar("T", bound="DagPlan")


@_attrs_define
class DagPlan:
    """
    Attributes:
        dag_id (str): Identifier of the DAG
        action (PlanAction):
        base_version_number (int | None): Current version that the plan starts from; null = a new DAG
        bundle_name (None | str): Bundle that the DAG belongs to now; null = none
        content_hash (None | str): SHA-256 (hex) of the normalised definition; null = removed
        summary (str): Changes in a sentence
        changes (list[DefinitionChange]): Changes by meaning
        incompatible (list[DefinitionIncompatibility]): What breaks callers of the older version, whether there are any;
            at most 50
        warnings (list[DefinitionWarning]): Doubts about the definition, which is valid
        breaking (list[BrokenCaller]): Callers that the change breaks and the caller may see
        hidden_breaking (int): Number of further callers that the change breaks
        next_runs (NextRuns):
        catchup_runs (int): Runs that are due at once after the save, counted up to 100
        due_slots (list[datetime.datetime]): Logical dates of the runs that the scheduler would create at once,
            ascending, at most 100; none while the DAG is paused
        in_flight (list[RunInFlight]): Unfinished runs, oldest first, at most 20
        in_flight_total (int): Number of all unfinished runs
    """

    dag_id: str
    action: PlanAction
    base_version_number: int | None
    bundle_name: None | str
    content_hash: None | str
    summary: str
    changes: list[DefinitionChange]
    incompatible: list[DefinitionIncompatibility]
    warnings: list[DefinitionWarning]
    breaking: list[BrokenCaller]
    hidden_breaking: int
    next_runs: NextRuns
    catchup_runs: int
    due_slots: list[datetime.datetime]
    in_flight: list[RunInFlight]
    in_flight_total: int
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        dag_id = self.dag_id

        action = self.action.value

        base_version_number: int | None
        base_version_number = self.base_version_number

        bundle_name: None | str
        bundle_name = self.bundle_name

        content_hash: None | str
        content_hash = self.content_hash

        summary = self.summary

        changes = []
        for changes_item_data in self.changes:
            changes_item = as_dict(changes_item_data)
            changes.append(changes_item)

        incompatible = []
        for incompatible_item_data in self.incompatible:
            incompatible_item = as_dict(incompatible_item_data)
            incompatible.append(incompatible_item)

        warnings = []
        for warnings_item_data in self.warnings:
            warnings_item = as_dict(warnings_item_data)
            warnings.append(warnings_item)

        breaking = []
        for breaking_item_data in self.breaking:
            breaking_item = as_dict(breaking_item_data)
            breaking.append(breaking_item)

        hidden_breaking = self.hidden_breaking

        next_runs = as_dict(self.next_runs)

        catchup_runs = self.catchup_runs

        due_slots = []
        for due_slots_item_data in self.due_slots:
            due_slots_item = due_slots_item_data.isoformat()
            due_slots.append(due_slots_item)

        in_flight = []
        for in_flight_item_data in self.in_flight:
            in_flight_item = as_dict(in_flight_item_data)
            in_flight.append(in_flight_item)

        in_flight_total = self.in_flight_total

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "dag_id": dag_id,
                "action": action,
                "base_version_number": base_version_number,
                "bundle_name": bundle_name,
                "content_hash": content_hash,
                "summary": summary,
                "changes": changes,
                "incompatible": incompatible,
                "warnings": warnings,
                "breaking": breaking,
                "hidden_breaking": hidden_breaking,
                "next_runs": next_runs,
                "catchup_runs": catchup_runs,
                "due_slots": due_slots,
                "in_flight": in_flight,
                "in_flight_total": in_flight_total,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.broken_caller import BrokenCaller  # noqa: PLC0415
        from ..models.definition_change import DefinitionChange  # noqa: PLC0415
        from ..models.definition_incompatibility import DefinitionIncompatibility  # noqa: PLC0415
        from ..models.definition_warning import DefinitionWarning  # noqa: PLC0415
        from ..models.next_runs import NextRuns  # noqa: PLC0415
        from ..models.run_in_flight import RunInFlight  # noqa: PLC0415

        d = dict(src_dict)
        dag_id = d.pop("dag_id")

        action = PlanAction(d.pop("action"))

        def _parse_base_version_number(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        base_version_number = _parse_base_version_number(d.pop("base_version_number"))

        def _parse_bundle_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        bundle_name = _parse_bundle_name(d.pop("bundle_name"))

        def _parse_content_hash(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        content_hash = _parse_content_hash(d.pop("content_hash"))

        summary = d.pop("summary")

        changes = []
        _changes = d.pop("changes")
        for changes_item_data in _changes:
            changes_item = DefinitionChange.from_dict(changes_item_data)

            changes.append(changes_item)

        incompatible = []
        _incompatible = d.pop("incompatible")
        for incompatible_item_data in _incompatible:
            incompatible_item = DefinitionIncompatibility.from_dict(incompatible_item_data)

            incompatible.append(incompatible_item)

        warnings = []
        _warnings = d.pop("warnings")
        for warnings_item_data in _warnings:
            warnings_item = DefinitionWarning.from_dict(warnings_item_data)

            warnings.append(warnings_item)

        breaking = []
        _breaking = d.pop("breaking")
        for breaking_item_data in _breaking:
            breaking_item = BrokenCaller.from_dict(breaking_item_data)

            breaking.append(breaking_item)

        hidden_breaking = d.pop("hidden_breaking")

        next_runs = NextRuns.from_dict(d.pop("next_runs"))

        catchup_runs = d.pop("catchup_runs")

        due_slots = []
        _due_slots = d.pop("due_slots")
        for due_slots_item_data in _due_slots:
            due_slots_item = datetime.datetime.fromisoformat(due_slots_item_data)

            due_slots.append(due_slots_item)

        in_flight = []
        _in_flight = d.pop("in_flight")
        for in_flight_item_data in _in_flight:
            in_flight_item = RunInFlight.from_dict(in_flight_item_data)

            in_flight.append(in_flight_item)

        in_flight_total = d.pop("in_flight_total")

        dag_plan = cls(
            dag_id=dag_id,
            action=action,
            base_version_number=base_version_number,
            bundle_name=bundle_name,
            content_hash=content_hash,
            summary=summary,
            changes=changes,
            incompatible=incompatible,
            warnings=warnings,
            breaking=breaking,
            hidden_breaking=hidden_breaking,
            next_runs=next_runs,
            catchup_runs=catchup_runs,
            due_slots=due_slots,
            in_flight=in_flight,
            in_flight_total=in_flight_total,
        )

        dag_plan.additional_properties = d
        return dag_plan

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
