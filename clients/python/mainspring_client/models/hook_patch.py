from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="HookPatch")


@_attrs_define
class HookPatch:
    """
    Attributes:
        name (str | Unset): Name of the hook
        conf (None | str | Unset): CEL of `headers` and `body` whose object is the `conf` of the run; null = an empty
            `conf`
        filter_ (None | str | Unset): CEL of `headers` and `body`; false = the delivery starts no run; null = each
            delivery does
        description (None | str | Unset): Purpose in a sentence
        is_enabled (bool | Unset): False = deliveries are answered as for an unknown hook
    """

    name: str | Unset = UNSET
    conf: None | str | Unset = UNSET
    filter_: None | str | Unset = UNSET
    description: None | str | Unset = UNSET
    is_enabled: bool | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        conf: None | str | Unset
        if isinstance(self.conf, Unset):
            conf = UNSET
        else:
            conf = self.conf

        filter_: None | str | Unset
        if isinstance(self.filter_, Unset):
            filter_ = UNSET
        else:
            filter_ = self.filter_

        description: None | str | Unset
        if isinstance(self.description, Unset):
            description = UNSET
        else:
            description = self.description

        is_enabled = self.is_enabled

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if name is not UNSET:
            field_dict["name"] = name
        if conf is not UNSET:
            field_dict["conf"] = conf
        if filter_ is not UNSET:
            field_dict["filter"] = filter_
        if description is not UNSET:
            field_dict["description"] = description
        if is_enabled is not UNSET:
            field_dict["is_enabled"] = is_enabled

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name", UNSET)

        def _parse_conf(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        conf = _parse_conf(d.pop("conf", UNSET))

        def _parse_filter_(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        filter_ = _parse_filter_(d.pop("filter", UNSET))

        def _parse_description(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        description = _parse_description(d.pop("description", UNSET))

        is_enabled = d.pop("is_enabled", UNSET)

        hook_patch = cls(
            name=name,
            conf=conf,
            filter_=filter_,
            description=description,
            is_enabled=is_enabled,
        )

        return hook_patch
