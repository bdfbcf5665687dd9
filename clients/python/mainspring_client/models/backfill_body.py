from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.reprocess_behavior import ReprocessBehavior
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.json_object import JsonObject

from ..plain import as_dict

T = TypeVar("T", bound="BackfillBody")


@_attrs_define
class BackfillBody:
    """
    Attributes:
        dag_id (str): Identifier of the DAG
        from_date (datetime.datetime): Earliest logical date
        to_date (datetime.datetime): Latest logical date
        run_backwards (bool | Unset): Order of the runs: true = latest logical date first Default: False.
        dag_run_conf (JsonObject | None | Unset): `conf` of each run of the backfill
        reprocess_behavior (ReprocessBehavior | Unset):
        max_active_runs (int | Unset): Limit of unfinished runs at a time, apart from the DAG's own limit Default: 10.
        max_failed_runs (int | None | Unset): Number of failed runs that pauses the backfill, with the cause in
            `message`; null = never
        run_on_latest_version (bool | None | Unset): Runs go by the version that is current when it is their turn;
            otherwise new ones by the current one of now, and those that exist by their own
    """

    dag_id: str
    from_date: datetime.datetime
    to_date: datetime.datetime
    run_backwards: bool | Unset = False
    dag_run_conf: JsonObject | None | Unset = UNSET
    reprocess_behavior: ReprocessBehavior | Unset = UNSET
    max_active_runs: int | Unset = 10
    max_failed_runs: int | None | Unset = UNSET
    run_on_latest_version: bool | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.json_object import JsonObject  # noqa: PLC0415

        dag_id = self.dag_id

        from_date = self.from_date.isoformat()

        to_date = self.to_date.isoformat()

        run_backwards = self.run_backwards

        dag_run_conf: dict[str, Any] | None | Unset
        if isinstance(self.dag_run_conf, Unset):
            dag_run_conf = UNSET
        elif isinstance(self.dag_run_conf, JsonObject):
            dag_run_conf = as_dict(self.dag_run_conf)
        else:
            dag_run_conf = self.dag_run_conf

        reprocess_behavior: str | Unset = UNSET
        if not isinstance(self.reprocess_behavior, Unset):
            reprocess_behavior = self.reprocess_behavior.value

        max_active_runs = self.max_active_runs

        max_failed_runs: int | None | Unset
        if isinstance(self.max_failed_runs, Unset):
            max_failed_runs = UNSET
        else:
            max_failed_runs = self.max_failed_runs

        run_on_latest_version: bool | None | Unset
        if isinstance(self.run_on_latest_version, Unset):
            run_on_latest_version = UNSET
        else:
            run_on_latest_version = self.run_on_latest_version

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "dag_id": dag_id,
                "from_date": from_date,
                "to_date": to_date,
            }
        )
        if run_backwards is not UNSET:
            field_dict["run_backwards"] = run_backwards
        if dag_run_conf is not UNSET:
            field_dict["dag_run_conf"] = dag_run_conf
        if reprocess_behavior is not UNSET:
            field_dict["reprocess_behavior"] = reprocess_behavior
        if max_active_runs is not UNSET:
            field_dict["max_active_runs"] = max_active_runs
        if max_failed_runs is not UNSET:
            field_dict["max_failed_runs"] = max_failed_runs
        if run_on_latest_version is not UNSET:
            field_dict["run_on_latest_version"] = run_on_latest_version

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.json_object import JsonObject  # noqa: PLC0415

        d = dict(src_dict)
        dag_id = d.pop("dag_id")

        from_date = datetime.datetime.fromisoformat(d.pop("from_date"))

        to_date = datetime.datetime.fromisoformat(d.pop("to_date"))

        run_backwards = d.pop("run_backwards", UNSET)

        def _parse_dag_run_conf(data: object) -> JsonObject | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                dag_run_conf_type_0 = JsonObject.from_dict(data)

                return dag_run_conf_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(JsonObject | None | Unset, data)

        dag_run_conf = _parse_dag_run_conf(d.pop("dag_run_conf", UNSET))

        _reprocess_behavior = d.pop("reprocess_behavior", UNSET)
        reprocess_behavior: ReprocessBehavior | Unset
        if isinstance(_reprocess_behavior, Unset):
            reprocess_behavior = UNSET
        else:
            reprocess_behavior = ReprocessBehavior(_reprocess_behavior)

        max_active_runs = d.pop("max_active_runs", UNSET)

        def _parse_max_failed_runs(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        max_failed_runs = _parse_max_failed_runs(d.pop("max_failed_runs", UNSET))

        def _parse_run_on_latest_version(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        run_on_latest_version = _parse_run_on_latest_version(d.pop("run_on_latest_version", UNSET))

        backfill_body = cls(
            dag_id=dag_id,
            from_date=from_date,
            to_date=to_date,
            run_backwards=run_backwards,
            dag_run_conf=dag_run_conf,
            reprocess_behavior=reprocess_behavior,
            max_active_runs=max_active_runs,
            max_failed_runs=max_failed_runs,
            run_on_latest_version=run_on_latest_version,
        )

        return backfill_body
