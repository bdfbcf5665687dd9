from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.delivery_outcome import DeliveryOutcome

T = TypeVar("T", bound="HookDelivery")


@_attrs_define
class HookDelivery:
    """
    Attributes:
        received_at (datetime.datetime): Instant at which the delivery came
        delivery_id (None | str): Id that the sender gave; null = none
        outcome (DeliveryOutcome):
        status (int): HTTP status of the answer
        dag_run_id (None | str): Run that this, or the first such delivery started; null = none
        message (None | str): Why no run was started; null = one was
    """

    received_at: datetime.datetime
    delivery_id: None | str
    outcome: DeliveryOutcome
    status: int
    dag_run_id: None | str
    message: None | str
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        received_at = self.received_at.isoformat()

        delivery_id: None | str
        delivery_id = self.delivery_id

        outcome = self.outcome.value

        status = self.status

        dag_run_id: None | str
        dag_run_id = self.dag_run_id

        message: None | str
        message = self.message

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "received_at": received_at,
                "delivery_id": delivery_id,
                "outcome": outcome,
                "status": status,
                "dag_run_id": dag_run_id,
                "message": message,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        received_at = datetime.datetime.fromisoformat(d.pop("received_at"))

        def _parse_delivery_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        delivery_id = _parse_delivery_id(d.pop("delivery_id"))

        outcome = DeliveryOutcome(d.pop("outcome"))

        status = d.pop("status")

        def _parse_dag_run_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        dag_run_id = _parse_dag_run_id(d.pop("dag_run_id"))

        def _parse_message(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        message = _parse_message(d.pop("message"))

        hook_delivery = cls(
            received_at=received_at,
            delivery_id=delivery_id,
            outcome=outcome,
            status=status,
            dag_run_id=dag_run_id,
            message=message,
        )

        hook_delivery.additional_properties = d
        return hook_delivery

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
