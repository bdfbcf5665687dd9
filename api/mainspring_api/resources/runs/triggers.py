"""What a trigger asks for: the body, and the run that follows from the body and the DAG's definition."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates

from mainspring.definition import Definition
from mainspring.definition.model import RUN_PRIORITY_MAX
from mainspring.errors import InvalidInput, InvalidParams, Problem
from mainspring.ids import check_run_id
from mainspring.params import resolve_params
from mainspring.states import RunType
from mainspring.timetables import timetable_of
from mainspring.webhook_signatures import is_secret
from mainspring_api.http.fields import Body, Instant, JsonObject
from mainspring_api.http.problems import BadRequest
from mainspring_api.http.receiver_addresses import URL_CHARS_MAX

__all__ = ["RunBody", "Trigger", "TriggerBody", "checked_run_id", "data_interval", "params_of", "params_of_trigger"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trigger:
    """A checked trigger."""

    dag_run_id: str | None
    logical_date: datetime | None
    data_interval: tuple[datetime, datetime] | None
    """None = as the timetable says."""
    run_after: datetime | None
    """With the offset that was sent: the run's id repeats it."""
    conf: dict[str, Any]
    note: str | None
    priority: int | None
    """None = as the DAG says."""
    callback: Mapping[str, Any] | None
    """`url`, and `secret` or None; None = no callback."""
    version_number: int | None
    """None = the current version."""


class CallbackBody(Body):
    """An address that is sent the first end of the run."""

    url = fields.String(
        required=True,
        validate=validate.Length(min=1, max=URL_CHARS_MAX),
        metadata={"description": "Address that the end is posted to; its host must be in the setting `callback_allow`"},
    )
    secret = fields.String(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "Secret that signs the callback, as `whsec_` and base64 of 24 to 64 bytes; null = the key "
            "of the installation signs, see `GET /webhooks/key`"
        },
    )

    @validates("secret")
    def _is_secret(self, value: str | None, **_: Any) -> None:
        if value is not None and not is_secret(value):
            raise ValidationError("must be whsec_ and base64 of 24 to 64 bytes")


class RunBody(Body):
    """What a run is made of, beside its definition."""

    dag_run_id = fields.String(
        load_default=None,
        allow_none=True,
        metadata={"description": "Identifier of the run within its DAG; null = made by the server"},
    )
    logical_date = Instant(load_default=None, allow_none=True)
    data_interval_start = Instant(load_default=None, allow_none=True)
    data_interval_end = Instant(load_default=None, allow_none=True)
    run_after = Instant(
        keeps_offset=True,
        load_default=None,
        allow_none=True,
        metadata={"description": "Earliest start, and the end of the run's id after `manual__`; null = now"},
    )
    conf = JsonObject(
        load_default=None,
        allow_none=True,
        metadata={"description": "Values of the DAG's parameters, as an object; null = none"},
    )
    note = fields.String(load_default=None, allow_none=True)
    priority = fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(min=-RUN_PRIORITY_MAX, max=RUN_PRIORITY_MAX),
        metadata={"description": "A higher priority starts first where places are short; null = as the DAG says"},
    )
    partition_key = fields.String(
        load_default=None, allow_none=True, metadata={"description": "Null only: no DAG is partitioned"}
    )

    callback = fields.Nested(
        CallbackBody,
        load_default=None,
        allow_none=True,
        metadata={"description": "Address that gets the end of this run alone; null = none"},
    )

    @post_load
    def _checked(self, body: dict[str, Any], **_: Any) -> Any:
        return self.trigger_of(body)

    @staticmethod
    def trigger_of(body: Mapping[str, Any]) -> Trigger:
        """The trigger of a loaded body.

        Raises:
            InvalidInput: Members do not fit each other.
        """
        if body["partition_key"] is not None:
            raise _invalid("/partition_key", "partitions are not supported yet; leave it out", "not_supported_yet")
        start, end = body["data_interval_start"], body["data_interval_end"]
        if (start is None) != (end is None):
            raise _invalid("/data_interval_start", "give both data_interval_start and data_interval_end, or neither")
        if start is not None and start > end:
            raise _invalid("/data_interval_end", "lies before data_interval_start")
        date = body["logical_date"]
        # An interval is the interval of a logical date; without one it says nothing.
        interval = None if date is None or start is None else (start, end)
        return Trigger(
            dag_run_id=body["dag_run_id"],
            logical_date=date,
            data_interval=interval,
            run_after=body["run_after"],
            conf=body["conf"] or {},
            note=body["note"],
            priority=body["priority"],
            callback=body["callback"],
            version_number=body.get("version_number"),
        )


class TriggerBody(RunBody):
    """What to run. Every member may be left out."""

    version_number = fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(min=1, max=2**31 - 1),
        metadata={"description": "Number of the saved version to run; null = the current version"},
    )


def data_interval(definition: Definition, date: datetime | None) -> tuple[datetime, datetime] | None:
    """The interval that had ended last at a logical date; the date itself where there are no intervals."""
    if date is None:
        return None
    timetable = timetable_of(definition.schedule) if definition.schedule else None
    slot = timetable.latest_due(date) if timetable is not None and timetable.is_periodic else None
    return (date, date) if slot is None else (slot.logical_date, slot.data_interval_end)


def params_of(definition: Definition, conf: Mapping[str, Any], *, member: str = "conf") -> dict[str, Any]:
    """The params that a `conf` makes; faults name their place in the request.

    Raises:
        InvalidParams: It does not fit the DAG's schema.
    """
    try:
        return resolve_params(definition.params, conf)
    except InvalidParams as exc:
        problems = [replace(problem, pointer=f"/{member}{problem.pointer}") for problem in exc.problems]
        raise InvalidParams(problems) from exc


def params_of_trigger(definition: Definition, conf: Mapping[str, Any]) -> dict[str, Any]:
    """As `params_of`; a `conf` that does not fit raises BadRequest, Airflow's status for it in a trigger."""
    try:
        return params_of(definition, conf)
    except InvalidParams as exc:
        raise BadRequest(exc.problems) from exc


def checked_run_id(run_id: str) -> str:
    """The id that was chosen for a run. Raises BadRequest when it cannot be one."""
    try:
        return check_run_id(run_id, RunType.MANUAL)
    except InvalidInput as exc:
        raise BadRequest(exc.problems) from exc


def _invalid(pointer: str, message: str, code: str = "invalid_value") -> InvalidInput:
    return InvalidInput([Problem(pointer=pointer, message=message, code=code)])
