from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.bulk_action_action import BulkActionAction
from ..models.bulk_action_action_on_existence import BulkActionActionOnExistence
from ..models.bulk_action_action_on_non_existence import BulkActionActionOnNonExistence
from ..types import UNSET, Unset

T = TypeVar("T", bound="BulkAction")


@_attrs_define
class BulkAction:
    """
    Attributes:
        action (BulkActionAction): Kind of the action
        entities (list[Any]): Objects to create or update; names or objects to delete
        action_on_existence (BulkActionActionOnExistence | Unset): Treatment of an entity to create that exists Default:
            BulkActionActionOnExistence.FAIL.
        action_on_non_existence (BulkActionActionOnNonExistence | Unset): Treatment of an entity to update or delete
            that does not exist Default: BulkActionActionOnNonExistence.FAIL.
        update_mask (list[str] | None | Unset): Members to update; null = all members of the entity
    """

    action: BulkActionAction
    entities: list[Any]
    action_on_existence: BulkActionActionOnExistence | Unset = BulkActionActionOnExistence.FAIL
    action_on_non_existence: BulkActionActionOnNonExistence | Unset = BulkActionActionOnNonExistence.FAIL
    update_mask: list[str] | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        action = self.action.value

        entities = self.entities

        action_on_existence: str | Unset = UNSET
        if not isinstance(self.action_on_existence, Unset):
            action_on_existence = self.action_on_existence.value

        action_on_non_existence: str | Unset = UNSET
        if not isinstance(self.action_on_non_existence, Unset):
            action_on_non_existence = self.action_on_non_existence.value

        update_mask: list[str] | None | Unset
        if isinstance(self.update_mask, Unset):
            update_mask = UNSET
        elif isinstance(self.update_mask, list):
            update_mask = self.update_mask

        else:
            update_mask = self.update_mask

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "action": action,
                "entities": entities,
            }
        )
        if action_on_existence is not UNSET:
            field_dict["action_on_existence"] = action_on_existence
        if action_on_non_existence is not UNSET:
            field_dict["action_on_non_existence"] = action_on_non_existence
        if update_mask is not UNSET:
            field_dict["update_mask"] = update_mask

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        action = BulkActionAction(d.pop("action"))

        entities = cast(list[Any], d.pop("entities"))

        _action_on_existence = d.pop("action_on_existence", UNSET)
        action_on_existence: BulkActionActionOnExistence | Unset
        if isinstance(_action_on_existence, Unset):
            action_on_existence = UNSET
        else:
            action_on_existence = BulkActionActionOnExistence(_action_on_existence)

        _action_on_non_existence = d.pop("action_on_non_existence", UNSET)
        action_on_non_existence: BulkActionActionOnNonExistence | Unset
        if isinstance(_action_on_non_existence, Unset):
            action_on_non_existence = UNSET
        else:
            action_on_non_existence = BulkActionActionOnNonExistence(_action_on_non_existence)

        def _parse_update_mask(data: object) -> list[str] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                update_mask_type_0 = cast(list[str], data)

                return update_mask_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None | Unset, data)

        update_mask = _parse_update_mask(d.pop("update_mask", UNSET))

        bulk_action = cls(
            action=action,
            entities=entities,
            action_on_existence=action_on_existence,
            action_on_non_existence=action_on_non_existence,
            update_mask=update_mask,
        )

        return bulk_action
