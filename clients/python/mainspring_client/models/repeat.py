from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="Repeat")


@_attrs_define
class Repeat:
    """
    Attributes:
        until (str): Condition that is evaluated after each turn, over `turn.outputs` and other names; true ends the
            loop.
        max_ (int): Turns after which the task fails with the reason `repeat_max`.
        delay (str | Unset): Time from the end of a turn to the next turn; none when absent.
    """

    until: str
    max_: int
    delay: str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        until = self.until

        max_ = self.max_

        delay = self.delay

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "until": until,
                "max": max_,
            }
        )
        if delay is not UNSET:
            field_dict["delay"] = delay

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        until = d.pop("until")

        max_ = d.pop("max")

        delay = d.pop("delay", UNSET)

        repeat = cls(
            until=until,
            max_=max_,
            delay=delay,
        )

        return repeat
