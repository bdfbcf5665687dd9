from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.run_source_state import RunSourceState

T = TypeVar("T", bound="RunSource")


@_attrs_define
class RunSource:
    """
    Attributes:
        dag_id (str): Identifier of the DAG
        dag_run_id (str): Identifier of the run within its DAG
        state (RunSourceState): State in which the run ended
        logical_date (datetime.datetime | None): Instant that the run stands for; null = none
        end_date (datetime.datetime): Instant at which the run ended so
    """

    dag_id: str
    dag_run_id: str
    state: RunSourceState
    logical_date: datetime.datetime | None
    end_date: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        dag_id = self.dag_id

        dag_run_id = self.dag_run_id

        state = self.state.value

        logical_date: None | str
        if isinstance(self.logical_date, datetime.datetime):
            logical_date = self.logical_date.isoformat()
        else:
            logical_date = self.logical_date

        end_date = self.end_date.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "dag_id": dag_id,
                "dag_run_id": dag_run_id,
                "state": state,
                "logical_date": logical_date,
                "end_date": end_date,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        dag_id = d.pop("dag_id")

        dag_run_id = d.pop("dag_run_id")

        state = RunSourceState(d.pop("state"))

        def _parse_logical_date(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                logical_date_type_0 = datetime.datetime.fromisoformat(data)

                return logical_date_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        logical_date = _parse_logical_date(d.pop("logical_date"))

        end_date = datetime.datetime.fromisoformat(d.pop("end_date"))

        run_source = cls(
            dag_id=dag_id,
            dag_run_id=dag_run_id,
            state=state,
            logical_date=logical_date,
            end_date=end_date,
        )

        run_source.additional_properties = d
        return run_source

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
