"""Descriptions of path and query parameters that have the same meaning in several operations.

The document uses a description of this table for a parameter without a description of its own.
"""

from collections.abc import Mapping
from typing import Any

__all__ = ["OPERATION_PARAMETERS", "PATH_PARAMETERS", "QUERY_PARAMETERS", "describe_parameters"]

_NO_BUNDLES = "Bundles have no versions: with a value, no entry matches"

PATH_PARAMETERS: Mapping[str, str] = {
    "dag_id": "Identifier of the DAG; in lists `~` means all DAGs",
    "dag_run_id": "Identifier of the run within its DAG; in lists `~` means all runs",
    "task_id": "Identifier of the task within its DAG",
    "map_index": "Position among the instances of a mapped task; -1 = not mapped",
    "try_number": "Number of the try, from 1",
    "task_try_number": "Number of the try, from 1",
    "version_number": "Number of the version of the DAG, from 1",
    "older": "Number of the version on the left of the comparison, from 1",
    "newer": "Number of the version on the right of the comparison, from 1",
    "xcom_key": "Name of the output",
    "signal_name": "Name of the signal, as a waiting task of the run has it",
    "backfill_id": "Identifier of the backfill",
    "pool_name": "Name of the pool",
    "variable_key": "Key of the variable; may hold `/`",
    "connection_id": "Identifier of the connection",
    "delivery_id": "Identifier of the delivery",
    "notifier_name": "Name of the notifier",
    "webhook_name": "Name of the webhook",
    "secret_name": "Name of the secret",
    "event_log_id": "Identifier of the entry of the audit log",
    "username": "Name of the user",
    "token_id": "Identifier of the token",
    "session_id": "Identifier of the session",
    "code": "Code of an error or of a fault",
    "hook_id": "Identifier of the hook; in a delivery, the secret part of the URL",
}
QUERY_PARAMETERS: Mapping[str, str] = {
    "is_enabled": "True = enabled hooks alone, false = disabled hooks alone",
    "dag_id": "Identifier of the DAG",
    "run_id": "Identifier of the run within its DAG",
    "task_id": "Identifier of the task within its DAG",
    "map_index": "Position among the instances of a mapped task; -1 = not mapped",
    "map_index_filter": "Position among the instances of a mapped task; -1 = not mapped",
    "try_number": "Number of the try; several numbers are alternatives",
    "state": "States to list; several states are alternatives",
    "type": "Types of events to list; several types are alternatives",
    "run_type": "Kinds of run to list; several kinds are alternatives",
    "version_number": "Number of the version of the DAG; several numbers are alternatives",
    "dag_version": "Number of the version that the run executes; several numbers are alternatives",
    "bundle_name": "Bundle that applied the DAG",
    "exclude_stale": "False = also DAGs that their bundles no longer have",
    "bundle_version": _NO_BUNDLES,
    "owners": "Owners of tasks; a DAG with a task of any of them matches",
    "paused": "True = paused DAGs alone, false = DAGs that are not paused alone",
    "last_dag_run_state": "State of the latest run of the DAG",
    "dag_run_state": "States of runs; a DAG with a run in any of them matches",
    "has_import_errors": "A faulty definition is refused, so no DAG has import errors: with true, no DAG matches",
    "asset_dependency": "There are no assets: with a value, no DAG matches",
    "has_asset_schedule": "There are no assets: with true, no DAG matches",
    "is_favorite": "There are no favourites: with true, no DAG matches",
    "timetable_type": "Timetables have no Python class: with a value, no DAG matches",
    "tags": "Names of tags",
    "tags_match_mode": "`any` = DAGs with at least one of `tags`, `all` = DAGs with each of `tags`",
    "pool": "Names of pools; several names are alternatives",
    "queue": "Names of queues; several names are alternatives",
    "executor": "Names of executors; several names are alternatives",
    "operator": "Types of task, such as `shell`; several types are alternatives",
    "task_group_id": "Id of a task group of the DAG: instances of the tasks in the group and in its groups",
    "responded_by_user_id": "Names of users or tokens that answered; several names are alternatives",
    "responded_by_user_name": "Names of users or tokens that answered; several names are alternatives",
    "response_received": "True = answered approvals alone, false = approvals without an answer alone",
    "xcom_key": "Name of the output",
    "event": "Name of the operation, or of another event such as a failed login",
    "owner": "Name of the user or of the token that acted",
    "included_events": "Events to list; several events are alternatives",
    "excluded_events": "Events to leave out",
    "outcome": "Outcomes to list; several outcomes are alternatives",
    "before": "Upper bound of the instant of the event, exclusive",
    "after": "Lower bound of the instant of the event, exclusive",
    "hostname": "Name of the service's machine",
    "executor_class": "Services have no executor class: with a value, no service matches",
    "is_alive": "True = services that run alone, false = services that have ended or are lost alone",
    "job_type": "Kind of the service, such as `SchedulerJob`",
    "limit": "Entries on a page",
    "offset": "Entries to skip",
    "is_active": "True = users that may log in alone, false = the others alone",
    "username": "Name of the user",
}
OPERATION_PARAMETERS: Mapping[tuple[str, str], str] = {
    ("get_dag_definition", "version_number"): "Number of the version; absent = the current version",
    ("get_dag_source", "version_number"): "Number of the version; absent = the current version",
    ("list_backfills", "is_active"): "True = backfills that have not ended alone, false = ended backfills alone",
    ("get_dag_schedule", "count"): "Number of runs to show",
    ("get_tasks", "order_by"): "Sort key of the tasks, with `-` in front for descending order",
    ("get_log", "token"): "`continuation_token` of the page before; absent = the first page",
    ("wait_dag_run_until_finished", "result"): "Ids of tasks whose outputs the answer holds",
    ("get_xcom_entry", "stringify"): "True = the value as text that holds JSON, false = the value as JSON",
    ("get_signals", "name"): "Name of the signals to list",
    ("answer_approval", "map_index"): "Position of the approval among the instances of a mapped task; -1 = not mapped",
}
"""(Operation, name) -> the description of a parameter whose meaning belongs to the operation."""


def describe_parameters(paths: Mapping[str, Any]) -> None:
    """Add the missing descriptions to the parameters of a document's `paths`."""
    for item in paths.values():
        for method, operation in item.items():
            for parameter in operation if method == "parameters" else operation.get("parameters", ()):
                if "description" in parameter:
                    continue
                name = parameter["name"]
                shared = PATH_PARAMETERS if parameter["in"] == "path" else QUERY_PARAMETERS
                of_operation = None if method == "parameters" else (operation["operationId"], name)
                description = OPERATION_PARAMETERS.get(of_operation) if of_operation else None
                description = description or shared.get(name)
                if description is not None:
                    parameter["description"] = description
