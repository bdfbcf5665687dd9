from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.grant_body_role import GrantBodyRole

T = TypeVar("T", bound="GrantBody")


@_attrs_define
class GrantBody:
    """
    Attributes:
        pattern (str): Identifier of a DAG, or a prefix followed by `*`
        role (GrantBodyRole): Role on the DAGs that `pattern` matches
    """

    pattern: str
    role: GrantBodyRole

    def to_dict(self) -> dict[str, Any]:
        pattern = self.pattern

        role = self.role.value

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "pattern": pattern,
                "role": role,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        pattern = d.pop("pattern")

        role = GrantBodyRole(d.pop("role"))

        grant_body = cls(
            pattern=pattern,
            role=role,
        )

        return grant_body
