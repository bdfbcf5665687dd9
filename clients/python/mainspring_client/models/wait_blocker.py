from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.block_code import BlockCode

if TYPE_CHECKING:
    from ..models.limit_holder import LimitHolder

from ..plain import as_dict

T = TypeVar("T", bound="WaitBlocker")


@_attrs_define
class WaitBlocker:
    """
    Attributes:
        code (BlockCode):
        text (str): Cause in a sentence
        since (datetime.datetime | None): Instant since which the cause holds; null = unknown
        ids (list[str]): Names of the things that the cause is about, such as upstream tasks
        holders (list[LimitHolder]): Holders of the limit that the caller may see, at most 20
        holders_total (int): Number of all holders of the limit
        holders_hidden (int): Number of holders that the caller may not see
        position (int | None): Place in the queue for the limit, from 1; null = no queue
    """

    code: BlockCode
    text: str
    since: datetime.datetime | None
    ids: list[str]
    holders: list[LimitHolder]
    holders_total: int
    holders_hidden: int
    position: int | None
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        code = self.code.value

        text = self.text

        since: None | str
        if isinstance(self.since, datetime.datetime):
            since = self.since.isoformat()
        else:
            since = self.since

        ids = self.ids

        holders = []
        for holders_item_data in self.holders:
            holders_item = as_dict(holders_item_data)
            holders.append(holders_item)

        holders_total = self.holders_total

        holders_hidden = self.holders_hidden

        position: int | None
        position = self.position

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "code": code,
                "text": text,
                "since": since,
                "ids": ids,
                "holders": holders,
                "holders_total": holders_total,
                "holders_hidden": holders_hidden,
                "position": position,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.limit_holder import LimitHolder  # noqa: PLC0415

        d = dict(src_dict)
        code = BlockCode(d.pop("code"))

        text = d.pop("text")

        def _parse_since(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                since_type_0 = datetime.datetime.fromisoformat(data)

                return since_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        since = _parse_since(d.pop("since"))

        ids = cast(list[str], d.pop("ids"))

        holders = []
        _holders = d.pop("holders")
        for holders_item_data in _holders:
            holders_item = LimitHolder.from_dict(holders_item_data)

            holders.append(holders_item)

        holders_total = d.pop("holders_total")

        holders_hidden = d.pop("holders_hidden")

        def _parse_position(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        position = _parse_position(d.pop("position"))

        wait_blocker = cls(
            code=code,
            text=text,
            since=since,
            ids=ids,
            holders=holders,
            holders_total=holders_total,
            holders_hidden=holders_hidden,
            position=position,
        )

        wait_blocker.additional_properties = d
        return wait_blocker

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
