from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="HookRotation")


@_attrs_define
class HookRotation:
    """
    Attributes:
        url (bool | Unset): Replace the secret part of the URL Default: False.
        secret (bool | Unset): Replace the secret of the sender Default: True.
        new_secret (None | str | Unset): Secret that the sender has already, 16 to 500 characters; null = made by the
            server
        grace_seconds (int | Unset): For how long the replaced parts stay valid, in seconds Default: 0.
    """

    url: bool | Unset = False
    secret: bool | Unset = True
    new_secret: None | str | Unset = UNSET
    grace_seconds: int | Unset = 0

    def to_dict(self) -> dict[str, Any]:
        url = self.url

        secret = self.secret

        new_secret: None | str | Unset
        if isinstance(self.new_secret, Unset):
            new_secret = UNSET
        else:
            new_secret = self.new_secret

        grace_seconds = self.grace_seconds

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if url is not UNSET:
            field_dict["url"] = url
        if secret is not UNSET:
            field_dict["secret"] = secret
        if new_secret is not UNSET:
            field_dict["new_secret"] = new_secret
        if grace_seconds is not UNSET:
            field_dict["grace_seconds"] = grace_seconds

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        url = d.pop("url", UNSET)

        secret = d.pop("secret", UNSET)

        def _parse_new_secret(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        new_secret = _parse_new_secret(d.pop("new_secret", UNSET))

        grace_seconds = d.pop("grace_seconds", UNSET)

        hook_rotation = cls(
            url=url,
            secret=secret,
            new_secret=new_secret,
            grace_seconds=grace_seconds,
        )

        return hook_rotation
