"""Whole runs as files: a report for CI systems, and one log of all tasks."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Response

from mainspring.errors import LogStoreUnavailable
from mainspring.states import TaskState
from mainspring_api.http.context import Context, context
from mainspring_api.http.operations import Resource
from mainspring_api.resources.instances.junit import junit_report
from mainspring_store.access.roles import Role
from mainspring_store.queries import runs as questions
from mainspring_store.queries.failed_tasks import last_lines
from mainspring_store.queries.logs import read_log
from mainspring_store.queries.run_reports import instance_counts, instances_of_run, started_instances

__all__ = ["blueprint"]

blueprint = Resource("run_reports", "Reports of runs", tag="dag_runs")

LOGS_MAX = 100
"""Failed task instances whose last lines a report has."""
_PIECE_BYTES = 256 * 1024
_XML = "text/xml"
_TEXT = "text/plain"


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/dagRuns/<dag_run_id>/report.junit.xml",
    "get_dag_run_junit_report",
    role=Role.VIEWER,
    answer=None,
    errors=(404,),
    other_media={_XML: {"schema": {"type": "string", "description": "Report in the XML of JUnit"}}},
)
def get_junit_report(dag_id: str, dag_run_id: str) -> Response:
    """The run as a report of tests in the XML of JUnit, which CI systems show.

    Each task instance is a test case: `failed` is a failure with the last lines of the log, other states but `success`
    are skipped tests. A run that failed without a failed task has the error in a test case `(run)`.
    """
    ctx = context()
    run = questions.get_run(ctx.database, dag_id, dag_run_id)
    counts = instance_counts(ctx.database, run["id"])
    lines = junit_report(run, counts, _with_last_lines(ctx, run["id"]))
    response = Response((line.encode() for line in lines), content_type=f"{_XML}; charset=utf-8")
    return _as_file(response, f"{dag_id}-{dag_run_id}.junit.xml")


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/dagRuns/<dag_run_id>/logs",
    "get_dag_run_log",
    role=Role.VIEWER,
    answer=None,
    errors=(404,),
    other_media={_TEXT: {"schema": {"type": "string", "description": "Logs of the latest tries, one after another"}}},
)
def get_run_log(dag_id: str, dag_run_id: str) -> Response:
    """The logs of all task instances of a run as one text, in the order of their starts.

    A line `==> task (try 1, success) <==` stands before each log, which is that of the latest try.
    """
    ctx = context()
    key, _ = questions.run_key(ctx.database, dag_id, dag_run_id)
    return _as_file(Response(_logs(ctx, key), content_type=f"{_TEXT}; charset=utf-8"), f"{dag_id}-{dag_run_id}.log")


def _with_last_lines(ctx: Context, key: int) -> Iterator[Mapping[str, Any]]:
    logs = 0
    for instance in instances_of_run(ctx.database, key):
        instance["last_lines"] = []
        if instance["state"] == TaskState.FAILED and instance["attempt_id"] is not None and logs < LOGS_MAX:
            logs += 1
            instance["last_lines"] = last_lines(ctx.database, instance["attempt_id"], instance["log_bytes"])
        yield instance


def _logs(ctx: Context, key: int) -> Iterator[bytes]:
    """The text in pieces, so that the server never holds all of it."""
    for instance in started_instances(ctx.database, key):
        index = "" if instance["map_index"] < 0 else f"[{instance['map_index']}]"
        facts = f"try {instance['try_number']}, {instance['state']}"
        yield f"==> {instance['task_id']}{index} ({facts}) <==\n".encode()
        offset, end = 0, b"\n"
        try:
            while pieces := read_log(ctx.database, instance["attempt_id"], offset=offset, bytes_max=_PIECE_BYTES):
                data = b"".join(piece.data for piece in pieces)
                offset, end = offset + len(data), data[-1:]
                yield data
        except LogStoreUnavailable:
            yield b"(this log lies in a store that cannot be used now)"
            end = b""
        if end != b"\n":
            yield b"\n"


def _as_file(response: Response, name: str) -> Response:
    safe_name = re.sub(r"[^A-Za-z0-9._+-]", "_", name)[-200:]
    response.headers["Content-Disposition"] = f'attachment; filename="{safe_name}"'
    return response
