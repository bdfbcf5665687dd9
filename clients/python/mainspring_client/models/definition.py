from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.definition_catchup_type_1 import DefinitionCatchupType1
from ..models.run_state_rule import RunStateRule
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.concurrency import Concurrency
    from ..models.deadline import Deadline
    from ..models.debounce import Debounce
    from ..models.default_args import DefaultArgs
    from ..models.definition_params import DefinitionParams
    from ..models.notify_rule import NotifyRule
    from ..models.outputs import Outputs
    from ..models.retention import Retention
    from ..models.schedule import Schedule
    from ..models.task_groups import TaskGroups
    from ..models.tasks import Tasks

from ..plain import as_dict

T = TypeVar("T", bound="Definition")


@_attrs_define
class Definition:
    """A DAG as data. `dag_id` may be left out where the address names it.

    Attributes:
        dag_id (str | Unset): Id of the DAG. The request path names it when absent.
        dag_display_name (str | Unset): Name that people read.
        description (str | Unset): What the DAG does, in a sentence.
        doc_md (str | Unset): Documentation in Markdown.
        tags (list[str] | Unset): Labels that lists of DAGs can be filtered by.
        owners (list[str] | Unset): Who is responsible for the DAG. Informative.
        params (DefinitionParams | Unset): JSON Schema 2020-12 of type object that every trigger is checked against.
        schedule (None | Schedule | str | Unset): When runs are due; null or absent: only a trigger makes runs.
        start_date (str | Unset): No run is scheduled for an instant before.
        end_date (str | Unset): No run is scheduled for an instant after.
        catchup (bool | DefinitionCatchupType1 | Unset): Missed slots that run: `all` (or true), the `latest` (or
            false), `none`; `latest` when absent.
        catchup_max (int | Unset): How many of the latest missed slots `catchup` makes up for.
        max_active_runs (int | Unset): Runs of the DAG that may be running at one time; 16 when absent.
        priority (int | Unset): Priority of runs that are triggered without their own; a higher priority starts first; 0
            when absent.
        concurrency (Concurrency | Unset):
        debounce (Debounce | Unset):
        max_active_tasks (int | Unset): Task instances of one run that may be active at one time; 128 when absent.
        dagrun_timeout (str | Unset): A run that takes longer is failed.
        fail_fast (bool | Unset): Whether the first failure ends the run: what runs is cancelled, what waits is skipped;
            false when absent.
        run_state (RunStateRule | Unset):
        deadline (Deadline | Unset):
        is_paused_upon_creation (bool | Unset): Whether the DAG is paused when it is first saved; false when absent.
        retention (Retention | Unset):
        notify (list[NotifyRule] | Unset): Who is told of the ends and delays of runs.
        default_args (DefaultArgs | Unset):
        outputs (Outputs | Unset):
        tasks (Tasks | Unset):
        groups (TaskGroups | Unset):
    """

    dag_id: str | Unset = UNSET
    dag_display_name: str | Unset = UNSET
    description: str | Unset = UNSET
    doc_md: str | Unset = UNSET
    tags: list[str] | Unset = UNSET
    owners: list[str] | Unset = UNSET
    params: DefinitionParams | Unset = UNSET
    schedule: None | Schedule | str | Unset = UNSET
    start_date: str | Unset = UNSET
    end_date: str | Unset = UNSET
    catchup: bool | DefinitionCatchupType1 | Unset = UNSET
    catchup_max: int | Unset = UNSET
    max_active_runs: int | Unset = UNSET
    priority: int | Unset = UNSET
    concurrency: Concurrency | Unset = UNSET
    debounce: Debounce | Unset = UNSET
    max_active_tasks: int | Unset = UNSET
    dagrun_timeout: str | Unset = UNSET
    fail_fast: bool | Unset = UNSET
    run_state: RunStateRule | Unset = UNSET
    deadline: Deadline | Unset = UNSET
    is_paused_upon_creation: bool | Unset = UNSET
    retention: Retention | Unset = UNSET
    notify: list[NotifyRule] | Unset = UNSET
    default_args: DefaultArgs | Unset = UNSET
    outputs: Outputs | Unset = UNSET
    tasks: Tasks | Unset = UNSET
    groups: TaskGroups | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.schedule import Schedule  # noqa: PLC0415

        dag_id = self.dag_id

        dag_display_name = self.dag_display_name

        description = self.description

        doc_md = self.doc_md

        tags: list[str] | Unset = UNSET
        if not isinstance(self.tags, Unset):
            tags = self.tags

        owners: list[str] | Unset = UNSET
        if not isinstance(self.owners, Unset):
            owners = self.owners

        params: dict[str, Any] | Unset = UNSET
        if not isinstance(self.params, Unset):
            params = as_dict(self.params)

        schedule: dict[str, Any] | None | str | Unset
        if isinstance(self.schedule, Unset):
            schedule = UNSET
        elif isinstance(self.schedule, Schedule):
            schedule = as_dict(self.schedule)
        else:
            schedule = self.schedule

        start_date = self.start_date

        end_date = self.end_date

        catchup: bool | str | Unset
        if isinstance(self.catchup, Unset):
            catchup = UNSET
        elif isinstance(self.catchup, DefinitionCatchupType1):
            catchup = self.catchup.value
        else:
            catchup = self.catchup

        catchup_max = self.catchup_max

        max_active_runs = self.max_active_runs

        priority = self.priority

        concurrency: dict[str, Any] | Unset = UNSET
        if not isinstance(self.concurrency, Unset):
            concurrency = as_dict(self.concurrency)

        debounce: dict[str, Any] | Unset = UNSET
        if not isinstance(self.debounce, Unset):
            debounce = as_dict(self.debounce)

        max_active_tasks = self.max_active_tasks

        dagrun_timeout = self.dagrun_timeout

        fail_fast = self.fail_fast

        run_state: str | Unset = UNSET
        if not isinstance(self.run_state, Unset):
            run_state = self.run_state.value

        deadline: dict[str, Any] | Unset = UNSET
        if not isinstance(self.deadline, Unset):
            deadline = as_dict(self.deadline)

        is_paused_upon_creation = self.is_paused_upon_creation

        retention: dict[str, Any] | Unset = UNSET
        if not isinstance(self.retention, Unset):
            retention = as_dict(self.retention)

        notify: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.notify, Unset):
            notify = []
            for notify_item_data in self.notify:
                notify_item = as_dict(notify_item_data)
                notify.append(notify_item)

        default_args: dict[str, Any] | Unset = UNSET
        if not isinstance(self.default_args, Unset):
            default_args = as_dict(self.default_args)

        outputs: dict[str, Any] | Unset = UNSET
        if not isinstance(self.outputs, Unset):
            outputs = as_dict(self.outputs)

        tasks: dict[str, Any] | Unset = UNSET
        if not isinstance(self.tasks, Unset):
            tasks = as_dict(self.tasks)

        groups: dict[str, Any] | Unset = UNSET
        if not isinstance(self.groups, Unset):
            groups = as_dict(self.groups)

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if dag_id is not UNSET:
            field_dict["dag_id"] = dag_id
        if dag_display_name is not UNSET:
            field_dict["dag_display_name"] = dag_display_name
        if description is not UNSET:
            field_dict["description"] = description
        if doc_md is not UNSET:
            field_dict["doc_md"] = doc_md
        if tags is not UNSET:
            field_dict["tags"] = tags
        if owners is not UNSET:
            field_dict["owners"] = owners
        if params is not UNSET:
            field_dict["params"] = params
        if schedule is not UNSET:
            field_dict["schedule"] = schedule
        if start_date is not UNSET:
            field_dict["start_date"] = start_date
        if end_date is not UNSET:
            field_dict["end_date"] = end_date
        if catchup is not UNSET:
            field_dict["catchup"] = catchup
        if catchup_max is not UNSET:
            field_dict["catchup_max"] = catchup_max
        if max_active_runs is not UNSET:
            field_dict["max_active_runs"] = max_active_runs
        if priority is not UNSET:
            field_dict["priority"] = priority
        if concurrency is not UNSET:
            field_dict["concurrency"] = concurrency
        if debounce is not UNSET:
            field_dict["debounce"] = debounce
        if max_active_tasks is not UNSET:
            field_dict["max_active_tasks"] = max_active_tasks
        if dagrun_timeout is not UNSET:
            field_dict["dagrun_timeout"] = dagrun_timeout
        if fail_fast is not UNSET:
            field_dict["fail_fast"] = fail_fast
        if run_state is not UNSET:
            field_dict["run_state"] = run_state
        if deadline is not UNSET:
            field_dict["deadline"] = deadline
        if is_paused_upon_creation is not UNSET:
            field_dict["is_paused_upon_creation"] = is_paused_upon_creation
        if retention is not UNSET:
            field_dict["retention"] = retention
        if notify is not UNSET:
            field_dict["notify"] = notify
        if default_args is not UNSET:
            field_dict["default_args"] = default_args
        if outputs is not UNSET:
            field_dict["outputs"] = outputs
        if tasks is not UNSET:
            field_dict["tasks"] = tasks
        if groups is not UNSET:
            field_dict["groups"] = groups

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.concurrency import Concurrency  # noqa: PLC0415
        from ..models.deadline import Deadline  # noqa: PLC0415
        from ..models.debounce import Debounce  # noqa: PLC0415
        from ..models.default_args import DefaultArgs  # noqa: PLC0415
        from ..models.definition_params import DefinitionParams  # noqa: PLC0415
        from ..models.notify_rule import NotifyRule  # noqa: PLC0415
        from ..models.outputs import Outputs  # noqa: PLC0415
        from ..models.retention import Retention  # noqa: PLC0415
        from ..models.schedule import Schedule  # noqa: PLC0415
        from ..models.task_groups import TaskGroups  # noqa: PLC0415
        from ..models.tasks import Tasks  # noqa: PLC0415

        d = dict(src_dict)
        dag_id = d.pop("dag_id", UNSET)

        dag_display_name = d.pop("dag_display_name", UNSET)

        description = d.pop("description", UNSET)

        doc_md = d.pop("doc_md", UNSET)

        tags = cast(list[str], d.pop("tags", UNSET))

        owners = cast(list[str], d.pop("owners", UNSET))

        _params = d.pop("params", UNSET)
        params: DefinitionParams | Unset
        if isinstance(_params, Unset):
            params = UNSET
        else:
            params = DefinitionParams.from_dict(_params)

        def _parse_schedule(data: object) -> None | Schedule | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                schedule_type_0 = Schedule.from_dict(data)

                return schedule_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Schedule | str | Unset, data)

        schedule = _parse_schedule(d.pop("schedule", UNSET))

        start_date = d.pop("start_date", UNSET)

        end_date = d.pop("end_date", UNSET)

        def _parse_catchup(data: object) -> bool | DefinitionCatchupType1 | Unset:
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                catchup_type_1 = DefinitionCatchupType1(data)

                return catchup_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(bool | DefinitionCatchupType1 | Unset, data)

        catchup = _parse_catchup(d.pop("catchup", UNSET))

        catchup_max = d.pop("catchup_max", UNSET)

        max_active_runs = d.pop("max_active_runs", UNSET)

        priority = d.pop("priority", UNSET)

        _concurrency = d.pop("concurrency", UNSET)
        concurrency: Concurrency | Unset
        if isinstance(_concurrency, Unset):
            concurrency = UNSET
        else:
            concurrency = Concurrency.from_dict(_concurrency)

        _debounce = d.pop("debounce", UNSET)
        debounce: Debounce | Unset
        if isinstance(_debounce, Unset):
            debounce = UNSET
        else:
            debounce = Debounce.from_dict(_debounce)

        max_active_tasks = d.pop("max_active_tasks", UNSET)

        dagrun_timeout = d.pop("dagrun_timeout", UNSET)

        fail_fast = d.pop("fail_fast", UNSET)

        _run_state = d.pop("run_state", UNSET)
        run_state: RunStateRule | Unset
        if isinstance(_run_state, Unset):
            run_state = UNSET
        else:
            run_state = RunStateRule(_run_state)

        _deadline = d.pop("deadline", UNSET)
        deadline: Deadline | Unset
        if isinstance(_deadline, Unset):
            deadline = UNSET
        else:
            deadline = Deadline.from_dict(_deadline)

        is_paused_upon_creation = d.pop("is_paused_upon_creation", UNSET)

        _retention = d.pop("retention", UNSET)
        retention: Retention | Unset
        if isinstance(_retention, Unset):
            retention = UNSET
        else:
            retention = Retention.from_dict(_retention)

        _notify = d.pop("notify", UNSET)
        notify: list[NotifyRule] | Unset = UNSET
        if _notify is not UNSET:
            notify = []
            for notify_item_data in _notify:
                notify_item = NotifyRule.from_dict(notify_item_data)

                notify.append(notify_item)

        _default_args = d.pop("default_args", UNSET)
        default_args: DefaultArgs | Unset
        if isinstance(_default_args, Unset):
            default_args = UNSET
        else:
            default_args = DefaultArgs.from_dict(_default_args)

        _outputs = d.pop("outputs", UNSET)
        outputs: Outputs | Unset
        if isinstance(_outputs, Unset):
            outputs = UNSET
        else:
            outputs = Outputs.from_dict(_outputs)

        _tasks = d.pop("tasks", UNSET)
        tasks: Tasks | Unset
        if isinstance(_tasks, Unset):
            tasks = UNSET
        else:
            tasks = Tasks.from_dict(_tasks)

        _groups = d.pop("groups", UNSET)
        groups: TaskGroups | Unset
        if isinstance(_groups, Unset):
            groups = UNSET
        else:
            groups = TaskGroups.from_dict(_groups)

        definition = cls(
            dag_id=dag_id,
            dag_display_name=dag_display_name,
            description=description,
            doc_md=doc_md,
            tags=tags,
            owners=owners,
            params=params,
            schedule=schedule,
            start_date=start_date,
            end_date=end_date,
            catchup=catchup,
            catchup_max=catchup_max,
            max_active_runs=max_active_runs,
            priority=priority,
            concurrency=concurrency,
            debounce=debounce,
            max_active_tasks=max_active_tasks,
            dagrun_timeout=dagrun_timeout,
            fail_fast=fail_fast,
            run_state=run_state,
            deadline=deadline,
            is_paused_upon_creation=is_paused_upon_creation,
            retention=retention,
            notify=notify,
            default_args=default_args,
            outputs=outputs,
            tasks=tasks,
            groups=groups,
        )

        return definition
