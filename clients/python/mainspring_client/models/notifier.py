from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.notifier_state import NotifierState

T = TypeVar("T", bound="Notifier")


@_attrs_define
class Notifier:
    """
    Attributes:
        name (str): Name of the notifier, which definitions use
        url (str): Address as the library apprise writes it, answered as its scheme alone; schemes: mailto, mailtos,
            slack, msteams, workflows, discord, tgram, pagerduty, opsgenie, ntfy, ntfys, json, jsons
        dag_id_pattern (str): Id of the DAG that may use the notifier, or the beginning of ids and `*`
        description (None | str): Purpose in a sentence
        state (NotifierState): `disabled` sends nothing
        created_at (datetime.datetime): Instant of the creation
        updated_at (datetime.datetime): Instant of the latest change
    """

    name: str
    url: str
    dag_id_pattern: str
    description: None | str
    state: NotifierState
    created_at: datetime.datetime
    updated_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        url = self.url

        dag_id_pattern = self.dag_id_pattern

        description: None | str
        description = self.description

        state = self.state.value

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "url": url,
                "dag_id_pattern": dag_id_pattern,
                "description": description,
                "state": state,
                "created_at": created_at,
                "updated_at": updated_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        url = d.pop("url")

        dag_id_pattern = d.pop("dag_id_pattern")

        def _parse_description(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        description = _parse_description(d.pop("description"))

        state = NotifierState(d.pop("state"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        notifier = cls(
            name=name,
            url=url,
            dag_id_pattern=dag_id_pattern,
            description=description,
            state=state,
            created_at=created_at,
            updated_at=updated_at,
        )

        notifier.additional_properties = d
        return notifier

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
