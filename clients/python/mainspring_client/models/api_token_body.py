from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.role import Role
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.grant_body import GrantBody

from ..plain import as_dict

T = TypeVar("T", bound="ApiTokenBody")


@_attrs_define
class ApiTokenBody:
    """
    Attributes:
        name (str): Name of the token for people
        role (None | Role | Unset): Role on every DAG and everything else; null = only the grants
        grants (list[GrantBody] | Unset): Roles on single DAGs or groups of DAGs
        queue (None | str | Unset): Makes a token for workers of this queue: it opens the execution API, for attempts of
            this queue alone, and nothing else. Admins only
        expires_at (datetime.datetime | None | Unset): Instant from which the token is refused; null = never
        username (None | str | Unset): Whose it is; absent = one's own, null = nobody's. Others' and nobody's: admins
            only
    """

    name: str
    role: None | Role | Unset = UNSET
    grants: list[GrantBody] | Unset = UNSET
    queue: None | str | Unset = UNSET
    expires_at: datetime.datetime | None | Unset = UNSET
    username: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        name = self.name

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

        queue: None | str | Unset
        if isinstance(self.queue, Unset):
            queue = UNSET
        else:
            queue = self.queue

        expires_at: None | str | Unset
        if isinstance(self.expires_at, Unset):
            expires_at = UNSET
        elif isinstance(self.expires_at, datetime.datetime):
            expires_at = self.expires_at.isoformat()
        else:
            expires_at = self.expires_at

        username: None | str | Unset
        if isinstance(self.username, Unset):
            username = UNSET
        else:
            username = self.username

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
            }
        )
        if role is not UNSET:
            field_dict["role"] = role
        if grants is not UNSET:
            field_dict["grants"] = grants
        if queue is not UNSET:
            field_dict["queue"] = queue
        if expires_at is not UNSET:
            field_dict["expires_at"] = expires_at
        if username is not UNSET:
            field_dict["username"] = username

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.grant_body import GrantBody  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

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

        def _parse_queue(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        queue = _parse_queue(d.pop("queue", UNSET))

        def _parse_expires_at(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                expires_at_type_0 = datetime.datetime.fromisoformat(data)

                return expires_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        expires_at = _parse_expires_at(d.pop("expires_at", UNSET))

        def _parse_username(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        username = _parse_username(d.pop("username", UNSET))

        api_token_body = cls(
            name=name,
            role=role,
            grants=grants,
            queue=queue,
            expires_at=expires_at,
            username=username,
        )

        return api_token_body
