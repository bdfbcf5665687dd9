"""Expressions: CEL inside `${{ ... }}`, checked when a DAG is saved, bounded when evaluated."""

from mainspring.expressions.syntax import MACRO_DEPTH_MAX, MACROS_MAX, ROOTS, SOURCE_CHARS_MAX
from mainspring.expressions.template import RESULT_BYTES_MAX, Expression, Template

__all__ = [
    "MACROS_MAX",
    "MACRO_DEPTH_MAX",
    "RESULT_BYTES_MAX",
    "ROOTS",
    "SOURCE_CHARS_MAX",
    "Expression",
    "Template",
]
