from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.answering_role import AnsweringRole
from ..types import UNSET, Unset

T = TypeVar("T", bound="AssignedAnswerers")


@_attrs_define
class AssignedAnswerers:
    """
    Attributes:
        users (list[str] | Unset): Names of users. A token of a user counts as the user.
        roles (list[AnsweringRole] | Unset): Roles on the DAG; a role includes the lesser ones.
    """

    users: list[str] | Unset = UNSET
    roles: list[AnsweringRole] | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        users: list[str] | Unset = UNSET
        if not isinstance(self.users, Unset):
            users = self.users

        roles: list[str] | Unset = UNSET
        if not isinstance(self.roles, Unset):
            roles = []
            for roles_item_data in self.roles:
                roles_item = roles_item_data.value
                roles.append(roles_item)

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if users is not UNSET:
            field_dict["users"] = users
        if roles is not UNSET:
            field_dict["roles"] = roles

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        users = cast(list[str], d.pop("users", UNSET))

        _roles = d.pop("roles", UNSET)
        roles: list[AnsweringRole] | Unset = UNSET
        if _roles is not UNSET:
            roles = []
            for roles_item_data in _roles:
                roles_item = AnsweringRole(roles_item_data)

                roles.append(roles_item)

        assigned_answerers = cls(
            users=users,
            roles=roles,
        )

        return assigned_answerers
