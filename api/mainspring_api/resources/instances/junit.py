"""A report in the XML of JUnit, as CI systems read it: a test case for each task instance."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from mainspring.states import TASK_FINISHED, RunState, TaskState

__all__ = ["junit_report"]

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, escaped or not."""
_RUN_CASE = "(run)"
"""Name of the test case of a run that failed without a failed task. No task has it."""


def junit_report(
    run: Mapping[str, Any], counts: Mapping[TaskState, int], instances: Iterable[Mapping[str, Any]]
) -> Iterator[str]:
    """The lines of the report.

    counts: state -> number of task instances. instances: rows with `last_lines`, a list of texts.
    """
    failed = counts.get(TaskState.FAILED, 0)
    has_run_case = run["state"] == RunState.FAILED and not failed
    totals = {
        "tests": sum(counts.values()) + has_run_case,
        "failures": failed,
        "errors": int(has_run_case),
        "skipped": sum(count for state, count in counts.items() if state not in (TaskState.SUCCESS, TaskState.FAILED)),
    }
    seconds = _seconds(run["start_date"], run["end_date"])
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f"<testsuites{_attributes(name='mainspring', **totals, time=seconds)}>\n"
    suite = {"name": run["dag_id"], "id": run["run_id"], **totals, "time": seconds}
    if run["start_date"] is not None:
        suite["timestamp"] = f"{run['start_date']:%Y-%m-%dT%H:%M:%S}"
    yield f"  <testsuite{_attributes(**suite)}>\n"
    yield from _properties(run)
    if has_run_case:
        yield from _case(run["dag_id"], _RUN_CASE, seconds, _fault("error", run["state_reason"], run["message"], ()))
    for instance in instances:
        yield from _case(
            run["dag_id"],
            _name(instance),
            _seconds(instance["start_date"], instance["end_date"]),
            _outcome(instance),
        )
    yield "  </testsuite>\n</testsuites>\n"


def _properties(run: Mapping[str, Any]) -> Iterator[str]:
    yield "    <properties>\n"
    for name in ("run_id", "state", "version_number", "logical_date"):
        if run[name] is not None:
            yield f"      <property{_attributes(name=name, value=run[name])}/>\n"
    yield "    </properties>\n"


def _case(dag_id: str, name: str, seconds: str, outcome: str) -> Iterator[str]:
    attributes = _attributes(classname=dag_id, name=name, time=seconds)
    yield f"    <testcase{attributes}>{outcome}</testcase>\n" if outcome else f"    <testcase{attributes}/>\n"


def _outcome(instance: Mapping[str, Any]) -> str:
    """The element in a test case; empty = success."""
    state = TaskState(instance["state"])
    if state is TaskState.SUCCESS:
        return ""
    if state is TaskState.FAILED:
        return _fault("failure", instance["state_reason"], instance["message"], instance["last_lines"])
    why = str(state) if state in TASK_FINISHED else f"has not ended: {state}"
    return f"<skipped{_attributes(message=why)}/>"


def _fault(kind: str, reason: str | None, message: str | None, lines: Iterable[str]) -> str:
    text = "\n".join(lines)
    return (
        f"<{kind}{_attributes(message=message or reason or 'failed', type=reason or 'failed')}>{_text(text)}</{kind}>"
    )


def _name(instance: Mapping[str, Any]) -> str:
    index = instance["map_index"]
    return str(instance["task_id"]) if index < 0 else f"{instance['task_id']}[{index}]"


def _seconds(start: datetime | None, end: datetime | None) -> str:
    return f"{(end - start).total_seconds():.3f}" if start and end else "0"


def _attributes(**values: object) -> str:
    return "".join(f" {name}={quoteattr(_clean(str(value)))}" for name, value in values.items())


def _text(text: str) -> str:
    return escape(_clean(text))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
