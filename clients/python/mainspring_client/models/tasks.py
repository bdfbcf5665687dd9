from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.approval_task import ApprovalTask
    from ..models.branch_task import BranchTask
    from ..models.dag_task import DagTask
    from ..models.http_task import HttpTask
    from ..models.noop_task import NoopTask
    from ..models.python_task import PythonTask
    from ..models.shell_task import ShellTask
    from ..models.wait_task import WaitTask

from ..plain import as_dict

T = TypeVar("T", bound="Tasks")


@_attrs_define
class Tasks:
    additional_properties: dict[
        str, ApprovalTask | BranchTask | DagTask | HttpTask | NoopTask | PythonTask | ShellTask | WaitTask
    ] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.approval_task import ApprovalTask  # noqa: PLC0415
        from ..models.branch_task import BranchTask  # noqa: PLC0415
        from ..models.http_task import HttpTask  # noqa: PLC0415
        from ..models.noop_task import NoopTask  # noqa: PLC0415
        from ..models.python_task import PythonTask  # noqa: PLC0415
        from ..models.shell_task import ShellTask  # noqa: PLC0415
        from ..models.wait_task import WaitTask  # noqa: PLC0415

        field_dict: dict[str, Any] = {}
        for prop_name, prop in self.additional_properties.items():
            if isinstance(prop, ShellTask):
                field_dict[prop_name] = as_dict(prop)
            elif isinstance(prop, PythonTask):
                field_dict[prop_name] = as_dict(prop)
            elif isinstance(prop, HttpTask):
                field_dict[prop_name] = as_dict(prop)
            elif isinstance(prop, NoopTask):
                field_dict[prop_name] = as_dict(prop)
            elif isinstance(prop, WaitTask):
                field_dict[prop_name] = as_dict(prop)
            elif isinstance(prop, BranchTask):
                field_dict[prop_name] = as_dict(prop)
            elif isinstance(prop, ApprovalTask):
                field_dict[prop_name] = as_dict(prop)
            else:
                field_dict[prop_name] = as_dict(prop)

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.approval_task import ApprovalTask  # noqa: PLC0415
        from ..models.branch_task import BranchTask  # noqa: PLC0415
        from ..models.dag_task import DagTask  # noqa: PLC0415
        from ..models.http_task import HttpTask  # noqa: PLC0415
        from ..models.noop_task import NoopTask  # noqa: PLC0415
        from ..models.python_task import PythonTask  # noqa: PLC0415
        from ..models.shell_task import ShellTask  # noqa: PLC0415
        from ..models.wait_task import WaitTask  # noqa: PLC0415

        d = dict(src_dict)
        tasks = cls()

        additional_properties = {}
        for prop_name, prop_dict in d.items():

            def _parse_additional_property(
                data: object,
            ) -> ApprovalTask | BranchTask | DagTask | HttpTask | NoopTask | PythonTask | ShellTask | WaitTask:
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    componentsschemas_task_type_0 = ShellTask.from_dict(data)

                    return componentsschemas_task_type_0
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    componentsschemas_task_type_1 = PythonTask.from_dict(data)

                    return componentsschemas_task_type_1
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    componentsschemas_task_type_2 = HttpTask.from_dict(data)

                    return componentsschemas_task_type_2
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    componentsschemas_task_type_3 = NoopTask.from_dict(data)

                    return componentsschemas_task_type_3
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    componentsschemas_task_type_4 = WaitTask.from_dict(data)

                    return componentsschemas_task_type_4
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    componentsschemas_task_type_5 = BranchTask.from_dict(data)

                    return componentsschemas_task_type_5
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    componentsschemas_task_type_6 = ApprovalTask.from_dict(data)

                    return componentsschemas_task_type_6
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_task_type_7 = DagTask.from_dict(data)

                return componentsschemas_task_type_7

            additional_property = _parse_additional_property(prop_dict)

            additional_properties[prop_name] = additional_property

        tasks.additional_properties = additional_properties
        return tasks

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(
        self, key: str
    ) -> ApprovalTask | BranchTask | DagTask | HttpTask | NoopTask | PythonTask | ShellTask | WaitTask:
        return self.additional_properties[key]

    def __setitem__(
        self,
        key: str,
        value: ApprovalTask | BranchTask | DagTask | HttpTask | NoopTask | PythonTask | ShellTask | WaitTask,
    ) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
