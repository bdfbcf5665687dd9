from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.bulk_action import BulkAction

from ..plain import as_dict

T = TypeVar("T", bound="BulkBody")


@_attrs_define
class BulkBody:
    """
    Attributes:
        actions (list[BulkAction]): Actions, carried out in order
    """

    actions: list[BulkAction]

    def to_dict(self) -> dict[str, Any]:
        actions = []
        for actions_item_data in self.actions:
            actions_item = as_dict(actions_item_data)
            actions.append(actions_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "actions": actions,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.bulk_action import BulkAction  # noqa: PLC0415

        d = dict(src_dict)
        actions = []
        _actions = d.pop("actions")
        for actions_item_data in _actions:
            actions_item = BulkAction.from_dict(actions_item_data)

            actions.append(actions_item)

        bulk_body = cls(
            actions=actions,
        )

        return bulk_body
