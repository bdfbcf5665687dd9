from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="Version")


@_attrs_define
class Version:
    """
    Attributes:
        version (str): Version of Airflow whose API the server speaks
        mainspring_version (str): Version of Mainspring
        git_version (None | str): Always null
    """

    version: str
    mainspring_version: str
    git_version: None | str
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        version = self.version

        mainspring_version = self.mainspring_version

        git_version: None | str
        git_version = self.git_version

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "version": version,
                "mainspring_version": mainspring_version,
                "git_version": git_version,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        version = d.pop("version")

        mainspring_version = d.pop("mainspring_version")

        def _parse_git_version(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        git_version = _parse_git_version(d.pop("git_version"))

        version = cls(
            version=version,
            mainspring_version=mainspring_version,
            git_version=git_version,
        )

        version.additional_properties = d
        return version

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
