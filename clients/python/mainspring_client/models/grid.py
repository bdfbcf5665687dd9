from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.grid_column import GridColumn
    from ..models.grid_task import GridTask

from ..plain import as_dict

T = TypeVar("T", bound="Grid")


@_attrs_define
class Grid:
    """
    Attributes:
        tasks (list[GridTask]): Tasks of all versions in view, upstream before downstream
        runs (list[GridColumn]): Oldest first
        before (None | str): `before` for earlier runs; null = there are none
    """

    tasks: list[GridTask]
    runs: list[GridColumn]
    before: None | str
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        tasks = []
        for tasks_item_data in self.tasks:
            tasks_item = as_dict(tasks_item_data)
            tasks.append(tasks_item)

        runs = []
        for runs_item_data in self.runs:
            runs_item = as_dict(runs_item_data)
            runs.append(runs_item)

        before: None | str
        before = self.before

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "tasks": tasks,
                "runs": runs,
                "before": before,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.grid_column import GridColumn  # noqa: PLC0415
        from ..models.grid_task import GridTask  # noqa: PLC0415

        d = dict(src_dict)
        tasks = []
        _tasks = d.pop("tasks")
        for tasks_item_data in _tasks:
            tasks_item = GridTask.from_dict(tasks_item_data)

            tasks.append(tasks_item)

        runs = []
        _runs = d.pop("runs")
        for runs_item_data in _runs:
            runs_item = GridColumn.from_dict(runs_item_data)

            runs.append(runs_item)

        def _parse_before(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        before = _parse_before(d.pop("before"))

        grid = cls(
            tasks=tasks,
            runs=runs,
            before=before,
        )

        grid.additional_properties = d
        return grid

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
