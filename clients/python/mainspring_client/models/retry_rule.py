from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.retry_action import RetryAction
from ..models.state_reason import StateReason
from ..types import UNSET, Unset

T = TypeVar("T", bound="RetryRule")


@_attrs_define
class RetryRule:
    """
    Attributes:
        action (RetryAction):
        exit_code (list[int] | Unset): Exit codes that the rule fits.
        reason (list[StateReason] | Unset): Reasons that the rule fits.
        error (str | Unset): A regular expression searched in the message.
    """

    action: RetryAction
    exit_code: list[int] | Unset = UNSET
    reason: list[StateReason] | Unset = UNSET
    error: str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        action = self.action.value

        exit_code: list[int] | Unset = UNSET
        if not isinstance(self.exit_code, Unset):
            exit_code = self.exit_code

        reason: list[str] | Unset = UNSET
        if not isinstance(self.reason, Unset):
            reason = []
            for reason_item_data in self.reason:
                reason_item = reason_item_data.value
                reason.append(reason_item)

        error = self.error

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "action": action,
            }
        )
        if exit_code is not UNSET:
            field_dict["exit_code"] = exit_code
        if reason is not UNSET:
            field_dict["reason"] = reason
        if error is not UNSET:
            field_dict["error"] = error

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        action = RetryAction(d.pop("action"))

        exit_code = cast(list[int], d.pop("exit_code", UNSET))

        _reason = d.pop("reason", UNSET)
        reason: list[StateReason] | Unset = UNSET
        if _reason is not UNSET:
            reason = []
            for reason_item_data in _reason:
                reason_item = StateReason(reason_item_data)

                reason.append(reason_item)

        error = d.pop("error", UNSET)

        retry_rule = cls(
            action=action,
            exit_code=exit_code,
            reason=reason,
            error=error,
        )

        return retry_rule
