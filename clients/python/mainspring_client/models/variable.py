from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="Variable")


@_attrs_define
class Variable:
    """
    Attributes:
        key (str): Name of the variable
        value (str): Text of the variable
        description (None | str): Purpose in a sentence
        is_encrypted (bool): Always false: confidential text belongs in a secret
        team_name (None | str): Always null: the server has no teams
    """

    key: str
    value: str
    description: None | str
    is_encrypted: bool
    team_name: None | str
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        key = self.key

        value = self.value

        description: None | str
        description = self.description

        is_encrypted = self.is_encrypted

        team_name: None | str
        team_name = self.team_name

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "key": key,
                "value": value,
                "description": description,
                "is_encrypted": is_encrypted,
                "team_name": team_name,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        key = d.pop("key")

        value = d.pop("value")

        def _parse_description(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        description = _parse_description(d.pop("description"))

        is_encrypted = d.pop("is_encrypted")

        def _parse_team_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        team_name = _parse_team_name(d.pop("team_name"))

        variable = cls(
            key=key,
            value=value,
            description=description,
            is_encrypted=is_encrypted,
            team_name=team_name,
        )

        variable.additional_properties = d
        return variable

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
