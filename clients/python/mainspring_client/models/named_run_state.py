from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.dag_run_state import DagRunState

T = TypeVar("T", bound="NamedRunState")


@_attrs_define
class NamedRunState:
    """
    Attributes:
        dag_id (str): Identifier of the DAG
        dag_run_id (str): Identifier of the run within its DAG
        state (DagRunState | None): State of the run; null = there is no such run, or none that the caller may see
        state_reason (None | str): Code of the cause of the state; null = none
        is_finished (bool): Whether the run has ended
        exit_code (int | None): Exit code for a program that waits: 0 success, 1 failed, 3 cancelled, 4 not ended; null
            = there is no such run
        start_date (datetime.datetime | None): Start of the execution; null = not started
        end_date (datetime.datetime | None): End of the execution; null = not ended
    """

    dag_id: str
    dag_run_id: str
    state: DagRunState | None
    state_reason: None | str
    is_finished: bool
    exit_code: int | None
    start_date: datetime.datetime | None
    end_date: datetime.datetime | None
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        dag_id = self.dag_id

        dag_run_id = self.dag_run_id

        state: None | str
        if isinstance(self.state, DagRunState):
            state = self.state.value
        else:
            state = self.state

        state_reason: None | str
        state_reason = self.state_reason

        is_finished = self.is_finished

        exit_code: int | None
        exit_code = self.exit_code

        start_date: None | str
        if isinstance(self.start_date, datetime.datetime):
            start_date = self.start_date.isoformat()
        else:
            start_date = self.start_date

        end_date: None | str
        if isinstance(self.end_date, datetime.datetime):
            end_date = self.end_date.isoformat()
        else:
            end_date = self.end_date

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "dag_id": dag_id,
                "dag_run_id": dag_run_id,
                "state": state,
                "state_reason": state_reason,
                "is_finished": is_finished,
                "exit_code": exit_code,
                "start_date": start_date,
                "end_date": end_date,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        dag_id = d.pop("dag_id")

        dag_run_id = d.pop("dag_run_id")

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

        def _parse_state_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        state_reason = _parse_state_reason(d.pop("state_reason"))

        is_finished = d.pop("is_finished")

        def _parse_exit_code(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        exit_code = _parse_exit_code(d.pop("exit_code"))

        def _parse_start_date(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                start_date_type_0 = datetime.datetime.fromisoformat(data)

                return start_date_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        start_date = _parse_start_date(d.pop("start_date"))

        def _parse_end_date(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                end_date_type_0 = datetime.datetime.fromisoformat(data)

                return end_date_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        end_date = _parse_end_date(d.pop("end_date"))

        named_run_state = cls(
            dag_id=dag_id,
            dag_run_id=dag_run_id,
            state=state,
            state_reason=state_reason,
            is_finished=is_finished,
            exit_code=exit_code,
            start_date=start_date,
            end_date=end_date,
        )

        named_run_state.additional_properties = d
        return named_run_state

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
