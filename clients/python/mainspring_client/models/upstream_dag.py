from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.upstream_end import UpstreamEnd
from ..types import UNSET, Unset

T = TypeVar("T", bound="UpstreamDag")


@_attrs_define
class UpstreamDag:
    """
    Attributes:
        dag (str): Id of a DAG; the DAG may be saved later.
        state (UpstreamEnd | Unset):
        again (bool | Unset): Whether a run counts once more when it ends so again after a clear; false when absent.
    """

    dag: str
    state: UpstreamEnd | Unset = UNSET
    again: bool | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        dag = self.dag

        state: str | Unset = UNSET
        if not isinstance(self.state, Unset):
            state = self.state.value

        again = self.again

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "dag": dag,
            }
        )
        if state is not UNSET:
            field_dict["state"] = state
        if again is not UNSET:
            field_dict["again"] = again

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        dag = d.pop("dag")

        _state = d.pop("state", UNSET)
        state: UpstreamEnd | Unset
        if isinstance(_state, Unset):
            state = UNSET
        else:
            state = UpstreamEnd(_state)

        again = d.pop("again", UNSET)

        upstream_dag = cls(
            dag=dag,
            state=state,
            again=again,
        )

        return upstream_dag
