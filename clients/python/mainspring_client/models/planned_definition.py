from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.planned_definition_media_type import PlannedDefinitionMediaType
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.json_object import JsonObject

from ..plain import as_dict

T = TypeVar("T", bound="PlannedDefinition")


@_attrs_define
class PlannedDefinition:
    """
    Attributes:
        dag_id (None | str | Unset): Id to save it under; null = as the document says
        definition (JsonObject | None | Unset): Definition as an object
        text (None | str | Unset): Definition as text, which is kept as it is
        media_type (PlannedDefinitionMediaType | Unset): Language of `text` Default:
            PlannedDefinitionMediaType.APPLICATIONYAML.
    """

    dag_id: None | str | Unset = UNSET
    definition: JsonObject | None | Unset = UNSET
    text: None | str | Unset = UNSET
    media_type: PlannedDefinitionMediaType | Unset = PlannedDefinitionMediaType.APPLICATIONYAML

    def to_dict(self) -> dict[str, Any]:
        from ..models.json_object import JsonObject  # noqa: PLC0415

        dag_id: None | str | Unset
        if isinstance(self.dag_id, Unset):
            dag_id = UNSET
        else:
            dag_id = self.dag_id

        definition: dict[str, Any] | None | Unset
        if isinstance(self.definition, Unset):
            definition = UNSET
        elif isinstance(self.definition, JsonObject):
            definition = as_dict(self.definition)
        else:
            definition = self.definition

        text: None | str | Unset
        if isinstance(self.text, Unset):
            text = UNSET
        else:
            text = self.text

        media_type: str | Unset = UNSET
        if not isinstance(self.media_type, Unset):
            media_type = self.media_type.value

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if dag_id is not UNSET:
            field_dict["dag_id"] = dag_id
        if definition is not UNSET:
            field_dict["definition"] = definition
        if text is not UNSET:
            field_dict["text"] = text
        if media_type is not UNSET:
            field_dict["media_type"] = media_type

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.json_object import JsonObject  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_dag_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        dag_id = _parse_dag_id(d.pop("dag_id", UNSET))

        def _parse_definition(data: object) -> JsonObject | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                definition_type_0 = JsonObject.from_dict(data)

                return definition_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(JsonObject | None | Unset, data)

        definition = _parse_definition(d.pop("definition", UNSET))

        def _parse_text(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        text = _parse_text(d.pop("text", UNSET))

        _media_type = d.pop("media_type", UNSET)
        media_type: PlannedDefinitionMediaType | Unset
        if isinstance(_media_type, Unset):
            media_type = UNSET
        else:
            media_type = PlannedDefinitionMediaType(_media_type)

        planned_definition = cls(
            dag_id=dag_id,
            definition=definition,
            text=text,
            media_type=media_type,
        )

        return planned_definition
