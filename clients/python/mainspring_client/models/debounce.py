from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="Debounce")


@_attrs_define
class Debounce:
    """
    Attributes:
        key (str): Text with expressions over `params`, `conf` and other names of the run; triggers with the same result
            become one run.
        for_ (str): Time that the run waits after the latest trigger.
        max_wait (str): Time after the first trigger at which the run starts at the latest.
    """

    key: str
    for_: str
    max_wait: str

    def to_dict(self) -> dict[str, Any]:
        key = self.key

        for_ = self.for_

        max_wait = self.max_wait

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "key": key,
                "for": for_,
                "max_wait": max_wait,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        key = d.pop("key")

        for_ = d.pop("for")

        max_wait = d.pop("max_wait")

        debounce = cls(
            key=key,
            for_=for_,
            max_wait=max_wait,
        )

        return debounce
