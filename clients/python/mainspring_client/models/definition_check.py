from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.definition_warning import DefinitionWarning
    from ..models.json_object import JsonObject

from ..plain import as_dict

T = TypeVar("T", bound="DefinitionCheck")


@_attrs_define
class DefinitionCheck:
    """
    Attributes:
        warnings (list[DefinitionWarning]): Doubts about the definition, which is valid
        valid (bool): Always true: a faulty definition is answered with an error
        dag_id (str): Identifier of the DAG
        content_hash (str): SHA-256 (hex) of the normalised definition; equal to the current version's = no change
        task_count (int): Number of tasks
        params (JsonObject):
    """

    warnings: list[DefinitionWarning]
    valid: bool
    dag_id: str
    content_hash: str
    task_count: int
    params: JsonObject
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        warnings = []
        for warnings_item_data in self.warnings:
            warnings_item = as_dict(warnings_item_data)
            warnings.append(warnings_item)

        valid = self.valid

        dag_id = self.dag_id

        content_hash = self.content_hash

        task_count = self.task_count

        params = as_dict(self.params)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "warnings": warnings,
                "valid": valid,
                "dag_id": dag_id,
                "content_hash": content_hash,
                "task_count": task_count,
                "params": params,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.definition_warning import DefinitionWarning  # noqa: PLC0415
        from ..models.json_object import JsonObject  # noqa: PLC0415

        d = dict(src_dict)
        warnings = []
        _warnings = d.pop("warnings")
        for warnings_item_data in _warnings:
            warnings_item = DefinitionWarning.from_dict(warnings_item_data)

            warnings.append(warnings_item)

        valid = d.pop("valid")

        dag_id = d.pop("dag_id")

        content_hash = d.pop("content_hash")

        task_count = d.pop("task_count")

        params = JsonObject.from_dict(d.pop("params"))

        definition_check = cls(
            warnings=warnings,
            valid=valid,
            dag_id=dag_id,
            content_hash=content_hash,
            task_count=task_count,
            params=params,
        )

        definition_check.additional_properties = d
        return definition_check

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
