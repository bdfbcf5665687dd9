from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.activity import Activity
    from ..models.dag_overview_collection import DagOverviewCollection
    from ..models.summary import Summary

from ..plain import as_dict

T = TypeVar("T", bound="Home")


@_attrs_define
class Home:
    """
    Attributes:
        summary (Summary):
        activity (Activity):
        overview (DagOverviewCollection):
    """

    summary: Summary
    activity: Activity
    overview: DagOverviewCollection
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        summary = as_dict(self.summary)

        activity = as_dict(self.activity)

        overview = as_dict(self.overview)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "summary": summary,
                "activity": activity,
                "overview": overview,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.activity import Activity  # noqa: PLC0415
        from ..models.dag_overview_collection import DagOverviewCollection  # noqa: PLC0415
        from ..models.summary import Summary  # noqa: PLC0415

        d = dict(src_dict)
        summary = Summary.from_dict(d.pop("summary"))

        activity = Activity.from_dict(d.pop("activity"))

        overview = DagOverviewCollection.from_dict(d.pop("overview"))

        home = cls(
            summary=summary,
            activity=activity,
            overview=overview,
        )

        home.additional_properties = d
        return home

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
