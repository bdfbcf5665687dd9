from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.secret_reference import SecretReference

from ..plain import as_dict

T = TypeVar("T", bound="HttpHeaders")


@_attrs_define
class HttpHeaders:
    additional_properties: dict[str, SecretReference | str] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.secret_reference import SecretReference  # noqa: PLC0415

        field_dict: dict[str, Any] = {}
        for prop_name, prop in self.additional_properties.items():
            if isinstance(prop, SecretReference):
                field_dict[prop_name] = as_dict(prop)
            else:
                field_dict[prop_name] = prop

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.secret_reference import SecretReference  # noqa: PLC0415

        d = dict(src_dict)
        http_headers = cls()

        additional_properties = {}
        for prop_name, prop_dict in d.items():

            def _parse_additional_property(data: object) -> SecretReference | str:
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    additional_property_type_0 = SecretReference.from_dict(data)

                    return additional_property_type_0
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                return cast(SecretReference | str, data)

            additional_property = _parse_additional_property(prop_dict)

            additional_properties[prop_name] = additional_property

        http_headers.additional_properties = additional_properties
        return http_headers

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> SecretReference | str:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: SecretReference | str) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
