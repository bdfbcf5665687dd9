from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="ClearBody")


@_attrs_define
class ClearBody:
    """
    Attributes:
        dry_run (bool | Unset): Preview: true, the default, only answers the instances to clear Default: True.
        dag_run_id (None | str | Unset): Identifier of the run; null = all runs, or the runs between the dates
        start_date (datetime.datetime | None | Unset): Earliest logical date of the runs (`run_after` where a run has
            none); null = no bound
        end_date (datetime.datetime | None | Unset): Latest logical date of the runs (`run_after` where a run has none);
            null = no bound
        task_ids (list[list[int | str] | str] | None | Unset): Tasks to clear, as task ids or pairs of task id and map
            index; null = all
        only_failed (bool | Unset): Clear failed instances only Default: True.
        only_running (bool | Unset): Clear running instances only Default: False.
        include_upstream (bool | Unset): Clear all tasks upstream too Default: False.
        include_downstream (bool | Unset): Clear all tasks downstream too Default: False.
        include_past (bool | Unset): Clear the tasks also in runs with an earlier logical date Default: False.
        include_future (bool | Unset): Clear the tasks also in runs with a later logical date Default: False.
        reset_dag_runs (bool | Unset): Queue ended runs again; false clears nothing in ended runs Default: True.
        prevent_running_task (bool | Unset): Answer 409 and clear nothing while one of the tasks runs Default: False.
        run_on_latest_version (bool | None | Unset): True = the latest version of the DAG; otherwise a run keeps its
            version
        version_number (int | None | Unset): Saved version that the runs change to; null = by `run_on_latest_version`
        note (None | str | Unset): Text that a person attached
    """

    dry_run: bool | Unset = True
    dag_run_id: None | str | Unset = UNSET
    start_date: datetime.datetime | None | Unset = UNSET
    end_date: datetime.datetime | None | Unset = UNSET
    task_ids: list[list[int | str] | str] | None | Unset = UNSET
    only_failed: bool | Unset = True
    only_running: bool | Unset = False
    include_upstream: bool | Unset = False
    include_downstream: bool | Unset = False
    include_past: bool | Unset = False
    include_future: bool | Unset = False
    reset_dag_runs: bool | Unset = True
    prevent_running_task: bool | Unset = False
    run_on_latest_version: bool | None | Unset = UNSET
    version_number: int | None | Unset = UNSET
    note: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        dry_run = self.dry_run

        dag_run_id: None | str | Unset
        if isinstance(self.dag_run_id, Unset):
            dag_run_id = UNSET
        else:
            dag_run_id = self.dag_run_id

        start_date: None | str | Unset
        if isinstance(self.start_date, Unset):
            start_date = UNSET
        elif isinstance(self.start_date, datetime.datetime):
            start_date = self.start_date.isoformat()
        else:
            start_date = self.start_date

        end_date: None | str | Unset
        if isinstance(self.end_date, Unset):
            end_date = UNSET
        elif isinstance(self.end_date, datetime.datetime):
            end_date = self.end_date.isoformat()
        else:
            end_date = self.end_date

        task_ids: list[list[int | str] | str] | None | Unset
        if isinstance(self.task_ids, Unset):
            task_ids = UNSET
        elif isinstance(self.task_ids, list):
            task_ids = []
            for task_ids_type_0_item_data in self.task_ids:
                task_ids_type_0_item: list[int | str] | str
                if isinstance(task_ids_type_0_item_data, list):
                    task_ids_type_0_item = []
                    for task_ids_type_0_item_type_1_item_data in task_ids_type_0_item_data:
                        task_ids_type_0_item_type_1_item: int | str
                        task_ids_type_0_item_type_1_item = task_ids_type_0_item_type_1_item_data
                        task_ids_type_0_item.append(task_ids_type_0_item_type_1_item)

                else:
                    task_ids_type_0_item = task_ids_type_0_item_data
                task_ids.append(task_ids_type_0_item)

        else:
            task_ids = self.task_ids

        only_failed = self.only_failed

        only_running = self.only_running

        include_upstream = self.include_upstream

        include_downstream = self.include_downstream

        include_past = self.include_past

        include_future = self.include_future

        reset_dag_runs = self.reset_dag_runs

        prevent_running_task = self.prevent_running_task

        run_on_latest_version: bool | None | Unset
        if isinstance(self.run_on_latest_version, Unset):
            run_on_latest_version = UNSET
        else:
            run_on_latest_version = self.run_on_latest_version

        version_number: int | None | Unset
        if isinstance(self.version_number, Unset):
            version_number = UNSET
        else:
            version_number = self.version_number

        note: None | str | Unset
        if isinstance(self.note, Unset):
            note = UNSET
        else:
            note = self.note

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if dry_run is not UNSET:
            field_dict["dry_run"] = dry_run
        if dag_run_id is not UNSET:
            field_dict["dag_run_id"] = dag_run_id
        if start_date is not UNSET:
            field_dict["start_date"] = start_date
        if end_date is not UNSET:
            field_dict["end_date"] = end_date
        if task_ids is not UNSET:
            field_dict["task_ids"] = task_ids
        if only_failed is not UNSET:
            field_dict["only_failed"] = only_failed
        if only_running is not UNSET:
            field_dict["only_running"] = only_running
        if include_upstream is not UNSET:
            field_dict["include_upstream"] = include_upstream
        if include_downstream is not UNSET:
            field_dict["include_downstream"] = include_downstream
        if include_past is not UNSET:
            field_dict["include_past"] = include_past
        if include_future is not UNSET:
            field_dict["include_future"] = include_future
        if reset_dag_runs is not UNSET:
            field_dict["reset_dag_runs"] = reset_dag_runs
        if prevent_running_task is not UNSET:
            field_dict["prevent_running_task"] = prevent_running_task
        if run_on_latest_version is not UNSET:
            field_dict["run_on_latest_version"] = run_on_latest_version
        if version_number is not UNSET:
            field_dict["version_number"] = version_number
        if note is not UNSET:
            field_dict["note"] = note

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        dry_run = d.pop("dry_run", UNSET)

        def _parse_dag_run_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        dag_run_id = _parse_dag_run_id(d.pop("dag_run_id", UNSET))

        def _parse_start_date(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                start_date_type_0 = datetime.datetime.fromisoformat(data)

                return start_date_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        start_date = _parse_start_date(d.pop("start_date", UNSET))

        def _parse_end_date(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                end_date_type_0 = datetime.datetime.fromisoformat(data)

                return end_date_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        end_date = _parse_end_date(d.pop("end_date", UNSET))

        def _parse_task_ids(data: object) -> list[list[int | str] | str] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                task_ids_type_0 = []
                _task_ids_type_0 = data
                for task_ids_type_0_item_data in _task_ids_type_0:

                    def _parse_task_ids_type_0_item(data: object) -> list[int | str] | str:
                        try:
                            if not isinstance(data, list):
                                raise TypeError()
                            task_ids_type_0_item_type_1 = []
                            _task_ids_type_0_item_type_1 = data
                            for task_ids_type_0_item_type_1_item_data in _task_ids_type_0_item_type_1:

                                def _parse_task_ids_type_0_item_type_1_item(data: object) -> int | str:
                                    return cast(int | str, data)

                                task_ids_type_0_item_type_1_item = _parse_task_ids_type_0_item_type_1_item(
                                    task_ids_type_0_item_type_1_item_data
                                )

                                task_ids_type_0_item_type_1.append(task_ids_type_0_item_type_1_item)

                            return task_ids_type_0_item_type_1
                        except (TypeError, ValueError, AttributeError, KeyError):
                            pass
                        return cast(list[int | str] | str, data)

                    task_ids_type_0_item = _parse_task_ids_type_0_item(task_ids_type_0_item_data)

                    task_ids_type_0.append(task_ids_type_0_item)

                return task_ids_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[list[int | str] | str] | None | Unset, data)

        task_ids = _parse_task_ids(d.pop("task_ids", UNSET))

        only_failed = d.pop("only_failed", UNSET)

        only_running = d.pop("only_running", UNSET)

        include_upstream = d.pop("include_upstream", UNSET)

        include_downstream = d.pop("include_downstream", UNSET)

        include_past = d.pop("include_past", UNSET)

        include_future = d.pop("include_future", UNSET)

        reset_dag_runs = d.pop("reset_dag_runs", UNSET)

        prevent_running_task = d.pop("prevent_running_task", UNSET)

        def _parse_run_on_latest_version(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        run_on_latest_version = _parse_run_on_latest_version(d.pop("run_on_latest_version", UNSET))

        def _parse_version_number(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        version_number = _parse_version_number(d.pop("version_number", UNSET))

        def _parse_note(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        note = _parse_note(d.pop("note", UNSET))

        clear_body = cls(
            dry_run=dry_run,
            dag_run_id=dag_run_id,
            start_date=start_date,
            end_date=end_date,
            task_ids=task_ids,
            only_failed=only_failed,
            only_running=only_running,
            include_upstream=include_upstream,
            include_downstream=include_downstream,
            include_past=include_past,
            include_future=include_future,
            reset_dag_runs=reset_dag_runs,
            prevent_running_task=prevent_running_task,
            run_on_latest_version=run_on_latest_version,
            version_number=version_number,
            note=note,
        )

        return clear_body
