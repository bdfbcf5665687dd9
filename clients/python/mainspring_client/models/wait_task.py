from __future__ import annotations

from collections.abc import Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define

from ..models.run_handler import RunHandler
from ..models.trigger_rule import TriggerRule
from ..models.weight_rule import WeightRule
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.callable_check import CallableCheck
    from ..models.command_check import CommandCheck
    from ..models.deadline import Deadline
    from ..models.expand import Expand
    from ..models.file_check import FileCheck
    from ..models.http_request import HttpRequest
    from ..models.output_schemas import OutputSchemas
    from ..models.repeat import Repeat
    from ..models.retry_rule import RetryRule
    from ..models.teardown import Teardown

from ..plain import as_dict

T = TypeVar("T", bound="WaitTask")


@_attrs_define
class WaitTask:
    """
    Attributes:
        type_ (Literal['wait']): Type of the task.
        until (str | Unset): Instant at which the task succeeds.
        for_ (str | Unset): How long the task waits.
        http (HttpRequest | Unset):
        signal (str | Unset): Name of the signal, sent to the run, for which the task waits.
        shell (CommandCheck | Unset):
        python (CallableCheck | Unset):
        file (FileCheck | Unset):
        interval (str | Unset): Time between two checks; 30 s when absent.
        check_timeout (str | Unset): How long one check may take; 30 s when absent, and for `http` as long as a request
            may take.
        timeout (str | Unset): The task fails after it has waited this long.
        soft_fail (bool | Unset): Whether the timeout skips the task instead of failing it.
        depends_on (list[str] | Unset): Ids of the tasks and groups that come directly before the task; a group stands
            for its last tasks.
        when (str | Unset): A condition; false skips the task.
        handler (RunHandler | Unset):
        setup (bool | Unset): Whether the task makes what a tear-down cleans up; false when absent.
        teardown (Teardown | Unset):
        repeat (Repeat | Unset):
        task_display_name (str | Unset): Name that people read.
        description (str | Unset): What the task does, in a sentence.
        doc_md (str | Unset): Documentation in Markdown.
        expand (Expand | Unset):
        key (str | Unset): Text that names each instance of a mapped task, such as `${{ map.region }}`; the map index
            when absent.
        outputs (OutputSchemas | Unset):
        trigger_rule (TriggerRule | Unset):
        owner (str | Unset): Who is responsible for the task. Informative.
        retries (int | Unset): Tries after the first failed try; 0 when absent.
        retry_delay (str | Unset): Time between a failed try and the next try; PT5M when absent.
        retry_backoff (float | Unset): Factor from one delay to the next; 1 when absent.
        max_retry_delay (str | Unset): Upper bound of the delay between two tries.
        retry_jitter (bool | Unset): Draw each delay evenly between nothing and itself.
        retry_deadline (str | Unset): No try starts later than this after the first.
        retry_policy (list[RetryRule] | Unset): The first rule that fits a failure decides.
        execution_timeout (str | Unset): Time limit of one try; no limit when absent.
        queue_timeout (str | Unset): The task fails when it has not started this long after it was handed to its
            executor.
        deadline (Deadline | Unset):
        cancel_grace (str | Unset): Time between the signals TERM and KILL; PT10S when absent.
        max_active_tis (int | Unset): Instances of this task in one run that may be active at one time.
        max_active_tis_per_dag (int | Unset): Instances of this task in all runs of the DAG that may be active at one
            time.
        pool (str | Unset): Pool that the task takes slots of; `default_pool` when absent.
        pool_slots (int | Unset): Slots of the pool that one instance takes; 1 when absent.
        priority_weight (int | Unset): Weight in the order of ready tasks; larger is earlier; 1 when absent.
        weight_rule (WeightRule | Unset):
        queue (str | Unset): Queue whose workers may run the task; `default` when absent.
        executor (str | Unset): Executor that runs the task; the default executor of the scheduler when absent.
        depends_on_past (bool | Unset): Whether the task waits until the same task of the previous run has succeeded or
            was skipped.
        allow_failure (bool | Unset): Whether a failure of the task counts as a success for the downstream and for the
            run; false when absent.
    """

    type_: Literal["wait"]
    until: str | Unset = UNSET
    for_: str | Unset = UNSET
    http: HttpRequest | Unset = UNSET
    signal: str | Unset = UNSET
    shell: CommandCheck | Unset = UNSET
    python: CallableCheck | Unset = UNSET
    file: FileCheck | Unset = UNSET
    interval: str | Unset = UNSET
    check_timeout: str | Unset = UNSET
    timeout: str | Unset = UNSET
    soft_fail: bool | Unset = UNSET
    depends_on: list[str] | Unset = UNSET
    when: str | Unset = UNSET
    handler: RunHandler | Unset = UNSET
    setup: bool | Unset = UNSET
    teardown: Teardown | Unset = UNSET
    repeat: Repeat | Unset = UNSET
    task_display_name: str | Unset = UNSET
    description: str | Unset = UNSET
    doc_md: str | Unset = UNSET
    expand: Expand | Unset = UNSET
    key: str | Unset = UNSET
    outputs: OutputSchemas | Unset = UNSET
    trigger_rule: TriggerRule | Unset = UNSET
    owner: str | Unset = UNSET
    retries: int | Unset = UNSET
    retry_delay: str | Unset = UNSET
    retry_backoff: float | Unset = UNSET
    max_retry_delay: str | Unset = UNSET
    retry_jitter: bool | Unset = UNSET
    retry_deadline: str | Unset = UNSET
    retry_policy: list[RetryRule] | Unset = UNSET
    execution_timeout: str | Unset = UNSET
    queue_timeout: str | Unset = UNSET
    deadline: Deadline | Unset = UNSET
    cancel_grace: str | Unset = UNSET
    max_active_tis: int | Unset = UNSET
    max_active_tis_per_dag: int | Unset = UNSET
    pool: str | Unset = UNSET
    pool_slots: int | Unset = UNSET
    priority_weight: int | Unset = UNSET
    weight_rule: WeightRule | Unset = UNSET
    queue: str | Unset = UNSET
    executor: str | Unset = UNSET
    depends_on_past: bool | Unset = UNSET
    allow_failure: bool | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        until = self.until

        for_ = self.for_

        http: dict[str, Any] | Unset = UNSET
        if not isinstance(self.http, Unset):
            http = as_dict(self.http)

        signal = self.signal

        shell: dict[str, Any] | Unset = UNSET
        if not isinstance(self.shell, Unset):
            shell = as_dict(self.shell)

        python: dict[str, Any] | Unset = UNSET
        if not isinstance(self.python, Unset):
            python = as_dict(self.python)

        file: dict[str, Any] | Unset = UNSET
        if not isinstance(self.file, Unset):
            file = as_dict(self.file)

        interval = self.interval

        check_timeout = self.check_timeout

        timeout = self.timeout

        soft_fail = self.soft_fail

        depends_on: list[str] | Unset = UNSET
        if not isinstance(self.depends_on, Unset):
            depends_on = self.depends_on

        when = self.when

        handler: str | Unset = UNSET
        if not isinstance(self.handler, Unset):
            handler = self.handler.value

        setup = self.setup

        teardown: dict[str, Any] | Unset = UNSET
        if not isinstance(self.teardown, Unset):
            teardown = as_dict(self.teardown)

        repeat: dict[str, Any] | Unset = UNSET
        if not isinstance(self.repeat, Unset):
            repeat = as_dict(self.repeat)

        task_display_name = self.task_display_name

        description = self.description

        doc_md = self.doc_md

        expand: dict[str, Any] | Unset = UNSET
        if not isinstance(self.expand, Unset):
            expand = as_dict(self.expand)

        key = self.key

        outputs: dict[str, Any] | Unset = UNSET
        if not isinstance(self.outputs, Unset):
            outputs = as_dict(self.outputs)

        trigger_rule: str | Unset = UNSET
        if not isinstance(self.trigger_rule, Unset):
            trigger_rule = self.trigger_rule.value

        owner = self.owner

        retries = self.retries

        retry_delay = self.retry_delay

        retry_backoff = self.retry_backoff

        max_retry_delay = self.max_retry_delay

        retry_jitter = self.retry_jitter

        retry_deadline = self.retry_deadline

        retry_policy: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.retry_policy, Unset):
            retry_policy = []
            for retry_policy_item_data in self.retry_policy:
                retry_policy_item = as_dict(retry_policy_item_data)
                retry_policy.append(retry_policy_item)

        execution_timeout = self.execution_timeout

        queue_timeout = self.queue_timeout

        deadline: dict[str, Any] | Unset = UNSET
        if not isinstance(self.deadline, Unset):
            deadline = as_dict(self.deadline)

        cancel_grace = self.cancel_grace

        max_active_tis = self.max_active_tis

        max_active_tis_per_dag = self.max_active_tis_per_dag

        pool = self.pool

        pool_slots = self.pool_slots

        priority_weight = self.priority_weight

        weight_rule: str | Unset = UNSET
        if not isinstance(self.weight_rule, Unset):
            weight_rule = self.weight_rule.value

        queue = self.queue

        executor = self.executor

        depends_on_past = self.depends_on_past

        allow_failure = self.allow_failure

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "type": type_,
            }
        )
        if until is not UNSET:
            field_dict["until"] = until
        if for_ is not UNSET:
            field_dict["for"] = for_
        if http is not UNSET:
            field_dict["http"] = http
        if signal is not UNSET:
            field_dict["signal"] = signal
        if shell is not UNSET:
            field_dict["shell"] = shell
        if python is not UNSET:
            field_dict["python"] = python
        if file is not UNSET:
            field_dict["file"] = file
        if interval is not UNSET:
            field_dict["interval"] = interval
        if check_timeout is not UNSET:
            field_dict["check_timeout"] = check_timeout
        if timeout is not UNSET:
            field_dict["timeout"] = timeout
        if soft_fail is not UNSET:
            field_dict["soft_fail"] = soft_fail
        if depends_on is not UNSET:
            field_dict["depends_on"] = depends_on
        if when is not UNSET:
            field_dict["when"] = when
        if handler is not UNSET:
            field_dict["handler"] = handler
        if setup is not UNSET:
            field_dict["setup"] = setup
        if teardown is not UNSET:
            field_dict["teardown"] = teardown
        if repeat is not UNSET:
            field_dict["repeat"] = repeat
        if task_display_name is not UNSET:
            field_dict["task_display_name"] = task_display_name
        if description is not UNSET:
            field_dict["description"] = description
        if doc_md is not UNSET:
            field_dict["doc_md"] = doc_md
        if expand is not UNSET:
            field_dict["expand"] = expand
        if key is not UNSET:
            field_dict["key"] = key
        if outputs is not UNSET:
            field_dict["outputs"] = outputs
        if trigger_rule is not UNSET:
            field_dict["trigger_rule"] = trigger_rule
        if owner is not UNSET:
            field_dict["owner"] = owner
        if retries is not UNSET:
            field_dict["retries"] = retries
        if retry_delay is not UNSET:
            field_dict["retry_delay"] = retry_delay
        if retry_backoff is not UNSET:
            field_dict["retry_backoff"] = retry_backoff
        if max_retry_delay is not UNSET:
            field_dict["max_retry_delay"] = max_retry_delay
        if retry_jitter is not UNSET:
            field_dict["retry_jitter"] = retry_jitter
        if retry_deadline is not UNSET:
            field_dict["retry_deadline"] = retry_deadline
        if retry_policy is not UNSET:
            field_dict["retry_policy"] = retry_policy
        if execution_timeout is not UNSET:
            field_dict["execution_timeout"] = execution_timeout
        if queue_timeout is not UNSET:
            field_dict["queue_timeout"] = queue_timeout
        if deadline is not UNSET:
            field_dict["deadline"] = deadline
        if cancel_grace is not UNSET:
            field_dict["cancel_grace"] = cancel_grace
        if max_active_tis is not UNSET:
            field_dict["max_active_tis"] = max_active_tis
        if max_active_tis_per_dag is not UNSET:
            field_dict["max_active_tis_per_dag"] = max_active_tis_per_dag
        if pool is not UNSET:
            field_dict["pool"] = pool
        if pool_slots is not UNSET:
            field_dict["pool_slots"] = pool_slots
        if priority_weight is not UNSET:
            field_dict["priority_weight"] = priority_weight
        if weight_rule is not UNSET:
            field_dict["weight_rule"] = weight_rule
        if queue is not UNSET:
            field_dict["queue"] = queue
        if executor is not UNSET:
            field_dict["executor"] = executor
        if depends_on_past is not UNSET:
            field_dict["depends_on_past"] = depends_on_past
        if allow_failure is not UNSET:
            field_dict["allow_failure"] = allow_failure

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.callable_check import CallableCheck  # noqa: PLC0415
        from ..models.command_check import CommandCheck  # noqa: PLC0415
        from ..models.deadline import Deadline  # noqa: PLC0415
        from ..models.expand import Expand  # noqa: PLC0415
        from ..models.file_check import FileCheck  # noqa: PLC0415
        from ..models.http_request import HttpRequest  # noqa: PLC0415
        from ..models.output_schemas import OutputSchemas  # noqa: PLC0415
        from ..models.repeat import Repeat  # noqa: PLC0415
        from ..models.retry_rule import RetryRule  # noqa: PLC0415
        from ..models.teardown import Teardown  # noqa: PLC0415

        d = dict(src_dict)
        type_ = cast(Literal["wait"], d.pop("type"))
        if type_ != "wait":
            raise ValueError(f"type must match const 'wait', got '{type_}'")

        until = d.pop("until", UNSET)

        for_ = d.pop("for", UNSET)

        _http = d.pop("http", UNSET)
        http: HttpRequest | Unset
        if isinstance(_http, Unset):
            http = UNSET
        else:
            http = HttpRequest.from_dict(_http)

        signal = d.pop("signal", UNSET)

        _shell = d.pop("shell", UNSET)
        shell: CommandCheck | Unset
        if isinstance(_shell, Unset):
            shell = UNSET
        else:
            shell = CommandCheck.from_dict(_shell)

        _python = d.pop("python", UNSET)
        python: CallableCheck | Unset
        if isinstance(_python, Unset):
            python = UNSET
        else:
            python = CallableCheck.from_dict(_python)

        _file = d.pop("file", UNSET)
        file: FileCheck | Unset
        if isinstance(_file, Unset):
            file = UNSET
        else:
            file = FileCheck.from_dict(_file)

        interval = d.pop("interval", UNSET)

        check_timeout = d.pop("check_timeout", UNSET)

        timeout = d.pop("timeout", UNSET)

        soft_fail = d.pop("soft_fail", UNSET)

        depends_on = cast(list[str], d.pop("depends_on", UNSET))

        when = d.pop("when", UNSET)

        _handler = d.pop("handler", UNSET)
        handler: RunHandler | Unset
        if isinstance(_handler, Unset):
            handler = UNSET
        else:
            handler = RunHandler(_handler)

        setup = d.pop("setup", UNSET)

        _teardown = d.pop("teardown", UNSET)
        teardown: Teardown | Unset
        if isinstance(_teardown, Unset):
            teardown = UNSET
        else:
            teardown = Teardown.from_dict(_teardown)

        _repeat = d.pop("repeat", UNSET)
        repeat: Repeat | Unset
        if isinstance(_repeat, Unset):
            repeat = UNSET
        else:
            repeat = Repeat.from_dict(_repeat)

        task_display_name = d.pop("task_display_name", UNSET)

        description = d.pop("description", UNSET)

        doc_md = d.pop("doc_md", UNSET)

        _expand = d.pop("expand", UNSET)
        expand: Expand | Unset
        if isinstance(_expand, Unset):
            expand = UNSET
        else:
            expand = Expand.from_dict(_expand)

        key = d.pop("key", UNSET)

        _outputs = d.pop("outputs", UNSET)
        outputs: OutputSchemas | Unset
        if isinstance(_outputs, Unset):
            outputs = UNSET
        else:
            outputs = OutputSchemas.from_dict(_outputs)

        _trigger_rule = d.pop("trigger_rule", UNSET)
        trigger_rule: TriggerRule | Unset
        if isinstance(_trigger_rule, Unset):
            trigger_rule = UNSET
        else:
            trigger_rule = TriggerRule(_trigger_rule)

        owner = d.pop("owner", UNSET)

        retries = d.pop("retries", UNSET)

        retry_delay = d.pop("retry_delay", UNSET)

        retry_backoff = d.pop("retry_backoff", UNSET)

        max_retry_delay = d.pop("max_retry_delay", UNSET)

        retry_jitter = d.pop("retry_jitter", UNSET)

        retry_deadline = d.pop("retry_deadline", UNSET)

        _retry_policy = d.pop("retry_policy", UNSET)
        retry_policy: list[RetryRule] | Unset = UNSET
        if _retry_policy is not UNSET:
            retry_policy = []
            for retry_policy_item_data in _retry_policy:
                retry_policy_item = RetryRule.from_dict(retry_policy_item_data)

                retry_policy.append(retry_policy_item)

        execution_timeout = d.pop("execution_timeout", UNSET)

        queue_timeout = d.pop("queue_timeout", UNSET)

        _deadline = d.pop("deadline", UNSET)
        deadline: Deadline | Unset
        if isinstance(_deadline, Unset):
            deadline = UNSET
        else:
            deadline = Deadline.from_dict(_deadline)

        cancel_grace = d.pop("cancel_grace", UNSET)

        max_active_tis = d.pop("max_active_tis", UNSET)

        max_active_tis_per_dag = d.pop("max_active_tis_per_dag", UNSET)

        pool = d.pop("pool", UNSET)

        pool_slots = d.pop("pool_slots", UNSET)

        priority_weight = d.pop("priority_weight", UNSET)

        _weight_rule = d.pop("weight_rule", UNSET)
        weight_rule: WeightRule | Unset
        if isinstance(_weight_rule, Unset):
            weight_rule = UNSET
        else:
            weight_rule = WeightRule(_weight_rule)

        queue = d.pop("queue", UNSET)

        executor = d.pop("executor", UNSET)

        depends_on_past = d.pop("depends_on_past", UNSET)

        allow_failure = d.pop("allow_failure", UNSET)

        wait_task = cls(
            type_=type_,
            until=until,
            for_=for_,
            http=http,
            signal=signal,
            shell=shell,
            python=python,
            file=file,
            interval=interval,
            check_timeout=check_timeout,
            timeout=timeout,
            soft_fail=soft_fail,
            depends_on=depends_on,
            when=when,
            handler=handler,
            setup=setup,
            teardown=teardown,
            repeat=repeat,
            task_display_name=task_display_name,
            description=description,
            doc_md=doc_md,
            expand=expand,
            key=key,
            outputs=outputs,
            trigger_rule=trigger_rule,
            owner=owner,
            retries=retries,
            retry_delay=retry_delay,
            retry_backoff=retry_backoff,
            max_retry_delay=max_retry_delay,
            retry_jitter=retry_jitter,
            retry_deadline=retry_deadline,
            retry_policy=retry_policy,
            execution_timeout=execution_timeout,
            queue_timeout=queue_timeout,
            deadline=deadline,
            cancel_grace=cancel_grace,
            max_active_tis=max_active_tis,
            max_active_tis_per_dag=max_active_tis_per_dag,
            pool=pool,
            pool_slots=pool_slots,
            priority_weight=priority_weight,
            weight_rule=weight_rule,
            queue=queue,
            executor=executor,
            depends_on_past=depends_on_past,
            allow_failure=allow_failure,
        )

        return wait_task
