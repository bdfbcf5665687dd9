from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.dag_run_state import DagRunState

if TYPE_CHECKING:
    from ..models.json_object import JsonObject


T = TypeVar("T", bound="WaitResult")


@_attrs_define
class WaitResult:
    """
    Attributes:
        state (DagRunState | None): State of the run; null = the run was deleted during the wait
        state_reason (None | str): Code of the cause of the state; null = none
        message (None | str): Cause of the state in a sentence; null = none
        outputs (JsonObject | None): Outputs that the DAG declares; null until the run has succeeded
        results (JsonObject):
    """

    state: DagRunState | None
    state_reason: None | str
    message: None | str
    outputs: JsonObject | None
    results: JsonObject
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.json_object import JsonObject  # noqa: PLC0415

        state: None | str
        if isinstance(self.state, DagRunState):
            state = self.state.value
        else:
            state = self.state

        state_reason: None | str
        state_reason = self.state_reason

        message: None | str
        message = self.message

        outputs: dict[str, Any] | None
        if isinstance(self.outputs, JsonObject):
            outputs = self.outputs.to_dict()
        else:
            outputs = self.outputs

        results = self.results.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "state": state,
                "state_reason": state_reason,
                "message": message,
                "outputs": outputs,
                "results": results,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.json_object import JsonObject  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_state(data: object) -> DagRunState | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                state_type_0 = DagRunState(data)

                return state_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(DagRunState | None, data)

        state = _parse_state(d.pop("state"))

        def _parse_state_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        state_reason = _parse_state_reason(d.pop("state_reason"))

        def _parse_message(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        message = _parse_message(d.pop("message"))

        def _parse_outputs(data: object) -> JsonObject | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                outputs_type_0 = JsonObject.from_dict(data)

                return outputs_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(JsonObject | None, data)

        outputs = _parse_outputs(d.pop("outputs"))

        results = JsonObject.from_dict(d.pop("results"))

        wait_result = cls(
            state=state,
            state_reason=state_reason,
            message=message,
            outputs=outputs,
            results=results,
        )

        wait_result.additional_properties = d
        return wait_result

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
