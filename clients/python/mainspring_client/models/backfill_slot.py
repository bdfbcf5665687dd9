from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.dag_run_state import DagRunState

T = TypeVar("T", bound="BackfillSlot")


@_attrs_define
class BackfillSlot:
    """
    Attributes:
        logical_date (datetime.datetime): Instant that the run stands for; null = none
        action (str): `create` = a new run; `rerun` = the run of the slot runs again; `keep` = the run stays as it is;
            `excluded` = the schedule leaves the time out
        dag_run_id (None | str): Existing run of the slot; null = none
        state (DagRunState | None): State of the existing run; null = none
        reason (None | str): Why the slot is kept or excluded; null = it runs
    """

    logical_date: datetime.datetime
    action: str
    dag_run_id: None | str
    state: DagRunState | None
    reason: None | str
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        logical_date = self.logical_date.isoformat()

        action = self.action

        dag_run_id: None | str
        dag_run_id = self.dag_run_id

        state: None | str
        if isinstance(self.state, DagRunState):
            state = self.state.value
        else:
            state = self.state

        reason: None | str
        reason = self.reason

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "logical_date": logical_date,
                "action": action,
                "dag_run_id": dag_run_id,
                "state": state,
                "reason": reason,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        logical_date = datetime.datetime.fromisoformat(d.pop("logical_date"))

        action = d.pop("action")

        def _parse_dag_run_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        dag_run_id = _parse_dag_run_id(d.pop("dag_run_id"))

        def _parse_state(data: object) -> DagRunState | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                state_type_0 = DagRunState(data)

                return state_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(DagRunState | None, data)

        state = _parse_state(d.pop("state"))

        def _parse_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        reason = _parse_reason(d.pop("reason"))

        backfill_slot = cls(
            logical_date=logical_date,
            action=action,
            dag_run_id=dag_run_id,
            state=state,
            reason=reason,
        )

        backfill_slot.additional_properties = d
        return backfill_slot

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
