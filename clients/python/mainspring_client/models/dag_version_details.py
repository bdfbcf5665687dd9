from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="DagVersionDetails")


@_attrs_define
class DagVersionDetails:
    """
    Attributes:
        id (UUID): Identifier of the version
        version_number (int): Number of the version, from 1 for each DAG
        dag_id (str): Identifier of the DAG
        dag_display_name (str): Name of the DAG for people
        created_at (datetime.datetime): Instant of the creation
        content_hash (str): SHA-256 (hex) of the normalised definition
        is_inline (bool): Whether the definition was sent with a run and not saved; goes with its last run
        bundle_name (None | str): Always null: a version has no bundle of its own; its DAG has
        bundle_version (None | str): Always null: a version has no bundle of its own; its DAG has
        bundle_url (None | str): Always null: a version has no bundle of its own; its DAG has
        created_by (None | str): Name of the user or token that saved the version; null = unknown
        message (None | str): Reason of the save, in the author's words; null = none
        summary (None | str): Changes since the version before; null = saved by a release that did not compare
        source_media_type (None | str): Media type of the text as sent; null = no text is kept
        run_count (int): Number of runs that execute the version
    """

    id: UUID
    version_number: int
    dag_id: str
    dag_display_name: str
    created_at: datetime.datetime
    content_hash: str
    is_inline: bool
    bundle_name: None | str
    bundle_version: None | str
    bundle_url: None | str
    created_by: None | str
    message: None | str
    summary: None | str
    source_media_type: None | str
    run_count: int
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = str(self.id)

        version_number = self.version_number

        dag_id = self.dag_id

        dag_display_name = self.dag_display_name

        created_at = self.created_at.isoformat()

        content_hash = self.content_hash

        is_inline = self.is_inline

        bundle_name: None | str
        bundle_name = self.bundle_name

        bundle_version: None | str
        bundle_version = self.bundle_version

        bundle_url: None | str
        bundle_url = self.bundle_url

        created_by: None | str
        created_by = self.created_by

        message: None | str
        message = self.message

        summary: None | str
        summary = self.summary

        source_media_type: None | str
        source_media_type = self.source_media_type

        run_count = self.run_count

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "version_number": version_number,
                "dag_id": dag_id,
                "dag_display_name": dag_display_name,
                "created_at": created_at,
                "content_hash": content_hash,
                "is_inline": is_inline,
                "bundle_name": bundle_name,
                "bundle_version": bundle_version,
                "bundle_url": bundle_url,
                "created_by": created_by,
                "message": message,
                "summary": summary,
                "source_media_type": source_media_type,
                "run_count": run_count,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = UUID(d.pop("id"))

        version_number = d.pop("version_number")

        dag_id = d.pop("dag_id")

        dag_display_name = d.pop("dag_display_name")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        content_hash = d.pop("content_hash")

        is_inline = d.pop("is_inline")

        def _parse_bundle_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        bundle_name = _parse_bundle_name(d.pop("bundle_name"))

        def _parse_bundle_version(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        bundle_version = _parse_bundle_version(d.pop("bundle_version"))

        def _parse_bundle_url(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        bundle_url = _parse_bundle_url(d.pop("bundle_url"))

        def _parse_created_by(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        created_by = _parse_created_by(d.pop("created_by"))

        def _parse_message(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        message = _parse_message(d.pop("message"))

        def _parse_summary(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        summary = _parse_summary(d.pop("summary"))

        def _parse_source_media_type(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        source_media_type = _parse_source_media_type(d.pop("source_media_type"))

        run_count = d.pop("run_count")

        dag_version_details = cls(
            id=id,
            version_number=version_number,
            dag_id=dag_id,
            dag_display_name=dag_display_name,
            created_at=created_at,
            content_hash=content_hash,
            is_inline=is_inline,
            bundle_name=bundle_name,
            bundle_version=bundle_version,
            bundle_url=bundle_url,
            created_by=created_by,
            message=message,
            summary=summary,
            source_media_type=source_media_type,
            run_count=run_count,
        )

        dag_version_details.additional_properties = d
        return dag_version_details

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
