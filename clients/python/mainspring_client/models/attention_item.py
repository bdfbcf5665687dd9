from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.telling_line import TellingLine

from ..plain import as_dict

T = TypeVar("T", bound="AttentionItem")


@_attrs_define
class AttentionItem:
    """
    Attributes:
        kind (str): `failed` = the latest finished run of a DAG failed; `retrying` = a worker was lost; `late` = a due
            run has not begun; `slow` = a run takes more than three times its median; `approval` = a task asks;
            `backfill_paused` = a backfill is paused
        since (datetime.datetime): Since when
        dag_id (str): Identifier of the DAG
        dag_run_id (None | str): Null = no run
        task_id (None | str): Null = no single task
        map_index (int | None): Null = no single task
        rendered_map_index (None | str): Key of a mapped instance, otherwise `map_index`; null = not mapped
        try_number (int | None): Number of the try; null = no try
        state_reason (None | str): Code of the cause
        message (None | str): Cause or question in a sentence
        line (None | TellingLine): First line with an error in the log of the try, else its last line; null = no log
        failed_in_a_row (int | None): Failed runs since the last success, at most 20
        next_try_at (datetime.datetime | None): Instant of the next try
        due_at (datetime.datetime | None): When a late run was due, or an approval gives up
        choices (list[str] | None): Possible answers of an approval
    """

    kind: str
    since: datetime.datetime
    dag_id: str
    dag_run_id: None | str
    task_id: None | str
    map_index: int | None
    rendered_map_index: None | str
    try_number: int | None
    state_reason: None | str
    message: None | str
    line: None | TellingLine
    failed_in_a_row: int | None
    next_try_at: datetime.datetime | None
    due_at: datetime.datetime | None
    choices: list[str] | None
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.telling_line import TellingLine  # noqa: PLC0415

        kind = self.kind

        since = self.since.isoformat()

        dag_id = self.dag_id

        dag_run_id: None | str
        dag_run_id = self.dag_run_id

        task_id: None | str
        task_id = self.task_id

        map_index: int | None
        map_index = self.map_index

        rendered_map_index: None | str
        rendered_map_index = self.rendered_map_index

        try_number: int | None
        try_number = self.try_number

        state_reason: None | str
        state_reason = self.state_reason

        message: None | str
        message = self.message

        line: dict[str, Any] | None
        if isinstance(self.line, TellingLine):
            line = as_dict(self.line)
        else:
            line = self.line

        failed_in_a_row: int | None
        failed_in_a_row = self.failed_in_a_row

        next_try_at: None | str
        if isinstance(self.next_try_at, datetime.datetime):
            next_try_at = self.next_try_at.isoformat()
        else:
            next_try_at = self.next_try_at

        due_at: None | str
        if isinstance(self.due_at, datetime.datetime):
            due_at = self.due_at.isoformat()
        else:
            due_at = self.due_at

        choices: list[str] | None
        if isinstance(self.choices, list):
            choices = self.choices

        else:
            choices = self.choices

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "kind": kind,
                "since": since,
                "dag_id": dag_id,
                "dag_run_id": dag_run_id,
                "task_id": task_id,
                "map_index": map_index,
                "rendered_map_index": rendered_map_index,
                "try_number": try_number,
                "state_reason": state_reason,
                "message": message,
                "line": line,
                "failed_in_a_row": failed_in_a_row,
                "next_try_at": next_try_at,
                "due_at": due_at,
                "choices": choices,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.telling_line import TellingLine  # noqa: PLC0415

        d = dict(src_dict)
        kind = d.pop("kind")

        since = datetime.datetime.fromisoformat(d.pop("since"))

        dag_id = d.pop("dag_id")

        def _parse_dag_run_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        dag_run_id = _parse_dag_run_id(d.pop("dag_run_id"))

        def _parse_task_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        task_id = _parse_task_id(d.pop("task_id"))

        def _parse_map_index(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        map_index = _parse_map_index(d.pop("map_index"))

        def _parse_rendered_map_index(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        rendered_map_index = _parse_rendered_map_index(d.pop("rendered_map_index"))

        def _parse_try_number(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        try_number = _parse_try_number(d.pop("try_number"))

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

        def _parse_line(data: object) -> None | TellingLine:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                line_type_0 = TellingLine.from_dict(data)

                return line_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | TellingLine, data)

        line = _parse_line(d.pop("line"))

        def _parse_failed_in_a_row(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        failed_in_a_row = _parse_failed_in_a_row(d.pop("failed_in_a_row"))

        def _parse_next_try_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                next_try_at_type_0 = datetime.datetime.fromisoformat(data)

                return next_try_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        next_try_at = _parse_next_try_at(d.pop("next_try_at"))

        def _parse_due_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                due_at_type_0 = datetime.datetime.fromisoformat(data)

                return due_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        due_at = _parse_due_at(d.pop("due_at"))

        def _parse_choices(data: object) -> list[str] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                choices_type_0 = cast(list[str], data)

                return choices_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None, data)

        choices = _parse_choices(d.pop("choices"))

        attention_item = cls(
            kind=kind,
            since=since,
            dag_id=dag_id,
            dag_run_id=dag_run_id,
            task_id=task_id,
            map_index=map_index,
            rendered_map_index=rendered_map_index,
            try_number=try_number,
            state_reason=state_reason,
            message=message,
            line=line,
            failed_in_a_row=failed_in_a_row,
            next_try_at=next_try_at,
            due_at=due_at,
            choices=choices,
        )

        attention_item.additional_properties = d
        return attention_item

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
