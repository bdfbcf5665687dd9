from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.created_webhook_state import CreatedWebhookState

T = TypeVar("T", bound="CreatedWebhook")


@_attrs_define
class CreatedWebhook:
    """
    Attributes:
        name (str): Name of the webhook, which definitions use
        url (str): Address that deliveries are posted to; answered with the values of its query masked
        types (list[str]): Types of events to send; empty = only what definitions send by `notify`
        dag_id_pattern (str): Id of the DAG whose events are sent, or the beginning of ids and `*`
        description (None | str): Purpose in a sentence
        includes_outputs (bool): Whether the end of a run is sent with the outputs of the run
        state (CreatedWebhookState): `disabled` = switched off by a user; `ended` = switched off by the server
        ended_reason (None | str): Why the server ended the webhook: `owner_gone`, `grant_revoked` or `gone` (the
            receiver answered 410); null = it did not
        owner (None | str): Name of the owner; null = the owner is deleted
        created_at (datetime.datetime): Instant of the creation
        updated_at (datetime.datetime): Instant of the latest change
        secret (str): Secret that signs deliveries; shown only once
    """

    name: str
    url: str
    types: list[str]
    dag_id_pattern: str
    description: None | str
    includes_outputs: bool
    state: CreatedWebhookState
    ended_reason: None | str
    owner: None | str
    created_at: datetime.datetime
    updated_at: datetime.datetime
    secret: str
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        url = self.url

        types = self.types

        dag_id_pattern = self.dag_id_pattern

        description: None | str
        description = self.description

        includes_outputs = self.includes_outputs

        state = self.state.value

        ended_reason: None | str
        ended_reason = self.ended_reason

        owner: None | str
        owner = self.owner

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        secret = self.secret

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "url": url,
                "types": types,
                "dag_id_pattern": dag_id_pattern,
                "description": description,
                "includes_outputs": includes_outputs,
                "state": state,
                "ended_reason": ended_reason,
                "owner": owner,
                "created_at": created_at,
                "updated_at": updated_at,
                "secret": secret,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        url = d.pop("url")

        types = cast(list[str], d.pop("types"))

        dag_id_pattern = d.pop("dag_id_pattern")

        def _parse_description(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        description = _parse_description(d.pop("description"))

        includes_outputs = d.pop("includes_outputs")

        state = CreatedWebhookState(d.pop("state"))

        def _parse_ended_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        ended_reason = _parse_ended_reason(d.pop("ended_reason"))

        def _parse_owner(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        owner = _parse_owner(d.pop("owner"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        secret = d.pop("secret")

        created_webhook = cls(
            name=name,
            url=url,
            types=types,
            dag_id_pattern=dag_id_pattern,
            description=description,
            includes_outputs=includes_outputs,
            state=state,
            ended_reason=ended_reason,
            owner=owner,
            created_at=created_at,
            updated_at=updated_at,
            secret=secret,
        )

        created_webhook.additional_properties = d
        return created_webhook

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
