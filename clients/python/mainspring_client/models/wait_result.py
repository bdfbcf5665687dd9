from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.dag_run_state import DagRunState

if TYPE_CHECKING:
    from ..models.failed_task import FailedTask
    from ..models.json_object import JsonObject

from ..plain import as_dict

T = TypeVar("T", bound="WaitResult")


@_attrs_define
class WaitResult:
    """
    Attributes:
        state (DagRunState | None): State of the run; null = the run was deleted during the wait
        state_reason (None | str): Code of the cause of the state; null = none
        message (None | str): Cause of the state in a sentence; null = none
        is_finished (bool): Whether the run has ended; false = the time was over
        exit_code (int | None): Exit code for a program that waits: 0 success, 1 failed, 3 cancelled, 4 not ended; null
            = there is no such run
        failed_tasks (list[FailedTask]): Task instances that failed, earliest first, at most 5
        failed_tasks_total (int): Number of all task instances that failed
        outputs (JsonObject | None): Outputs that the DAG declares; null until the run has ended
        results (JsonObject):
    """

    state: DagRunState | None
    state_reason: None | str
    message: None | str
    is_finished: bool
    exit_code: int | None
    failed_tasks: list[FailedTask]
    failed_tasks_total: int
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

        is_finished = self.is_finished

        exit_code: int | None
        exit_code = self.exit_code

        failed_tasks = []
        for failed_tasks_item_data in self.failed_tasks:
            failed_tasks_item = as_dict(failed_tasks_item_data)
            failed_tasks.append(failed_tasks_item)

        failed_tasks_total = self.failed_tasks_total

        outputs: dict[str, Any] | None
        if isinstance(self.outputs, JsonObject):
            outputs = as_dict(self.outputs)
        else:
            outputs = self.outputs

        results = as_dict(self.results)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "state": state,
                "state_reason": state_reason,
                "message": message,
                "is_finished": is_finished,
                "exit_code": exit_code,
                "failed_tasks": failed_tasks,
                "failed_tasks_total": failed_tasks_total,
                "outputs": outputs,
                "results": results,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.failed_task import FailedTask  # noqa: PLC0415
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

        is_finished = d.pop("is_finished")

        def _parse_exit_code(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        exit_code = _parse_exit_code(d.pop("exit_code"))

        failed_tasks = []
        _failed_tasks = d.pop("failed_tasks")
        for failed_tasks_item_data in _failed_tasks:
            failed_tasks_item = FailedTask.from_dict(failed_tasks_item_data)

            failed_tasks.append(failed_tasks_item)

        failed_tasks_total = d.pop("failed_tasks_total")

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
            is_finished=is_finished,
            exit_code=exit_code,
            failed_tasks=failed_tasks,
            failed_tasks_total=failed_tasks_total,
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
