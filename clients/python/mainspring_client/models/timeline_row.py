from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.run_handler import RunHandler
from ..models.setup_teardown_type import SetupTeardownType
from ..models.task_instance_state import TaskInstanceState

if TYPE_CHECKING:
    from ..models.timeline_row_counts_type_0 import TimelineRowCountsType0

from ..plain import as_dict

T = TypeVar("T", bound="TimelineRow")


@_attrs_define
class TimelineRow:
    """
    Attributes:
        handler (None | RunHandler): End of the run after which the task runs; null = the task is no handler of the run
        setup_teardown_type (None | SetupTeardownType): Whether the task is a set-up or a tear-down; null = neither
        task_id (str): Identifier of the task within its DAG
        map_index (int): Position among the instances of a mapped task; -1 = not mapped
        rendered_map_index (None | str): Key of a mapped instance, otherwise `map_index`; null = not mapped, or folded
        state (TaskInstanceState):
        state_reason (None | str): Code of the cause of the state
        text (None | str): What the instance waits for, or why it did not run, as a sentence; null = it ran
        upstream (list[str]): Tasks before it that failed, or that it waits for; the first 3
        upstream_more (int): Number of further tasks of that kind
        not_before (datetime.datetime | None): Start of the next try; null = no try is due
        tries (list[list[Any]]): Attempts, oldest first; of a folded task one entry that spans all its instances
        counts (None | TimelineRowCountsType0): Number of instances by state of a folded task; null = no folded task
    """

    handler: None | RunHandler
    setup_teardown_type: None | SetupTeardownType
    task_id: str
    map_index: int
    rendered_map_index: None | str
    state: TaskInstanceState
    state_reason: None | str
    text: None | str
    upstream: list[str]
    upstream_more: int
    not_before: datetime.datetime | None
    tries: list[list[Any]]
    counts: None | TimelineRowCountsType0
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.timeline_row_counts_type_0 import TimelineRowCountsType0  # noqa: PLC0415

        handler: None | str
        if isinstance(self.handler, RunHandler):
            handler = self.handler.value
        else:
            handler = self.handler

        setup_teardown_type: None | str
        if isinstance(self.setup_teardown_type, SetupTeardownType):
            setup_teardown_type = self.setup_teardown_type.value
        else:
            setup_teardown_type = self.setup_teardown_type

        task_id = self.task_id

        map_index = self.map_index

        rendered_map_index: None | str
        rendered_map_index = self.rendered_map_index

        state = self.state.value

        state_reason: None | str
        state_reason = self.state_reason

        text: None | str
        text = self.text

        upstream = self.upstream

        upstream_more = self.upstream_more

        not_before: None | str
        if isinstance(self.not_before, datetime.datetime):
            not_before = self.not_before.isoformat()
        else:
            not_before = self.not_before

        tries = []
        for tries_item_data in self.tries:
            tries_item = tries_item_data

            tries.append(tries_item)

        counts: dict[str, Any] | None
        if isinstance(self.counts, TimelineRowCountsType0):
            counts = as_dict(self.counts)
        else:
            counts = self.counts

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "handler": handler,
                "setup_teardown_type": setup_teardown_type,
                "task_id": task_id,
                "map_index": map_index,
                "rendered_map_index": rendered_map_index,
                "state": state,
                "state_reason": state_reason,
                "text": text,
                "upstream": upstream,
                "upstream_more": upstream_more,
                "not_before": not_before,
                "tries": tries,
                "counts": counts,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.timeline_row_counts_type_0 import TimelineRowCountsType0  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_handler(data: object) -> None | RunHandler:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                handler_type_0 = RunHandler(data)

                return handler_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RunHandler, data)

        handler = _parse_handler(d.pop("handler"))

        def _parse_setup_teardown_type(data: object) -> None | SetupTeardownType:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                setup_teardown_type_type_0 = SetupTeardownType(data)

                return setup_teardown_type_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SetupTeardownType, data)

        setup_teardown_type = _parse_setup_teardown_type(d.pop("setup_teardown_type"))

        task_id = d.pop("task_id")

        map_index = d.pop("map_index")

        def _parse_rendered_map_index(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        rendered_map_index = _parse_rendered_map_index(d.pop("rendered_map_index"))

        state = TaskInstanceState(d.pop("state"))

        def _parse_state_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        state_reason = _parse_state_reason(d.pop("state_reason"))

        def _parse_text(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        text = _parse_text(d.pop("text"))

        upstream = cast(list[str], d.pop("upstream"))

        upstream_more = d.pop("upstream_more")

        def _parse_not_before(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                not_before_type_0 = datetime.datetime.fromisoformat(data)

                return not_before_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        not_before = _parse_not_before(d.pop("not_before"))

        tries = []
        _tries = d.pop("tries")
        for tries_item_data in _tries:
            tries_item = cast(list[Any], tries_item_data)

            tries.append(tries_item)

        def _parse_counts(data: object) -> None | TimelineRowCountsType0:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                counts_type_0 = TimelineRowCountsType0.from_dict(data)

                return counts_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | TimelineRowCountsType0, data)

        counts = _parse_counts(d.pop("counts"))

        timeline_row = cls(
            handler=handler,
            setup_teardown_type=setup_teardown_type,
            task_id=task_id,
            map_index=map_index,
            rendered_map_index=rendered_map_index,
            state=state,
            state_reason=state_reason,
            text=text,
            upstream=upstream,
            upstream_more=upstream_more,
            not_before=not_before,
            tries=tries,
            counts=counts,
        )

        timeline_row.additional_properties = d
        return timeline_row

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
