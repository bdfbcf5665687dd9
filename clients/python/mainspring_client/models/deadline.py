from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.deadline_action import DeadlineAction
from ..models.deadline_anchor import DeadlineAnchor
from ..types import UNSET, Unset

T = TypeVar("T", bound="Deadline")


@_attrs_define
class Deadline:
    """
    Attributes:
        after (DeadlineAnchor):
        within (str): Time after which what has not ended is late.
        action (DeadlineAction | Unset):
    """

    after: DeadlineAnchor
    within: str
    action: DeadlineAction | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        after = self.after.value

        within = self.within

        action: str | Unset = UNSET
        if not isinstance(self.action, Unset):
            action = self.action.value

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "after": after,
                "within": within,
            }
        )
        if action is not UNSET:
            field_dict["action"] = action

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        after = DeadlineAnchor(d.pop("after"))

        within = d.pop("within")

        _action = d.pop("action", UNSET)
        action: DeadlineAction | Unset
        if isinstance(_action, Unset):
            action = UNSET
        else:
            action = DeadlineAction(_action)

        deadline = cls(
            after=after,
            within=within,
            action=action,
        )

        return deadline
