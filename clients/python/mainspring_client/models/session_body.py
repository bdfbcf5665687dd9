from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="SessionBody")


@_attrs_define
class SessionBody:
    """
    Attributes:
        username (str | Unset): Name of the user, with `password`
        password (str | Unset): Password
        token (str | Unset): A token for the API, instead of a name and a password
        code (str | Unset): The code of a sign-in link, instead of both; for browsers on the server's machine
    """

    username: str | Unset = UNSET
    password: str | Unset = UNSET
    token: str | Unset = UNSET
    code: str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        username = self.username

        password = self.password

        token = self.token

        code = self.code

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if username is not UNSET:
            field_dict["username"] = username
        if password is not UNSET:
            field_dict["password"] = password
        if token is not UNSET:
            field_dict["token"] = token
        if code is not UNSET:
            field_dict["code"] = code

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        username = d.pop("username", UNSET)

        password = d.pop("password", UNSET)

        token = d.pop("token", UNSET)

        code = d.pop("code", UNSET)

        session_body = cls(
            username=username,
            password=password,
            token=token,
            code=code,
        )

        return session_body
