from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.hook_kind import HookKind

T = TypeVar("T", bound="Hook")


@_attrs_define
class Hook:
    """
    Attributes:
        id (UUID): Identifier of the hook
        name (str): Name of the hook
        dag_id (str): DAG whose runs the hook starts
        kind (HookKind):
        conf (None | str): CEL of `headers` and `body` whose object is the `conf` of the run; null = an empty `conf`
        filter_ (None | str): CEL of `headers` and `body`; false = the delivery starts no run; null = each delivery does
        description (None | str): Purpose in a sentence
        is_enabled (bool): False = deliveries are answered as for an unknown hook
        owner (None | str): User or token with whose rights runs start; null = deleted
        previous_until (datetime.datetime | None): Instant until which rotated parts are valid; null = none are
        created_at (datetime.datetime): Instant of the creation
        updated_at (datetime.datetime): Instant of the latest change
    """

    id: UUID
    name: str
    dag_id: str
    kind: HookKind
    conf: None | str
    filter_: None | str
    description: None | str
    is_enabled: bool
    owner: None | str
    previous_until: datetime.datetime | None
    created_at: datetime.datetime
    updated_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = str(self.id)

        name = self.name

        dag_id = self.dag_id

        kind = self.kind.value

        conf: None | str
        conf = self.conf

        filter_: None | str
        filter_ = self.filter_

        description: None | str
        description = self.description

        is_enabled = self.is_enabled

        owner: None | str
        owner = self.owner

        previous_until: None | str
        if isinstance(self.previous_until, datetime.datetime):
            previous_until = self.previous_until.isoformat()
        else:
            previous_until = self.previous_until

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "name": name,
                "dag_id": dag_id,
                "kind": kind,
                "conf": conf,
                "filter": filter_,
                "description": description,
                "is_enabled": is_enabled,
                "owner": owner,
                "previous_until": previous_until,
                "created_at": created_at,
                "updated_at": updated_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = UUID(d.pop("id"))

        name = d.pop("name")

        dag_id = d.pop("dag_id")

        kind = HookKind(d.pop("kind"))

        def _parse_conf(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        conf = _parse_conf(d.pop("conf"))

        def _parse_filter_(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        filter_ = _parse_filter_(d.pop("filter"))

        def _parse_description(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        description = _parse_description(d.pop("description"))

        is_enabled = d.pop("is_enabled")

        def _parse_owner(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        owner = _parse_owner(d.pop("owner"))

        def _parse_previous_until(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                previous_until_type_0 = datetime.datetime.fromisoformat(data)

                return previous_until_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        previous_until = _parse_previous_until(d.pop("previous_until"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        hook = cls(
            id=id,
            name=name,
            dag_id=dag_id,
            kind=kind,
            conf=conf,
            filter_=filter_,
            description=description,
            is_enabled=is_enabled,
            owner=owner,
            previous_until=previous_until,
            created_at=created_at,
            updated_at=updated_at,
        )

        hook.additional_properties = d
        return hook

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
