"""Many runs in one request: triggered, and looked at by name."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Response, g
from marshmallow import fields, post_load, validate

from mainspring.errors import MainspringError, Problem, StoreUnavailable
from mainspring.exit_codes import exit_code_of_run
from mainspring.states import RUN_FINISHED, RunState
from mainspring_api.http.answers import answer, dump
from mainspring_api.http.audit import audit_detail
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Body, Choice, Instant
from mainspring_api.http.idempotency import check_key, once_for_key
from mainspring_api.http.middleware import take_write
from mainspring_api.http.operations import Resource
from mainspring_api.http.permissions import Over, require_role_on
from mainspring_api.http.problems import BadRequest, ProblemSchema, problem_of, require_all
from mainspring_api.resources.runs.dag_runs import DagRun, start_run
from mainspring_api.resources.runs.run_results import EXIT_CODE
from mainspring_api.resources.runs.triggers import Trigger, TriggerBody
from mainspring_store.access.roles import Role
from mainspring_store.queries.run_reports import states_of_runs

__all__ = ["blueprint"]

blueprint = Resource("many_triggers", "Many runs in one request", tag="dag_runs")

RUNS_MAX = 100
STATES_MAX = 1_000


class NamedTriggerBody(TriggerBody):
    """What to run: a DAG, and what a trigger takes."""

    dag_id = fields.String(
        load_default=None,
        allow_none=True,
        metadata={"description": "Identifier of the DAG; null = the DAG of the path"},
    )
    idempotency_key = fields.String(
        load_default=None,
        allow_none=True,
        metadata={"description": "Key of this run, as in the header `Idempotency-Key`; null = none"},
    )

    @post_load(pass_original=True)
    def _checked(self, body: dict[str, Any], original: Mapping[str, Any], **_: Any) -> "_Entry":
        trigger = self.trigger_of(body)
        return _Entry(body["dag_id"], body["idempotency_key"], trigger, orjson.dumps(original))


class _Entry:
    """A checked entry of a request."""

    def __init__(self, dag_id: str | None, key: str | None, trigger: Trigger, content: bytes) -> None:
        self.dag_id = dag_id
        self.key = key
        self.trigger = trigger
        self.content = content
        """The entry as it was sent."""


class TriggersBody(Body):
    """The runs to start, each by itself."""

    dag_runs = fields.List(
        fields.Nested(NamedTriggerBody),
        required=True,
        validate=validate.Length(min=1, max=RUNS_MAX),
        metadata={"description": f"Runs to start, at most {RUNS_MAX}"},
    )


class TriggeredRun(Answer):
    """What became of one entry."""

    status = fields.Integer(metadata={"description": "HTTP status that a trigger of this run alone would have"})
    is_replayed = fields.Boolean(
        metadata={"description": "Whether the run was made by an earlier request with the key of the entry"}
    )
    dag_run = fields.Nested(DagRun, allow_none=True, metadata={"description": "Run as it was made; null = refused"})
    problem = fields.Nested(
        ProblemSchema, allow_none=True, metadata={"description": "Cause of the refusal; null = the run was made"}
    )


class TriggeredRuns(Answer):
    """What became of all entries."""

    dag_runs = fields.List(
        fields.Nested(TriggeredRun), metadata={"description": "Result of each entry, in the order of the body"}
    )


class RunName(Body):
    """The name of a run."""

    dag_id = fields.String(required=True)
    dag_run_id = fields.String(required=True)


class RunStatesBody(Body):
    """The runs to look at."""

    dag_runs = fields.List(
        fields.Nested(RunName),
        required=True,
        validate=validate.Length(max=STATES_MAX),
        metadata={"description": f"Names of runs, at most {STATES_MAX}"},
    )


class NamedRunState(Answer):
    """How one run stands."""

    dag_id = fields.String()
    dag_run_id = fields.String()
    state = Choice(
        RunState,
        allow_none=True,
        metadata={"description": "State of the run; null = there is no such run, or none that the caller may see"},
    )
    state_reason = fields.String(
        allow_none=True, metadata={"description": "Code of the cause of the state; null = none"}
    )
    is_finished = fields.Boolean(metadata={"description": "Whether the run has ended"})
    exit_code = EXIT_CODE
    start_date = Instant(allow_none=True)
    end_date = Instant(allow_none=True)


class RunStates(Answer):
    """How the runs stand."""

    dag_runs = fields.List(
        fields.Nested(NamedRunState), metadata={"description": "States of the runs, in the order of the body"}
    )


@blueprint.operation(
    "POST",
    "/dags/<dag_id>/dagRuns/trigger",
    "trigger_dag_runs",
    role=Role.OPERATOR,
    over=Over.DAGS,
    answer=TriggeredRuns,
    body=TriggersBody,
)
def trigger_dag_runs(body: Mapping[str, Any], dag_id: str) -> Response:
    """Start many runs; with `~` for dag_id each entry names its DAG.

    Each run is made or refused by itself, so the answer is 200 also when some are refused: read `status`. An entry with
    an `idempotency_key` makes one run however often the entry is sent, within 24 hours.
    """
    for position, entry in enumerate(body["dag_runs"]):
        if entry.key is not None:
            check_key(entry.key, f"/dag_runs/{position}/idempotency_key")
    audit_detail(runs=len(body["dag_runs"]))
    results = [_triggered(entry, dag_id, is_first=not position) for position, entry in enumerate(body["dag_runs"])]
    context().notifier.notify()
    return answer({"dag_runs": results})


@blueprint.operation(
    "POST",
    "/dags/<dag_id>/dagRuns/states",
    "get_dag_run_states",
    role=Role.VIEWER,
    over=Over.DAGS,
    answer=RunStates,
    body=RunStatesBody,
)
def get_dag_run_states(body: Mapping[str, Any], dag_id: str) -> Response:
    """The states of many runs by their names; dag_id is `~`. Runs that the caller may not see have no state."""
    require_all(dag_id=dag_id)
    names = [(run["dag_id"], run["dag_run_id"]) for run in body["dag_runs"]]
    seen = [name for name in names if g.user.role_on(name[0]) is not None]
    rows = states_of_runs(context().database, seen)
    return answer({"dag_runs": [_state(name, rows.get(name)) for name in names]})


def _triggered(entry: _Entry, path_dag_id: str, *, is_first: bool) -> dict[str, Any]:
    """A `TriggeredRun`."""
    try:
        dag_id = _dag_id(entry, path_dag_id)
        require_role_on(dag_id, Role.OPERATOR)
        if not is_first:  # the request itself counts as one write
            take_write()
        content = b"\n".join([b"trigger", dag_id.encode(), entry.content])
        made, is_replayed = once_for_key(entry.key, content, lambda: dump(_start(dag_id, entry.trigger)))
    except StoreUnavailable:
        # Each further entry would wait for the database too. The client sends the request again.
        raise
    except MainspringError as exc:
        problem = problem_of(exc)
        return {"status": problem["status"], "is_replayed": False, "dag_run": None, "problem": problem}
    return {"status": 200, "is_replayed": is_replayed, "dag_run": orjson.Fragment(made), "problem": None}


def _start(dag_id: str, trigger: Trigger) -> dict[str, Any]:
    return start_run(context(), trigger, dag_id, datetime.now(UTC))


def _dag_id(entry: _Entry, path_dag_id: str) -> str:
    """Raises BadRequest when the DAG of an entry is open, or another than that of the path."""
    if path_dag_id == "~" and entry.dag_id not in (None, "~"):
        return str(entry.dag_id)
    if path_dag_id != "~" and entry.dag_id in (None, path_dag_id):
        return path_dag_id
    message = "with `~` in the path the entry must name its DAG" if path_dag_id == "~" else "is not the DAG of the path"
    raise BadRequest([Problem(pointer="/dag_id", message=message)])


def _state(name: tuple[str, str], row: Mapping[str, Any] | None) -> dict[str, Any]:
    state, reason = (None, None) if row is None else (row["state"], row["state_reason"])
    return {
        "dag_id": name[0],
        "dag_run_id": name[1],
        "state": state,
        "state_reason": reason,
        "is_finished": state in RUN_FINISHED,
        "exit_code": None if state is None else exit_code_of_run(state, reason),
        "start_date": row and row["start_date"],
        "end_date": row and row["end_date"],
    }
