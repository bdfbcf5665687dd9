from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.concurrency_strategy import ConcurrencyStrategy
from ..types import UNSET, Unset

T = TypeVar("T", bound="Concurrency")


@_attrs_define
class Concurrency:
    """
    Attributes:
        key (str): Text with expressions over `params`, `conf` and other names of the run; runs with the same result
            share the limit.
        max_ (int | Unset): Runs with the same key that may be running at one time; 1 when absent.
        strategy (ConcurrencyStrategy | Unset):
    """

    key: str
    max_: int | Unset = UNSET
    strategy: ConcurrencyStrategy | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        key = self.key

        max_ = self.max_

        strategy: str | Unset = UNSET
        if not isinstance(self.strategy, Unset):
            strategy = self.strategy.value

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "key": key,
            }
        )
        if max_ is not UNSET:
            field_dict["max"] = max_
        if strategy is not UNSET:
            field_dict["strategy"] = strategy

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        key = d.pop("key")

        max_ = d.pop("max", UNSET)

        _strategy = d.pop("strategy", UNSET)
        strategy: ConcurrencyStrategy | Unset
        if isinstance(_strategy, Unset):
            strategy = UNSET
        else:
            strategy = ConcurrencyStrategy(_strategy)

        concurrency = cls(
            key=key,
            max_=max_,
            strategy=strategy,
        )

        return concurrency
