from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.webhook_body_state import WebhookBodyState
from ..models.webhook_body_types_item import WebhookBodyTypesItem
from ..types import UNSET, Unset

T = TypeVar("T", bound="WebhookBody")


@_attrs_define
class WebhookBody:
    """
    Attributes:
        url (str): Address that deliveries are posted to; answered with the values of its query masked
        name (str): Name of the webhook
        types (list[WebhookBodyTypesItem] | Unset): Types of events to send; empty = only what definitions send by
            `notify`
        dag_id_pattern (str | Unset): Id of the DAG whose events are sent, or the beginning of ids and `*` Default: '*'.
        description (None | str | Unset): Purpose in a sentence
        includes_outputs (bool | Unset): Whether the end of a run is sent with the outputs of the run
        state (WebhookBodyState | Unset): `active` sends the events from now on; `disabled` sends nothing
    """

    url: str
    name: str
    types: list[WebhookBodyTypesItem] | Unset = UNSET
    dag_id_pattern: str | Unset = "*"
    description: None | str | Unset = UNSET
    includes_outputs: bool | Unset = UNSET
    state: WebhookBodyState | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        url = self.url

        name = self.name

        types: list[str] | Unset = UNSET
        if not isinstance(self.types, Unset):
            types = []
            for types_item_data in self.types:
                types_item = types_item_data.value
                types.append(types_item)

        dag_id_pattern = self.dag_id_pattern

        description: None | str | Unset
        if isinstance(self.description, Unset):
            description = UNSET
        else:
            description = self.description

        includes_outputs = self.includes_outputs

        state: str | Unset = UNSET
        if not isinstance(self.state, Unset):
            state = self.state.value

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "url": url,
                "name": name,
            }
        )
        if types is not UNSET:
            field_dict["types"] = types
        if dag_id_pattern is not UNSET:
            field_dict["dag_id_pattern"] = dag_id_pattern
        if description is not UNSET:
            field_dict["description"] = description
        if includes_outputs is not UNSET:
            field_dict["includes_outputs"] = includes_outputs
        if state is not UNSET:
            field_dict["state"] = state

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        url = d.pop("url")

        name = d.pop("name")

        _types = d.pop("types", UNSET)
        types: list[WebhookBodyTypesItem] | Unset = UNSET
        if _types is not UNSET:
            types = []
            for types_item_data in _types:
                types_item = WebhookBodyTypesItem(types_item_data)

                types.append(types_item)

        dag_id_pattern = d.pop("dag_id_pattern", UNSET)

        def _parse_description(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        description = _parse_description(d.pop("description", UNSET))

        includes_outputs = d.pop("includes_outputs", UNSET)

        _state = d.pop("state", UNSET)
        state: WebhookBodyState | Unset
        if isinstance(_state, Unset):
            state = UNSET
        else:
            state = WebhookBodyState(_state)

        webhook_body = cls(
            url=url,
            name=name,
            types=types,
            dag_id_pattern=dag_id_pattern,
            description=description,
            includes_outputs=includes_outputs,
            state=state,
        )

        return webhook_body
