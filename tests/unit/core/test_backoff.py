from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.backoff import GROWTH_MAX, retry_delay


def _delay(try_number: int, *, seconds: float = 20, factor: float = 2.0, maximum: float | None = None) -> timedelta:
    return retry_delay(
        try_number,
        delay=timedelta(seconds=seconds),
        factor=factor,
        delay_max=None if maximum is None else timedelta(seconds=maximum),
        jitter=False,
        random=lambda: pytest.fail("chance is for jitter only"),
    )


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [
        pytest.param(_delay(1), 20, id="the first retry waits the delay itself"),
        pytest.param(_delay(3), 80, id="each further one doubles"),
        pytest.param(_delay(3, factor=1.0), 20, id="factor one is constant"),
        pytest.param(_delay(10, maximum=300), 300, id="capped at the maximum"),
        pytest.param(_delay(1, maximum=5), 5, id="the maximum caps the first one too"),
        pytest.param(_delay(40), GROWTH_MAX.total_seconds(), id="growth ends by itself"),
        pytest.param(_delay(5_000), GROWTH_MAX.total_seconds(), id="beyond what a float holds"),
        pytest.param(_delay(2, seconds=200_000), 200_000, id="a delay longer than that stays as it is"),
        pytest.param(_delay(5_000, seconds=0), 0, id="nothing does not grow"),
    ],
)
def test_delays_grow_by_the_factor_up_to_their_cap(delay: timedelta, seconds: float) -> None:
    assert delay == timedelta(seconds=seconds)


@given(
    st.integers(1, 2_000),
    st.timedeltas(timedelta(0), timedelta(days=30)),
    st.floats(1, 1_000),
    st.floats(0, 1, exclude_max=True),
)
def test_jitter_draws_between_nothing_and_the_whole_delay(
    try_number: int, delay: timedelta, factor: float, drawn: float
) -> None:
    def wait(*, jitter: bool) -> timedelta:
        return retry_delay(try_number, delay=delay, factor=factor, delay_max=None, jitter=jitter, random=lambda: drawn)

    assert timedelta(0) <= wait(jitter=True) <= wait(jitter=False) <= max(delay, GROWTH_MAX)
