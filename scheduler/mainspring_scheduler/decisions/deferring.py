"""The task types that wait without a slot: `wait`, `approval`, `dag`. Decides only; writes nothing."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mainspring.durations import parse_duration
from mainspring.errors import ExpressionError, InvalidParams
from mainspring.instants import format_instant, parse_instant
from mainspring.params import resolve_params
from mainspring.states import StateReason, TaskState
from mainspring.waits import CHOICES, WaitKind, check_kind
from mainspring_scheduler.decisions.decision_context import DecisionContext
from mainspring_scheduler.decisions.decision_types import Decision, Defer, Fail, Queue, Resolve, StartRun
from mainspring_store.state.runs import VersionRef

__all__ = ["LEVELS_MAX", "begin_approval", "begin_run", "begin_wait", "next_poke"]

LEVELS_MAX = 10
"""Depth of runs nested by `dag` tasks, the outermost run not counted."""
_PROBLEM_CHARS_MAX = 2_000
_COMMAND_CHARS_MAX = 100


def begin_wait(context: DecisionContext) -> Decision:
    """Type `wait`."""
    fields, now = context.task.payload.source, context.now
    give_up_at = _later(now, fields.get("timeout"))
    if (kind := check_kind(fields)) is not None:
        # The first check is due at once, and goes the way of all later checks.
        members = {"kind": kind, **_checked(context, kind), "give_up_at": _text(give_up_at), **_softly(fields)}
        return Defer(members, until=now)
    if "signal" in fields:
        # The first look is due at once too: it takes a signal that came before, under the lock of the run.
        wait = {"kind": WaitKind.SIGNAL, "name": fields["signal"], "give_up_at": _text(give_up_at)}
        return Defer({**wait, **_softly(fields)}, until=now)
    if "for" in fields:
        until = now + parse_duration(fields["for"])
    else:
        until = _instant(context.render(context.task.payload)["until"])
    if until <= now:
        return Resolve(TaskState.SUCCESS)
    waits_for = {"kind": WaitKind.TIME, "until": _text(until), "give_up_at": _text(give_up_at), **_softly(fields)}
    return Defer(waits_for, until=min(until, give_up_at or until))


def next_poke(context: DecisionContext) -> Decision:
    """The due check of a wait."""
    return context.with_secrets(Queue(_check_of(context)), context.task.written_payload)


def begin_approval(context: DecisionContext) -> Decision:
    """Type `approval`."""
    source, fields = context.task.payload.source, context.render(context.task.payload)
    message = fields["message"]
    give_up_at = _later(context.now, fields.get("timeout"))
    waits_for = {
        "kind": WaitKind.APPROVAL,
        "message": message if isinstance(message, str) else json.dumps(message, ensure_ascii=False),
        "choices": fields.get("choices", list(CHOICES)),
        "default": fields.get("default"),
        "give_up_at": _text(give_up_at),
        **{name: source[name] for name in ("multiple", "params", "assigned") if source.get(name)},
    }
    return Defer(waits_for, until=give_up_at)


def begin_run(context: DecisionContext) -> Decision:
    """Type `dag`."""
    task = context.task
    fields: Mapping[str, Any] = context.render(task.payload)
    dag_id, conf = fields["dag_id"], fields.get("conf", {})
    family = context.scheduling.runs.parent_and_child(context.candidate.dag_run_id, dag_id)
    if family.version_id is None:
        return _invalid(f"there is no dag '{dag_id}'; save it, then clear this task")
    if family.depth >= LEVELS_MAX:
        return _invalid(
            f"dag '{dag_id}' cannot be run from here: this run is {family.depth} levels of `dag` tasks deep, and no "
            f"more than {LEVELS_MAX} are possible; end the recursion sooner, by `when`"
        )
    version_id = family.version_id
    if "version" in fields:
        saved_id = context.scheduling.runs.saved_version(dag_id, fields["version"])
        if saved_id is None:
            return _invalid(
                f"dag '{dag_id}' has no saved version {fields['version']}; name another version, then clear this task"
            )
        version_id = saved_id
    version = context.versions.get(version_id, context.scheduling.runs.version_document)
    try:
        params = resolve_params(version.definition.params, conf)
    except InvalidParams as exc:
        return _invalid(f"conf does not fit the params of dag '{dag_id}': {exc}"[:_PROBLEM_CHARS_MAX])
    return StartRun(
        version=VersionRef(id=version_id, definition=version.definition),
        conf=conf,
        params=params,
        depth=family.depth + 1,
        principal_id=family.principal_id,
        is_awaited=fields.get("wait", True),
        until=None if task.execution_timeout is None else context.now + task.execution_timeout,
    )


def _check_of(context: DecisionContext) -> Mapping[str, Any]:
    """The rendered payload of a check."""
    payload = context.task.payload
    kind = check_kind(payload.source)
    assert kind is not None
    check: Mapping[str, Any] = context.render(payload)[kind]
    return check


def _checked(context: DecisionContext, kind: WaitKind) -> Mapping[str, str]:
    """The member of the wait that says what is checked."""
    match kind:
        case WaitKind.FILE:
            path = _check_of(context)["path"]
            return {"path": path if isinstance(path, str) else json.dumps(path)}
        case WaitKind.PYTHON:
            return {"callable": context.task.written_payload["callable"]}
        case WaitKind.SHELL:
            check = context.task.written_payload
            text = check["script"].strip() if "script" in check else " ".join(check["command"])
            return {"command": text.partition("\n")[0][:_COMMAND_CHARS_MAX]}
    return {}


def _softly(fields: Mapping[str, Any]) -> Mapping[str, bool]:
    return {"soft_fail": True} if fields.get("soft_fail") else {}


def _invalid(message: str) -> Fail:
    return Fail(StateReason.CHILD_RUN_INVALID, message)


def _instant(value: Any) -> datetime:
    try:
        return parse_instant(value if isinstance(value, str) else json.dumps(value))
    except ValueError as exc:
        raise ExpressionError(f"until: {exc}") from exc


def _later(now: datetime, duration: str | None) -> datetime | None:
    return None if duration is None else now + parse_duration(duration)


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant(instant)
