"""Trace contexts: what is taken over from a caller, and the identifiers of spans."""

import pytest

from mainspring.traces import new_traceparent, parse_traceparent, span_of_attempt, span_of_end, trace_of_run

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GIVEN = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        (GIVEN, GIVEN),
        (f"  {GIVEN} ", GIVEN),
        (f"00-{TRACE}-{SPAN}-00", f"00-{TRACE}-{SPAN}-00"),
        (f"00-{TRACE}-{SPAN}-ff", GIVEN),
        (f"cc-{TRACE}-{SPAN}-01-what-comes-later", GIVEN),
        (f"{GIVEN}-more", None),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (GIVEN.upper(), None),
        (GIVEN[:-1], None),
        ("\uff10" + GIVEN[1:], None),
        ("", None),
        (None, None),
    ],
)
def test_a_traceparent_is_taken_as_the_specification_says_or_ignored(text: str | None, parsed: str | None) -> None:
    assert parse_traceparent(text) == parsed


def test_a_run_without_a_caller_has_a_trace_whose_spans_tasks_continue_where_they_are_exported() -> None:
    begun = new_traceparent()
    assert parse_traceparent(begun) is None
    off, on = (trace_of_run(begun, is_exported=is_exported) for is_exported in (False, True))
    assert off is not None
    assert on is not None
    assert (off.parent_id, off.traceparent_of("a" * 32)) == (None, None)
    assert parse_traceparent(on.traceparent_of("a" * 32)) == f"00-{on.trace_id}-{span_of_attempt('a' * 32)}-01"
    assert new_traceparent() != begun
    assert trace_of_run(None, is_exported=True) is None


def test_the_parent_of_a_task_is_a_span_that_somebody_exports() -> None:
    traces = [trace_of_run(GIVEN, is_exported=is_exported) for is_exported in (False, True)]
    first, second = (trace.traceparent_of("a" * 32) for trace in traces if trace is not None)
    assert first == GIVEN
    assert second == f"00-{TRACE}-{span_of_attempt('a' * 32)}-01"
    unsampled = trace_of_run(f"00-{TRACE}-{SPAN}-00", is_exported=True)
    assert unsampled is not None
    assert (unsampled.traceparent_of("a" * 32) or "").endswith("-00")


def test_spans_differ() -> None:
    spans = [span_of_attempt("a"), span_of_attempt("b"), span_of_end(TRACE, 1), span_of_end(TRACE, 2)]
    assert len({*spans}) == 4
    assert all(len(span) == 16 for span in spans)
