from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.instance_explanation import InstanceExplanation
    from ..models.satisfied_cause import SatisfiedCause
    from ..models.wait_blocker import WaitBlocker

from ..plain import as_dict

T = TypeVar("T", bound="RunExplanation")


@_attrs_define
class RunExplanation:
    """
    Attributes:
        state (str): State of the run or the task instance. Of a schedule: `waiting`, `due`, `paused`, `ended`, `error`
            or `unscheduled`
        earliest_start (datetime.datetime | None): Instant before which time alone forbids the start; null = time
            forbids nothing
        blockers (list[WaitBlocker]): Present causes of the wait; empty = nothing waits
        satisfied (list[SatisfiedCause]): Checked causes that do not hold
        instances (list[InstanceExplanation]): Waiting task instances of a running run, at most 20; those that wait for
            more than their upstream tasks come first
        waiting_total (int): Number of all waiting task instances
    """

    state: str
    earliest_start: datetime.datetime | None
    blockers: list[WaitBlocker]
    satisfied: list[SatisfiedCause]
    instances: list[InstanceExplanation]
    waiting_total: int
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        state = self.state

        earliest_start: None | str
        if isinstance(self.earliest_start, datetime.datetime):
            earliest_start = self.earliest_start.isoformat()
        else:
            earliest_start = self.earliest_start

        blockers = []
        for blockers_item_data in self.blockers:
            blockers_item = as_dict(blockers_item_data)
            blockers.append(blockers_item)

        satisfied = []
        for satisfied_item_data in self.satisfied:
            satisfied_item = as_dict(satisfied_item_data)
            satisfied.append(satisfied_item)

        instances = []
        for instances_item_data in self.instances:
            instances_item = as_dict(instances_item_data)
            instances.append(instances_item)

        waiting_total = self.waiting_total

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "state": state,
                "earliest_start": earliest_start,
                "blockers": blockers,
                "satisfied": satisfied,
                "instances": instances,
                "waiting_total": waiting_total,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.instance_explanation import InstanceExplanation  # noqa: PLC0415
        from ..models.satisfied_cause import SatisfiedCause  # noqa: PLC0415
        from ..models.wait_blocker import WaitBlocker  # noqa: PLC0415

        d = dict(src_dict)
        state = d.pop("state")

        def _parse_earliest_start(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                earliest_start_type_0 = datetime.datetime.fromisoformat(data)

                return earliest_start_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        earliest_start = _parse_earliest_start(d.pop("earliest_start"))

        blockers = []
        _blockers = d.pop("blockers")
        for blockers_item_data in _blockers:
            blockers_item = WaitBlocker.from_dict(blockers_item_data)

            blockers.append(blockers_item)

        satisfied = []
        _satisfied = d.pop("satisfied")
        for satisfied_item_data in _satisfied:
            satisfied_item = SatisfiedCause.from_dict(satisfied_item_data)

            satisfied.append(satisfied_item)

        instances = []
        _instances = d.pop("instances")
        for instances_item_data in _instances:
            instances_item = InstanceExplanation.from_dict(instances_item_data)

            instances.append(instances_item)

        waiting_total = d.pop("waiting_total")

        run_explanation = cls(
            state=state,
            earliest_start=earliest_start,
            blockers=blockers,
            satisfied=satisfied,
            instances=instances,
            waiting_total=waiting_total,
        )

        run_explanation.additional_properties = d
        return run_explanation

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
