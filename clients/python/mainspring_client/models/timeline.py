from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.parent_task import ParentTask
    from ..models.timeline_medians import TimelineMedians
    from ..models.timeline_row import TimelineRow

from ..plain import as_dict

T = TypeVar("T", bound="Timeline")


@_attrs_define
class Timeline:
    """
    Attributes:
        instances (list[TimelineRow]): In the order of the definition
        critical_path (list[list[Any]]): Instances that decided how long the run took, in the order of their starts
        medians (TimelineMedians): Task id -> median seconds in the latest successful runs of the DAG
        median_duration (float | None): Median seconds of the successful ones of the latest 20 runs of the DAG; null =
            none
        roots (list[list[Any]]): Failed instances that no other failure caused, the first failure first, at most 20
        parent (None | ParentTask): Task that made the run; null = none, or a task of a DAG that the caller may not see
    """

    instances: list[TimelineRow]
    critical_path: list[list[Any]]
    medians: TimelineMedians
    median_duration: float | None
    roots: list[list[Any]]
    parent: None | ParentTask
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.parent_task import ParentTask  # noqa: PLC0415

        instances = []
        for instances_item_data in self.instances:
            instances_item = as_dict(instances_item_data)
            instances.append(instances_item)

        critical_path = []
        for critical_path_item_data in self.critical_path:
            critical_path_item = critical_path_item_data

            critical_path.append(critical_path_item)

        medians = as_dict(self.medians)

        median_duration: float | None
        median_duration = self.median_duration

        roots = []
        for roots_item_data in self.roots:
            roots_item = roots_item_data

            roots.append(roots_item)

        parent: dict[str, Any] | None
        if isinstance(self.parent, ParentTask):
            parent = as_dict(self.parent)
        else:
            parent = self.parent

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "instances": instances,
                "critical_path": critical_path,
                "medians": medians,
                "median_duration": median_duration,
                "roots": roots,
                "parent": parent,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.parent_task import ParentTask  # noqa: PLC0415
        from ..models.timeline_medians import TimelineMedians  # noqa: PLC0415
        from ..models.timeline_row import TimelineRow  # noqa: PLC0415

        d = dict(src_dict)
        instances = []
        _instances = d.pop("instances")
        for instances_item_data in _instances:
            instances_item = TimelineRow.from_dict(instances_item_data)

            instances.append(instances_item)

        critical_path = []
        _critical_path = d.pop("critical_path")
        for critical_path_item_data in _critical_path:
            critical_path_item = cast(list[Any], critical_path_item_data)

            critical_path.append(critical_path_item)

        medians = TimelineMedians.from_dict(d.pop("medians"))

        def _parse_median_duration(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        median_duration = _parse_median_duration(d.pop("median_duration"))

        roots = []
        _roots = d.pop("roots")
        for roots_item_data in _roots:
            roots_item = cast(list[Any], roots_item_data)

            roots.append(roots_item)

        def _parse_parent(data: object) -> None | ParentTask:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                parent_type_0 = ParentTask.from_dict(data)

                return parent_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ParentTask, data)

        parent = _parse_parent(d.pop("parent"))

        timeline = cls(
            instances=instances,
            critical_path=critical_path,
            medians=medians,
            median_duration=median_duration,
            roots=roots,
            parent=parent,
        )

        timeline.additional_properties = d
        return timeline

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
