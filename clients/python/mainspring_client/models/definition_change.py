from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.change_kind import ChangeKind
from ..models.change_op import ChangeOp

T = TypeVar("T", bound="DefinitionChange")


@_attrs_define
class DefinitionChange:
    """
    Attributes:
        op (ChangeOp):
        kind (ChangeKind):
        path (str): RFC 6901 pointer into the newer version, or to a removed part
        task_id (None | str): Identifier of the changed task; null = none
        before (Any): Value in the older version; null = no value
        after (Any): Value in the newer version; null = no value
        text (str): Difference in a sentence
    """

    op: ChangeOp
    kind: ChangeKind
    path: str
    task_id: None | str
    before: Any
    after: Any
    text: str
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        op = self.op.value

        kind = self.kind.value

        path = self.path

        task_id: None | str
        task_id = self.task_id

        before = self.before

        after = self.after

        text = self.text

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "op": op,
                "kind": kind,
                "path": path,
                "task_id": task_id,
                "before": before,
                "after": after,
                "text": text,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        op = ChangeOp(d.pop("op"))

        kind = ChangeKind(d.pop("kind"))

        path = d.pop("path")

        def _parse_task_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        task_id = _parse_task_id(d.pop("task_id"))

        before = d.pop("before")

        after = d.pop("after")

        text = d.pop("text")

        definition_change = cls(
            op=op,
            kind=kind,
            path=path,
            task_id=task_id,
            before=before,
            after=after,
            text=text,
        )

        definition_change.additional_properties = d
        return definition_change

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
