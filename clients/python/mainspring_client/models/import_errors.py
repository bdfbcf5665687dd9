from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.json_object import JsonObject

from ..plain import as_dict

T = TypeVar("T", bound="ImportErrors")


@_attrs_define
class ImportErrors:
    """
    Attributes:
        total_entries (int): Number of entries on all pages
        import_errors (list[JsonObject]): Always empty
    """

    total_entries: int
    import_errors: list[JsonObject]
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        total_entries = self.total_entries

        import_errors = []
        for import_errors_item_data in self.import_errors:
            import_errors_item = as_dict(import_errors_item_data)
            import_errors.append(import_errors_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "total_entries": total_entries,
                "import_errors": import_errors,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.json_object import JsonObject  # noqa: PLC0415

        d = dict(src_dict)
        total_entries = d.pop("total_entries")

        import_errors = []
        _import_errors = d.pop("import_errors")
        for import_errors_item_data in _import_errors:
            import_errors_item = JsonObject.from_dict(import_errors_item_data)

            import_errors.append(import_errors_item)

        import_errors = cls(
            total_entries=total_entries,
            import_errors=import_errors,
        )

        import_errors.additional_properties = d
        return import_errors

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
