"""A run of a definition that is sent with the run and not saved."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Response, g
from marshmallow import post_load

from mainspring_api.http.answers import answer
from mainspring_api.http.audit import audit_detail
from mainspring_api.http.context import context
from mainspring_api.http.fields import Query
from mainspring_api.http.operations import Resource
from mainspring_api.http.owners import current_owner
from mainspring_api.http.permissions import Over, require_role_on
from mainspring_api.http.reference_authorization import check_references
from mainspring_api.resources.definitions.sent_definitions import HasDefinition, SentDefinition, parse_sent
from mainspring_api.resources.runs.awaited_triggers import WAIT_SECONDS, location_of_run
from mainspring_api.resources.runs.dag_runs import DagRun, follow_trigger, new_run, run_body
from mainspring_api.resources.runs.triggers import RunBody, Trigger
from mainspring_api.settings import DEFINITION_BYTES_MAX
from mainspring_store.access.roles import Role
from mainspring_store.queries import runs as questions
from mainspring_store.resources.dags import check_dag
from mainspring_store.resources.inline_runs import create_inline_run
from mainspring_store.state.runs import VersionRef

__all__ = ["blueprint"]

blueprint = Resource("inline_runs", "Runs of definitions that are not saved", tag="dag_runs")


class InlineRunBody(RunBody, HasDefinition):
    """What to run: a definition, and what a trigger takes."""

    @post_load
    def _checked(self, body: dict[str, Any], **_: Any) -> "_InlineRun":
        return _InlineRun(self.trigger_of(body), body)


class InlineRunQuery(Query):
    wait = WAIT_SECONDS


@dataclass(frozen=True, slots=True)
class _InlineRun:
    """A checked body."""

    trigger: Trigger
    members: Mapping[str, Any]


@blueprint.operation(
    "POST",
    "/dagRuns",
    "run_definition",
    role=Role.AUTHOR,
    over=Over.DAGS,
    answer=DagRun,
    body=InlineRunBody,
    body_bytes_max=2 * DEFINITION_BYTES_MAX,
    query=InlineRunQuery,
    errors=(400, 404),
    follow=follow_trigger,
)
def run_definition(body: _InlineRun, _query: Mapping[str, Any]) -> Response:
    """Run a definition once, without saving it. The checks, quotas and limits of a save and of a trigger hold.

    The caller must be author of the DAG that the definition names. The run gets a version with `is_inline` true, which
    is never the current version of the DAG and is deleted with its last run. A DAG that does not exist is made for the
    run: it is stale, hidden from lists, and deleted with its last run too. `wait` is that of a trigger.
    """
    ctx, now = context(), datetime.now(UTC)
    sent = _checked_definition(body.members)
    dag_id = sent.definition.dag_id
    run = new_run(ctx, body.trigger, VersionRef(id=0, definition=sent.definition), now)
    audit_detail(dag_id=dag_id, run_id=run.run_id, content_hash=sent.definition.content_hash)
    if run.callback is not None:
        ctx.limits.callbacks.take(g.user.id)
    version = create_inline_run(ctx.database, run, sent.source, by=g.user.name, owner=current_owner(), now=now)
    ctx.versions.keep(version)
    response = answer(run_body(questions.get_run(ctx.database, dag_id, run.run_id)))
    ctx.notifier.notify()
    response.headers["Location"] = location_of_run(dag_id, run.run_id)
    return response


def _checked_definition(members: Mapping[str, Any]) -> SentDefinition:
    """The definition of a body, after all checks of a save.

    Raises:
        InvalidDag: Every fault of the definition. Forbidden, NotFound: The caller is no author of the DAG.
    """
    sent = parse_sent(members)
    require_role_on(sent.definition.dag_id, Role.AUTHOR)
    check_references(sent.definition)
    check_dag(context().database, sent.definition)
    return sent
