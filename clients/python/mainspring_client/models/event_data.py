from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="EventData")


@_attrs_define
class EventData:
    """
    Attributes:
        at (datetime.datetime | Unset): Instant of the change
        dag_id (str | Unset): Identifier of the DAG
        dag_run_id (str | Unset): Identifier of the run within its DAG
        task_id (str | Unset): Identifier of the task within its DAG
        map_index (int | Unset): Position among the instances of a mapped task; -1 = not mapped
        try_number (int | None | Unset): Number of the try, from 1
        state (str | Unset): The new state; `deleted` where the subject is gone
        state_reason (None | str | Unset): Code of the cause of the state; null = none
        seq (int | Unset): Number of the change in its run: 0 = the creation, then from 1 without gaps
        run_after (datetime.datetime | Unset): The earliest start that a user gave to a run, in `changed`
        priority (int | Unset): The priority that a user gave to a run, in `changed`
        version_number (int | Unset): Version of the saved DAG
        backfill_id (int | Unset): Identifier of the backfill
        pool (str | Unset): Name of the pool
        choice (str | Unset): The answer to the approval
        signal (str | Unset): Name of the signal Example: paid.
        worker_id (str | Unset): Identifier of the worker
        hostname (str | Unset): Host of the worker
        queue (str | Unset): Queue of the worker
        reason (str | Unset): Why everything must be read again: `too_old` or `too_slow`
    """

    at: datetime.datetime | Unset = UNSET
    dag_id: str | Unset = UNSET
    dag_run_id: str | Unset = UNSET
    task_id: str | Unset = UNSET
    map_index: int | Unset = UNSET
    try_number: int | None | Unset = UNSET
    state: str | Unset = UNSET
    state_reason: None | str | Unset = UNSET
    seq: int | Unset = UNSET
    run_after: datetime.datetime | Unset = UNSET
    priority: int | Unset = UNSET
    version_number: int | Unset = UNSET
    backfill_id: int | Unset = UNSET
    pool: str | Unset = UNSET
    choice: str | Unset = UNSET
    signal: str | Unset = UNSET
    worker_id: str | Unset = UNSET
    hostname: str | Unset = UNSET
    queue: str | Unset = UNSET
    reason: str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        at: str | Unset = UNSET
        if not isinstance(self.at, Unset):
            at = self.at.isoformat()

        dag_id = self.dag_id

        dag_run_id = self.dag_run_id

        task_id = self.task_id

        map_index = self.map_index

        try_number: int | None | Unset
        if isinstance(self.try_number, Unset):
            try_number = UNSET
        else:
            try_number = self.try_number

        state = self.state

        state_reason: None | str | Unset
        if isinstance(self.state_reason, Unset):
            state_reason = UNSET
        else:
            state_reason = self.state_reason

        seq = self.seq

        run_after: str | Unset = UNSET
        if not isinstance(self.run_after, Unset):
            run_after = self.run_after.isoformat()

        priority = self.priority

        version_number = self.version_number

        backfill_id = self.backfill_id

        pool = self.pool

        choice = self.choice

        signal = self.signal

        worker_id = self.worker_id

        hostname = self.hostname

        queue = self.queue

        reason = self.reason

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if at is not UNSET:
            field_dict["at"] = at
        if dag_id is not UNSET:
            field_dict["dag_id"] = dag_id
        if dag_run_id is not UNSET:
            field_dict["dag_run_id"] = dag_run_id
        if task_id is not UNSET:
            field_dict["task_id"] = task_id
        if map_index is not UNSET:
            field_dict["map_index"] = map_index
        if try_number is not UNSET:
            field_dict["try_number"] = try_number
        if state is not UNSET:
            field_dict["state"] = state
        if state_reason is not UNSET:
            field_dict["state_reason"] = state_reason
        if seq is not UNSET:
            field_dict["seq"] = seq
        if run_after is not UNSET:
            field_dict["run_after"] = run_after
        if priority is not UNSET:
            field_dict["priority"] = priority
        if version_number is not UNSET:
            field_dict["version_number"] = version_number
        if backfill_id is not UNSET:
            field_dict["backfill_id"] = backfill_id
        if pool is not UNSET:
            field_dict["pool"] = pool
        if choice is not UNSET:
            field_dict["choice"] = choice
        if signal is not UNSET:
            field_dict["signal"] = signal
        if worker_id is not UNSET:
            field_dict["worker_id"] = worker_id
        if hostname is not UNSET:
            field_dict["hostname"] = hostname
        if queue is not UNSET:
            field_dict["queue"] = queue
        if reason is not UNSET:
            field_dict["reason"] = reason

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _at = d.pop("at", UNSET)
        at: datetime.datetime | Unset
        if isinstance(_at, Unset):
            at = UNSET
        else:
            at = datetime.datetime.fromisoformat(_at)

        dag_id = d.pop("dag_id", UNSET)

        dag_run_id = d.pop("dag_run_id", UNSET)

        task_id = d.pop("task_id", UNSET)

        map_index = d.pop("map_index", UNSET)

        def _parse_try_number(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        try_number = _parse_try_number(d.pop("try_number", UNSET))

        state = d.pop("state", UNSET)

        def _parse_state_reason(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        state_reason = _parse_state_reason(d.pop("state_reason", UNSET))

        seq = d.pop("seq", UNSET)

        _run_after = d.pop("run_after", UNSET)
        run_after: datetime.datetime | Unset
        if isinstance(_run_after, Unset):
            run_after = UNSET
        else:
            run_after = datetime.datetime.fromisoformat(_run_after)

        priority = d.pop("priority", UNSET)

        version_number = d.pop("version_number", UNSET)

        backfill_id = d.pop("backfill_id", UNSET)

        pool = d.pop("pool", UNSET)

        choice = d.pop("choice", UNSET)

        signal = d.pop("signal", UNSET)

        worker_id = d.pop("worker_id", UNSET)

        hostname = d.pop("hostname", UNSET)

        queue = d.pop("queue", UNSET)

        reason = d.pop("reason", UNSET)

        event_data = cls(
            at=at,
            dag_id=dag_id,
            dag_run_id=dag_run_id,
            task_id=task_id,
            map_index=map_index,
            try_number=try_number,
            state=state,
            state_reason=state_reason,
            seq=seq,
            run_after=run_after,
            priority=priority,
            version_number=version_number,
            backfill_id=backfill_id,
            pool=pool,
            choice=choice,
            signal=signal,
            worker_id=worker_id,
            hostname=hostname,
            queue=queue,
            reason=reason,
        )

        return event_data
