from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.hook_kind import HookKind
from ..types import UNSET, Unset

T = TypeVar("T", bound="HookBody")


@_attrs_define
class HookBody:
    """
    Attributes:
        name (str): Name of the hook
        dag_id (str): DAG whose runs the hook starts
        kind (HookKind):
        secret (None | str | Unset): Secret that the sender has already, 16 to 500 characters; null = made by the server
        conf (None | str | Unset): CEL of `headers` and `body` whose object is the `conf` of the run; null = an empty
            `conf`
        filter_ (None | str | Unset): CEL of `headers` and `body`; false = the delivery starts no run; null = each
            delivery does
        description (None | str | Unset): Purpose in a sentence
        is_enabled (bool | Unset): False = deliveries are answered as for an unknown hook Default: True.
    """

    name: str
    dag_id: str
    kind: HookKind
    secret: None | str | Unset = UNSET
    conf: None | str | Unset = UNSET
    filter_: None | str | Unset = UNSET
    description: None | str | Unset = UNSET
    is_enabled: bool | Unset = True

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        dag_id = self.dag_id

        kind = self.kind.value

        secret: None | str | Unset
        if isinstance(self.secret, Unset):
            secret = UNSET
        else:
            secret = self.secret

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

        field_dict.update(
            {
                "name": name,
                "dag_id": dag_id,
                "kind": kind,
            }
        )
        if secret is not UNSET:
            field_dict["secret"] = secret
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
        name = d.pop("name")

        dag_id = d.pop("dag_id")

        kind = HookKind(d.pop("kind"))

        def _parse_secret(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        secret = _parse_secret(d.pop("secret", UNSET))

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

        hook_body = cls(
            name=name,
            dag_id=dag_id,
            kind=kind,
            secret=secret,
            conf=conf,
            filter_=filter_,
            description=description,
            is_enabled=is_enabled,
        )

        return hook_body
