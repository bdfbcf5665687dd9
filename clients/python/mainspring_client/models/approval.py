from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.json_object import JsonObject

from ..plain import as_dict

T = TypeVar("T", bound="Approval")


@_attrs_define
class Approval:
    """
    Attributes:
        dag_id (str): Identifier of the DAG
        dag_display_name (str): Name of the DAG for people
        dag_run_id (str): Identifier of the run within its DAG
        task_id (str): Identifier of the task within its DAG
        map_index (int): Position among the instances of a mapped task; -1 = not mapped
        rendered_map_index (None | str): Key of a mapped instance, otherwise `map_index`; null = not mapped
        message (str): Question to answer
        choices (list[str]): Possible answers; `reject` fails the task, all others succeed
        multiple (bool): Whether an answer may name several choices
        params (JsonObject | None): JSON Schema of the values of an answer; null = no values
        assigned (JsonObject | None): `users` and `roles` that may answer; null = each operator of the DAG
        default (None | str): First choice taken at the timeout; null = the task fails
        defaults (list[str] | None): Choices taken at the timeout; null = none
        requested_at (datetime.datetime): Start of the wait
        give_up_at (datetime.datetime | None): Instant of the timeout; null = none
    """

    dag_id: str
    dag_display_name: str
    dag_run_id: str
    task_id: str
    map_index: int
    rendered_map_index: None | str
    message: str
    choices: list[str]
    multiple: bool
    params: JsonObject | None
    assigned: JsonObject | None
    default: None | str
    defaults: list[str] | None
    requested_at: datetime.datetime
    give_up_at: datetime.datetime | None
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.json_object import JsonObject  # noqa: PLC0415

        dag_id = self.dag_id

        dag_display_name = self.dag_display_name

        dag_run_id = self.dag_run_id

        task_id = self.task_id

        map_index = self.map_index

        rendered_map_index: None | str
        rendered_map_index = self.rendered_map_index

        message = self.message

        choices = self.choices

        multiple = self.multiple

        params: dict[str, Any] | None
        if isinstance(self.params, JsonObject):
            params = as_dict(self.params)
        else:
            params = self.params

        assigned: dict[str, Any] | None
        if isinstance(self.assigned, JsonObject):
            assigned = as_dict(self.assigned)
        else:
            assigned = self.assigned

        default: None | str
        default = self.default

        defaults: list[str] | None
        if isinstance(self.defaults, list):
            defaults = self.defaults

        else:
            defaults = self.defaults

        requested_at = self.requested_at.isoformat()

        give_up_at: None | str
        if isinstance(self.give_up_at, datetime.datetime):
            give_up_at = self.give_up_at.isoformat()
        else:
            give_up_at = self.give_up_at

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "dag_id": dag_id,
                "dag_display_name": dag_display_name,
                "dag_run_id": dag_run_id,
                "task_id": task_id,
                "map_index": map_index,
                "rendered_map_index": rendered_map_index,
                "message": message,
                "choices": choices,
                "multiple": multiple,
                "params": params,
                "assigned": assigned,
                "default": default,
                "defaults": defaults,
                "requested_at": requested_at,
                "give_up_at": give_up_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.json_object import JsonObject  # noqa: PLC0415

        d = dict(src_dict)
        dag_id = d.pop("dag_id")

        dag_display_name = d.pop("dag_display_name")

        dag_run_id = d.pop("dag_run_id")

        task_id = d.pop("task_id")

        map_index = d.pop("map_index")

        def _parse_rendered_map_index(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        rendered_map_index = _parse_rendered_map_index(d.pop("rendered_map_index"))

        message = d.pop("message")

        choices = cast(list[str], d.pop("choices"))

        multiple = d.pop("multiple")

        def _parse_params(data: object) -> JsonObject | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                params_type_0 = JsonObject.from_dict(data)

                return params_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(JsonObject | None, data)

        params = _parse_params(d.pop("params"))

        def _parse_assigned(data: object) -> JsonObject | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                assigned_type_0 = JsonObject.from_dict(data)

                return assigned_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(JsonObject | None, data)

        assigned = _parse_assigned(d.pop("assigned"))

        def _parse_default(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        default = _parse_default(d.pop("default"))

        def _parse_defaults(data: object) -> list[str] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                defaults_type_0 = cast(list[str], data)

                return defaults_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None, data)

        defaults = _parse_defaults(d.pop("defaults"))

        requested_at = datetime.datetime.fromisoformat(d.pop("requested_at"))

        def _parse_give_up_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                give_up_at_type_0 = datetime.datetime.fromisoformat(data)

                return give_up_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        give_up_at = _parse_give_up_at(d.pop("give_up_at"))

        approval = cls(
            dag_id=dag_id,
            dag_display_name=dag_display_name,
            dag_run_id=dag_run_id,
            task_id=task_id,
            map_index=map_index,
            rendered_map_index=rendered_map_index,
            message=message,
            choices=choices,
            multiple=multiple,
            params=params,
            assigned=assigned,
            default=default,
            defaults=defaults,
            requested_at=requested_at,
            give_up_at=give_up_at,
        )

        approval.additional_properties = d
        return approval

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
