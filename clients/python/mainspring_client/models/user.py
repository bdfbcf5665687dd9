from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.role import Role

if TYPE_CHECKING:
    from ..models.grant import Grant

from ..plain import as_dict

T = TypeVar("T", bound="User")


@_attrs_define
class User:
    """
    Attributes:
        username (str): Name of the user
        role (None | Role): Role on every DAG and everything else; null = only the grants
        grants (list[Grant]): Roles on single DAGs or groups of DAGs
        is_active (bool): Permission to log in; false ends all logins
        issuer (None | str): Identity provider that vouches for the user, or `urn:mainspring:exchange` for a rule of the
            token exchange; null = the user has a password
        subject (None | str): Who the user is at `issuer`; null = the user has a password
        created_at (datetime.datetime): Instant of the creation
        last_login_at (datetime.datetime | None): Instant of the latest login; null = never
    """

    username: str
    role: None | Role
    grants: list[Grant]
    is_active: bool
    issuer: None | str
    subject: None | str
    created_at: datetime.datetime
    last_login_at: datetime.datetime | None
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        username = self.username

        role: None | str
        if isinstance(self.role, Role):
            role = self.role.value
        else:
            role = self.role

        grants = []
        for grants_item_data in self.grants:
            grants_item = as_dict(grants_item_data)
            grants.append(grants_item)

        is_active = self.is_active

        issuer: None | str
        issuer = self.issuer

        subject: None | str
        subject = self.subject

        created_at = self.created_at.isoformat()

        last_login_at: None | str
        if isinstance(self.last_login_at, datetime.datetime):
            last_login_at = self.last_login_at.isoformat()
        else:
            last_login_at = self.last_login_at

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "username": username,
                "role": role,
                "grants": grants,
                "is_active": is_active,
                "issuer": issuer,
                "subject": subject,
                "created_at": created_at,
                "last_login_at": last_login_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.grant import Grant  # noqa: PLC0415

        d = dict(src_dict)
        username = d.pop("username")

        def _parse_role(data: object) -> None | Role:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                role_type_0 = Role(data)

                return role_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Role, data)

        role = _parse_role(d.pop("role"))

        grants = []
        _grants = d.pop("grants")
        for grants_item_data in _grants:
            grants_item = Grant.from_dict(grants_item_data)

            grants.append(grants_item)

        is_active = d.pop("is_active")

        def _parse_issuer(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        issuer = _parse_issuer(d.pop("issuer"))

        def _parse_subject(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        subject = _parse_subject(d.pop("subject"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_last_login_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_login_at_type_0 = datetime.datetime.fromisoformat(data)

                return last_login_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        last_login_at = _parse_last_login_at(d.pop("last_login_at"))

        user = cls(
            username=username,
            role=role,
            grants=grants,
            is_active=is_active,
            issuer=issuer,
            subject=subject,
            created_at=created_at,
            last_login_at=last_login_at,
        )

        user.additional_properties = d
        return user

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
