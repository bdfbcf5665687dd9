from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.large_value_fields import LargeValueFields

from ..plain import as_dict

T = TypeVar("T", bound="XCom")


@_attrs_define
class XCom:
    """
    Attributes:
        key (str): Name of the output
        timestamp (datetime.datetime): Instant at which the output was stored
        logical_date (datetime.datetime | None): Instant that the run stands for; null = none
        run_after (datetime.datetime): Earliest start of the run
        map_index (int): Position among the instances of a mapped task; -1 = not mapped
        rendered_map_index (None | str): Key of a mapped instance, otherwise `map_index`; null = not mapped
        task_id (str): Identifier of the task within its DAG
        task_display_name (str): Name of the task for people
        dag_id (str): Identifier of the DAG
        dag_display_name (str): Name of the DAG for people
        run_id (str): Identifier of the run within its DAG
        large_value (LargeValueFields | None): Size and digest of a value that is kept by reference; null for any other
            value
    """

    key: str
    timestamp: datetime.datetime
    logical_date: datetime.datetime | None
    run_after: datetime.datetime
    map_index: int
    rendered_map_index: None | str
    task_id: str
    task_display_name: str
    dag_id: str
    dag_display_name: str
    run_id: str
    large_value: LargeValueFields | None
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.large_value_fields import LargeValueFields  # noqa: PLC0415

        key = self.key

        timestamp = self.timestamp.isoformat()

        logical_date: None | str
        if isinstance(self.logical_date, datetime.datetime):
            logical_date = self.logical_date.isoformat()
        else:
            logical_date = self.logical_date

        run_after = self.run_after.isoformat()

        map_index = self.map_index

        rendered_map_index: None | str
        rendered_map_index = self.rendered_map_index

        task_id = self.task_id

        task_display_name = self.task_display_name

        dag_id = self.dag_id

        dag_display_name = self.dag_display_name

        run_id = self.run_id

        large_value: dict[str, Any] | None
        if isinstance(self.large_value, LargeValueFields):
            large_value = as_dict(self.large_value)
        else:
            large_value = self.large_value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "key": key,
                "timestamp": timestamp,
                "logical_date": logical_date,
                "run_after": run_after,
                "map_index": map_index,
                "rendered_map_index": rendered_map_index,
                "task_id": task_id,
                "task_display_name": task_display_name,
                "dag_id": dag_id,
                "dag_display_name": dag_display_name,
                "run_id": run_id,
                "large_value": large_value,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.large_value_fields import LargeValueFields  # noqa: PLC0415

        d = dict(src_dict)
        key = d.pop("key")

        timestamp = datetime.datetime.fromisoformat(d.pop("timestamp"))

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

        run_after = datetime.datetime.fromisoformat(d.pop("run_after"))

        map_index = d.pop("map_index")

        def _parse_rendered_map_index(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        rendered_map_index = _parse_rendered_map_index(d.pop("rendered_map_index"))

        task_id = d.pop("task_id")

        task_display_name = d.pop("task_display_name")

        dag_id = d.pop("dag_id")

        dag_display_name = d.pop("dag_display_name")

        run_id = d.pop("run_id")

        def _parse_large_value(data: object) -> LargeValueFields | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                large_value_type_0 = LargeValueFields.from_dict(data)

                return large_value_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(LargeValueFields | None, data)

        large_value = _parse_large_value(d.pop("large_value"))

        x_com = cls(
            key=key,
            timestamp=timestamp,
            logical_date=logical_date,
            run_after=run_after,
            map_index=map_index,
            rendered_map_index=rendered_map_index,
            task_id=task_id,
            task_display_name=task_display_name,
            dag_id=dag_id,
            dag_display_name=dag_display_name,
            run_id=run_id,
            large_value=large_value,
        )

        x_com.additional_properties = d
        return x_com

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
