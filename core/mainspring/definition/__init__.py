"""DAG definitions: the checked model, and how text becomes one."""

from mainspring.definition.build import load_stored
from mainspring.definition.json_source import load_json
from mainspring.definition.model import Definition, RetryRule, Schedule, Task, TaskType, WeightRule
from mainspring.definition.parse import parse_definition, with_lines
from mainspring.definition.schema import json_schema
from mainspring.definition.warnings import find_warnings

__all__ = [
    "Definition",
    "RetryRule",
    "Schedule",
    "Task",
    "TaskType",
    "WeightRule",
    "find_warnings",
    "json_schema",
    "load_json",
    "load_stored",
    "parse_definition",
    "with_lines",
]
