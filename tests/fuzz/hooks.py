"""Keeps requests within what any server before ours would let through."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import schemathesis

LINE_BYTES_MAX = 1_800
"""Of the query and of the path each: gunicorn reads request lines up to 4,094 bytes and answers 414 by itself."""


@schemathesis.hook
def filter_query(context: Any, query: Mapping[str, Any] | None) -> bool:
    return len(urlencode(query or {}, doseq=True)) <= LINE_BYTES_MAX


@schemathesis.hook
def filter_path_parameters(context: Any, path_parameters: Mapping[str, Any] | None) -> bool:
    return len(urlencode(path_parameters or {})) <= LINE_BYTES_MAX
