from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.compared_form import ComparedForm

if TYPE_CHECKING:
    from ..models.dag_version_details import DagVersionDetails
    from ..models.definition_change import DefinitionChange
    from ..models.definition_incompatibility import DefinitionIncompatibility

from ..plain import as_dict

T = TypeVar("T", bound="DagVersionDiff")


@_attrs_define
class DagVersionDiff:
    """
    Attributes:
        dag_id (str): Identifier of the DAG
        older (DagVersionDetails):
        newer (DagVersionDetails):
        changes (list[DefinitionChange]): Differences by meaning, in the order of the tasks
        incompatible (list[DefinitionIncompatibility]): What breaks callers of the older version, whether there are any;
            at most 50
        form (ComparedForm):
        diff (str): Differences by lines, as a unified diff; empty = equal texts
    """

    dag_id: str
    older: DagVersionDetails
    newer: DagVersionDetails
    changes: list[DefinitionChange]
    incompatible: list[DefinitionIncompatibility]
    form: ComparedForm
    diff: str
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        dag_id = self.dag_id

        older = as_dict(self.older)

        newer = as_dict(self.newer)

        changes = []
        for changes_item_data in self.changes:
            changes_item = as_dict(changes_item_data)
            changes.append(changes_item)

        incompatible = []
        for incompatible_item_data in self.incompatible:
            incompatible_item = as_dict(incompatible_item_data)
            incompatible.append(incompatible_item)

        form = self.form.value

        diff = self.diff

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "dag_id": dag_id,
                "older": older,
                "newer": newer,
                "changes": changes,
                "incompatible": incompatible,
                "form": form,
                "diff": diff,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.dag_version_details import DagVersionDetails  # noqa: PLC0415
        from ..models.definition_change import DefinitionChange  # noqa: PLC0415
        from ..models.definition_incompatibility import DefinitionIncompatibility  # noqa: PLC0415

        d = dict(src_dict)
        dag_id = d.pop("dag_id")

        older = DagVersionDetails.from_dict(d.pop("older"))

        newer = DagVersionDetails.from_dict(d.pop("newer"))

        changes = []
        _changes = d.pop("changes")
        for changes_item_data in _changes:
            changes_item = DefinitionChange.from_dict(changes_item_data)

            changes.append(changes_item)

        incompatible = []
        _incompatible = d.pop("incompatible")
        for incompatible_item_data in _incompatible:
            incompatible_item = DefinitionIncompatibility.from_dict(incompatible_item_data)

            incompatible.append(incompatible_item)

        form = ComparedForm(d.pop("form"))

        diff = d.pop("diff")

        dag_version_diff = cls(
            dag_id=dag_id,
            older=older,
            newer=newer,
            changes=changes,
            incompatible=incompatible,
            form=form,
            diff=diff,
        )

        dag_version_diff.additional_properties = d
        return dag_version_diff

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
