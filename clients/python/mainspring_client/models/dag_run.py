from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.dag_run_state import DagRunState
from ..models.dag_run_type import DagRunType

if TYPE_CHECKING:
    from ..models.dag_version import DagVersion
    from ..models.json_object import JsonObject
    from ..models.run_source import RunSource

from ..plain import as_dict

T = TypeVar("T", bound="DagRun")


@_attrs_define
class DagRun:
    """
    Attributes:
        dag_run_id (str): Identifier of the run within its DAG
        dag_id (str): Identifier of the DAG
        dag_display_name (str): Name of the DAG for people
        run_type (DagRunType):
        state (DagRunState):
        state_reason (None | str): Code of the cause of the state; null = none
        is_finished (bool): Whether the run has ended: `success` or `failed`
        message (None | str): Cause of the state in a sentence; null = none
        conf (JsonObject | None): Object that the trigger sent
        params (JsonObject):
        outputs (JsonObject | None): Outputs that the DAG declares; null until the run has ended
        logical_date (datetime.datetime | None): Instant that the run stands for; null = none
        data_interval_start (datetime.datetime | None): Start of the interval that the run covers, inclusive
        data_interval_end (datetime.datetime | None): End of the interval that the run covers, exclusive
        run_after (datetime.datetime): Earliest start of the run
        queued_at (datetime.datetime | None): Instant at which the run was queued
        start_date (datetime.datetime | None): Start of the execution; null = not started
        end_date (datetime.datetime | None): End of the execution; null = not ended
        duration (float | None): Time from start to end, in seconds; null while the run lasts
        late_since (datetime.datetime | None): Instant at which the run missed its deadline; null = not late
        tasks_failed (int): Number of task instances that are `failed` or `upstream_failed`; a run that succeeded may
            have some, by `allow_failure`
        last_scheduling_decision (datetime.datetime | None): Instant of the scheduler's latest decision on the run; null
            = none yet
        triggered_by (None | str): Kind of the trigger, such as `rest_api`, `timetable` or `backfill`; null = unknown
        triggering_user_name (None | str): Name of the user or token that made the run; null = the scheduler
        note (None | str): Text that a person attached
        is_paused (bool): Whether a user paused the run: no further task of it starts
        is_merged (bool): In the answer of a trigger: whether `debounce` made the trigger join this run
        priority (int): Runs with a higher priority, and their tasks, start first where places are short
        concurrency_key (None | str): Evaluated `concurrency.key` of the DAG; null = no key limits the run
        keep (bool): Whether the run stays for ever: retention never deletes the run
        sources (list[RunSource]): Ends of runs of other DAGs that made the run, oldest first, as far as the caller sees
            these DAGs; empty = something else made the run
        dag_versions (list[DagVersion]): Version of the DAG that the run executes, as a list of one
        bundle_version (None | str): Always null: a version has no bundle of its own; its DAG has
        partition_key (None | str): Always null: no DAG is partitioned
        partition_date (datetime.datetime | None): Always null: no DAG is partitioned
    """

    dag_run_id: str
    dag_id: str
    dag_display_name: str
    run_type: DagRunType
    state: DagRunState
    state_reason: None | str
    is_finished: bool
    message: None | str
    conf: JsonObject | None
    params: JsonObject
    outputs: JsonObject | None
    logical_date: datetime.datetime | None
    data_interval_start: datetime.datetime | None
    data_interval_end: datetime.datetime | None
    run_after: datetime.datetime
    queued_at: datetime.datetime | None
    start_date: datetime.datetime | None
    end_date: datetime.datetime | None
    duration: float | None
    late_since: datetime.datetime | None
    tasks_failed: int
    last_scheduling_decision: datetime.datetime | None
    triggered_by: None | str
    triggering_user_name: None | str
    note: None | str
    is_paused: bool
    is_merged: bool
    priority: int
    concurrency_key: None | str
    keep: bool
    sources: list[RunSource]
    dag_versions: list[DagVersion]
    bundle_version: None | str
    partition_key: None | str
    partition_date: datetime.datetime | None
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.json_object import JsonObject  # noqa: PLC0415

        dag_run_id = self.dag_run_id

        dag_id = self.dag_id

        dag_display_name = self.dag_display_name

        run_type = self.run_type.value

        state = self.state.value

        state_reason: None | str
        state_reason = self.state_reason

        is_finished = self.is_finished

        message: None | str
        message = self.message

        conf: dict[str, Any] | None
        if isinstance(self.conf, JsonObject):
            conf = as_dict(self.conf)
        else:
            conf = self.conf

        params = as_dict(self.params)

        outputs: dict[str, Any] | None
        if isinstance(self.outputs, JsonObject):
            outputs = as_dict(self.outputs)
        else:
            outputs = self.outputs

        logical_date: None | str
        if isinstance(self.logical_date, datetime.datetime):
            logical_date = self.logical_date.isoformat()
        else:
            logical_date = self.logical_date

        data_interval_start: None | str
        if isinstance(self.data_interval_start, datetime.datetime):
            data_interval_start = self.data_interval_start.isoformat()
        else:
            data_interval_start = self.data_interval_start

        data_interval_end: None | str
        if isinstance(self.data_interval_end, datetime.datetime):
            data_interval_end = self.data_interval_end.isoformat()
        else:
            data_interval_end = self.data_interval_end

        run_after = self.run_after.isoformat()

        queued_at: None | str
        if isinstance(self.queued_at, datetime.datetime):
            queued_at = self.queued_at.isoformat()
        else:
            queued_at = self.queued_at

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

        late_since: None | str
        if isinstance(self.late_since, datetime.datetime):
            late_since = self.late_since.isoformat()
        else:
            late_since = self.late_since

        tasks_failed = self.tasks_failed

        last_scheduling_decision: None | str
        if isinstance(self.last_scheduling_decision, datetime.datetime):
            last_scheduling_decision = self.last_scheduling_decision.isoformat()
        else:
            last_scheduling_decision = self.last_scheduling_decision

        triggered_by: None | str
        triggered_by = self.triggered_by

        triggering_user_name: None | str
        triggering_user_name = self.triggering_user_name

        note: None | str
        note = self.note

        is_paused = self.is_paused

        is_merged = self.is_merged

        priority = self.priority

        concurrency_key: None | str
        concurrency_key = self.concurrency_key

        keep = self.keep

        sources = []
        for sources_item_data in self.sources:
            sources_item = as_dict(sources_item_data)
            sources.append(sources_item)

        dag_versions = []
        for dag_versions_item_data in self.dag_versions:
            dag_versions_item = as_dict(dag_versions_item_data)
            dag_versions.append(dag_versions_item)

        bundle_version: None | str
        bundle_version = self.bundle_version

        partition_key: None | str
        partition_key = self.partition_key

        partition_date: None | str
        if isinstance(self.partition_date, datetime.datetime):
            partition_date = self.partition_date.isoformat()
        else:
            partition_date = self.partition_date

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "dag_run_id": dag_run_id,
                "dag_id": dag_id,
                "dag_display_name": dag_display_name,
                "run_type": run_type,
                "state": state,
                "state_reason": state_reason,
                "is_finished": is_finished,
                "message": message,
                "conf": conf,
                "params": params,
                "outputs": outputs,
                "logical_date": logical_date,
                "data_interval_start": data_interval_start,
                "data_interval_end": data_interval_end,
                "run_after": run_after,
                "queued_at": queued_at,
                "start_date": start_date,
                "end_date": end_date,
                "duration": duration,
                "late_since": late_since,
                "tasks_failed": tasks_failed,
                "last_scheduling_decision": last_scheduling_decision,
                "triggered_by": triggered_by,
                "triggering_user_name": triggering_user_name,
                "note": note,
                "is_paused": is_paused,
                "is_merged": is_merged,
                "priority": priority,
                "concurrency_key": concurrency_key,
                "keep": keep,
                "sources": sources,
                "dag_versions": dag_versions,
                "bundle_version": bundle_version,
                "partition_key": partition_key,
                "partition_date": partition_date,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.dag_version import DagVersion  # noqa: PLC0415
        from ..models.json_object import JsonObject  # noqa: PLC0415
        from ..models.run_source import RunSource  # noqa: PLC0415

        d = dict(src_dict)
        dag_run_id = d.pop("dag_run_id")

        dag_id = d.pop("dag_id")

        dag_display_name = d.pop("dag_display_name")

        run_type = DagRunType(d.pop("run_type"))

        state = DagRunState(d.pop("state"))

        def _parse_state_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        state_reason = _parse_state_reason(d.pop("state_reason"))

        is_finished = d.pop("is_finished")

        def _parse_message(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        message = _parse_message(d.pop("message"))

        def _parse_conf(data: object) -> JsonObject | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                conf_type_0 = JsonObject.from_dict(data)

                return conf_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(JsonObject | None, data)

        conf = _parse_conf(d.pop("conf"))

        params = JsonObject.from_dict(d.pop("params"))

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

        def _parse_logical_date(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                logical_date_type_0 = datetime.datetime.fromisoformat(data)

                return logical_date_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        logical_date = _parse_logical_date(d.pop("logical_date"))

        def _parse_data_interval_start(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                data_interval_start_type_0 = datetime.datetime.fromisoformat(data)

                return data_interval_start_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        data_interval_start = _parse_data_interval_start(d.pop("data_interval_start"))

        def _parse_data_interval_end(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                data_interval_end_type_0 = datetime.datetime.fromisoformat(data)

                return data_interval_end_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        data_interval_end = _parse_data_interval_end(d.pop("data_interval_end"))

        run_after = datetime.datetime.fromisoformat(d.pop("run_after"))

        def _parse_queued_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                queued_at_type_0 = datetime.datetime.fromisoformat(data)

                return queued_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        queued_at = _parse_queued_at(d.pop("queued_at"))

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

        def _parse_late_since(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                late_since_type_0 = datetime.datetime.fromisoformat(data)

                return late_since_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        late_since = _parse_late_since(d.pop("late_since"))

        tasks_failed = d.pop("tasks_failed")

        def _parse_last_scheduling_decision(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_scheduling_decision_type_0 = datetime.datetime.fromisoformat(data)

                return last_scheduling_decision_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        last_scheduling_decision = _parse_last_scheduling_decision(d.pop("last_scheduling_decision"))

        def _parse_triggered_by(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        triggered_by = _parse_triggered_by(d.pop("triggered_by"))

        def _parse_triggering_user_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        triggering_user_name = _parse_triggering_user_name(d.pop("triggering_user_name"))

        def _parse_note(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        note = _parse_note(d.pop("note"))

        is_paused = d.pop("is_paused")

        is_merged = d.pop("is_merged")

        priority = d.pop("priority")

        def _parse_concurrency_key(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        concurrency_key = _parse_concurrency_key(d.pop("concurrency_key"))

        keep = d.pop("keep")

        sources = []
        _sources = d.pop("sources")
        for sources_item_data in _sources:
            sources_item = RunSource.from_dict(sources_item_data)

            sources.append(sources_item)

        dag_versions = []
        _dag_versions = d.pop("dag_versions")
        for dag_versions_item_data in _dag_versions:
            dag_versions_item = DagVersion.from_dict(dag_versions_item_data)

            dag_versions.append(dag_versions_item)

        def _parse_bundle_version(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        bundle_version = _parse_bundle_version(d.pop("bundle_version"))

        def _parse_partition_key(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        partition_key = _parse_partition_key(d.pop("partition_key"))

        def _parse_partition_date(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                partition_date_type_0 = datetime.datetime.fromisoformat(data)

                return partition_date_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        partition_date = _parse_partition_date(d.pop("partition_date"))

        dag_run = cls(
            dag_run_id=dag_run_id,
            dag_id=dag_id,
            dag_display_name=dag_display_name,
            run_type=run_type,
            state=state,
            state_reason=state_reason,
            is_finished=is_finished,
            message=message,
            conf=conf,
            params=params,
            outputs=outputs,
            logical_date=logical_date,
            data_interval_start=data_interval_start,
            data_interval_end=data_interval_end,
            run_after=run_after,
            queued_at=queued_at,
            start_date=start_date,
            end_date=end_date,
            duration=duration,
            late_since=late_since,
            tasks_failed=tasks_failed,
            last_scheduling_decision=last_scheduling_decision,
            triggered_by=triggered_by,
            triggering_user_name=triggering_user_name,
            note=note,
            is_paused=is_paused,
            is_merged=is_merged,
            priority=priority,
            concurrency_key=concurrency_key,
            keep=keep,
            sources=sources,
            dag_versions=dag_versions,
            bundle_version=bundle_version,
            partition_key=partition_key,
            partition_date=partition_date,
        )

        dag_run.additional_properties = d
        return dag_run

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
