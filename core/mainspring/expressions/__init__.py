"""Expressions: CEL inside `${{ ... }}`, checked when a DAG is saved, bounded when evaluated."""

from mainspring.expressions.syntax import (
    ANSWER_ROOTS,
    HANDLER_ROOTS,
    MACRO_DEPTH_MAX,
    MACROS_MAX,
    REPEAT_ROOTS,
    ROOTS,
    RUN_END_NAMES,
    SOURCE_CHARS_MAX,
    TURN_NAMES,
)
from mainspring.expressions.template import RESULT_BYTES_MAX, Expression, Template

__all__ = [
    "ANSWER_ROOTS",
    "HANDLER_ROOTS",
    "MACROS_MAX",
    "MACRO_DEPTH_MAX",
    "REPEAT_ROOTS",
    "RESULT_BYTES_MAX",
    "ROOTS",
    "RUN_END_NAMES",
    "SOURCE_CHARS_MAX",
    "TURN_NAMES",
    "Expression",
    "Template",
]
