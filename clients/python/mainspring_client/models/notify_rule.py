from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.notify_on import NotifyOn
from ..types import UNSET, Unset

T = TypeVar("T", bound="NotifyRule")


@_attrs_define
class NotifyRule:
    """
    Attributes:
        on (list[NotifyOn]): What to tell: that a run failed, succeeded or is late, or that an approval waits for an
            answer.
        webhook (str | Unset): Name of the webhook to send to; it belongs to the author, or the author is an admin.
        notifier (str | Unset): Name of the notifier that tells people; its pattern must cover the DAG.
    """

    on: list[NotifyOn]
    webhook: str | Unset = UNSET
    notifier: str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        on = []
        for on_item_data in self.on:
            on_item = on_item_data.value
            on.append(on_item)

        webhook = self.webhook

        notifier = self.notifier

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "on": on,
            }
        )
        if webhook is not UNSET:
            field_dict["webhook"] = webhook
        if notifier is not UNSET:
            field_dict["notifier"] = notifier

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        on = []
        _on = d.pop("on")
        for on_item_data in _on:
            on_item = NotifyOn(on_item_data)

            on.append(on_item)

        webhook = d.pop("webhook", UNSET)

        notifier = d.pop("notifier", UNSET)

        notify_rule = cls(
            on=on,
            webhook=webhook,
            notifier=notifier,
        )

        return notify_rule
