from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.attempt_state import AttemptState
from ..models.run_handler import RunHandler
from ..models.setup_teardown_type import SetupTeardownType
from ..models.task_instance_state import TaskInstanceState

if TYPE_CHECKING:
    from ..models.dag_version import DagVersion
    from ..models.json_object import JsonObject

from ..plain import as_dict

T = TypeVar("T", bound="TaskTry")


@_attrs_define
class TaskTry:
    """
    Attributes:
        dag_id (str): Identifier of the DAG
        dag_display_name (str): Name of the DAG for people
        dag_run_id (str): Identifier of the run within its DAG
        task_id (str): Identifier of the task within its DAG
        task_display_name (str): Name of the task for people
        map_index (int): Position among the instances of a mapped task; -1 = not mapped
        state_reason (None | str): Code of the cause of the state; null = none
        message (None | str): End of the latest try in a sentence; null = nothing to report
        exit_code (int | None): Exit code of the process; negative = the number of the signal that ended it; null = none
        allow_failure (bool): Whether a failure counts as a success for the downstream and for the run
        handler (None | RunHandler): End of the run after which the task runs; null = the task is no handler of the run
        setup_teardown_type (None | SetupTeardownType): Whether the task is a set-up or a tear-down; null = neither
        max_tries (int): Tries after the first
        turn (int | None): Turn of a task with `repeat`, from 0; null = before the first try, or no `repeat`
        start_date (datetime.datetime | None): Start of the execution; null = not started
        end_date (datetime.datetime | None): End of the execution; null = not ended
        duration (float | None): Time from start to end, in seconds; null while the instance runs
        queued_when (datetime.datetime | None): Instant at which the scheduler queued the instance; null = not queued
            yet
        scheduled_when (datetime.datetime | None): The same as `queued_when`
        hostname (str): Host of the try; empty before the first start
        unixname (str): Always empty
        pid (int | None): Process id on the host; null = unknown
        pool (str): Pool whose slots the task takes
        pool_slots (int): Slots of the pool that an instance takes
        queue (None | str): Queue whose workers may run the task
        priority_weight (int | None): Weight in the order of ready tasks; larger is earlier
        operator (None | str): Type of the task
        operator_name (None | str): Type of the task
        executor (None | str): Executor that runs the instance; null = not chosen yet
        executor_config (str): Always `{}`
        dag_version (DagVersion | None): Version of the DAG that the run executes
        try_number (int): Number of the try, from 1 over all generations
        generation (int): Number of the generation, from 1; each clear or mark begins the next
        state (None | TaskInstanceState): State of the try in the words of task instances
        attempt_state (AttemptState):
        still_running (bool): Whether the try has ended and its code has not stopped yet
        outputs (JsonObject | None): Outputs of a try of a task with `repeat`, a large output as its reference; null =
            none, more than 4 KiB as JSON, or a task without `repeat`
    """

    dag_id: str
    dag_display_name: str
    dag_run_id: str
    task_id: str
    task_display_name: str
    map_index: int
    state_reason: None | str
    message: None | str
    exit_code: int | None
    allow_failure: bool
    handler: None | RunHandler
    setup_teardown_type: None | SetupTeardownType
    max_tries: int
    turn: int | None
    start_date: datetime.datetime | None
    end_date: datetime.datetime | None
    duration: float | None
    queued_when: datetime.datetime | None
    scheduled_when: datetime.datetime | None
    hostname: str
    unixname: str
    pid: int | None
    pool: str
    pool_slots: int
    queue: None | str
    priority_weight: int | None
    operator: None | str
    operator_name: None | str
    executor: None | str
    executor_config: str
    dag_version: DagVersion | None
    try_number: int
    generation: int
    state: None | TaskInstanceState
    attempt_state: AttemptState
    still_running: bool
    outputs: JsonObject | None
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.dag_version import DagVersion  # noqa: PLC0415
        from ..models.json_object import JsonObject  # noqa: PLC0415

        dag_id = self.dag_id

        dag_display_name = self.dag_display_name

        dag_run_id = self.dag_run_id

        task_id = self.task_id

        task_display_name = self.task_display_name

        map_index = self.map_index

        state_reason: None | str
        state_reason = self.state_reason

        message: None | str
        message = self.message

        exit_code: int | None
        exit_code = self.exit_code

        allow_failure = self.allow_failure

        handler: None | str
        if isinstance(self.handler, RunHandler):
            handler = self.handler.value
        else:
            handler = self.handler

        setup_teardown_type: None | str
        if isinstance(self.setup_teardown_type, SetupTeardownType):
            setup_teardown_type = self.setup_teardown_type.value
        else:
            setup_teardown_type = self.setup_teardown_type

        max_tries = self.max_tries

        turn: int | None
        turn = self.turn

        start_date: None | str
        if isinstance(self.start_date, datetime.datetime):
            start_date = self.start_date.isoformat()
        else:
            start_date = self.start_date

        end_date: None | str
        if isinstance(self.end_date, datetime.datetime):
            end_date = self.end_date.isoformat()
        else:
            end_date = self.end_date

        duration: float | None
        duration = self.duration

        queued_when: None | str
        if isinstance(self.queued_when, datetime.datetime):
            queued_when = self.queued_when.isoformat()
        else:
            queued_when = self.queued_when

        scheduled_when: None | str
        if isinstance(self.scheduled_when, datetime.datetime):
            scheduled_when = self.scheduled_when.isoformat()
        else:
            scheduled_when = self.scheduled_when

        hostname = self.hostname

        unixname = self.unixname

        pid: int | None
        pid = self.pid

        pool = self.pool

        pool_slots = self.pool_slots

        queue: None | str
        queue = self.queue

        priority_weight: int | None
        priority_weight = self.priority_weight

        operator: None | str
        operator = self.operator

        operator_name: None | str
        operator_name = self.operator_name

        executor: None | str
        executor = self.executor

        executor_config = self.executor_config

        dag_version: dict[str, Any] | None
        if isinstance(self.dag_version, DagVersion):
            dag_version = as_dict(self.dag_version)
        else:
            dag_version = self.dag_version

        try_number = self.try_number

        generation = self.generation

        state: None | str
        if isinstance(self.state, TaskInstanceState):
            state = self.state.value
        else:
            state = self.state

        attempt_state = self.attempt_state.value

        still_running = self.still_running

        outputs: dict[str, Any] | None
        if isinstance(self.outputs, JsonObject):
            outputs = as_dict(self.outputs)
        else:
            outputs = self.outputs

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "dag_id": dag_id,
                "dag_display_name": dag_display_name,
                "dag_run_id": dag_run_id,
                "task_id": task_id,
                "task_display_name": task_display_name,
                "map_index": map_index,
                "state_reason": state_reason,
                "message": message,
                "exit_code": exit_code,
                "allow_failure": allow_failure,
                "handler": handler,
                "setup_teardown_type": setup_teardown_type,
                "max_tries": max_tries,
                "turn": turn,
                "start_date": start_date,
                "end_date": end_date,
                "duration": duration,
                "queued_when": queued_when,
                "scheduled_when": scheduled_when,
                "hostname": hostname,
                "unixname": unixname,
                "pid": pid,
                "pool": pool,
                "pool_slots": pool_slots,
                "queue": queue,
                "priority_weight": priority_weight,
                "operator": operator,
                "operator_name": operator_name,
                "executor": executor,
                "executor_config": executor_config,
                "dag_version": dag_version,
                "try_number": try_number,
                "generation": generation,
                "state": state,
                "attempt_state": attempt_state,
                "still_running": still_running,
                "outputs": outputs,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.dag_version import DagVersion  # noqa: PLC0415
        from ..models.json_object import JsonObject  # noqa: PLC0415

        d = dict(src_dict)
        dag_id = d.pop("dag_id")

        dag_display_name = d.pop("dag_display_name")

        dag_run_id = d.pop("dag_run_id")

        task_id = d.pop("task_id")

        task_display_name = d.pop("task_display_name")

        map_index = d.pop("map_index")

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

        def _parse_exit_code(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        exit_code = _parse_exit_code(d.pop("exit_code"))

        allow_failure = d.pop("allow_failure")

        def _parse_handler(data: object) -> None | RunHandler:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                handler_type_0 = RunHandler(data)

                return handler_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RunHandler, data)

        handler = _parse_handler(d.pop("handler"))

        def _parse_setup_teardown_type(data: object) -> None | SetupTeardownType:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                setup_teardown_type_type_0 = SetupTeardownType(data)

                return setup_teardown_type_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SetupTeardownType, data)

        setup_teardown_type = _parse_setup_teardown_type(d.pop("setup_teardown_type"))

        max_tries = d.pop("max_tries")

        def _parse_turn(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        turn = _parse_turn(d.pop("turn"))

        def _parse_start_date(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                start_date_type_0 = datetime.datetime.fromisoformat(data)

                return start_date_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        start_date = _parse_start_date(d.pop("start_date"))

        def _parse_end_date(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                end_date_type_0 = datetime.datetime.fromisoformat(data)

                return end_date_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        end_date = _parse_end_date(d.pop("end_date"))

        def _parse_duration(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        duration = _parse_duration(d.pop("duration"))

        def _parse_queued_when(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                queued_when_type_0 = datetime.datetime.fromisoformat(data)

                return queued_when_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        queued_when = _parse_queued_when(d.pop("queued_when"))

        def _parse_scheduled_when(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                scheduled_when_type_0 = datetime.datetime.fromisoformat(data)

                return scheduled_when_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        scheduled_when = _parse_scheduled_when(d.pop("scheduled_when"))

        hostname = d.pop("hostname")

        unixname = d.pop("unixname")

        def _parse_pid(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        pid = _parse_pid(d.pop("pid"))

        pool = d.pop("pool")

        pool_slots = d.pop("pool_slots")

        def _parse_queue(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        queue = _parse_queue(d.pop("queue"))

        def _parse_priority_weight(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        priority_weight = _parse_priority_weight(d.pop("priority_weight"))

        def _parse_operator(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        operator = _parse_operator(d.pop("operator"))

        def _parse_operator_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        operator_name = _parse_operator_name(d.pop("operator_name"))

        def _parse_executor(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        executor = _parse_executor(d.pop("executor"))

        executor_config = d.pop("executor_config")

        def _parse_dag_version(data: object) -> DagVersion | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                dag_version_type_0 = DagVersion.from_dict(data)

                return dag_version_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(DagVersion | None, data)

        dag_version = _parse_dag_version(d.pop("dag_version"))

        try_number = d.pop("try_number")

        generation = d.pop("generation")

        def _parse_state(data: object) -> None | TaskInstanceState:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                state_type_0 = TaskInstanceState(data)

                return state_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | TaskInstanceState, data)

        state = _parse_state(d.pop("state"))

        attempt_state = AttemptState(d.pop("attempt_state"))

        still_running = d.pop("still_running")

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

        task_try = cls(
            dag_id=dag_id,
            dag_display_name=dag_display_name,
            dag_run_id=dag_run_id,
            task_id=task_id,
            task_display_name=task_display_name,
            map_index=map_index,
            state_reason=state_reason,
            message=message,
            exit_code=exit_code,
            allow_failure=allow_failure,
            handler=handler,
            setup_teardown_type=setup_teardown_type,
            max_tries=max_tries,
            turn=turn,
            start_date=start_date,
            end_date=end_date,
            duration=duration,
            queued_when=queued_when,
            scheduled_when=scheduled_when,
            hostname=hostname,
            unixname=unixname,
            pid=pid,
            pool=pool,
            pool_slots=pool_slots,
            queue=queue,
            priority_weight=priority_weight,
            operator=operator,
            operator_name=operator_name,
            executor=executor,
            executor_config=executor_config,
            dag_version=dag_version,
            try_number=try_number,
            generation=generation,
            state=state,
            attempt_state=attempt_state,
            still_running=still_running,
            outputs=outputs,
        )

        task_try.additional_properties = d
        return task_try

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
