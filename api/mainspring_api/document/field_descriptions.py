"""Descriptions of fields that have the same meaning in several schemas.

The OpenAPI document uses a description of this table for a field without a description of its own.
"""

from collections.abc import Mapping

__all__ = ["FIELD_DESCRIPTIONS"]

_NO_BUNDLES = "Always null: a version has no bundle of its own; its DAG has"
_NO_PARTITIONS = "Always null: no DAG is partitioned"
_NO_TEAMS = "Always null: the server has no teams"
_NO_ENTRIES = "Always empty"

_IDENTITY: Mapping[str, str] = {
    "dag_id": "Identifier of the DAG",
    "dag_display_name": "Name of the DAG for people",
    "dag_run_id": "Identifier of the run within its DAG",
    "run_id": "Identifier of the run within its DAG",
    "task_id": "Identifier of the task within its DAG",
    "task_display_name": "Name of the task for people",
    "map_index": "Position among the instances of a mapped task; -1 = not mapped",
    "username": "Name of the user",
    "connection_id": "Identifier of the connection",
    "note": "Text that a person attached",
    "description": "Purpose in a sentence",
    "team_name": _NO_TEAMS,
    "created_at": "Instant of the creation",
    "updated_at": "Instant of the latest change",
}
_RUNS: Mapping[str, str] = {
    "logical_date": "Instant that the run stands for; null = none",
    "data_interval_start": "Start of the interval that the run covers, inclusive",
    "data_interval_end": "End of the interval that the run covers, exclusive",
    "run_after": "Earliest start of the run",
    "start_date": "Start of the execution; null = not started",
    "end_date": "End of the execution; null = not ended",
    "partition_key": _NO_PARTITIONS,
    "partition_date": _NO_PARTITIONS,
    "dag_run_conf": "`conf` of each run of the backfill",
    "run_backwards": "Order of the runs: true = latest logical date first",
    "run_on_latest_version": "True = the latest version of the DAG; otherwise a run keeps its version",
}
_DAGS: Mapping[str, str] = {
    "is_paused": "Pause of the DAG: no run starts, and the schedule makes no runs",
    "timetable_summary": "Schedule in short, as the definition spells it; null = no schedule",
    "timetable_description": "Schedule in words",
    "timezone": "IANA name of the schedule's time zone",
    "doc_md": "Documentation in Markdown; null = none",
    "max_active_runs": "Limit of unfinished runs at a time; null = no limit",
    "dag_version": "Version of the DAG that the run executes",
    "latest_dag_version": "Current version of the DAG",
    "bundle_name": _NO_BUNDLES,
    "bundle_version": _NO_BUNDLES,
    "bundle_url": _NO_BUNDLES,
}
_TASKS: Mapping[str, str] = {
    "execution_timeout": "Time limit of a try; null = none",
    "retry_delay": "Time between a failed try and the next try",
    "dependencies": "Unmet conditions; empty when the instance waits for nothing or has begun",
    "pool": "Pool whose slots the task takes",
    "pool_slots": "Slots of the pool that an instance takes",
    "queue": "Queue whose workers may run the task",
    "priority_weight": "Weight in the order of ready tasks; larger is earlier",
    "operator": "Type of the task",
    "operator_name": "Type of the task",
    "executor": "Executor that runs the instance; null = not chosen yet",
    "pid": "Process id on the host; null = unknown",
    "hostname": "Name of the host",
    "try_number": "Number of the try, from 1",
}
_ACCESS: Mapping[str, str] = {
    "password": "Password; the server stores a hash",
    "is_active": "Permission to log in; false ends all logins",
    "grants": "Roles on single DAGs or groups of DAGs",
    "expires_at": "Instant from which the token is refused; null = never",
    "revoked_at": "Instant of the revocation; null = not revoked",
}
_STORED: Mapping[str, str] = {
    "conn_type": "Type of the connection, such as `http` or `postgres`",
    "host": "Host name or address",
    "port": "Port number",
    "login": "Name for the login at the host",
    "schema": "Schema or database at the host",
    "include_deferred": "Whether deferred task instances hold their slots",
}
_PAGES: Mapping[str, str] = {
    "total_entries": "Number of entries on all pages",
    "total_entries_limit": "Bound of the count when paged by cursor; null = paged by offset",
    "next_cursor": "Cursor of the next page; null = none",
    "previous_cursor": "Cursor of the previous page; null = none",
    "page_limit": "Entries on a page; more than 100 is taken as 100",
    "page_offset": "Entries to skip",
    "approvals": "Approvals of this page",
    "backfills": "Backfills of this page",
    "connections": "Connections of this page",
    "dag_runs": "Runs of this page",
    "dag_versions": "Versions of this page",
    "dags": "DAGs of this page",
    "event_logs": "Entries of this page",
    "hitl_details": "Approvals of this page",
    "jobs": "Services of this page",
    "pools": "Pools of this page",
    "secrets": "Secrets of this page",
    "task_instances": "Task instances of this page",
    "tokens": "API tokens of this page",
    "users": "Users of this page",
    "variables": "Variables of this page",
    "workers": "Workers of this page",
    "xcom_entries": "Outputs of this page",
    "asset_aliases": _NO_ENTRIES,
    "asset_events": _NO_ENTRIES,
    "assets": _NO_ENTRIES,
    "dag_warnings": _NO_ENTRIES,
    "extra_links": _NO_ENTRIES,
    "import_errors": _NO_ENTRIES,
    "plugins": _NO_ENTRIES,
    "providers": _NO_ENTRIES,
}

FIELD_DESCRIPTIONS: Mapping[str, str] = {
    **_IDENTITY,
    **_RUNS,
    **_DAGS,
    **_TASKS,
    **_ACCESS,
    **_STORED,
    **_PAGES,
}
"""Name of a field in JSON -> its description."""
