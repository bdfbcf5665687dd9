from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.planned_definition import PlannedDefinition

from ..plain import as_dict

T = TypeVar("T", bound="PlanBody")


@_attrs_define
class PlanBody:
    """
    Attributes:
        definitions (list[PlannedDefinition] | Unset): Definitions to save, at most 500, each DAG once
        removed (list[str] | Unset): Ids of the DAGs that would be removed, such as those that a folder no longer has
    """

    definitions: list[PlannedDefinition] | Unset = UNSET
    removed: list[str] | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        definitions: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.definitions, Unset):
            definitions = []
            for definitions_item_data in self.definitions:
                definitions_item = as_dict(definitions_item_data)
                definitions.append(definitions_item)

        removed: list[str] | Unset = UNSET
        if not isinstance(self.removed, Unset):
            removed = self.removed

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if definitions is not UNSET:
            field_dict["definitions"] = definitions
        if removed is not UNSET:
            field_dict["removed"] = removed

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.planned_definition import PlannedDefinition  # noqa: PLC0415

        d = dict(src_dict)
        _definitions = d.pop("definitions", UNSET)
        definitions: list[PlannedDefinition] | Unset = UNSET
        if _definitions is not UNSET:
            definitions = []
            for definitions_item_data in _definitions:
                definitions_item = PlannedDefinition.from_dict(definitions_item_data)

                definitions.append(definitions_item)

        removed = cast(list[str], d.pop("removed", UNSET))

        plan_body = cls(
            definitions=definitions,
            removed=removed,
        )

        return plan_body
