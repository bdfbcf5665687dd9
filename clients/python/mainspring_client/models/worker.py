from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.worker_status import WorkerStatus

if TYPE_CHECKING:
    from ..models.carried_attempt import CarriedAttempt

from ..plain import as_dict

T = TypeVar("T", bound="Worker")


@_attrs_define
class Worker:
    """
    Attributes:
        worker_id (str): Random identifier of this start of the worker
        hostname (str): Name of the host
        pid (int): Process id on the host; null = unknown
        version (str): Version of Mainspring that the worker runs
        queues (list[str]): Queues that the worker takes attempts from
        token_id (None | UUID): Identifier of the worker's token; null = the token of all queues
        token_name (None | str): Name of the worker's token; null = the token of all queues
        status (WorkerStatus):
        started_at (datetime.datetime): Start of the worker
        latest_heartbeat (datetime.datetime): Instant of the latest heartbeat
        stopped_at (datetime.datetime | None): Orderly end of the worker; null = none
        refusals (int): Starts that its machine had no room for, since the worker's start
        refused_for (None | str): Why tasks cannot start on its machine at present; null = they can
        attempts (list[CarriedAttempt]): Attempts of the worker, as of the latest heartbeat
    """

    worker_id: str
    hostname: str
    pid: int
    version: str
    queues: list[str]
    token_id: None | UUID
    token_name: None | str
    status: WorkerStatus
    started_at: datetime.datetime
    latest_heartbeat: datetime.datetime
    stopped_at: datetime.datetime | None
    refusals: int
    refused_for: None | str
    attempts: list[CarriedAttempt]
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        worker_id = self.worker_id

        hostname = self.hostname

        pid = self.pid

        version = self.version

        queues = self.queues

        token_id: None | str
        if isinstance(self.token_id, UUID):
            token_id = str(self.token_id)
        else:
            token_id = self.token_id

        token_name: None | str
        token_name = self.token_name

        status = self.status.value

        started_at = self.started_at.isoformat()

        latest_heartbeat = self.latest_heartbeat.isoformat()

        stopped_at: None | str
        if isinstance(self.stopped_at, datetime.datetime):
            stopped_at = self.stopped_at.isoformat()
        else:
            stopped_at = self.stopped_at

        refusals = self.refusals

        refused_for: None | str
        refused_for = self.refused_for

        attempts = []
        for attempts_item_data in self.attempts:
            attempts_item = as_dict(attempts_item_data)
            attempts.append(attempts_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "worker_id": worker_id,
                "hostname": hostname,
                "pid": pid,
                "version": version,
                "queues": queues,
                "token_id": token_id,
                "token_name": token_name,
                "status": status,
                "started_at": started_at,
                "latest_heartbeat": latest_heartbeat,
                "stopped_at": stopped_at,
                "refusals": refusals,
                "refused_for": refused_for,
                "attempts": attempts,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.carried_attempt import CarriedAttempt  # noqa: PLC0415

        d = dict(src_dict)
        worker_id = d.pop("worker_id")

        hostname = d.pop("hostname")

        pid = d.pop("pid")

        version = d.pop("version")

        queues = cast(list[str], d.pop("queues"))

        def _parse_token_id(data: object) -> None | UUID:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                token_id_type_0 = UUID(data)

                return token_id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | UUID, data)

        token_id = _parse_token_id(d.pop("token_id"))

        def _parse_token_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        token_name = _parse_token_name(d.pop("token_name"))

        status = WorkerStatus(d.pop("status"))

        started_at = datetime.datetime.fromisoformat(d.pop("started_at"))

        latest_heartbeat = datetime.datetime.fromisoformat(d.pop("latest_heartbeat"))

        def _parse_stopped_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                stopped_at_type_0 = datetime.datetime.fromisoformat(data)

                return stopped_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        stopped_at = _parse_stopped_at(d.pop("stopped_at"))

        refusals = d.pop("refusals")

        def _parse_refused_for(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        refused_for = _parse_refused_for(d.pop("refused_for"))

        attempts = []
        _attempts = d.pop("attempts")
        for attempts_item_data in _attempts:
            attempts_item = CarriedAttempt.from_dict(attempts_item_data)

            attempts.append(attempts_item)

        worker = cls(
            worker_id=worker_id,
            hostname=hostname,
            pid=pid,
            version=version,
            queues=queues,
            token_id=token_id,
            token_name=token_name,
            status=status,
            started_at=started_at,
            latest_heartbeat=latest_heartbeat,
            stopped_at=stopped_at,
            refusals=refusals,
            refused_for=refused_for,
            attempts=attempts,
        )

        worker.additional_properties = d
        return worker

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
