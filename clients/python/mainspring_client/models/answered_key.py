from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="AnsweredKey")


@_attrs_define
class AnsweredKey:
    """
    Attributes:
        answered_at (datetime.datetime): Instant of the effect
        expires_at (datetime.datetime): Instant from which the key is forgotten
        status (int): HTTP status of the answer
        body (Any): Answer as it was given; null = none, or an answer that held a secret
    """

    answered_at: datetime.datetime
    expires_at: datetime.datetime
    status: int
    body: Any
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        answered_at = self.answered_at.isoformat()

        expires_at = self.expires_at.isoformat()

        status = self.status

        body = self.body

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "answered_at": answered_at,
                "expires_at": expires_at,
                "status": status,
                "body": body,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        answered_at = datetime.datetime.fromisoformat(d.pop("answered_at"))

        expires_at = datetime.datetime.fromisoformat(d.pop("expires_at"))

        status = d.pop("status")

        body = d.pop("body")

        answered_key = cls(
            answered_at=answered_at,
            expires_at=expires_at,
            status=status,
            body=body,
        )

        answered_key.additional_properties = d
        return answered_key

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
