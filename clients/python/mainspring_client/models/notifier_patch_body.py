from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.notifier_patch_body_state import NotifierPatchBodyState
from ..types import UNSET, Unset

T = TypeVar("T", bound="NotifierPatchBody")


@_attrs_define
class NotifierPatchBody:
    """
    Attributes:
        url (str | Unset): Address as the library apprise writes it, answered as its scheme alone; schemes: mailto,
            mailtos, slack, msteams, workflows, discord, tgram, pagerduty, opsgenie, ntfy, ntfys, json, jsons
        dag_id_pattern (str | Unset): Id of the DAG that may use the notifier, or the beginning of ids and `*`
        description (None | str | Unset): Purpose in a sentence
        state (NotifierPatchBodyState | Unset): `disabled` sends nothing
    """

    url: str | Unset = UNSET
    dag_id_pattern: str | Unset = UNSET
    description: None | str | Unset = UNSET
    state: NotifierPatchBodyState | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        url = self.url

        dag_id_pattern = self.dag_id_pattern

        description: None | str | Unset
        if isinstance(self.description, Unset):
            description = UNSET
        else:
            description = self.description

        state: str | Unset = UNSET
        if not isinstance(self.state, Unset):
            state = self.state.value

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if url is not UNSET:
            field_dict["url"] = url
        if dag_id_pattern is not UNSET:
            field_dict["dag_id_pattern"] = dag_id_pattern
        if description is not UNSET:
            field_dict["description"] = description
        if state is not UNSET:
            field_dict["state"] = state

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        url = d.pop("url", UNSET)

        dag_id_pattern = d.pop("dag_id_pattern", UNSET)

        def _parse_description(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        description = _parse_description(d.pop("description", UNSET))

        _state = d.pop("state", UNSET)
        state: NotifierPatchBodyState | Unset
        if isinstance(_state, Unset):
            state = UNSET
        else:
            state = NotifierPatchBodyState(_state)

        notifier_patch_body = cls(
            url=url,
            dag_id_pattern=dag_id_pattern,
            description=description,
            state=state,
        )

        return notifier_patch_body
