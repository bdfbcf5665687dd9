from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="FailedTask")


@_attrs_define
class FailedTask:
    """
    Attributes:
        task_id (str): Identifier of the task within its DAG
        map_index (int): Position among the instances of a mapped task; -1 = not mapped
        try_number (int): Number of the latest try; 0 = failed without a try
        state_reason (None | str): Code of the cause of the failure; null = unknown
        message (None | str): Cause of the failure in a sentence; null = none
        exit_code (int | None): Exit code of the process; null = none
        last_lines (list[str]): End of the log of the latest try, at most 20 lines
    """

    task_id: str
    map_index: int
    try_number: int
    state_reason: None | str
    message: None | str
    exit_code: int | None
    last_lines: list[str]
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        task_id = self.task_id

        map_index = self.map_index

        try_number = self.try_number

        state_reason: None | str
        state_reason = self.state_reason

        message: None | str
        message = self.message

        exit_code: int | None
        exit_code = self.exit_code

        last_lines = self.last_lines

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "task_id": task_id,
                "map_index": map_index,
                "try_number": try_number,
                "state_reason": state_reason,
                "message": message,
                "exit_code": exit_code,
                "last_lines": last_lines,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        task_id = d.pop("task_id")

        map_index = d.pop("map_index")

        try_number = d.pop("try_number")

        def _parse_state_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        state_reason = _parse_state_reason(d.pop("state_reason"))

        def _parse_message(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        message = _parse_message(d.pop("message"))

        def _parse_exit_code(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        exit_code = _parse_exit_code(d.pop("exit_code"))

        last_lines = cast(list[str], d.pop("last_lines"))

        failed_task = cls(
            task_id=task_id,
            map_index=map_index,
            try_number=try_number,
            state_reason=state_reason,
            message=message,
            exit_code=exit_code,
            last_lines=last_lines,
        )

        failed_task.additional_properties = d
        return failed_task

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
