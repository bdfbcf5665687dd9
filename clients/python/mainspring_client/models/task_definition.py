from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.run_handler import RunHandler
from ..models.setup_teardown_type import SetupTeardownType

if TYPE_CHECKING:
    from ..models.json_object import JsonObject
    from ..models.time_delta import TimeDelta

from ..plain import as_dict

T = TypeVar("T", bound="TaskDefinition")


@_attrs_define
class TaskDefinition:
    """
    Attributes:
        task_id (None | str): Identifier of the task within its DAG
        task_display_name (None | str): Name of the task for people
        owner (str): Owner of the task; `mainspring` where the definition names none
        start_date (datetime.datetime | None): Always null: tasks have no dates of their own
        end_date (datetime.datetime | None): Always null: tasks have no dates of their own
        trigger_rule (None | str): States of the direct upstream that let the task run
        handler (None | RunHandler): End of the run after which the task runs; null = the task is no handler of the run
        setup_teardown_type (None | SetupTeardownType): Whether the task is a set-up or a tear-down; null = neither
        depends_on_past (bool): Whether an instance waits until the task has succeeded in the previous run
        wait_for_downstream (bool): Always false
        retries (int | None): Tries after the first failed try
        queue (None | str): Queue whose workers may run the task
        pool (None | str): Pool whose slots the task takes
        pool_slots (int | None): Slots of the pool that an instance takes
        execution_timeout (None | TimeDelta): Time limit of a try; null = none
        retry_delay (None | TimeDelta): Time between a failed try and the next try
        retry_exponential_backoff (float): Factor from one delay to the next; 0 = constant delay
        priority_weight (int | None): Weight in the order of ready tasks; larger is earlier
        weight_rule (None | str): Rule that adds the weights of neighbours to the priority
        ui_color (str): Always `#fff`
        ui_fgcolor (str): Always `#000`
        template_fields (list[str] | None): Always empty
        downstream_task_ids (list[str] | None): Identifiers of the tasks directly downstream
        doc_md (None | str): Documentation in Markdown; null = none
        operator_name (None | str): Type of the task
        params (JsonObject | None): Always empty: a DAG has parameters, a task has none
        class_ref (JsonObject):
        is_mapped (bool | None): Whether the task has an instance for each item of a list
        extra_links (list[str]): Always empty
    """

    task_id: None | str
    task_display_name: None | str
    owner: str
    start_date: datetime.datetime | None
    end_date: datetime.datetime | None
    trigger_rule: None | str
    handler: None | RunHandler
    setup_teardown_type: None | SetupTeardownType
    depends_on_past: bool
    wait_for_downstream: bool
    retries: int | None
    queue: None | str
    pool: None | str
    pool_slots: int | None
    execution_timeout: None | TimeDelta
    retry_delay: None | TimeDelta
    retry_exponential_backoff: float
    priority_weight: int | None
    weight_rule: None | str
    ui_color: str
    ui_fgcolor: str
    template_fields: list[str] | None
    downstream_task_ids: list[str] | None
    doc_md: None | str
    operator_name: None | str
    params: JsonObject | None
    class_ref: JsonObject
    is_mapped: bool | None
    extra_links: list[str]
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.json_object import JsonObject  # noqa: PLC0415
        from ..models.time_delta import TimeDelta  # noqa: PLC0415

        task_id: None | str
        task_id = self.task_id

        task_display_name: None | str
        task_display_name = self.task_display_name

        owner = self.owner

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

        trigger_rule: None | str
        trigger_rule = self.trigger_rule

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

        depends_on_past = self.depends_on_past

        wait_for_downstream = self.wait_for_downstream

        retries: int | None
        retries = self.retries

        queue: None | str
        queue = self.queue

        pool: None | str
        pool = self.pool

        pool_slots: int | None
        pool_slots = self.pool_slots

        execution_timeout: dict[str, Any] | None
        if isinstance(self.execution_timeout, TimeDelta):
            execution_timeout = as_dict(self.execution_timeout)
        else:
            execution_timeout = self.execution_timeout

        retry_delay: dict[str, Any] | None
        if isinstance(self.retry_delay, TimeDelta):
            retry_delay = as_dict(self.retry_delay)
        else:
            retry_delay = self.retry_delay

        retry_exponential_backoff = self.retry_exponential_backoff

        priority_weight: int | None
        priority_weight = self.priority_weight

        weight_rule: None | str
        weight_rule = self.weight_rule

        ui_color = self.ui_color

        ui_fgcolor = self.ui_fgcolor

        template_fields: list[str] | None
        if isinstance(self.template_fields, list):
            template_fields = self.template_fields

        else:
            template_fields = self.template_fields

        downstream_task_ids: list[str] | None
        if isinstance(self.downstream_task_ids, list):
            downstream_task_ids = self.downstream_task_ids

        else:
            downstream_task_ids = self.downstream_task_ids

        doc_md: None | str
        doc_md = self.doc_md

        operator_name: None | str
        operator_name = self.operator_name

        params: dict[str, Any] | None
        if isinstance(self.params, JsonObject):
            params = as_dict(self.params)
        else:
            params = self.params

        class_ref = as_dict(self.class_ref)

        is_mapped: bool | None
        is_mapped = self.is_mapped

        extra_links = self.extra_links

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "task_id": task_id,
                "task_display_name": task_display_name,
                "owner": owner,
                "start_date": start_date,
                "end_date": end_date,
                "trigger_rule": trigger_rule,
                "handler": handler,
                "setup_teardown_type": setup_teardown_type,
                "depends_on_past": depends_on_past,
                "wait_for_downstream": wait_for_downstream,
                "retries": retries,
                "queue": queue,
                "pool": pool,
                "pool_slots": pool_slots,
                "execution_timeout": execution_timeout,
                "retry_delay": retry_delay,
                "retry_exponential_backoff": retry_exponential_backoff,
                "priority_weight": priority_weight,
                "weight_rule": weight_rule,
                "ui_color": ui_color,
                "ui_fgcolor": ui_fgcolor,
                "template_fields": template_fields,
                "downstream_task_ids": downstream_task_ids,
                "doc_md": doc_md,
                "operator_name": operator_name,
                "params": params,
                "class_ref": class_ref,
                "is_mapped": is_mapped,
                "extra_links": extra_links,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.json_object import JsonObject  # noqa: PLC0415
        from ..models.time_delta import TimeDelta  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_task_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        task_id = _parse_task_id(d.pop("task_id"))

        def _parse_task_display_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        task_display_name = _parse_task_display_name(d.pop("task_display_name"))

        owner = d.pop("owner")

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

        def _parse_trigger_rule(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        trigger_rule = _parse_trigger_rule(d.pop("trigger_rule"))

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

        depends_on_past = d.pop("depends_on_past")

        wait_for_downstream = d.pop("wait_for_downstream")

        def _parse_retries(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        retries = _parse_retries(d.pop("retries"))

        def _parse_queue(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        queue = _parse_queue(d.pop("queue"))

        def _parse_pool(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        pool = _parse_pool(d.pop("pool"))

        def _parse_pool_slots(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        pool_slots = _parse_pool_slots(d.pop("pool_slots"))

        def _parse_execution_timeout(data: object) -> None | TimeDelta:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                execution_timeout_type_0 = TimeDelta.from_dict(data)

                return execution_timeout_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | TimeDelta, data)

        execution_timeout = _parse_execution_timeout(d.pop("execution_timeout"))

        def _parse_retry_delay(data: object) -> None | TimeDelta:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                retry_delay_type_0 = TimeDelta.from_dict(data)

                return retry_delay_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | TimeDelta, data)

        retry_delay = _parse_retry_delay(d.pop("retry_delay"))

        retry_exponential_backoff = d.pop("retry_exponential_backoff")

        def _parse_priority_weight(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        priority_weight = _parse_priority_weight(d.pop("priority_weight"))

        def _parse_weight_rule(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        weight_rule = _parse_weight_rule(d.pop("weight_rule"))

        ui_color = d.pop("ui_color")

        ui_fgcolor = d.pop("ui_fgcolor")

        def _parse_template_fields(data: object) -> list[str] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                template_fields_type_0 = cast(list[str], data)

                return template_fields_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None, data)

        template_fields = _parse_template_fields(d.pop("template_fields"))

        def _parse_downstream_task_ids(data: object) -> list[str] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                downstream_task_ids_type_0 = cast(list[str], data)

                return downstream_task_ids_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None, data)

        downstream_task_ids = _parse_downstream_task_ids(d.pop("downstream_task_ids"))

        def _parse_doc_md(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        doc_md = _parse_doc_md(d.pop("doc_md"))

        def _parse_operator_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        operator_name = _parse_operator_name(d.pop("operator_name"))

        def _parse_params(data: object) -> JsonObject | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                params_type_0 = JsonObject.from_dict(data)

                return params_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(JsonObject | None, data)

        params = _parse_params(d.pop("params"))

        class_ref = JsonObject.from_dict(d.pop("class_ref"))

        def _parse_is_mapped(data: object) -> bool | None:
            if data is None:
                return data
            return cast(bool | None, data)

        is_mapped = _parse_is_mapped(d.pop("is_mapped"))

        extra_links = cast(list[str], d.pop("extra_links"))

        task_definition = cls(
            task_id=task_id,
            task_display_name=task_display_name,
            owner=owner,
            start_date=start_date,
            end_date=end_date,
            trigger_rule=trigger_rule,
            handler=handler,
            setup_teardown_type=setup_teardown_type,
            depends_on_past=depends_on_past,
            wait_for_downstream=wait_for_downstream,
            retries=retries,
            queue=queue,
            pool=pool,
            pool_slots=pool_slots,
            execution_timeout=execution_timeout,
            retry_delay=retry_delay,
            retry_exponential_backoff=retry_exponential_backoff,
            priority_weight=priority_weight,
            weight_rule=weight_rule,
            ui_color=ui_color,
            ui_fgcolor=ui_fgcolor,
            template_fields=template_fields,
            downstream_task_ids=downstream_task_ids,
            doc_md=doc_md,
            operator_name=operator_name,
            params=params,
            class_ref=class_ref,
            is_mapped=is_mapped,
            extra_links=extra_links,
        )

        task_definition.additional_properties = d
        return task_definition

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
