from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.inline_run_body_media_type import InlineRunBodyMediaType
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.callback_body import CallbackBody
    from ..models.json_object import JsonObject

from ..plain import as_dict

T = TypeVar("T", bound="InlineRunBody")


@_attrs_define
class InlineRunBody:
    """
    Attributes:
        dag_id (None | str | Unset): Id to save it under; null = as the document says
        definition (JsonObject | None | Unset): Definition as an object
        text (None | str | Unset): Definition as text, which is kept as it is
        media_type (InlineRunBodyMediaType | Unset): Language of `text` Default: InlineRunBodyMediaType.APPLICATIONYAML.
        dag_run_id (None | str | Unset): Identifier of the run within its DAG; null = made by the server
        logical_date (datetime.datetime | None | Unset): Instant that the run stands for; null = none
        data_interval_start (datetime.datetime | None | Unset): Start of the interval that the run covers, inclusive
        data_interval_end (datetime.datetime | None | Unset): End of the interval that the run covers, exclusive
        run_after (datetime.datetime | None | Unset): Earliest start, and the end of the run's id after `manual__`; null
            = now
        conf (JsonObject | None | Unset): Values of the DAG's parameters, as an object; null = none
        note (None | str | Unset): Text that a person attached
        priority (int | None | Unset): A higher priority starts first where places are short; null = as the DAG says
        partition_key (None | str | Unset): Null only: no DAG is partitioned
        callback (CallbackBody | None | Unset): Address that gets the end of this run alone; null = none
    """

    dag_id: None | str | Unset = UNSET
    definition: JsonObject | None | Unset = UNSET
    text: None | str | Unset = UNSET
    media_type: InlineRunBodyMediaType | Unset = InlineRunBodyMediaType.APPLICATIONYAML
    dag_run_id: None | str | Unset = UNSET
    logical_date: datetime.datetime | None | Unset = UNSET
    data_interval_start: datetime.datetime | None | Unset = UNSET
    data_interval_end: datetime.datetime | None | Unset = UNSET
    run_after: datetime.datetime | None | Unset = UNSET
    conf: JsonObject | None | Unset = UNSET
    note: None | str | Unset = UNSET
    priority: int | None | Unset = UNSET
    partition_key: None | str | Unset = UNSET
    callback: CallbackBody | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.callback_body import CallbackBody  # noqa: PLC0415
        from ..models.json_object import JsonObject  # noqa: PLC0415

        dag_id: None | str | Unset
        if isinstance(self.dag_id, Unset):
            dag_id = UNSET
        else:
            dag_id = self.dag_id

        definition: dict[str, Any] | None | Unset
        if isinstance(self.definition, Unset):
            definition = UNSET
        elif isinstance(self.definition, JsonObject):
            definition = as_dict(self.definition)
        else:
            definition = self.definition

        text: None | str | Unset
        if isinstance(self.text, Unset):
            text = UNSET
        else:
            text = self.text

        media_type: str | Unset = UNSET
        if not isinstance(self.media_type, Unset):
            media_type = self.media_type.value

        dag_run_id: None | str | Unset
        if isinstance(self.dag_run_id, Unset):
            dag_run_id = UNSET
        else:
            dag_run_id = self.dag_run_id

        logical_date: None | str | Unset
        if isinstance(self.logical_date, Unset):
            logical_date = UNSET
        elif isinstance(self.logical_date, datetime.datetime):
            logical_date = self.logical_date.isoformat()
        else:
            logical_date = self.logical_date

        data_interval_start: None | str | Unset
        if isinstance(self.data_interval_start, Unset):
            data_interval_start = UNSET
        elif isinstance(self.data_interval_start, datetime.datetime):
            data_interval_start = self.data_interval_start.isoformat()
        else:
            data_interval_start = self.data_interval_start

        data_interval_end: None | str | Unset
        if isinstance(self.data_interval_end, Unset):
            data_interval_end = UNSET
        elif isinstance(self.data_interval_end, datetime.datetime):
            data_interval_end = self.data_interval_end.isoformat()
        else:
            data_interval_end = self.data_interval_end

        run_after: None | str | Unset
        if isinstance(self.run_after, Unset):
            run_after = UNSET
        elif isinstance(self.run_after, datetime.datetime):
            run_after = self.run_after.isoformat()
        else:
            run_after = self.run_after

        conf: dict[str, Any] | None | Unset
        if isinstance(self.conf, Unset):
            conf = UNSET
        elif isinstance(self.conf, JsonObject):
            conf = as_dict(self.conf)
        else:
            conf = self.conf

        note: None | str | Unset
        if isinstance(self.note, Unset):
            note = UNSET
        else:
            note = self.note

        priority: int | None | Unset
        if isinstance(self.priority, Unset):
            priority = UNSET
        else:
            priority = self.priority

        partition_key: None | str | Unset
        if isinstance(self.partition_key, Unset):
            partition_key = UNSET
        else:
            partition_key = self.partition_key

        callback: dict[str, Any] | None | Unset
        if isinstance(self.callback, Unset):
            callback = UNSET
        elif isinstance(self.callback, CallbackBody):
            callback = as_dict(self.callback)
        else:
            callback = self.callback

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if dag_id is not UNSET:
            field_dict["dag_id"] = dag_id
        if definition is not UNSET:
            field_dict["definition"] = definition
        if text is not UNSET:
            field_dict["text"] = text
        if media_type is not UNSET:
            field_dict["media_type"] = media_type
        if dag_run_id is not UNSET:
            field_dict["dag_run_id"] = dag_run_id
        if logical_date is not UNSET:
            field_dict["logical_date"] = logical_date
        if data_interval_start is not UNSET:
            field_dict["data_interval_start"] = data_interval_start
        if data_interval_end is not UNSET:
            field_dict["data_interval_end"] = data_interval_end
        if run_after is not UNSET:
            field_dict["run_after"] = run_after
        if conf is not UNSET:
            field_dict["conf"] = conf
        if note is not UNSET:
            field_dict["note"] = note
        if priority is not UNSET:
            field_dict["priority"] = priority
        if partition_key is not UNSET:
            field_dict["partition_key"] = partition_key
        if callback is not UNSET:
            field_dict["callback"] = callback

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.callback_body import CallbackBody  # noqa: PLC0415
        from ..models.json_object import JsonObject  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_dag_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        dag_id = _parse_dag_id(d.pop("dag_id", UNSET))

        def _parse_definition(data: object) -> JsonObject | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                definition_type_0 = JsonObject.from_dict(data)

                return definition_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(JsonObject | None | Unset, data)

        definition = _parse_definition(d.pop("definition", UNSET))

        def _parse_text(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        text = _parse_text(d.pop("text", UNSET))

        _media_type = d.pop("media_type", UNSET)
        media_type: InlineRunBodyMediaType | Unset
        if isinstance(_media_type, Unset):
            media_type = UNSET
        else:
            media_type = InlineRunBodyMediaType(_media_type)

        def _parse_dag_run_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        dag_run_id = _parse_dag_run_id(d.pop("dag_run_id", UNSET))

        def _parse_logical_date(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                logical_date_type_0 = datetime.datetime.fromisoformat(data)

                return logical_date_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        logical_date = _parse_logical_date(d.pop("logical_date", UNSET))

        def _parse_data_interval_start(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                data_interval_start_type_0 = datetime.datetime.fromisoformat(data)

                return data_interval_start_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        data_interval_start = _parse_data_interval_start(d.pop("data_interval_start", UNSET))

        def _parse_data_interval_end(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                data_interval_end_type_0 = datetime.datetime.fromisoformat(data)

                return data_interval_end_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        data_interval_end = _parse_data_interval_end(d.pop("data_interval_end", UNSET))

        def _parse_run_after(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                run_after_type_0 = datetime.datetime.fromisoformat(data)

                return run_after_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        run_after = _parse_run_after(d.pop("run_after", UNSET))

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

        def _parse_note(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        note = _parse_note(d.pop("note", UNSET))

        def _parse_priority(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        priority = _parse_priority(d.pop("priority", UNSET))

        def _parse_partition_key(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        partition_key = _parse_partition_key(d.pop("partition_key", UNSET))

        def _parse_callback(data: object) -> CallbackBody | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                callback_type_0 = CallbackBody.from_dict(data)

                return callback_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(CallbackBody | None | Unset, data)

        callback = _parse_callback(d.pop("callback", UNSET))

        inline_run_body = cls(
            dag_id=dag_id,
            definition=definition,
            text=text,
            media_type=media_type,
            dag_run_id=dag_run_id,
            logical_date=logical_date,
            data_interval_start=data_interval_start,
            data_interval_end=data_interval_end,
            run_after=run_after,
            conf=conf,
            note=note,
            priority=priority,
            partition_key=partition_key,
            callback=callback,
        )

        return inline_run_body
