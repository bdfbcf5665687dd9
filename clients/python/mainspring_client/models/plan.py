from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.dag_plan import DagPlan

from ..plain import as_dict

T = TypeVar("T", bound="Plan")


@_attrs_define
class Plan:
    """
    Attributes:
        planned_at (datetime.datetime): Instant of the plan
        plan_token (str): Proof of this plan for `PUT /dags`: for its maker, 15 minutes, once
        expires_at (datetime.datetime): Instant from which the token is refused
        dags (list[DagPlan]): Effect on each DAG, in the order of the body
    """

    planned_at: datetime.datetime
    plan_token: str
    expires_at: datetime.datetime
    dags: list[DagPlan]
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        planned_at = self.planned_at.isoformat()

        plan_token = self.plan_token

        expires_at = self.expires_at.isoformat()

        dags = []
        for dags_item_data in self.dags:
            dags_item = as_dict(dags_item_data)
            dags.append(dags_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "planned_at": planned_at,
                "plan_token": plan_token,
                "expires_at": expires_at,
                "dags": dags,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.dag_plan import DagPlan  # noqa: PLC0415

        d = dict(src_dict)
        planned_at = datetime.datetime.fromisoformat(d.pop("planned_at"))

        plan_token = d.pop("plan_token")

        expires_at = datetime.datetime.fromisoformat(d.pop("expires_at"))

        dags = []
        _dags = d.pop("dags")
        for dags_item_data in _dags:
            dags_item = DagPlan.from_dict(dags_item_data)

            dags.append(dags_item)

        plan = cls(
            planned_at=planned_at,
            plan_token=plan_token,
            expires_at=expires_at,
            dags=dags,
        )

        plan.additional_properties = d
        return plan

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
