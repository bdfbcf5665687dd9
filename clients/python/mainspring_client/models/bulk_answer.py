from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.bulk_result import BulkResult

from ..plain import as_dict

T = TypeVar("T", bound="BulkAnswer")


@_attrs_define
class BulkAnswer:
    """
    Attributes:
        create (BulkResult | None): Result of the actions `create`; null = none
        update (BulkResult | None): Result of the actions `update`; null = none
        delete (BulkResult | None): Result of the actions `delete`; null = none
    """

    create: BulkResult | None
    update: BulkResult | None
    delete: BulkResult | None
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.bulk_result import BulkResult  # noqa: PLC0415

        create: dict[str, Any] | None
        if isinstance(self.create, BulkResult):
            create = as_dict(self.create)
        else:
            create = self.create

        update: dict[str, Any] | None
        if isinstance(self.update, BulkResult):
            update = as_dict(self.update)
        else:
            update = self.update

        delete: dict[str, Any] | None
        if isinstance(self.delete, BulkResult):
            delete = as_dict(self.delete)
        else:
            delete = self.delete

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "create": create,
                "update": update,
                "delete": delete,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.bulk_result import BulkResult  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_create(data: object) -> BulkResult | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                create_type_0 = BulkResult.from_dict(data)

                return create_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(BulkResult | None, data)

        create = _parse_create(d.pop("create"))

        def _parse_update(data: object) -> BulkResult | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                update_type_0 = BulkResult.from_dict(data)

                return update_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(BulkResult | None, data)

        update = _parse_update(d.pop("update"))

        def _parse_delete(data: object) -> BulkResult | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                delete_type_0 = BulkResult.from_dict(data)

                return delete_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(BulkResult | None, data)

        delete = _parse_delete(d.pop("delete"))

        bulk_answer = cls(
            create=create,
            update=update,
            delete=delete,
        )

        bulk_answer.additional_properties = d
        return bulk_answer

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
