from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="DryRunBackfill")


@_attrs_define
class DryRunBackfill:
    """
    Attributes:
        logical_date (datetime.datetime | None): Instant that the run stands for; null = none
        partition_key (None | str): Always null: no DAG is partitioned
        partition_date (datetime.datetime | None): Always null: no DAG is partitioned
    """

    logical_date: datetime.datetime | None
    partition_key: None | str
    partition_date: datetime.datetime | None
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        logical_date: None | str
        if isinstance(self.logical_date, datetime.datetime):
            logical_date = self.logical_date.isoformat()
        else:
            logical_date = self.logical_date

        partition_key: None | str
        partition_key = self.partition_key

        partition_date: None | str
        if isinstance(self.partition_date, datetime.datetime):
            partition_date = self.partition_date.isoformat()
        else:
            partition_date = self.partition_date

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "logical_date": logical_date,
                "partition_key": partition_key,
                "partition_date": partition_date,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_logical_date(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                logical_date_type_0 = datetime.datetime.fromisoformat(data)

                return logical_date_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        logical_date = _parse_logical_date(d.pop("logical_date"))

        def _parse_partition_key(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        partition_key = _parse_partition_key(d.pop("partition_key"))

        def _parse_partition_date(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                partition_date_type_0 = datetime.datetime.fromisoformat(data)

                return partition_date_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        partition_date = _parse_partition_date(d.pop("partition_date"))

        dry_run_backfill = cls(
            logical_date=logical_date,
            partition_key=partition_key,
            partition_date=partition_date,
        )

        dry_run_backfill.additional_properties = d
        return dry_run_backfill

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
