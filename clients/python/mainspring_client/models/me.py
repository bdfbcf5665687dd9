from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.rights import Rights
    from ..models.ui_config import UiConfig

from ..plain import as_dict

T = TypeVar("T", bound="Me")


@_attrs_define
class Me:
    """
    Attributes:
        name (str): Name of the user or token
        rights (list[Rights]): Rights of the user and of the token; an action needs all of them
        page (UiConfig):
    """

    name: str
    rights: list[Rights]
    page: UiConfig
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        rights = []
        for rights_item_data in self.rights:
            rights_item = as_dict(rights_item_data)
            rights.append(rights_item)

        page = as_dict(self.page)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "rights": rights,
                "page": page,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.rights import Rights  # noqa: PLC0415
        from ..models.ui_config import UiConfig  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        rights = []
        _rights = d.pop("rights")
        for rights_item_data in _rights:
            rights_item = Rights.from_dict(rights_item_data)

            rights.append(rights_item)

        page = UiConfig.from_dict(d.pop("page"))

        me = cls(
            name=name,
            rights=rights,
            page=page,
        )

        me.additional_properties = d
        return me

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
