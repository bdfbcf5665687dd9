from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.run_handler import RunHandler
from ..models.setup_teardown_type import SetupTeardownType

T = TypeVar("T", bound="GridTask")


@_attrs_define
class GridTask:
    """
    Attributes:
        handler (None | RunHandler): End of the run after which the task runs; null = the task is no handler of the run
        setup_teardown_type (None | SetupTeardownType): Whether the task is a set-up or a tear-down; null = neither
        task_id (str): Identifier of the task within its DAG
        is_mapped (bool): Whether the task is expanded over a list
        versions (list[int]): First and last version number in view that has the task
    """

    handler: None | RunHandler
    setup_teardown_type: None | SetupTeardownType
    task_id: str
    is_mapped: bool
    versions: list[int]
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
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

        is_mapped = self.is_mapped

        versions = self.versions

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "handler": handler,
                "setup_teardown_type": setup_teardown_type,
                "task_id": task_id,
                "is_mapped": is_mapped,
                "versions": versions,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
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

        is_mapped = d.pop("is_mapped")

        versions = cast(list[int], d.pop("versions"))

        grid_task = cls(
            handler=handler,
            setup_teardown_type=setup_teardown_type,
            task_id=task_id,
            is_mapped=is_mapped,
            versions=versions,
        )

        grid_task.additional_properties = d
        return grid_task

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
