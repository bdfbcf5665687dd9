"""Explanations: why a run, a task instance or a schedule does not go on, from the stored state."""

from mainspring_store.queries.explain.instances import explain_instance, unmet_dependencies
from mainspring_store.queries.explain.runs import RunExplanation, explain_run
from mainspring_store.queries.explain.schedules import explain_schedule

__all__ = ["RunExplanation", "explain_instance", "explain_run", "explain_schedule", "unmet_dependencies"]
