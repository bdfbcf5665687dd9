"""A run that is run again with another `conf`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from mainspring.errors import Conflict
from mainspring.params import resolve_params
from mainspring.run_names import run_names
from mainspring.states import RUN_FINISHED
from mainspring_store.interventions.targets import TargetRun
from mainspring_store.state.concurrency import KEYLESS, claim_of
from mainspring_store.tables import dag_run

__all__ = ["ConfChange", "change_conf", "write_conf_changes"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfChange:
    """The next `conf` of a run."""

    run: TargetRun
    """The run in terms of its next version."""
    conf: Mapping[str, Any]
    params: Mapping[str, Any]


def change_conf(run: TargetRun, conf: Mapping[str, Any]) -> ConfChange:
    """The change of an ended run, so that no task of the run has seen the earlier params and goes on.

    Raises:
        Conflict: The run has not ended.
        InvalidParams: The `conf` does not fit the params of the version.
    """
    if run.state not in RUN_FINISHED:
        raise Conflict(
            f"run '{run.run_id}' is {run.state}; cancel it, or wait for its end, before it gets another conf"
        )
    params = resolve_params(run.shape.definition.params, conf)
    return ConfChange(run=run, conf=conf, params=params)


def write_conf_changes(connection: Connection, changes: Sequence[ConfChange]) -> None:
    """Write `conf`, params and the concurrency key that follows from them. The caller holds the locks of the runs.

    Raises:
        ConcurrencyKeyInvalid: See `key_of_run`.
    """
    for change in changes:
        definition, claim = change.run.shape.definition, KEYLESS
        if definition.concurrency is not None:
            row = connection.execute(_RUN, {"key": change.run.key}).one()
            names = run_names(
                dag_id=definition.dag_id, conf=change.conf, params=change.params, trace=None, **row._mapping
            )
            claim = claim_of(definition, names)
        values = {"key": change.run.key, "new_conf": dict(change.conf), "new_params": dict(change.params)}
        connection.execute(_CHANGE.values(**claim.columns), values)


_run = dag_run.c
_RUN = select(
    _run.run_id,
    _run.run_type,
    _run.logical_date,
    _run.data_interval_start,
    _run.data_interval_end,
    _run.run_after,
).where(_run.id == bindparam("key"))
_CHANGE = (
    update(dag_run)
    .where(_run.id == bindparam("key"))
    .values(conf=bindparam("new_conf", type_=_run.conf.type), params=bindparam("new_params", type_=_run.params.type))
)
