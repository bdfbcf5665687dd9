from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="Addresses")


@_attrs_define
class Addresses:
    """
    Attributes:
        api (str): Path of the API
        docs (str): Path of the documentation, for people
        openapi (str): Path of the OpenAPI document
        health (str): Path of the health of the services
        ready (str): Path of the readiness of this process
    """

    api: str
    docs: str
    openapi: str
    health: str
    ready: str
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        api = self.api

        docs = self.docs

        openapi = self.openapi

        health = self.health

        ready = self.ready

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "api": api,
                "docs": docs,
                "openapi": openapi,
                "health": health,
                "ready": ready,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        api = d.pop("api")

        docs = d.pop("docs")

        openapi = d.pop("openapi")

        health = d.pop("health")

        ready = d.pop("ready")

        addresses = cls(
            api=api,
            docs=docs,
            openapi=openapi,
            health=health,
            ready=ready,
        )

        addresses.additional_properties = d
        return addresses

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
