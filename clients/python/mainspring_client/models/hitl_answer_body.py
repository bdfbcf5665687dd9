from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.json_object import JsonObject

from ..plain import as_dict

T = TypeVar("T", bound="HitlAnswerBody")


@_attrs_define
class HitlAnswerBody:
    """
    Attributes:
        chosen_options (list[str]): One option, or several where the approval has `multiple`
        params_input (JsonObject | None | Unset): Values that fit the params of the approval
    """

    chosen_options: list[str]
    params_input: JsonObject | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.json_object import JsonObject  # noqa: PLC0415

        chosen_options = self.chosen_options

        params_input: dict[str, Any] | None | Unset
        if isinstance(self.params_input, Unset):
            params_input = UNSET
        elif isinstance(self.params_input, JsonObject):
            params_input = as_dict(self.params_input)
        else:
            params_input = self.params_input

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "chosen_options": chosen_options,
            }
        )
        if params_input is not UNSET:
            field_dict["params_input"] = params_input

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.json_object import JsonObject  # noqa: PLC0415

        d = dict(src_dict)
        chosen_options = cast(list[str], d.pop("chosen_options"))

        def _parse_params_input(data: object) -> JsonObject | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                params_input_type_0 = JsonObject.from_dict(data)

                return params_input_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(JsonObject | None | Unset, data)

        params_input = _parse_params_input(d.pop("params_input", UNSET))

        hitl_answer_body = cls(
            chosen_options=chosen_options,
            params_input=params_input,
        )

        return hitl_answer_body
