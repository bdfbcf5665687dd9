from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.planned_definition import PlannedDefinition

from ..plain import as_dict

T = TypeVar("T", bound="DagsBody")


@_attrs_define
class DagsBody:
    """
    Attributes:
        definitions (list[PlannedDefinition] | Unset): Definitions to save, at most 500, each DAG once
        plan_token (None | str | Unset): Token of the plan of exactly these definitions; null = save without a plan
        message (str | Unset): Reason of the change, kept with each new version Default: ''.
        bundle_name (None | str | Unset): Bundle that the definitions belong to; null = each DAG keeps its bundle
        take_over (bool | Unset): True = the DAGs may belong to another bundle until now Default: False.
    """

    definitions: list[PlannedDefinition] | Unset = UNSET
    plan_token: None | str | Unset = UNSET
    message: str | Unset = ""
    bundle_name: None | str | Unset = UNSET
    take_over: bool | Unset = False

    def to_dict(self) -> dict[str, Any]:
        definitions: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.definitions, Unset):
            definitions = []
            for definitions_item_data in self.definitions:
                definitions_item = as_dict(definitions_item_data)
                definitions.append(definitions_item)

        plan_token: None | str | Unset
        if isinstance(self.plan_token, Unset):
            plan_token = UNSET
        else:
            plan_token = self.plan_token

        message = self.message

        bundle_name: None | str | Unset
        if isinstance(self.bundle_name, Unset):
            bundle_name = UNSET
        else:
            bundle_name = self.bundle_name

        take_over = self.take_over

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if definitions is not UNSET:
            field_dict["definitions"] = definitions
        if plan_token is not UNSET:
            field_dict["plan_token"] = plan_token
        if message is not UNSET:
            field_dict["message"] = message
        if bundle_name is not UNSET:
            field_dict["bundle_name"] = bundle_name
        if take_over is not UNSET:
            field_dict["take_over"] = take_over

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.planned_definition import PlannedDefinition  # noqa: PLC0415

        d = dict(src_dict)
        _definitions = d.pop("definitions", UNSET)
        definitions: list[PlannedDefinition] | Unset = UNSET
        if _definitions is not UNSET:
            definitions = []
            for definitions_item_data in _definitions:
                definitions_item = PlannedDefinition.from_dict(definitions_item_data)

                definitions.append(definitions_item)

        def _parse_plan_token(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        plan_token = _parse_plan_token(d.pop("plan_token", UNSET))

        message = d.pop("message", UNSET)

        def _parse_bundle_name(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        bundle_name = _parse_bundle_name(d.pop("bundle_name", UNSET))

        take_over = d.pop("take_over", UNSET)

        dags_body = cls(
            definitions=definitions,
            plan_token=plan_token,
            message=message,
            bundle_name=bundle_name,
            take_over=take_over,
        )

        return dags_body
