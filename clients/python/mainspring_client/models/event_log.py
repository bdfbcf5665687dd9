from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.outcome import Outcome

T = TypeVar("T", bound="EventLog")


@_attrs_define
class EventLog:
    """
    Attributes:
        event_log_id (int): Number of the entry
        when (datetime.datetime): Instant of the event
        event (str): Operation, by its id in this document
        outcome (Outcome):
        owner (None | str): Name of the user or token; null = unknown
        dag_id (None | str): Identifier of the DAG
        dag_display_name (None | str): The same as `dag_id`
        run_id (None | str): Identifier of the run within its DAG
        task_id (None | str): Identifier of the task within its DAG
        task_display_name (None | str): The same as `task_id`
        map_index (int | None): Position among the instances of a mapped task; -1 = not mapped
        try_number (int | None): Number of the try, from 1
        logical_date (datetime.datetime | None): Always null
        extra (None | str): Further facts, as the text of a JSON object
    """

    event_log_id: int
    when: datetime.datetime
    event: str
    outcome: Outcome
    owner: None | str
    dag_id: None | str
    dag_display_name: None | str
    run_id: None | str
    task_id: None | str
    task_display_name: None | str
    map_index: int | None
    try_number: int | None
    logical_date: datetime.datetime | None
    extra: None | str
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        event_log_id = self.event_log_id

        when = self.when.isoformat()

        event = self.event

        outcome = self.outcome.value

        owner: None | str
        owner = self.owner

        dag_id: None | str
        dag_id = self.dag_id

        dag_display_name: None | str
        dag_display_name = self.dag_display_name

        run_id: None | str
        run_id = self.run_id

        task_id: None | str
        task_id = self.task_id

        task_display_name: None | str
        task_display_name = self.task_display_name

        map_index: int | None
        map_index = self.map_index

        try_number: int | None
        try_number = self.try_number

        logical_date: None | str
        if isinstance(self.logical_date, datetime.datetime):
            logical_date = self.logical_date.isoformat()
        else:
            logical_date = self.logical_date

        extra: None | str
        extra = self.extra

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "event_log_id": event_log_id,
                "when": when,
                "event": event,
                "outcome": outcome,
                "owner": owner,
                "dag_id": dag_id,
                "dag_display_name": dag_display_name,
                "run_id": run_id,
                "task_id": task_id,
                "task_display_name": task_display_name,
                "map_index": map_index,
                "try_number": try_number,
                "logical_date": logical_date,
                "extra": extra,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        event_log_id = d.pop("event_log_id")

        when = datetime.datetime.fromisoformat(d.pop("when"))

        event = d.pop("event")

        outcome = Outcome(d.pop("outcome"))

        def _parse_owner(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        owner = _parse_owner(d.pop("owner"))

        def _parse_dag_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        dag_id = _parse_dag_id(d.pop("dag_id"))

        def _parse_dag_display_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        dag_display_name = _parse_dag_display_name(d.pop("dag_display_name"))

        def _parse_run_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        run_id = _parse_run_id(d.pop("run_id"))

        def _parse_task_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        task_id = _parse_task_id(d.pop("task_id"))

        def _parse_task_display_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        task_display_name = _parse_task_display_name(d.pop("task_display_name"))

        def _parse_map_index(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        map_index = _parse_map_index(d.pop("map_index"))

        def _parse_try_number(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        try_number = _parse_try_number(d.pop("try_number"))

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

        def _parse_extra(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        extra = _parse_extra(d.pop("extra"))

        event_log = cls(
            event_log_id=event_log_id,
            when=when,
            event=event,
            outcome=outcome,
            owner=owner,
            dag_id=dag_id,
            dag_display_name=dag_display_name,
            run_id=run_id,
            task_id=task_id,
            task_display_name=task_display_name,
            map_index=map_index,
            try_number=try_number,
            logical_date=logical_date,
            extra=extra,
        )

        event_log.additional_properties = d
        return event_log

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
