from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.bulk_run import BulkRun
    from ..models.json_object import JsonObject

from ..plain import as_dict

T = TypeVar("T", bound="ClearRunsBody")


@_attrs_define
class ClearRunsBody:
    """
    Attributes:
        dry_run (bool | Unset): Preview: true, the default, only answers the instances to clear Default: True.
        only_failed (bool | Unset): Clear failed instances only Default: False.
        only_new (bool | Unset): False only: new tasks are cleared by name Default: False.
        run_on_latest_version (bool | None | Unset): True = the latest version of the DAG; otherwise a run keeps its
            version
        version_number (int | None | Unset): Saved version that the runs change to; null = by `run_on_latest_version`
        note (None | str | Unset): Text that a person attached
        conf (JsonObject | None | Unset): `conf` in place of the run's own, which must have ended; null = the run keeps
            its own
        dag_runs (list[BulkRun] | None | Unset): Runs to clear
        partition_key (None | str | Unset): Null only: no DAG is partitioned
        partition_date_start (datetime.datetime | None | Unset): Null only: no DAG is partitioned
        partition_date_end (datetime.datetime | None | Unset): Null only: no DAG is partitioned
    """

    dry_run: bool | Unset = True
    only_failed: bool | Unset = False
    only_new: bool | Unset = False
    run_on_latest_version: bool | None | Unset = UNSET
    version_number: int | None | Unset = UNSET
    note: None | str | Unset = UNSET
    conf: JsonObject | None | Unset = UNSET
    dag_runs: list[BulkRun] | None | Unset = UNSET
    partition_key: None | str | Unset = UNSET
    partition_date_start: datetime.datetime | None | Unset = UNSET
    partition_date_end: datetime.datetime | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.json_object import JsonObject  # noqa: PLC0415

        dry_run = self.dry_run

        only_failed = self.only_failed

        only_new = self.only_new

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

        conf: dict[str, Any] | None | Unset
        if isinstance(self.conf, Unset):
            conf = UNSET
        elif isinstance(self.conf, JsonObject):
            conf = as_dict(self.conf)
        else:
            conf = self.conf

        dag_runs: list[dict[str, Any]] | None | Unset
        if isinstance(self.dag_runs, Unset):
            dag_runs = UNSET
        elif isinstance(self.dag_runs, list):
            dag_runs = []
            for dag_runs_type_0_item_data in self.dag_runs:
                dag_runs_type_0_item = as_dict(dag_runs_type_0_item_data)
                dag_runs.append(dag_runs_type_0_item)

        else:
            dag_runs = self.dag_runs

        partition_key: None | str | Unset
        if isinstance(self.partition_key, Unset):
            partition_key = UNSET
        else:
            partition_key = self.partition_key

        partition_date_start: None | str | Unset
        if isinstance(self.partition_date_start, Unset):
            partition_date_start = UNSET
        elif isinstance(self.partition_date_start, datetime.datetime):
            partition_date_start = self.partition_date_start.isoformat()
        else:
            partition_date_start = self.partition_date_start

        partition_date_end: None | str | Unset
        if isinstance(self.partition_date_end, Unset):
            partition_date_end = UNSET
        elif isinstance(self.partition_date_end, datetime.datetime):
            partition_date_end = self.partition_date_end.isoformat()
        else:
            partition_date_end = self.partition_date_end

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if dry_run is not UNSET:
            field_dict["dry_run"] = dry_run
        if only_failed is not UNSET:
            field_dict["only_failed"] = only_failed
        if only_new is not UNSET:
            field_dict["only_new"] = only_new
        if run_on_latest_version is not UNSET:
            field_dict["run_on_latest_version"] = run_on_latest_version
        if version_number is not UNSET:
            field_dict["version_number"] = version_number
        if note is not UNSET:
            field_dict["note"] = note
        if conf is not UNSET:
            field_dict["conf"] = conf
        if dag_runs is not UNSET:
            field_dict["dag_runs"] = dag_runs
        if partition_key is not UNSET:
            field_dict["partition_key"] = partition_key
        if partition_date_start is not UNSET:
            field_dict["partition_date_start"] = partition_date_start
        if partition_date_end is not UNSET:
            field_dict["partition_date_end"] = partition_date_end

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.bulk_run import BulkRun  # noqa: PLC0415
        from ..models.json_object import JsonObject  # noqa: PLC0415

        d = dict(src_dict)
        dry_run = d.pop("dry_run", UNSET)

        only_failed = d.pop("only_failed", UNSET)

        only_new = d.pop("only_new", UNSET)

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

        def _parse_conf(data: object) -> JsonObject | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                conf_type_0 = JsonObject.from_dict(data)

                return conf_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(JsonObject | None | Unset, data)

        conf = _parse_conf(d.pop("conf", UNSET))

        def _parse_dag_runs(data: object) -> list[BulkRun] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                dag_runs_type_0 = []
                _dag_runs_type_0 = data
                for dag_runs_type_0_item_data in _dag_runs_type_0:
                    dag_runs_type_0_item = BulkRun.from_dict(dag_runs_type_0_item_data)

                    dag_runs_type_0.append(dag_runs_type_0_item)

                return dag_runs_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[BulkRun] | None | Unset, data)

        dag_runs = _parse_dag_runs(d.pop("dag_runs", UNSET))

        def _parse_partition_key(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        partition_key = _parse_partition_key(d.pop("partition_key", UNSET))

        def _parse_partition_date_start(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                partition_date_start_type_0 = datetime.datetime.fromisoformat(data)

                return partition_date_start_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        partition_date_start = _parse_partition_date_start(d.pop("partition_date_start", UNSET))

        def _parse_partition_date_end(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                partition_date_end_type_0 = datetime.datetime.fromisoformat(data)

                return partition_date_end_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        partition_date_end = _parse_partition_date_end(d.pop("partition_date_end", UNSET))

        clear_runs_body = cls(
            dry_run=dry_run,
            only_failed=only_failed,
            only_new=only_new,
            run_on_latest_version=run_on_latest_version,
            version_number=version_number,
            note=note,
            conf=conf,
            dag_runs=dag_runs,
            partition_key=partition_key,
            partition_date_start=partition_date_start,
            partition_date_end=partition_date_end,
        )

        return clear_runs_body
