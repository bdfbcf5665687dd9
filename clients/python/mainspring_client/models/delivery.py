from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.delivery_state import DeliveryState

T = TypeVar("T", bound="Delivery")


@_attrs_define
class Delivery:
    """
    Attributes:
        id (int): Identifier of the delivery
        message_id (str): Header `webhook-id` of each attempt
        event_id (None | str): Identifier of the event; null = a test
        type_ (str): Type of the event, such as `run.failed`; `webhook.test` = a test
        dag_id (None | str): DAG of the event; null = a test
        state (DeliveryState):
        created_at (datetime.datetime): Instant of the creation
        attempts (int): Number of attempts so far
        attempted_at (datetime.datetime | None): End of the latest attempt; null = none yet
        seconds (float | None): Length of the latest attempt; null = none yet
        status (int | None): Status that the receiver answered; null = no answer
        answer (None | str): First 1024 bytes of the receiver's answer; null = no answer
        error (None | str): Why the latest attempt failed; null = it did not
    """

    id: int
    message_id: str
    event_id: None | str
    type_: str
    dag_id: None | str
    state: DeliveryState
    created_at: datetime.datetime
    attempts: int
    attempted_at: datetime.datetime | None
    seconds: float | None
    status: int | None
    answer: None | str
    error: None | str
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        message_id = self.message_id

        event_id: None | str
        event_id = self.event_id

        type_ = self.type_

        dag_id: None | str
        dag_id = self.dag_id

        state = self.state.value

        created_at = self.created_at.isoformat()

        attempts = self.attempts

        attempted_at: None | str
        if isinstance(self.attempted_at, datetime.datetime):
            attempted_at = self.attempted_at.isoformat()
        else:
            attempted_at = self.attempted_at

        seconds: float | None
        seconds = self.seconds

        status: int | None
        status = self.status

        answer: None | str
        answer = self.answer

        error: None | str
        error = self.error

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "message_id": message_id,
                "event_id": event_id,
                "type": type_,
                "dag_id": dag_id,
                "state": state,
                "created_at": created_at,
                "attempts": attempts,
                "attempted_at": attempted_at,
                "seconds": seconds,
                "status": status,
                "answer": answer,
                "error": error,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        message_id = d.pop("message_id")

        def _parse_event_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        event_id = _parse_event_id(d.pop("event_id"))

        type_ = d.pop("type")

        def _parse_dag_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        dag_id = _parse_dag_id(d.pop("dag_id"))

        state = DeliveryState(d.pop("state"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        attempts = d.pop("attempts")

        def _parse_attempted_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                attempted_at_type_0 = datetime.datetime.fromisoformat(data)

                return attempted_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        attempted_at = _parse_attempted_at(d.pop("attempted_at"))

        def _parse_seconds(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        seconds = _parse_seconds(d.pop("seconds"))

        def _parse_status(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        status = _parse_status(d.pop("status"))

        def _parse_answer(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        answer = _parse_answer(d.pop("answer"))

        def _parse_error(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        error = _parse_error(d.pop("error"))

        delivery = cls(
            id=id,
            message_id=message_id,
            event_id=event_id,
            type_=type_,
            dag_id=dag_id,
            state=state,
            created_at=created_at,
            attempts=attempts,
            attempted_at=attempted_at,
            seconds=seconds,
            status=status,
            answer=answer,
            error=error,
        )

        delivery.additional_properties = d
        return delivery

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
