from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.catchup import Catchup
from ..models.dag_run_type import DagRunType

if TYPE_CHECKING:
    from ..models.dag_tag import DagTag
    from ..models.dag_version import DagVersion
    from ..models.definition_warning import DefinitionWarning
    from ..models.json_object import JsonObject
    from ..models.schedule_parts import ScheduleParts

from ..plain import as_dict

T = TypeVar("T", bound="SavedDagDetails")


@_attrs_define
class SavedDagDetails:
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
        catchup (bool): Whether the scheduler makes runs of all missed slots
        missed_slots (Catchup):
        dag_run_timeout (None | str): Time limit of a run, as an ISO 8601 duration; null = none
        asset_expression (JsonObject | None): Always null: the server has no assets
        doc_md (None | str): Documentation in Markdown; null = none
        start_date (datetime.datetime | None): Earliest instant of a scheduled run; null = no bound
        end_date (datetime.datetime | None): Latest instant of a scheduled run; null = no bound
        is_paused_upon_creation (bool | None): Whether a new DAG begins paused; null = false
        params (JsonObject | None): Name -> {value, schema, description} of each parameter
        render_template_as_native_obj (bool): Always true: an expression keeps the type of its value
        template_search_path (list[str] | None): Always null: templates are not read from files
        timezone (None | str): IANA name of the schedule's time zone
        last_parsed (datetime.datetime | None): Instant at which the current version was saved
        default_args (JsonObject | None): Fields that every task of the definition inherits
        owner_links (JsonObject | None): Always empty
        is_favorite (bool | None): Always false
        rerun_with_latest_version (bool | None): Always null
        active_runs_count (int | None): Number of running runs
        concurrency (int): The same as `max_active_tasks`
        latest_dag_version (DagVersion | None): Current version of the DAG
        schedule (None | ScheduleParts): Null = no schedule
        warnings (list[DefinitionWarning]): Doubts about the definition, which is valid
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
    catchup: bool
    missed_slots: Catchup
    dag_run_timeout: None | str
    asset_expression: JsonObject | None
    doc_md: None | str
    start_date: datetime.datetime | None
    end_date: datetime.datetime | None
    is_paused_upon_creation: bool | None
    params: JsonObject | None
    render_template_as_native_obj: bool
    template_search_path: list[str] | None
    timezone: None | str
    last_parsed: datetime.datetime | None
    default_args: JsonObject | None
    owner_links: JsonObject | None
    is_favorite: bool | None
    rerun_with_latest_version: bool | None
    active_runs_count: int | None
    concurrency: int
    latest_dag_version: DagVersion | None
    schedule: None | ScheduleParts
    warnings: list[DefinitionWarning]
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.dag_version import DagVersion  # noqa: PLC0415
        from ..models.json_object import JsonObject  # noqa: PLC0415
        from ..models.schedule_parts import ScheduleParts  # noqa: PLC0415

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

        catchup = self.catchup

        missed_slots = self.missed_slots.value

        dag_run_timeout: None | str
        dag_run_timeout = self.dag_run_timeout

        asset_expression: dict[str, Any] | None
        if isinstance(self.asset_expression, JsonObject):
            asset_expression = as_dict(self.asset_expression)
        else:
            asset_expression = self.asset_expression

        doc_md: None | str
        doc_md = self.doc_md

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

        is_paused_upon_creation: bool | None
        is_paused_upon_creation = self.is_paused_upon_creation

        params: dict[str, Any] | None
        if isinstance(self.params, JsonObject):
            params = as_dict(self.params)
        else:
            params = self.params

        render_template_as_native_obj = self.render_template_as_native_obj

        template_search_path: list[str] | None
        if isinstance(self.template_search_path, list):
            template_search_path = self.template_search_path

        else:
            template_search_path = self.template_search_path

        timezone: None | str
        timezone = self.timezone

        last_parsed: None | str
        if isinstance(self.last_parsed, datetime.datetime):
            last_parsed = self.last_parsed.isoformat()
        else:
            last_parsed = self.last_parsed

        default_args: dict[str, Any] | None
        if isinstance(self.default_args, JsonObject):
            default_args = as_dict(self.default_args)
        else:
            default_args = self.default_args

        owner_links: dict[str, Any] | None
        if isinstance(self.owner_links, JsonObject):
            owner_links = as_dict(self.owner_links)
        else:
            owner_links = self.owner_links

        is_favorite: bool | None
        is_favorite = self.is_favorite

        rerun_with_latest_version: bool | None
        rerun_with_latest_version = self.rerun_with_latest_version

        active_runs_count: int | None
        active_runs_count = self.active_runs_count

        concurrency = self.concurrency

        latest_dag_version: dict[str, Any] | None
        if isinstance(self.latest_dag_version, DagVersion):
            latest_dag_version = as_dict(self.latest_dag_version)
        else:
            latest_dag_version = self.latest_dag_version

        schedule: dict[str, Any] | None
        if isinstance(self.schedule, ScheduleParts):
            schedule = as_dict(self.schedule)
        else:
            schedule = self.schedule

        warnings = []
        for warnings_item_data in self.warnings:
            warnings_item = as_dict(warnings_item_data)
            warnings.append(warnings_item)

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
                "catchup": catchup,
                "missed_slots": missed_slots,
                "dag_run_timeout": dag_run_timeout,
                "asset_expression": asset_expression,
                "doc_md": doc_md,
                "start_date": start_date,
                "end_date": end_date,
                "is_paused_upon_creation": is_paused_upon_creation,
                "params": params,
                "render_template_as_native_obj": render_template_as_native_obj,
                "template_search_path": template_search_path,
                "timezone": timezone,
                "last_parsed": last_parsed,
                "default_args": default_args,
                "owner_links": owner_links,
                "is_favorite": is_favorite,
                "rerun_with_latest_version": rerun_with_latest_version,
                "active_runs_count": active_runs_count,
                "concurrency": concurrency,
                "latest_dag_version": latest_dag_version,
                "schedule": schedule,
                "warnings": warnings,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.dag_tag import DagTag  # noqa: PLC0415
        from ..models.dag_version import DagVersion  # noqa: PLC0415
        from ..models.definition_warning import DefinitionWarning  # noqa: PLC0415
        from ..models.json_object import JsonObject  # noqa: PLC0415
        from ..models.schedule_parts import ScheduleParts  # noqa: PLC0415

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

        catchup = d.pop("catchup")

        missed_slots = Catchup(d.pop("missed_slots"))

        def _parse_dag_run_timeout(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        dag_run_timeout = _parse_dag_run_timeout(d.pop("dag_run_timeout"))

        def _parse_asset_expression(data: object) -> JsonObject | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                asset_expression_type_0 = JsonObject.from_dict(data)

                return asset_expression_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(JsonObject | None, data)

        asset_expression = _parse_asset_expression(d.pop("asset_expression"))

        def _parse_doc_md(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        doc_md = _parse_doc_md(d.pop("doc_md"))

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

        def _parse_is_paused_upon_creation(data: object) -> bool | None:
            if data is None:
                return data
            return cast(bool | None, data)

        is_paused_upon_creation = _parse_is_paused_upon_creation(d.pop("is_paused_upon_creation"))

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

        render_template_as_native_obj = d.pop("render_template_as_native_obj")

        def _parse_template_search_path(data: object) -> list[str] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                template_search_path_type_0 = cast(list[str], data)

                return template_search_path_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None, data)

        template_search_path = _parse_template_search_path(d.pop("template_search_path"))

        def _parse_timezone(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        timezone = _parse_timezone(d.pop("timezone"))

        def _parse_last_parsed(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_parsed_type_0 = datetime.datetime.fromisoformat(data)

                return last_parsed_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        last_parsed = _parse_last_parsed(d.pop("last_parsed"))

        def _parse_default_args(data: object) -> JsonObject | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                default_args_type_0 = JsonObject.from_dict(data)

                return default_args_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(JsonObject | None, data)

        default_args = _parse_default_args(d.pop("default_args"))

        def _parse_owner_links(data: object) -> JsonObject | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                owner_links_type_0 = JsonObject.from_dict(data)

                return owner_links_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(JsonObject | None, data)

        owner_links = _parse_owner_links(d.pop("owner_links"))

        def _parse_is_favorite(data: object) -> bool | None:
            if data is None:
                return data
            return cast(bool | None, data)

        is_favorite = _parse_is_favorite(d.pop("is_favorite"))

        def _parse_rerun_with_latest_version(data: object) -> bool | None:
            if data is None:
                return data
            return cast(bool | None, data)

        rerun_with_latest_version = _parse_rerun_with_latest_version(d.pop("rerun_with_latest_version"))

        def _parse_active_runs_count(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        active_runs_count = _parse_active_runs_count(d.pop("active_runs_count"))

        concurrency = d.pop("concurrency")

        def _parse_latest_dag_version(data: object) -> DagVersion | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                latest_dag_version_type_0 = DagVersion.from_dict(data)

                return latest_dag_version_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(DagVersion | None, data)

        latest_dag_version = _parse_latest_dag_version(d.pop("latest_dag_version"))

        def _parse_schedule(data: object) -> None | ScheduleParts:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                schedule_type_0 = ScheduleParts.from_dict(data)

                return schedule_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ScheduleParts, data)

        schedule = _parse_schedule(d.pop("schedule"))

        warnings = []
        _warnings = d.pop("warnings")
        for warnings_item_data in _warnings:
            warnings_item = DefinitionWarning.from_dict(warnings_item_data)

            warnings.append(warnings_item)

        saved_dag_details = cls(
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
            catchup=catchup,
            missed_slots=missed_slots,
            dag_run_timeout=dag_run_timeout,
            asset_expression=asset_expression,
            doc_md=doc_md,
            start_date=start_date,
            end_date=end_date,
            is_paused_upon_creation=is_paused_upon_creation,
            params=params,
            render_template_as_native_obj=render_template_as_native_obj,
            template_search_path=template_search_path,
            timezone=timezone,
            last_parsed=last_parsed,
            default_args=default_args,
            owner_links=owner_links,
            is_favorite=is_favorite,
            rerun_with_latest_version=rerun_with_latest_version,
            active_runs_count=active_runs_count,
            concurrency=concurrency,
            latest_dag_version=latest_dag_version,
            schedule=schedule,
            warnings=warnings,
        )

        saved_dag_details.additional_properties = d
        return saved_dag_details

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
