from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="SecurityFacts")


@_attrs_define
class SecurityFacts:
    """
    Attributes:
        address (str): Address that the server listens on, and who can reach the address
        authentication (str): Tokens and logins that the server accepts
        transport (str): Encryption of the connections of clients
        database (str): Place of the database, the server's role there, and the encryption on the way
        database_role (None | str): Rights of the server's role in the database; null = the database has no roles
        database_sessions (None | str): Limits of each database session, and defaults that a session did not take; null
            on SQLite
        redis (str): Protection of Redis, as far as this process knows the settings of the schedulers
        executors (str): Executors, and the isolation of the code of users
    """

    address: str
    authentication: str
    transport: str
    database: str
    database_role: None | str
    database_sessions: None | str
    redis: str
    executors: str
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        address = self.address

        authentication = self.authentication

        transport = self.transport

        database = self.database

        database_role: None | str
        database_role = self.database_role

        database_sessions: None | str
        database_sessions = self.database_sessions

        redis = self.redis

        executors = self.executors

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "address": address,
                "authentication": authentication,
                "transport": transport,
                "database": database,
                "database_role": database_role,
                "database_sessions": database_sessions,
                "redis": redis,
                "executors": executors,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        address = d.pop("address")

        authentication = d.pop("authentication")

        transport = d.pop("transport")

        database = d.pop("database")

        def _parse_database_role(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        database_role = _parse_database_role(d.pop("database_role"))

        def _parse_database_sessions(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        database_sessions = _parse_database_sessions(d.pop("database_sessions"))

        redis = d.pop("redis")

        executors = d.pop("executors")

        security_facts = cls(
            address=address,
            authentication=authentication,
            transport=transport,
            database=database,
            database_role=database_role,
            database_sessions=database_sessions,
            redis=redis,
            executors=executors,
        )

        security_facts.additional_properties = d
        return security_facts

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
