"""Commands of operators: approvals, results by hand, outputs, the audit log, workers."""

import json
from typing import Any

import click

from mainspring_cli.client.resource_names import DAG_ID, RUN_ID
from mainspring_cli.client.session import Session, with_session
from mainspring_cli.commands.run import RUN_MEMBERS

__all__ = ["approvals", "audit", "delete_run", "mark", "outputs", "signal", "signals", "workers"]

_APPROVAL_COLUMNS = ("dag_id", "dag_run_id", "task_id", "map_index", "message", "choices", "give_up_at")
_SIGNAL_COLUMNS = ("signal_id", "name", "value", "sent_by", "sent_at", "taken_by", "taken_by_map_index", "taken_at")
_AUDIT_COLUMNS = ("event_log_id", "when", "event", "owner", "dag_id", "run_id", "task_id", "extra")
_WORKER_COLUMNS = ("worker_id", "hostname", "pid", "version", "queues", "token_name", "refused_for")
_INSTANCE_COLUMNS = ("task_id", "map_index", "state", "state_reason", "try_number")
_RESULTS = ("success", "failed")


@click.group()
def approvals() -> None:
    """Tasks that wait for the answer of a person."""


@approvals.command("list")
@with_session
def list_approvals(session: Session) -> None:
    """List the approvals that can be answered now, the oldest first."""
    from mainspring_client.api.approvals import get_approvals

    session.output.rows(session.rows(get_approvals, "approvals"), _APPROVAL_COLUMNS)


@approvals.command("answer")
@DAG_ID
@RUN_ID
@click.argument("task_id")
@click.argument("choice")
@click.option("--map-index", type=click.IntRange(-1), default=-1, help="Position among the instances of a mapped task.")
@click.option("--note", help="Why, for people who look at the run.")
@with_session
def answer(
    session: Session, dag_id: str, run_id: str, task_id: str, choice: str, map_index: int, note: str | None
) -> None:
    """Answer an approval by one of its choices."""
    from mainspring_client.api.approvals import answer_approval
    from mainspring_client.models import ApprovalAnswerBody

    body = ApprovalAnswerBody(choice=choice, note=note)
    answered = session.call(answer_approval, dag_id, run_id, task_id, body=body, map_index=map_index)
    session.output.item(answered, ("choice", "by", "note", "at"))


@click.command()
@DAG_ID
@RUN_ID
@click.argument("state", type=click.Choice(_RESULTS))
@click.option("-t", "--task", "task_id", help="Only this task.")
@with_session
def mark(session: Session, dag_id: str, run_id: str, state: str, task_id: str | None) -> None:
    """Give a run, or one of its tasks, another result without running it."""
    from mainspring_client.api.dag_runs import patch_dag_run
    from mainspring_client.api.marking import patch_task_instance
    from mainspring_client.models import InstancePatch, RunPatch

    if task_id is None:
        body = RunPatch.from_dict({"state": state})
        session.output.item(session.call(patch_dag_run, dag_id, run_id, body=body), RUN_MEMBERS)
        return
    patch = InstancePatch.from_dict({"new_state": state})
    marked = session.call(patch_task_instance, dag_id, run_id, task_id, body=patch)
    session.output.rows(marked["task_instances"], _INSTANCE_COLUMNS)


@click.command()
@DAG_ID
@RUN_ID
@click.argument("name")
@click.option("--value", default="null", help="JSON for the task that waits (default: null).")
@with_session
def signal(session: Session, dag_id: str, run_id: str, name: str, value: str) -> None:
    """Send a signal to a run. A task that waits for its name takes the signal, now or when its wait begins."""
    from mainspring_client.api.signals import send_signal
    from mainspring_client.models import SignalBody

    try:
        body = SignalBody.from_dict({"value": json.loads(value)})
    except ValueError as exc:
        raise click.UsageError(f"--value: {exc}; write JSON, text in quotation marks") from exc
    session.output.item(session.call(send_signal, dag_id, run_id, name, body=body), _SIGNAL_COLUMNS)


@click.command()
@DAG_ID
@RUN_ID
@with_session
def signals(session: Session, dag_id: str, run_id: str) -> None:
    """List the signals of a run, the earliest first."""
    from mainspring_client.api.signals import get_signals

    session.output.rows(list(session.rows(get_signals, "signals", dag_id, run_id)), _SIGNAL_COLUMNS)


@click.command("delete")
@DAG_ID
@RUN_ID
@click.confirmation_option("-y", "--yes", prompt="Delete the run with its logs and outputs?")
@with_session
def delete_run(session: Session, dag_id: str, run_id: str) -> None:
    """Delete a run with its logs and outputs."""
    from mainspring_client.api.dag_runs import delete_dag_run

    session.call(delete_dag_run, dag_id, run_id)
    click.echo(f"{run_id} of {dag_id} is deleted", err=True)


@click.command()
@DAG_ID
@RUN_ID
@click.argument("task_id", required=False)
@with_session
def outputs(session: Session, dag_id: str, run_id: str, task_id: str | None) -> None:
    """Print the outputs of a run, or of one of its tasks, by name.

    An output of a mapped task is an object: the index of each instance that gave it -> the value.
    """
    from mainspring_client.api.dag_runs import get_dag_run
    from mainspring_client.api.xcoms import get_xcom_entries, get_xcom_entry

    values: dict[str, Any] = {}
    if task_id is None:
        values = session.call(get_dag_run, dag_id, run_id)["outputs"] or {}
    else:
        where = (dag_id, run_id, task_id)
        for entry in list(session.rows(get_xcom_entries, "xcom_entries", *where)):
            key, index = entry["key"], entry["map_index"]
            value = session.call(get_xcom_entry, *where, key, map_index=index)["value"]
            if index < 0:
                values[key] = value
            else:
                values.setdefault(key, {})[str(index)] = value
    # A table has a line for lists and objects too.
    session.output.item(values, list(values))


@click.command()
@click.option("--dag", "dag_id", help="Only about this DAG.")
@click.option("-n", "--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@with_session
def audit(session: Session, dag_id: str | None, limit: int) -> None:
    """Show who changed what, the latest first."""
    from mainspring_client.api.event_logs import get_event_logs
    from mainspring_client.types import UNSET

    page = session.call(get_event_logs, dag_id=dag_id or UNSET, limit=limit, order_by=["-event_log_id"])
    session.output.rows(page["event_logs"], _AUDIT_COLUMNS)


@click.command()
@with_session
def workers(session: Session) -> None:
    """List the workers that reported in the last minutes."""
    from mainspring_client.api.workers import get_workers

    session.output.rows(session.call(get_workers)["workers"], _WORKER_COLUMNS)
