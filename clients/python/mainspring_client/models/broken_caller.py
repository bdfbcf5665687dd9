from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.broken_caller_kind import BrokenCallerKind

T = TypeVar("T", bound="BrokenCaller")


@_attrs_define
class BrokenCaller:
    """
    Attributes:
        kind (BrokenCallerKind): `dag` = a DAG with a task that runs it
        caller (str): Id of the calling DAG, or name of the user or token
        last_seen (datetime.datetime | None): Latest refused call; null = unknown
        count (int): Tasks of the DAG, or calls of the last 30 days
        why (str): Fault of the call
    """

    kind: BrokenCallerKind
    caller: str
    last_seen: datetime.datetime | None
    count: int
    why: str
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        kind = self.kind.value

        caller = self.caller

        last_seen: None | str
        if isinstance(self.last_seen, datetime.datetime):
            last_seen = self.last_seen.isoformat()
        else:
            last_seen = self.last_seen

        count = self.count

        why = self.why

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "kind": kind,
                "caller": caller,
                "last_seen": last_seen,
                "count": count,
                "why": why,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        kind = BrokenCallerKind(d.pop("kind"))

        caller = d.pop("caller")

        def _parse_last_seen(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_seen_type_0 = datetime.datetime.fromisoformat(data)

                return last_seen_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        last_seen = _parse_last_seen(d.pop("last_seen"))

        count = d.pop("count")

        why = d.pop("why")

        broken_caller = cls(
            kind=kind,
            caller=caller,
            last_seen=last_seen,
            count=count,
            why=why,
        )

        broken_caller.additional_properties = d
        return broken_caller

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
