"""The body of a delivery: the event, the run, its failed tasks, and its outputs where the receiver asks for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from mainspring.events import EventKind, format_event_id
from mainspring.states import RUN_FINISHED
from mainspring.webhook_types import webhook_type
from mainspring_executors.masking import Masker
from mainspring_store.queries.events import StoredEvent
from mainspring_store.queries.webhook_events import RunFacts

__all__ = ["Subject", "body_of", "message_of"]

OUTPUTS_BYTES_MAX = 64 * 1024
ERROR_CHARS_MAX = 500
_ENDS = frozenset(state.value for state in RUN_FINISHED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """An event, and the run that it is about."""

    event: StoredEvent
    run: RunFacts | None
    """None = the event is about no run, or about a deleted run."""
    masker: Masker | None
    """Masks the secrets of the run's definition; None = a secret cannot be opened, so texts of tasks are left out."""
    public_url: str | None
    """Address of the page; None = the body has no link."""

    @property
    def type(self) -> str:
        return webhook_type(self.event.kind, self.event.state, self.event.state_reason)

    @property
    def is_end(self) -> bool:
        """Whether the event is the end of a run."""
        return self.event.kind == EventKind.RUN and self.event.state in _ENDS

    @property
    def link(self) -> str | None:
        """Address of the run on the page; None = there is none."""
        if self.public_url is None or self.run is None:
            return None
        parts = "/".join((quote(self.run.dag_id, safe=""), "runs", quote(self.run.run_id, safe="")))
        return f"{self.public_url}/dags/{parts}"


def body_of(subject: Subject, *, includes_outputs: bool) -> str:
    """The body of a webhook, as JSON text."""
    event = subject.event
    data: dict[str, Any] = {"event": {"id": format_event_id(event.id), "event": event.kind, **event.members}}
    run = subject.run
    if run is not None:
        data["run"] = _run(subject, run)
        if subject.is_end:
            data["failed_tasks"] = _failed_tasks(subject, run)
            data["failed_tasks_total"] = run.failed_total
            if includes_outputs:
                data |= _outputs(subject, run)
    return _dump({"type": subject.type, "timestamp": event.at, "data": data})


def message_of(subject: Subject) -> str:
    """The message of a notifier to people, as JSON text with `title` and `text`."""
    run, members = subject.run, subject.event.members
    run_id = members.get("dag_run_id", "")
    title = {
        "run.failed": f"{members['dag_id']} failed",
        "run.success": f"{members['dag_id']} succeeded",
        "run.late": f"{members['dag_id']} is late",
        "approval.waiting": f"{members['dag_id']} waits for an answer",
    }.get(subject.type, f"{members['dag_id']}: {subject.type}")
    lines = [f"Run {run_id} of DAG {members['dag_id']}."]
    if members.get("task_id"):
        lines.append(f"Task {members['task_id']}.")
    if run is not None and subject.is_end:
        lines += [
            f"Task {item['task_id']} failed: {item['error'] or 'no message'}" for item in _failed_tasks(subject, run)
        ]
    if subject.link is not None:
        lines.append(subject.link)
    return _dump({"title": title, "text": "\n".join(lines)})


def _run(subject: Subject, run: RunFacts) -> dict[str, Any]:
    """How the run stands. At its end the state is the state of the event, whatever has become of the run since."""
    state, reason = run.state, run.state_reason
    if subject.is_end:
        state, reason = subject.event.state, subject.event.state_reason
    is_over = run.start_date is not None and run.end_date is not None
    duration = (run.end_date - run.start_date).total_seconds() if is_over else None  # type: ignore[operator]
    body = {
        "dag_id": run.dag_id,
        "dag_run_id": run.run_id,
        "run_type": run.run_type,
        "state": state,
        "state_reason": reason,
        "logical_date": run.logical_date,
        "start_date": run.start_date,
        "end_date": run.end_date,
        "duration": duration,
    }
    return body if subject.link is None else {**body, "url": subject.link}


def _failed_tasks(subject: Subject, run: RunFacts) -> list[dict[str, Any]]:
    return [
        {
            "task_id": task.task_id,
            "map_index": task.map_index,
            "try_number": task.try_number,
            "error": _first_line(subject.masker, task.message),
        }
        for task in run.failed
    ]


def _first_line(masker: Masker | None, message: str | None) -> str | None:
    line = next((line.strip() for line in (message or "").splitlines() if line.strip()), None)
    return None if line is None or masker is None else masker.mask(line)[:ERROR_CHARS_MAX]


def _outputs(subject: Subject, run: RunFacts) -> dict[str, Any]:
    """`outputs`, and whether they are left out, because they are too large or cannot be masked."""
    if run.outputs is None:
        return {"outputs": None, "outputs_omitted": False}
    if subject.masker is None:
        return {"outputs": None, "outputs_omitted": True}
    outputs = _masked(run.outputs, subject.masker)
    is_too_large = len(orjson.dumps(outputs)) > OUTPUTS_BYTES_MAX
    return {"outputs": None if is_too_large else outputs, "outputs_omitted": is_too_large}


def _masked(value: Any, masker: Masker) -> Any:
    """The value with every secret in its texts, names and numbers replaced."""
    if isinstance(value, str):
        return masker.mask(value)
    if isinstance(value, Mapping):
        return {masker.mask(name): _masked(item, masker) for name, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, masker) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        text = str(value)
        masked = masker.mask(text)
        return value if masked == text else masked
    return value


def _dump(content: Any) -> str:
    return orjson.dumps(content, option=orjson.OPT_UTC_Z).decode()
