from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.hitl_user import HitlUser
    from ..models.json_object import JsonObject

from ..plain import as_dict

T = TypeVar("T", bound="HitlAnswer")


@_attrs_define
class HitlAnswer:
    """
    Attributes:
        responded_by (HitlUser):
        responded_at (datetime.datetime): Instant of the answer
        chosen_options (list[str]): Options of the answer
        params_input (JsonObject):
    """

    responded_by: HitlUser
    responded_at: datetime.datetime
    chosen_options: list[str]
    params_input: JsonObject
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        responded_by = as_dict(self.responded_by)

        responded_at = self.responded_at.isoformat()

        chosen_options = self.chosen_options

        params_input = as_dict(self.params_input)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "responded_by": responded_by,
                "responded_at": responded_at,
                "chosen_options": chosen_options,
                "params_input": params_input,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.hitl_user import HitlUser  # noqa: PLC0415
        from ..models.json_object import JsonObject  # noqa: PLC0415

        d = dict(src_dict)
        responded_by = HitlUser.from_dict(d.pop("responded_by"))

        responded_at = datetime.datetime.fromisoformat(d.pop("responded_at"))

        chosen_options = cast(list[str], d.pop("chosen_options"))

        params_input = JsonObject.from_dict(d.pop("params_input"))

        hitl_answer = cls(
            responded_by=responded_by,
            responded_at=responded_at,
            chosen_options=chosen_options,
            params_input=params_input,
        )

        hitl_answer.additional_properties = d
        return hitl_answer

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
