from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.backfill_state import BackfillState
from ..models.reprocess_behavior import ReprocessBehavior

if TYPE_CHECKING:
    from ..models.backfill_progress import BackfillProgress
    from ..models.json_object import JsonObject

from ..plain import as_dict

T = TypeVar("T", bound="Backfill")


@_attrs_define
class Backfill:
    """
    Attributes:
        id (int): Identifier of the backfill
        dag_id (str): Identifier of the DAG
        dag_display_name (str): Name of the DAG for people
        from_date (datetime.datetime): Earliest logical date
        to_date (datetime.datetime): Latest logical date
        dag_run_conf (JsonObject | None): `conf` of each run of the backfill
        state (BackfillState):
        is_paused (bool): Pause of the backfill
        reprocess_behavior (ReprocessBehavior):
        max_active_runs (int): Limit of unfinished runs at a time, apart from the DAG's own limit
        max_failed_runs (int | None): Number of failed runs that pauses the backfill; null = never
        run_backwards (bool): Order of the runs: true = latest logical date first
        run_on_latest_version (bool): Whether each run uses the version that is current when the run starts
        created_at (datetime.datetime): Instant of the creation
        completed_at (datetime.datetime | None): End of the backfill; null = not ended
        updated_at (datetime.datetime): Instant of the latest change
        message (None | str): Cause of a pause in a sentence; null = none
        progress (BackfillProgress):
    """

    id: int
    dag_id: str
    dag_display_name: str
    from_date: datetime.datetime
    to_date: datetime.datetime
    dag_run_conf: JsonObject | None
    state: BackfillState
    is_paused: bool
    reprocess_behavior: ReprocessBehavior
    max_active_runs: int
    max_failed_runs: int | None
    run_backwards: bool
    run_on_latest_version: bool
    created_at: datetime.datetime
    completed_at: datetime.datetime | None
    updated_at: datetime.datetime
    message: None | str
    progress: BackfillProgress
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.json_object import JsonObject  # noqa: PLC0415

        id = self.id

        dag_id = self.dag_id

        dag_display_name = self.dag_display_name

        from_date = self.from_date.isoformat()

        to_date = self.to_date.isoformat()

        dag_run_conf: dict[str, Any] | None
        if isinstance(self.dag_run_conf, JsonObject):
            dag_run_conf = as_dict(self.dag_run_conf)
        else:
            dag_run_conf = self.dag_run_conf

        state = self.state.value

        is_paused = self.is_paused

        reprocess_behavior = self.reprocess_behavior.value

        max_active_runs = self.max_active_runs

        max_failed_runs: int | None
        max_failed_runs = self.max_failed_runs

        run_backwards = self.run_backwards

        run_on_latest_version = self.run_on_latest_version

        created_at = self.created_at.isoformat()

        completed_at: None | str
        if isinstance(self.completed_at, datetime.datetime):
            completed_at = self.completed_at.isoformat()
        else:
            completed_at = self.completed_at

        updated_at = self.updated_at.isoformat()

        message: None | str
        message = self.message

        progress = as_dict(self.progress)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "dag_id": dag_id,
                "dag_display_name": dag_display_name,
                "from_date": from_date,
                "to_date": to_date,
                "dag_run_conf": dag_run_conf,
                "state": state,
                "is_paused": is_paused,
                "reprocess_behavior": reprocess_behavior,
                "max_active_runs": max_active_runs,
                "max_failed_runs": max_failed_runs,
                "run_backwards": run_backwards,
                "run_on_latest_version": run_on_latest_version,
                "created_at": created_at,
                "completed_at": completed_at,
                "updated_at": updated_at,
                "message": message,
                "progress": progress,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.backfill_progress import BackfillProgress  # noqa: PLC0415
        from ..models.json_object import JsonObject  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        dag_id = d.pop("dag_id")

        dag_display_name = d.pop("dag_display_name")

        from_date = datetime.datetime.fromisoformat(d.pop("from_date"))

        to_date = datetime.datetime.fromisoformat(d.pop("to_date"))

        def _parse_dag_run_conf(data: object) -> JsonObject | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                dag_run_conf_type_0 = JsonObject.from_dict(data)

                return dag_run_conf_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(JsonObject | None, data)

        dag_run_conf = _parse_dag_run_conf(d.pop("dag_run_conf"))

        state = BackfillState(d.pop("state"))

        is_paused = d.pop("is_paused")

        reprocess_behavior = ReprocessBehavior(d.pop("reprocess_behavior"))

        max_active_runs = d.pop("max_active_runs")

        def _parse_max_failed_runs(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        max_failed_runs = _parse_max_failed_runs(d.pop("max_failed_runs"))

        run_backwards = d.pop("run_backwards")

        run_on_latest_version = d.pop("run_on_latest_version")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_completed_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                completed_at_type_0 = datetime.datetime.fromisoformat(data)

                return completed_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        completed_at = _parse_completed_at(d.pop("completed_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        def _parse_message(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        message = _parse_message(d.pop("message"))

        progress = BackfillProgress.from_dict(d.pop("progress"))

        backfill = cls(
            id=id,
            dag_id=dag_id,
            dag_display_name=dag_display_name,
            from_date=from_date,
            to_date=to_date,
            dag_run_conf=dag_run_conf,
            state=state,
            is_paused=is_paused,
            reprocess_behavior=reprocess_behavior,
            max_active_runs=max_active_runs,
            max_failed_runs=max_failed_runs,
            run_backwards=run_backwards,
            run_on_latest_version=run_on_latest_version,
            created_at=created_at,
            completed_at=completed_at,
            updated_at=updated_at,
            message=message,
            progress=progress,
        )

        backfill.additional_properties = d
        return backfill

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
