"""The JSON form of an attempt: the only place that spells the fields.

Three connections carry this form: the scheduler's to its task hosts, a task host's to the processes of its calls, and
the execution API's to workers. The last connection joins neighbouring releases. So a field keeps its name and meaning,
a reader ignores fields that it does not know, and a new field has a default for attempts of the release before.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from mainspring.attempts import Attempt, Limits
from mainspring.large_values import opened, wrapped

__all__ = ["attempt_from_json", "attempt_to_json"]


def attempt_to_json(attempt: Attempt) -> dict[str, Any]:
    """The fields of an attempt, with durations in seconds. Holds the values of secrets in plain text.

    Nested values are not copied: the encoder of the caller must accept the mappings and tuples in them.
    """
    return {
        "attempt_id": attempt.attempt_id,
        "dag_id": attempt.dag_id,
        "run_id": attempt.run_id,
        "task_id": attempt.task_id,
        "map_index": attempt.map_index,
        "try_number": attempt.try_number,
        "queue": attempt.queue,
        "task_type": attempt.task_type,
        "payload": wrapped(attempt.payload, attempt.values),
        "secrets": attempt.secrets,
        "context": attempt.context,
        "text_outputs": attempt.text_outputs,
        "output_types": attempt.output_types,
        "timeout_seconds": None if attempt.timeout is None else attempt.timeout.total_seconds(),
        "cancel_grace_seconds": attempt.cancel_grace.total_seconds(),
        "output_bytes_max": attempt.limits.output_bytes_max,
        "value_bytes_max": attempt.limits.value_bytes_max,
        "log_bytes_max": attempt.limits.log_bytes_max,
    }


def attempt_from_json(fields: Mapping[str, Any]) -> Attempt:
    """The inverse of `attempt_to_json`. Raises `KeyError` when a field is missing that every release has sent."""
    timeout = fields["timeout_seconds"]
    payload, values = opened(fields["payload"])
    return Attempt(
        attempt_id=fields["attempt_id"],
        dag_id=fields["dag_id"],
        run_id=fields["run_id"],
        task_id=fields["task_id"],
        map_index=fields["map_index"],
        try_number=fields["try_number"],
        queue=fields["queue"],
        task_type=fields["task_type"],
        payload=payload,
        values=values,
        secrets=fields["secrets"],
        context=fields["context"],
        text_outputs=tuple(fields.get("text_outputs", ())),  # an execution API of the release before sends none
        output_types=fields.get("output_types", {}),
        timeout=None if timeout is None else timedelta(seconds=timeout),
        cancel_grace=timedelta(seconds=fields["cancel_grace_seconds"]),
        limits=Limits(
            output_bytes_max=fields["output_bytes_max"],
            value_bytes_max=fields.get("value_bytes_max", 0),  # that execution API keeps no output by reference
            log_bytes_max=fields["log_bytes_max"],
        ),
    )
