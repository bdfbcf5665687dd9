from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.database_health import DatabaseHealth
    from ..models.event_feed_health import EventFeedHealth
    from ..models.execution_api_health import ExecutionApiHealth
    from ..models.log_store_health import LogStoreHealth
    from ..models.scheduler_health import SchedulerHealth
    from ..models.triggerer_health import TriggererHealth
    from ..models.worker_health import WorkerHealth

from ..plain import as_dict

T = TypeVar("T", bound="Health")


@_attrs_define
class Health:
    """
    Attributes:
        metadatabase (DatabaseHealth):
        scheduler (SchedulerHealth):
        triggerer (TriggererHealth):
        execution_api (ExecutionApiHealth):
        worker (WorkerHealth):
        event_feed (EventFeedHealth):
        log_store (LogStoreHealth):
    """

    metadatabase: DatabaseHealth
    scheduler: SchedulerHealth
    triggerer: TriggererHealth
    execution_api: ExecutionApiHealth
    worker: WorkerHealth
    event_feed: EventFeedHealth
    log_store: LogStoreHealth
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        metadatabase = as_dict(self.metadatabase)

        scheduler = as_dict(self.scheduler)

        triggerer = as_dict(self.triggerer)

        execution_api = as_dict(self.execution_api)

        worker = as_dict(self.worker)

        event_feed = as_dict(self.event_feed)

        log_store = as_dict(self.log_store)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "metadatabase": metadatabase,
                "scheduler": scheduler,
                "triggerer": triggerer,
                "execution_api": execution_api,
                "worker": worker,
                "event_feed": event_feed,
                "log_store": log_store,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.database_health import DatabaseHealth  # noqa: PLC0415
        from ..models.event_feed_health import EventFeedHealth  # noqa: PLC0415
        from ..models.execution_api_health import ExecutionApiHealth  # noqa: PLC0415
        from ..models.log_store_health import LogStoreHealth  # noqa: PLC0415
        from ..models.scheduler_health import SchedulerHealth  # noqa: PLC0415
        from ..models.triggerer_health import TriggererHealth  # noqa: PLC0415
        from ..models.worker_health import WorkerHealth  # noqa: PLC0415

        d = dict(src_dict)
        metadatabase = DatabaseHealth.from_dict(d.pop("metadatabase"))

        scheduler = SchedulerHealth.from_dict(d.pop("scheduler"))

        triggerer = TriggererHealth.from_dict(d.pop("triggerer"))

        execution_api = ExecutionApiHealth.from_dict(d.pop("execution_api"))

        worker = WorkerHealth.from_dict(d.pop("worker"))

        event_feed = EventFeedHealth.from_dict(d.pop("event_feed"))

        log_store = LogStoreHealth.from_dict(d.pop("log_store"))

        health = cls(
            metadatabase=metadatabase,
            scheduler=scheduler,
            triggerer=triggerer,
            execution_api=execution_api,
            worker=worker,
            event_feed=event_feed,
            log_store=log_store,
        )

        health.additional_properties = d
        return health

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
