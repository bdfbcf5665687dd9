"""Traces: a run is a trace, and each of its tries is a span of this trace. The identifiers are of W3C Trace Context.

The identifiers follow from what is stored, so a process that exports a span and a process that hands the span to its
task agree without speaking to each other, and a span that is exported twice has the same identifiers.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_hex

__all__ = ["RunTrace", "new_traceparent", "parse_traceparent", "span_of_attempt", "span_of_end", "trace_of_run"]

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_SAMPLED = 1
_NO_SPAN = "0" * 16


@dataclass(frozen=True, kw_only=True, slots=True)
class RunTrace:
    """The trace of a run."""

    trace_id: str
    """32 hexadecimal digits."""
    parent_id: str | None
    """Span of the caller that triggered the run, 16 hexadecimal digits; None = no caller."""
    is_sampled: bool
    """Whether the caller records the trace. A caller that does not wants no spans."""
    is_exported: bool
    """Whether this installation exports the spans of runs and tries."""

    def traceparent_of(self, attempt_id: str) -> str | None:
        """What the task of an attempt gets as TRACEPARENT; None = nothing.

        Where no span of the attempt is exported, the parent is the caller: a parent that is not exported would cut the
        trace in two.
        """
        parent = span_of_attempt(attempt_id) if self.is_exported else self.parent_id
        return parent and f"00-{self.trace_id}-{parent}-{int(self.is_sampled):02x}"


def parse_traceparent(text: str | None) -> str | None:
    """A `traceparent` in the spelling of version 00; None = there is none, or it is not valid, which the specification
    says to ignore."""
    match = _TRACEPARENT.fullmatch((text or "").strip())
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if version == "ff" or (version == "00" and more) or not int(trace_id, 16) or not int(span_id, 16):
        return None
    return f"00-{trace_id}-{span_id}-{int(flags, 16) & _SAMPLED:02x}"


def new_traceparent() -> str:
    """The beginning of a trace: a `traceparent` whose span is 0, which stands for no caller."""
    return f"00-{token_hex(16)}-{_NO_SPAN}-01"


def trace_of_run(traceparent: str | None, *, is_exported: bool) -> RunTrace | None:
    """The trace of a run; None = the run has no trace.

    traceparent: as `parse_traceparent` gave it at the trigger, or `new_traceparent`; None = a run that was created
        before runs had traces.
    is_exported: see `RunTrace`.
    """
    if traceparent is None:
        return None
    _, trace_id, parent_id, flags = traceparent.split("-")
    return RunTrace(
        trace_id=trace_id,
        parent_id=None if parent_id == _NO_SPAN else parent_id,
        is_sampled=bool(int(flags, 16) & _SAMPLED),
        is_exported=is_exported,
    )


def span_of_attempt(attempt_id: str) -> str:
    """The span of an attempt."""
    return _span(f"attempt\0{attempt_id}")


def span_of_end(trace_id: str, event_id: int) -> str:
    """The span of a run. A run that was cleared ends a second time, with a second span.

    event_id: number of the event of the end.
    """
    return _span(f"end\0{trace_id}\0{event_id}")


def _span(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]
