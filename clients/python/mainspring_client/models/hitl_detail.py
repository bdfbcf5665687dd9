from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.hitl_user import HitlUser
    from ..models.json_object import JsonObject
    from ..models.task_instance import TaskInstance

from ..plain import as_dict

T = TypeVar("T", bound="HitlDetail")


@_attrs_define
class HitlDetail:
    """
    Attributes:
        task_instance (TaskInstance):
        subject (str): Question to answer
        body (None | str): Always null
        options (list[str]): Possible answers
        defaults (list[str] | None): Answer taken at the timeout; null = the task fails
        multiple (bool): Whether an answer may name several options
        params (JsonObject):
        assigned_users (list[HitlUser]): Users who may answer; empty = each user with the role
        created_at (datetime.datetime): Start of the wait
        response_received (bool): Whether an answer is recorded
        responded_by_user (HitlUser | None): User or token that answered; null = no answer, or the default
        responded_at (datetime.datetime | None): Instant of the answer; null = none yet
        chosen_options (list[str] | None): Options of the answer; null = none yet
        params_input (JsonObject):
    """

    task_instance: TaskInstance
    subject: str
    body: None | str
    options: list[str]
    defaults: list[str] | None
    multiple: bool
    params: JsonObject
    assigned_users: list[HitlUser]
    created_at: datetime.datetime
    response_received: bool
    responded_by_user: HitlUser | None
    responded_at: datetime.datetime | None
    chosen_options: list[str] | None
    params_input: JsonObject
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.hitl_user import HitlUser  # noqa: PLC0415

        task_instance = as_dict(self.task_instance)

        subject = self.subject

        body: None | str
        body = self.body

        options = self.options

        defaults: list[str] | None
        if isinstance(self.defaults, list):
            defaults = self.defaults

        else:
            defaults = self.defaults

        multiple = self.multiple

        params = as_dict(self.params)

        assigned_users = []
        for assigned_users_item_data in self.assigned_users:
            assigned_users_item = as_dict(assigned_users_item_data)
            assigned_users.append(assigned_users_item)

        created_at = self.created_at.isoformat()

        response_received = self.response_received

        responded_by_user: dict[str, Any] | None
        if isinstance(self.responded_by_user, HitlUser):
            responded_by_user = as_dict(self.responded_by_user)
        else:
            responded_by_user = self.responded_by_user

        responded_at: None | str
        if isinstance(self.responded_at, datetime.datetime):
            responded_at = self.responded_at.isoformat()
        else:
            responded_at = self.responded_at

        chosen_options: list[str] | None
        if isinstance(self.chosen_options, list):
            chosen_options = self.chosen_options

        else:
            chosen_options = self.chosen_options

        params_input = as_dict(self.params_input)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "task_instance": task_instance,
                "subject": subject,
                "body": body,
                "options": options,
                "defaults": defaults,
                "multiple": multiple,
                "params": params,
                "assigned_users": assigned_users,
                "created_at": created_at,
                "response_received": response_received,
                "responded_by_user": responded_by_user,
                "responded_at": responded_at,
                "chosen_options": chosen_options,
                "params_input": params_input,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.hitl_user import HitlUser  # noqa: PLC0415
        from ..models.json_object import JsonObject  # noqa: PLC0415
        from ..models.task_instance import TaskInstance  # noqa: PLC0415

        d = dict(src_dict)
        task_instance = TaskInstance.from_dict(d.pop("task_instance"))

        subject = d.pop("subject")

        def _parse_body(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        body = _parse_body(d.pop("body"))

        options = cast(list[str], d.pop("options"))

        def _parse_defaults(data: object) -> list[str] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                defaults_type_0 = cast(list[str], data)

                return defaults_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None, data)

        defaults = _parse_defaults(d.pop("defaults"))

        multiple = d.pop("multiple")

        params = JsonObject.from_dict(d.pop("params"))

        assigned_users = []
        _assigned_users = d.pop("assigned_users")
        for assigned_users_item_data in _assigned_users:
            assigned_users_item = HitlUser.from_dict(assigned_users_item_data)

            assigned_users.append(assigned_users_item)

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        response_received = d.pop("response_received")

        def _parse_responded_by_user(data: object) -> HitlUser | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                responded_by_user_type_0 = HitlUser.from_dict(data)

                return responded_by_user_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(HitlUser | None, data)

        responded_by_user = _parse_responded_by_user(d.pop("responded_by_user"))

        def _parse_responded_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                responded_at_type_0 = datetime.datetime.fromisoformat(data)

                return responded_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        responded_at = _parse_responded_at(d.pop("responded_at"))

        def _parse_chosen_options(data: object) -> list[str] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                chosen_options_type_0 = cast(list[str], data)

                return chosen_options_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None, data)

        chosen_options = _parse_chosen_options(d.pop("chosen_options"))

        params_input = JsonObject.from_dict(d.pop("params_input"))

        hitl_detail = cls(
            task_instance=task_instance,
            subject=subject,
            body=body,
            options=options,
            defaults=defaults,
            multiple=multiple,
            params=params,
            assigned_users=assigned_users,
            created_at=created_at,
            response_received=response_received,
            responded_by_user=responded_by_user,
            responded_at=responded_at,
            chosen_options=chosen_options,
            params_input=params_input,
        )

        hitl_detail.additional_properties = d
        return hitl_detail

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
