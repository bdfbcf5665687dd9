"""What a trigger would do, by the checks of the trigger itself."""

from datetime import datetime
from typing import Any

from marshmallow import fields

from mainspring_api.http.context import Context
from mainspring_api.http.fields import Answer, JsonObject
from mainspring_store.queries.page.plans import TriggerFacts, trigger_facts
from mainspring_store.state.runs import NewRun

__all__ = ["PLAN_MEDIA_TYPE", "TriggerPlan", "plan_of_trigger"]

PLAN_MEDIA_TYPE = "application/vnd.mainspring.trigger-plan+json"


class TriggerPlan(Answer):
    """What a trigger would do."""

    params = JsonObject(metadata={"description": "Parameters of the run, with the defaults of the DAG"})
    version_number = fields.Integer(metadata={"description": "Version of the DAG that the run would execute"})
    starts = fields.String(metadata={"description": "`now` or `queued`"})
    reasons = fields.List(fields.String(), metadata={"description": "Why the run would wait, a sentence each"})
    instances = fields.Integer(metadata={"description": "Number of tasks; a mapped task counts once"})
    estimated_seconds = fields.Float(
        allow_none=True,
        metadata={"description": "Median duration of the latest successful runs; null = no run succeeded"},
    )


def plan_of_trigger(ctx: Context, run: NewRun, version_number: int, *, now: datetime) -> dict[str, Any]:
    """The members of a `TriggerPlan`.

    Raises:
        Conflict: The DAG has a run with the id or the logical date.
    """
    definition = run.version.definition
    facts = trigger_facts(ctx.database, definition.dag_id, run_id=run.run_id, logical_date=run.logical_date, now=now)
    reasons = _reasons(facts, run, now)
    return {
        "params": run.params,
        "version_number": version_number,
        "starts": "queued" if reasons else "now",
        "reasons": reasons,
        "instances": len(definition.tasks),
        "estimated_seconds": facts.usual_seconds,
    }


def _reasons(facts: TriggerFacts, run: NewRun, now: datetime) -> list[str]:
    reasons = []
    if facts.is_paused:
        reasons.append("the DAG is paused")
    if run.run_after > now:
        reasons.append(f"the run is due at {run.run_after:%Y-%m-%dT%H:%M:%SZ}")
    if facts.running_runs >= facts.max_active_runs:
        reasons.append(
            f"{facts.running_runs} runs of the DAG are running, and its max_active_runs is {facts.max_active_runs}"
        )
    return reasons
