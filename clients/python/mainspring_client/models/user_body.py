from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.role import Role
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.grant_body import GrantBody

from ..plain import as_dict

T = TypeVar("T", bound="UserBody")


@_attrs_define
class UserBody:
    """
    Attributes:
        username (str): Name of the user
        password (str): Password; the server stores a hash
        role (None | Role | Unset): Role on every DAG and everything else; null = only the grants
        grants (list[GrantBody] | Unset): Roles on single DAGs or groups of DAGs
    """

    username: str
    password: str
    role: None | Role | Unset = UNSET
    grants: list[GrantBody] | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        username = self.username

        password = self.password

        role: None | str | Unset
        if isinstance(self.role, Unset):
            role = UNSET
        elif isinstance(self.role, Role):
            role = self.role.value
        else:
            role = self.role

        grants: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.grants, Unset):
            grants = []
            for grants_item_data in self.grants:
                grants_item = as_dict(grants_item_data)
                grants.append(grants_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "username": username,
                "password": password,
            }
        )
        if role is not UNSET:
            field_dict["role"] = role
        if grants is not UNSET:
            field_dict["grants"] = grants

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.grant_body import GrantBody  # noqa: PLC0415

        d = dict(src_dict)
        username = d.pop("username")

        password = d.pop("password")

        def _parse_role(data: object) -> None | Role | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                role_type_0 = Role(data)

                return role_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Role | Unset, data)

        role = _parse_role(d.pop("role", UNSET))

        _grants = d.pop("grants", UNSET)
        grants: list[GrantBody] | Unset = UNSET
        if _grants is not UNSET:
            grants = []
            for grants_item_data in _grants:
                grants_item = GrantBody.from_dict(grants_item_data)

                grants.append(grants_item)

        user_body = cls(
            username=username,
            password=password,
            role=role,
            grants=grants,
        )

        return user_body
