from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="UiConfig")


@_attrs_define
class UiConfig:
    """
    Attributes:
        instance_name (str): Name of this installation
        logins (list[str]): Ways to log in: `password`, `token`, `oidc`
        oidc_name (None | str): Name of the identity provider for `oidc`; null = there is none
        languages (list[str]): Languages of the page, by ISO 639 code
        build (str): Build of the page that this server has; empty = no page
        banner (None | str): Sentence to show above all; null = no banner
        default_timezone (None | str): IANA zone to show instants in; null = the zone of the browser
        version (None | str): Version of Mainspring
        public_url (None | str): Address of this server as the client reaches it, without a path
    """

    instance_name: str
    logins: list[str]
    oidc_name: None | str
    languages: list[str]
    build: str
    banner: None | str
    default_timezone: None | str
    version: None | str
    public_url: None | str
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        instance_name = self.instance_name

        logins = self.logins

        oidc_name: None | str
        oidc_name = self.oidc_name

        languages = self.languages

        build = self.build

        banner: None | str
        banner = self.banner

        default_timezone: None | str
        default_timezone = self.default_timezone

        version: None | str
        version = self.version

        public_url: None | str
        public_url = self.public_url

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "instance_name": instance_name,
                "logins": logins,
                "oidc_name": oidc_name,
                "languages": languages,
                "build": build,
                "banner": banner,
                "default_timezone": default_timezone,
                "version": version,
                "public_url": public_url,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        instance_name = d.pop("instance_name")

        logins = cast(list[str], d.pop("logins"))

        def _parse_oidc_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        oidc_name = _parse_oidc_name(d.pop("oidc_name"))

        languages = cast(list[str], d.pop("languages"))

        build = d.pop("build")

        def _parse_banner(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        banner = _parse_banner(d.pop("banner"))

        def _parse_default_timezone(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        default_timezone = _parse_default_timezone(d.pop("default_timezone"))

        def _parse_version(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        version = _parse_version(d.pop("version"))

        def _parse_public_url(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        public_url = _parse_public_url(d.pop("public_url"))

        ui_config = cls(
            instance_name=instance_name,
            logins=logins,
            oidc_name=oidc_name,
            languages=languages,
            build=build,
            banner=banner,
            default_timezone=default_timezone,
            version=version,
            public_url=public_url,
        )

        ui_config.additional_properties = d
        return ui_config

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
