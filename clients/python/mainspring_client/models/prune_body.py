from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="PruneBody")


@_attrs_define
class PruneBody:
    """
    Attributes:
        bundle_name (str): Bundle to prune
        kept (list[str]): Ids of the DAGs that the bundle has, at most 10000
        force (bool | Unset): True = also when more than half of the bundle would go Default: False.
        dry_run (bool | Unset): True = only say what would go; nothing is changed Default: False.
    """

    bundle_name: str
    kept: list[str]
    force: bool | Unset = False
    dry_run: bool | Unset = False

    def to_dict(self) -> dict[str, Any]:
        bundle_name = self.bundle_name

        kept = self.kept

        force = self.force

        dry_run = self.dry_run

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "bundle_name": bundle_name,
                "kept": kept,
            }
        )
        if force is not UNSET:
            field_dict["force"] = force
        if dry_run is not UNSET:
            field_dict["dry_run"] = dry_run

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        bundle_name = d.pop("bundle_name")

        kept = cast(list[str], d.pop("kept"))

        force = d.pop("force", UNSET)

        dry_run = d.pop("dry_run", UNSET)

        prune_body = cls(
            bundle_name=bundle_name,
            kept=kept,
            force=force,
            dry_run=dry_run,
        )

        return prune_body
