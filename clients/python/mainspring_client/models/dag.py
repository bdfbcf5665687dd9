from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.dag_run_type import DagRunType

if TYPE_CHECKING:
    from ..models.dag_tag import DagTag

from ..plain import as_dict

T = TypeVar("T", bound="Dag")


@_attrs_define
class Dag:
    """
    Attributes:
        dag_id (str): Identifier of the DAG
        dag_display_name (str): Name of the DAG for people
        is_paused (bool): Pause of the DAG: no run starts, and the schedule makes no runs
        is_stale (bool): Whether its bundle no longer has the DAG; a save makes the DAG current again
        last_parsed_time (datetime.datetime | None): Instant of the latest change of the DAG
        last_parse_duration (float | None): Always null: the server parses no files
        last_expired (datetime.datetime | None): Always null: DAGs do not expire
        bundle_name (None | str): Bundle of definitions that applied the DAG; null = none
        bundle_version (None | str): Always null: a version has no bundle of its own; its DAG has
        relative_fileloc (None | str): Always null: the DAG has no file
        fileloc (str): Always `api`: the DAG has no file
        file_token (str): The same as `dag_id`
        description (None | str): Purpose of the DAG in a sentence; null = none
        timetable_summary (None | str): Schedule in short, as the definition spells it; null = no schedule
        timetable_description (None | str): Schedule in words
        timetable_partitioned (bool): Always false: no DAG is partitioned
        timetable_periodic (bool): Whether the schedule repeats
        tags (list[DagTag]): Labels of the DAG
        max_active_tasks (int): Limit of active task instances in a run
        max_active_runs (int | None): Limit of unfinished runs at a time; null = no limit
        max_consecutive_failed_dag_runs (int): Always 0: failed runs do not pause the DAG
        has_task_concurrency_limits (bool): Always false
        has_import_errors (bool): Always false: a faulty definition is refused
        next_dagrun_logical_date (datetime.datetime | None): Logical date of the next scheduled run; null = none is
            planned
        next_dagrun_data_interval_start (datetime.datetime | None): Start of the next scheduled run's interval,
            inclusive; null = none is planned
        next_dagrun_data_interval_end (datetime.datetime | None): End of the next scheduled run's interval, exclusive;
            null = none is planned
        next_dagrun_run_after (datetime.datetime | None): Instant at which the next scheduled run is due; null = none is
            planned
        allowed_run_types (list[DagRunType] | None): Always null: every type of run is allowed
        owners (list[str]): Owners of the DAG's tasks
        is_backfillable (bool): Whether the schedule has slots that a backfill can fill
        schedule_error (None | str): Fault that keeps the scheduler from planning the next run; null = none
    """

    dag_id: str
    dag_display_name: str
    is_paused: bool
    is_stale: bool
    last_parsed_time: datetime.datetime | None
    last_parse_duration: float | None
    last_expired: datetime.datetime | None
    bundle_name: None | str
    bundle_version: None | str
    relative_fileloc: None | str
    fileloc: str
    file_token: str
    description: None | str
    timetable_summary: None | str
    timetable_description: None | str
    timetable_partitioned: bool
    timetable_periodic: bool
    tags: list[DagTag]
    max_active_tasks: int
    max_active_runs: int | None
    max_consecutive_failed_dag_runs: int
    has_task_concurrency_limits: bool
    has_import_errors: bool
    next_dagrun_logical_date: datetime.datetime | None
    next_dagrun_data_interval_start: datetime.datetime | None
    next_dagrun_data_interval_end: datetime.datetime | None
    next_dagrun_run_after: datetime.datetime | None
    allowed_run_types: list[DagRunType] | None
    owners: list[str]
    is_backfillable: bool
    schedule_error: None | str
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        dag_id = self.dag_id

        dag_display_name = self.dag_display_name

        is_paused = self.is_paused

        is_stale = self.is_stale

        last_parsed_time: None | str
        if isinstance(self.last_parsed_time, datetime.datetime):
            last_parsed_time = self.last_parsed_time.isoformat()
        else:
            last_parsed_time = self.last_parsed_time

        last_parse_duration: float | None
        last_parse_duration = self.last_parse_duration

        last_expired: None | str
        if isinstance(self.last_expired, datetime.datetime):
            last_expired = self.last_expired.isoformat()
        else:
            last_expired = self.last_expired

        bundle_name: None | str
        bundle_name = self.bundle_name

        bundle_version: None | str
        bundle_version = self.bundle_version

        relative_fileloc: None | str
        relative_fileloc = self.relative_fileloc

        fileloc = self.fileloc

        file_token = self.file_token

        description: None | str
        description = self.description

        timetable_summary: None | str
        timetable_summary = self.timetable_summary

        timetable_description: None | str
        timetable_description = self.timetable_description

        timetable_partitioned = self.timetable_partitioned

        timetable_periodic = self.timetable_periodic

        tags = []
        for tags_item_data in self.tags:
            tags_item = as_dict(tags_item_data)
            tags.append(tags_item)

        max_active_tasks = self.max_active_tasks

        max_active_runs: int | None
        max_active_runs = self.max_active_runs

        max_consecutive_failed_dag_runs = self.max_consecutive_failed_dag_runs

        has_task_concurrency_limits = self.has_task_concurrency_limits

        has_import_errors = self.has_import_errors

        next_dagrun_logical_date: None | str
        if isinstance(self.next_dagrun_logical_date, datetime.datetime):
            next_dagrun_logical_date = self.next_dagrun_logical_date.isoformat()
        else:
            next_dagrun_logical_date = self.next_dagrun_logical_date

        next_dagrun_data_interval_start: None | str
        if isinstance(self.next_dagrun_data_interval_start, datetime.datetime):
            next_dagrun_data_interval_start = self.next_dagrun_data_interval_start.isoformat()
        else:
            next_dagrun_data_interval_start = self.next_dagrun_data_interval_start

        next_dagrun_data_interval_end: None | str
        if isinstance(self.next_dagrun_data_interval_end, datetime.datetime):
            next_dagrun_data_interval_end = self.next_dagrun_data_interval_end.isoformat()
        else:
            next_dagrun_data_interval_end = self.next_dagrun_data_interval_end

        next_dagrun_run_after: None | str
        if isinstance(self.next_dagrun_run_after, datetime.datetime):
            next_dagrun_run_after = self.next_dagrun_run_after.isoformat()
        else:
            next_dagrun_run_after = self.next_dagrun_run_after

        allowed_run_types: list[str] | None
        if isinstance(self.allowed_run_types, list):
            allowed_run_types = []
            for allowed_run_types_type_0_item_data in self.allowed_run_types:
                allowed_run_types_type_0_item = allowed_run_types_type_0_item_data.value
                allowed_run_types.append(allowed_run_types_type_0_item)

        else:
            allowed_run_types = self.allowed_run_types

        owners = self.owners

        is_backfillable = self.is_backfillable

        schedule_error: None | str
        schedule_error = self.schedule_error

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "dag_id": dag_id,
                "dag_display_name": dag_display_name,
                "is_paused": is_paused,
                "is_stale": is_stale,
                "last_parsed_time": last_parsed_time,
                "last_parse_duration": last_parse_duration,
                "last_expired": last_expired,
                "bundle_name": bundle_name,
                "bundle_version": bundle_version,
                "relative_fileloc": relative_fileloc,
                "fileloc": fileloc,
                "file_token": file_token,
                "description": description,
                "timetable_summary": timetable_summary,
                "timetable_description": timetable_description,
                "timetable_partitioned": timetable_partitioned,
                "timetable_periodic": timetable_periodic,
                "tags": tags,
                "max_active_tasks": max_active_tasks,
                "max_active_runs": max_active_runs,
                "max_consecutive_failed_dag_runs": max_consecutive_failed_dag_runs,
                "has_task_concurrency_limits": has_task_concurrency_limits,
                "has_import_errors": has_import_errors,
                "next_dagrun_logical_date": next_dagrun_logical_date,
                "next_dagrun_data_interval_start": next_dagrun_data_interval_start,
                "next_dagrun_data_interval_end": next_dagrun_data_interval_end,
                "next_dagrun_run_after": next_dagrun_run_after,
                "allowed_run_types": allowed_run_types,
                "owners": owners,
                "is_backfillable": is_backfillable,
                "schedule_error": schedule_error,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.dag_tag import DagTag  # noqa: PLC0415

        d = dict(src_dict)
        dag_id = d.pop("dag_id")

        dag_display_name = d.pop("dag_display_name")

        is_paused = d.pop("is_paused")

        is_stale = d.pop("is_stale")

        def _parse_last_parsed_time(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_parsed_time_type_0 = datetime.datetime.fromisoformat(data)

                return last_parsed_time_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        last_parsed_time = _parse_last_parsed_time(d.pop("last_parsed_time"))

        def _parse_last_parse_duration(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        last_parse_duration = _parse_last_parse_duration(d.pop("last_parse_duration"))

        def _parse_last_expired(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_expired_type_0 = datetime.datetime.fromisoformat(data)

                return last_expired_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        last_expired = _parse_last_expired(d.pop("last_expired"))

        def _parse_bundle_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        bundle_name = _parse_bundle_name(d.pop("bundle_name"))

        def _parse_bundle_version(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        bundle_version = _parse_bundle_version(d.pop("bundle_version"))

        def _parse_relative_fileloc(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        relative_fileloc = _parse_relative_fileloc(d.pop("relative_fileloc"))

        fileloc = d.pop("fileloc")

        file_token = d.pop("file_token")

        def _parse_description(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        description = _parse_description(d.pop("description"))

        def _parse_timetable_summary(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        timetable_summary = _parse_timetable_summary(d.pop("timetable_summary"))

        def _parse_timetable_description(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        timetable_description = _parse_timetable_description(d.pop("timetable_description"))

        timetable_partitioned = d.pop("timetable_partitioned")

        timetable_periodic = d.pop("timetable_periodic")

        tags = []
        _tags = d.pop("tags")
        for tags_item_data in _tags:
            tags_item = DagTag.from_dict(tags_item_data)

            tags.append(tags_item)

        max_active_tasks = d.pop("max_active_tasks")

        def _parse_max_active_runs(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        max_active_runs = _parse_max_active_runs(d.pop("max_active_runs"))

        max_consecutive_failed_dag_runs = d.pop("max_consecutive_failed_dag_runs")

        has_task_concurrency_limits = d.pop("has_task_concurrency_limits")

        has_import_errors = d.pop("has_import_errors")

        def _parse_next_dagrun_logical_date(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                next_dagrun_logical_date_type_0 = datetime.datetime.fromisoformat(data)

                return next_dagrun_logical_date_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        next_dagrun_logical_date = _parse_next_dagrun_logical_date(d.pop("next_dagrun_logical_date"))

        def _parse_next_dagrun_data_interval_start(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                next_dagrun_data_interval_start_type_0 = datetime.datetime.fromisoformat(data)

                return next_dagrun_data_interval_start_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        next_dagrun_data_interval_start = _parse_next_dagrun_data_interval_start(
            d.pop("next_dagrun_data_interval_start")
        )

        def _parse_next_dagrun_data_interval_end(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                next_dagrun_data_interval_end_type_0 = datetime.datetime.fromisoformat(data)

                return next_dagrun_data_interval_end_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        next_dagrun_data_interval_end = _parse_next_dagrun_data_interval_end(d.pop("next_dagrun_data_interval_end"))

        def _parse_next_dagrun_run_after(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                next_dagrun_run_after_type_0 = datetime.datetime.fromisoformat(data)

                return next_dagrun_run_after_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        next_dagrun_run_after = _parse_next_dagrun_run_after(d.pop("next_dagrun_run_after"))

        def _parse_allowed_run_types(data: object) -> list[DagRunType] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                allowed_run_types_type_0 = []
                _allowed_run_types_type_0 = data
                for allowed_run_types_type_0_item_data in _allowed_run_types_type_0:
                    allowed_run_types_type_0_item = DagRunType(allowed_run_types_type_0_item_data)

                    allowed_run_types_type_0.append(allowed_run_types_type_0_item)

                return allowed_run_types_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[DagRunType] | None, data)

        allowed_run_types = _parse_allowed_run_types(d.pop("allowed_run_types"))

        owners = cast(list[str], d.pop("owners"))

        is_backfillable = d.pop("is_backfillable")

        def _parse_schedule_error(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        schedule_error = _parse_schedule_error(d.pop("schedule_error"))

        dag = cls(
            dag_id=dag_id,
            dag_display_name=dag_display_name,
            is_paused=is_paused,
            is_stale=is_stale,
            last_parsed_time=last_parsed_time,
            last_parse_duration=last_parse_duration,
            last_expired=last_expired,
            bundle_name=bundle_name,
            bundle_version=bundle_version,
            relative_fileloc=relative_fileloc,
            fileloc=fileloc,
            file_token=file_token,
            description=description,
            timetable_summary=timetable_summary,
            timetable_description=timetable_description,
            timetable_partitioned=timetable_partitioned,
            timetable_periodic=timetable_periodic,
            tags=tags,
            max_active_tasks=max_active_tasks,
            max_active_runs=max_active_runs,
            max_consecutive_failed_dag_runs=max_consecutive_failed_dag_runs,
            has_task_concurrency_limits=has_task_concurrency_limits,
            has_import_errors=has_import_errors,
            next_dagrun_logical_date=next_dagrun_logical_date,
            next_dagrun_data_interval_start=next_dagrun_data_interval_start,
            next_dagrun_data_interval_end=next_dagrun_data_interval_end,
            next_dagrun_run_after=next_dagrun_run_after,
            allowed_run_types=allowed_run_types,
            owners=owners,
            is_backfillable=is_backfillable,
            schedule_error=schedule_error,
        )

        dag.additional_properties = d
        return dag

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
