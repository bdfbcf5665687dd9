from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.plan_action import PlanAction

if TYPE_CHECKING:
    from ..models.definition_warning import DefinitionWarning

from ..plain import as_dict

T = TypeVar("T", bound="SavedDag")


@_attrs_define
class SavedDag:
    """
    Attributes:
        dag_id (str): Identifier of the DAG
        action (PlanAction):
        version_number (int): Number of the current version
        due_slots (list[datetime.datetime]): Logical dates of the runs that the scheduler creates at once, ascending, at
            most 100: those of the plan, and those that came due since
        warnings (list[DefinitionWarning]): Doubts about the definition, which is valid
    """

    dag_id: str
    action: PlanAction
    version_number: int
    due_slots: list[datetime.datetime]
    warnings: list[DefinitionWarning]
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        dag_id = self.dag_id

        action = self.action.value

        version_number = self.version_number

        due_slots = []
        for due_slots_item_data in self.due_slots:
            due_slots_item = due_slots_item_data.isoformat()
            due_slots.append(due_slots_item)

        warnings = []
        for warnings_item_data in self.warnings:
            warnings_item = as_dict(warnings_item_data)
            warnings.append(warnings_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "dag_id": dag_id,
                "action": action,
                "version_number": version_number,
                "due_slots": due_slots,
                "warnings": warnings,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.definition_warning import DefinitionWarning  # noqa: PLC0415

        d = dict(src_dict)
        dag_id = d.pop("dag_id")

        action = PlanAction(d.pop("action"))

        version_number = d.pop("version_number")

        due_slots = []
        _due_slots = d.pop("due_slots")
        for due_slots_item_data in _due_slots:
            due_slots_item = datetime.datetime.fromisoformat(due_slots_item_data)

            due_slots.append(due_slots_item)

        warnings = []
        _warnings = d.pop("warnings")
        for warnings_item_data in _warnings:
            warnings_item = DefinitionWarning.from_dict(warnings_item_data)

            warnings.append(warnings_item)

        saved_dag = cls(
            dag_id=dag_id,
            action=action,
            version_number=version_number,
            due_slots=due_slots,
            warnings=warnings,
        )

        saved_dag.additional_properties = d
        return saved_dag

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
