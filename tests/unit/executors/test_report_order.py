"""The order in which reports and log of one attempt are handed over."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from mainspring.attempts import Finished, LogChunk, Outcome, Report, Started, Stopped
from mainspring_executors.local.report_order import ReportSequencer
from mainspring_executors.protocol.results import lost
from mainspring_executors.protocol.wire import SEQ_FINISHED, SEQ_STARTED, SEQ_STOPPED

ID = "0" * 32
AT = datetime(2026, 11, 22, tzinfo=UTC)

STARTED = Started(attempt_id=ID, seq=SEQ_STARTED, at=AT, hostname="here")
STOPPED = Stopped(attempt_id=ID, seq=SEQ_STOPPED, at=AT)


def chunk(offset: int, size: int = 10) -> LogChunk:
    return LogChunk(attempt_id=ID, offset=offset, data=b"x" * size, at=AT)


def finished(log_bytes: int, *, still_running: bool = False) -> Finished:
    return Finished(
        attempt_id=ID,
        seq=SEQ_FINISHED,
        at=AT,
        outcome=Outcome.SUCCESS,
        log_bytes=log_bytes,
        still_running=still_running,
    )


def delivered(reports: list[Report]) -> list[Report]:
    delivery = ReportSequencer(ID)
    return [handed for report in reports for handed in delivery.take(report)]


@st.composite
def interleavings(draw: st.DrawFn) -> tuple[list[Report], list[Report]]:
    """What a host said, in order; and how it arrived: two channels mixed, with repetitions of what came before."""
    count = draw(st.integers(0, 4))
    still_running = draw(st.booleans())
    log: list[Report] = [chunk(10 * index) for index in range(count)]
    control: list[Report] = [STARTED, finished(10 * count, still_running=still_running)]
    if still_running:
        control.append(STOPPED)
    arrived: list[Report] = []
    left = [list(control), list(log)]
    while any(left):
        channel = draw(st.sampled_from([queue for queue in left if queue]))
        arrived.append(channel.pop(0))
        if draw(st.booleans()):
            arrived.append(draw(st.sampled_from(arrived)))
    return [control[0], *log, *control[1:]], arrived


@given(interleavings())
def test_everything_is_handed_over_once_and_in_order(case: tuple[list[Report], list[Report]]) -> None:
    said, arrived = case
    assert delivered(arrived) == said


@given(st.permutations([STARTED, chunk(0), chunk(10), finished(20, still_running=True), STOPPED]))
def test_reports_in_any_order_never_break_the_rules(arrived: list[Report]) -> None:
    handed = delivered(list(arrived))
    kinds = [type(report) for report in handed]
    assert all(kinds.count(kind) <= 1 for kind in (Started, Finished, Stopped))
    if Finished in kinds:
        before = handed[: kinds.index(Finished)]
        assert sum(len(report.data) for report in before if isinstance(report, LogChunk)) == 20
    if Stopped in kinds:
        assert kinds[-1] is Stopped


def test_the_end_waits_for_the_log_before_it() -> None:
    delivery = ReportSequencer(ID)
    assert list(delivery.take(STARTED)) == [STARTED]
    assert list(delivery.take(finished(20))) == []
    assert delivery.is_ending
    assert list(delivery.take(chunk(0))) == [chunk(0)]
    assert list(delivery.take(chunk(10))) == [chunk(10), finished(20)]
    assert delivery.is_done


def test_an_attempt_may_end_without_having_started() -> None:
    assert delivered([finished(0)]) == [finished(0)]


def test_nothing_follows_the_end() -> None:
    assert delivered([STARTED, finished(0), STARTED, chunk(0), finished(0), STOPPED]) == [STARTED, finished(0)]


def test_a_lost_attempt_keeps_the_log_that_arrived() -> None:
    delivery = ReportSequencer(ID)
    list(delivery.take(STARTED))
    list(delivery.take(chunk(0)))
    (end,) = delivery.conclude(lost(), AT)
    assert isinstance(end, Finished)
    assert (end.outcome, end.log_bytes, end.still_running) == (Outcome.LOST, 10, False)
    assert list(delivery.conclude(lost(), AT)) == []


def test_an_end_that_was_told_counts_even_if_its_log_is_lost() -> None:
    delivery = ReportSequencer(ID)
    list(delivery.take(STARTED))
    list(delivery.take(finished(20)))
    (end,) = delivery.conclude(lost(), AT)
    assert isinstance(end, Finished)
    assert (end.outcome, end.log_bytes) == (Outcome.SUCCESS, 0)


def test_what_still_ran_has_stopped_when_its_host_is_gone() -> None:
    delivery = ReportSequencer(ID)
    for report in (STARTED, finished(0, still_running=True)):
        list(delivery.take(report))
    assert not delivery.is_done
    assert list(delivery.conclude(lost(), AT)) == [Stopped(attempt_id=ID, seq=SEQ_STOPPED, at=AT)]
