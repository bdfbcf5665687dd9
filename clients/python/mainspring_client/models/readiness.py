from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.security_facts import SecurityFacts

from ..plain import as_dict

T = TypeVar("T", bound="Readiness")


@_attrs_define
class Readiness:
    """
    Attributes:
        status (str): Always `ready`: another state is answered with 503
        security (None | SecurityFacts): Facts about the protection of the server; null = the client is not an
            administrator
    """

    status: str
    security: None | SecurityFacts
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.security_facts import SecurityFacts  # noqa: PLC0415

        status = self.status

        security: dict[str, Any] | None
        if isinstance(self.security, SecurityFacts):
            security = as_dict(self.security)
        else:
            security = self.security

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
                "security": security,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.security_facts import SecurityFacts  # noqa: PLC0415

        d = dict(src_dict)
        status = d.pop("status")

        def _parse_security(data: object) -> None | SecurityFacts:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                security_type_0 = SecurityFacts.from_dict(data)

                return security_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SecurityFacts, data)

        security = _parse_security(d.pop("security"))

        readiness = cls(
            status=status,
            security=security,
        )

        readiness.additional_properties = d
        return readiness

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
