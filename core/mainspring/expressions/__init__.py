"""Expressions: CEL inside `${{ ... }}`, checked when a DAG is saved, bounded when evaluated."""

from mainspring.expressions.syntax import (
    HANDLER_ROOTS,
    MACRO_DEPTH_MAX,
    MACROS_MAX,
    ROOTS,
    RUN_END_NAMES,
    SOURCE_CHARS_MAX,
)
from mainspring.expressions.template import RESULT_BYTES_MAX, Expression, Template

__all__ = [
    "HANDLER_ROOTS",
    "MACROS_MAX",
    "MACRO_DEPTH_MAX",
    "RESULT_BYTES_MAX",
    "ROOTS",
    "RUN_END_NAMES",
    "SOURCE_CHARS_MAX",
    "Expression",
    "Template",
]
