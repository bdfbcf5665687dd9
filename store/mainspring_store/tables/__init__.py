"""The tables. Migrations create the tables; the other folders of this package read and write the rows.

Instants are aware UTC. States are text with a CHECK, so a row with an unknown state cannot exist. The statements of
the hot path use partial indexes that cover live rows only, so finished history costs nothing.
"""

from mainspring_store.tables.access import (
    api_token,
    audit_event,
    browser_session,
    dag_grant,
    idempotency_key,
    login_device,
    rate_limit,
    session_code,
    used_token,
    user_account,
    user_identity,
)
from mainspring_store.tables.base import metadata
from mainspring_store.tables.dags import awaited_dag, dag, dag_tag, dag_version, task_display_name
from mainspring_store.tables.events import feed_event, feed_floor
from mainspring_store.tables.hooks import hook, hook_delivery, hook_identity
from mainspring_store.tables.metrics import metric_dag, metric_position, metric_total
from mainspring_store.tables.runs import awaited_end, backfill, dag_run, deadline, pruned_run, run_signal
from mainspring_store.tables.services import installation, scheduler_outage, service
from mainspring_store.tables.shared import connection, pool, secret, variable
from mainspring_store.tables.tasks import (
    attempt_report,
    large_value,
    large_value_piece,
    task_instance,
    task_log,
    task_try,
    xcom,
)
from mainspring_store.tables.traces import trace_position
from mainspring_store.tables.webhooks import delivery, receiver, webhook_position

__all__ = [
    "api_token",
    "attempt_report",
    "audit_event",
    "awaited_dag",
    "awaited_end",
    "backfill",
    "browser_session",
    "connection",
    "dag",
    "dag_grant",
    "dag_run",
    "dag_tag",
    "dag_version",
    "deadline",
    "delivery",
    "feed_event",
    "feed_floor",
    "hook",
    "hook_delivery",
    "hook_identity",
    "idempotency_key",
    "installation",
    "large_value",
    "large_value_piece",
    "login_device",
    "metadata",
    "metric_dag",
    "metric_position",
    "metric_total",
    "pool",
    "pruned_run",
    "rate_limit",
    "receiver",
    "run_signal",
    "scheduler_outage",
    "secret",
    "service",
    "session_code",
    "task_display_name",
    "task_instance",
    "task_log",
    "task_try",
    "trace_position",
    "used_token",
    "user_account",
    "user_identity",
    "variable",
    "webhook_position",
    "xcom",
]
