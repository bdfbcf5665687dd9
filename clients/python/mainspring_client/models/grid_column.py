from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.dag_run_state import DagRunState
from ..models.dag_run_type import DagRunType

T = TypeVar("T", bound="GridColumn")


@_attrs_define
class GridColumn:
    """
    Attributes:
        dag_run_id (str): Identifier of the run within its DAG
        run_type (DagRunType):
        state (DagRunState):
        version_number (int): Version of the DAG that the run executes
        run_after (datetime.datetime): Earliest start of the run
        start_date (datetime.datetime | None): Start of the execution; null = not started
        end_date (datetime.datetime | None): End of the execution; null = not ended
        cells (list[list[Any] | None]): Cells in the order of `tasks`; a mapped task shows its worst state
    """

    dag_run_id: str
    run_type: DagRunType
    state: DagRunState
    version_number: int
    run_after: datetime.datetime
    start_date: datetime.datetime | None
    end_date: datetime.datetime | None
    cells: list[list[Any] | None]
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        dag_run_id = self.dag_run_id

        run_type = self.run_type.value

        state = self.state.value

        version_number = self.version_number

        run_after = self.run_after.isoformat()

        start_date: None | str
        if isinstance(self.start_date, datetime.datetime):
            start_date = self.start_date.isoformat()
        else:
            start_date = self.start_date

        end_date: None | str
        if isinstance(self.end_date, datetime.datetime):
            end_date = self.end_date.isoformat()
        else:
            end_date = self.end_date

        cells = []
        for cells_item_data in self.cells:
            cells_item: list[Any] | None
            if isinstance(cells_item_data, list):
                cells_item = cells_item_data

            else:
                cells_item = cells_item_data
            cells.append(cells_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "dag_run_id": dag_run_id,
                "run_type": run_type,
                "state": state,
                "version_number": version_number,
                "run_after": run_after,
                "start_date": start_date,
                "end_date": end_date,
                "cells": cells,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        dag_run_id = d.pop("dag_run_id")

        run_type = DagRunType(d.pop("run_type"))

        state = DagRunState(d.pop("state"))

        version_number = d.pop("version_number")

        run_after = datetime.datetime.fromisoformat(d.pop("run_after"))

        def _parse_start_date(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                start_date_type_0 = datetime.datetime.fromisoformat(data)

                return start_date_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        start_date = _parse_start_date(d.pop("start_date"))

        def _parse_end_date(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                end_date_type_0 = datetime.datetime.fromisoformat(data)

                return end_date_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        end_date = _parse_end_date(d.pop("end_date"))

        cells = []
        _cells = d.pop("cells")
        for cells_item_data in _cells:

            def _parse_cells_item(data: object) -> list[Any] | None:
                if data is None:
                    return data
                try:
                    if not isinstance(data, list):
                        raise TypeError()
                    cells_item_type_0 = cast(list[Any], data)

                    return cells_item_type_0
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                return cast(list[Any] | None, data)

            cells_item = _parse_cells_item(cells_item_data)

            cells.append(cells_item)

        grid_column = cls(
            dag_run_id=dag_run_id,
            run_type=run_type,
            state=state,
            version_number=version_number,
            run_after=run_after,
            start_date=start_date,
            end_date=end_date,
            cells=cells,
        )

        grid_column.additional_properties = d
        return grid_column

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
