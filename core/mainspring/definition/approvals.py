"""Approvals: what their fields cannot tell alone."""

import json
from collections.abc import Mapping
from typing import Any

from mainspring.definition.report import Report
from mainspring.errors import InvalidParams
from mainspring.params import check_schema, resolve_params
from mainspring.waits import CHOICES, REJECT

__all__ = ["PARAMS_BYTES_MAX", "check_approval"]

PARAMS_BYTES_MAX = 16 * 1024
"""Of the schema of an approval's values, which each waiting instance stores."""


def check_approval(task: Mapping[str, Any], at: str, report: Report) -> None:
    """Report faults of an approval. at: pointer to the task."""
    _check_default_choice(task, at, report)
    _check_approval_params(task, at, report)


def _check_default_choice(task: Mapping[str, Any], at: str, report: Report) -> None:
    """The default must be in the list of choices."""
    default, choices = task.get("default"), task.get("choices", list(CHOICES))
    if default is None:
        return
    for position, choice in enumerate(default if isinstance(default, list) else [default]):
        if choice not in choices:
            place = f"{at}/default/{position}" if isinstance(default, list) else f"{at}/default"
            report.add_unknown("unknown_choice", place, "there is no choice", choice, choices)
    if isinstance(default, list) and not task.get("multiple"):
        report.add("wrong_type", f"{at}/default", "a list of choices needs multiple: true", "write a single choice")
    elif isinstance(default, list) and REJECT in default and len(default) > 1:
        report.add("invalid_value", f"{at}/default", f"'{REJECT}' cannot be combined with other choices")


def _check_approval_params(task: Mapping[str, Any], at: str, report: Report) -> None:
    schema = task.get("params")
    if schema is None:
        return
    if "${{" in json.dumps(schema):
        hint = "put what the person needs to know into message"
        report.add("expression_not_allowed", f"{at}/params", "params of an approval are not evaluated", hint)
        return
    size = len(json.dumps(schema).encode())
    if size > PARAMS_BYTES_MAX:
        report.add("out_of_range", f"{at}/params", f"params has {size} bytes; at most {PARAMS_BYTES_MAX} are allowed")
        return
    problems = check_schema(schema)
    for problem in problems:
        report.add(problem.code, f"{at}/params{problem.pointer}", problem.message, problem.hint)
    default = task.get("default")
    if problems or default is None or default in (REJECT, [REJECT]):
        return
    try:
        resolve_params(schema, {})
    except InvalidParams as exc:
        message = f"the default choice has no values that fit params: {exc.problems[0].message}"
        report.add("invalid_value", f"{at}/default", message, "give each required param a default")
