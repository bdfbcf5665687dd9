from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.webhook_patch_body_state import WebhookPatchBodyState
from ..models.webhook_patch_body_types_item import WebhookPatchBodyTypesItem
from ..types import UNSET, Unset

T = TypeVar("T", bound="WebhookPatchBody")


@_attrs_define
class WebhookPatchBody:
    """
    Attributes:
        url (str | Unset): Address that deliveries are posted to; answered with the values of its query masked
        types (list[WebhookPatchBodyTypesItem] | Unset): Types of events to send; empty = only what definitions send by
            `notify`
        dag_id_pattern (str | Unset): Id of the DAG whose events are sent, or the beginning of ids and `*`
        description (None | str | Unset): Purpose in a sentence
        includes_outputs (bool | Unset): Whether the end of a run is sent with the outputs of the run
        state (WebhookPatchBodyState | Unset): `active` sends the events from now on; `disabled` sends nothing
    """

    url: str | Unset = UNSET
    types: list[WebhookPatchBodyTypesItem] | Unset = UNSET
    dag_id_pattern: str | Unset = UNSET
    description: None | str | Unset = UNSET
    includes_outputs: bool | Unset = UNSET
    state: WebhookPatchBodyState | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        url = self.url

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

        field_dict.update({})
        if url is not UNSET:
            field_dict["url"] = url
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
        url = d.pop("url", UNSET)

        _types = d.pop("types", UNSET)
        types: list[WebhookPatchBodyTypesItem] | Unset = UNSET
        if _types is not UNSET:
            types = []
            for types_item_data in _types:
                types_item = WebhookPatchBodyTypesItem(types_item_data)

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
        state: WebhookPatchBodyState | Unset
        if isinstance(_state, Unset):
            state = UNSET
        else:
            state = WebhookPatchBodyState(_state)

        webhook_patch_body = cls(
            url=url,
            types=types,
            dag_id_pattern=dag_id_pattern,
            description=description,
            includes_outputs=includes_outputs,
            state=state,
        )

        return webhook_patch_body
