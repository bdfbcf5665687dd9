from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.exchange_body_requested_token_type import ExchangeBodyRequestedTokenType
from ..models.exchange_body_subject_token_type import ExchangeBodySubjectTokenType
from ..types import UNSET, Unset

T = TypeVar("T", bound="ExchangeBody")


@_attrs_define
class ExchangeBody:
    """
    Attributes:
        grant_type (str): `urn:ietf:params:oauth:grant-type:token-exchange`
        subject_token (str): The OIDC token of the CI system
        subject_token_type (ExchangeBodySubjectTokenType): What `subject_token` is
        requested_token_type (ExchangeBodyRequestedTokenType | Unset): `urn:ietf:params:oauth:token-type:access_token`,
            or absent
    """

    grant_type: str
    subject_token: str
    subject_token_type: ExchangeBodySubjectTokenType
    requested_token_type: ExchangeBodyRequestedTokenType | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        grant_type = self.grant_type

        subject_token = self.subject_token

        subject_token_type = self.subject_token_type.value

        requested_token_type: str | Unset = UNSET
        if not isinstance(self.requested_token_type, Unset):
            requested_token_type = self.requested_token_type.value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "grant_type": grant_type,
                "subject_token": subject_token,
                "subject_token_type": subject_token_type,
            }
        )
        if requested_token_type is not UNSET:
            field_dict["requested_token_type"] = requested_token_type

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        grant_type = d.pop("grant_type")

        subject_token = d.pop("subject_token")

        subject_token_type = ExchangeBodySubjectTokenType(d.pop("subject_token_type"))

        _requested_token_type = d.pop("requested_token_type", UNSET)
        requested_token_type: ExchangeBodyRequestedTokenType | Unset
        if isinstance(_requested_token_type, Unset):
            requested_token_type = UNSET
        else:
            requested_token_type = ExchangeBodyRequestedTokenType(_requested_token_type)

        exchange_body = cls(
            grant_type=grant_type,
            subject_token=subject_token,
            subject_token_type=subject_token_type,
            requested_token_type=requested_token_type,
        )

        exchange_body.additional_properties = d
        return exchange_body

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
