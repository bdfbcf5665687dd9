"""The comparison with the accepted ratios: a busy moment does not fail it, a slower engine does."""

from collections.abc import Callable, Mapping

from bench.ratios import compare

ACCEPTED = {"gap": 2.0, "chain": 60.0}


def always(ratios: Mapping[str, float]) -> Callable[[], Mapping[str, float]]:
    return lambda: ratios


def never() -> Mapping[str, float]:
    raise AssertionError("nothing is measured again")


def test_ratios_up_to_a_third_worse_are_not_measured_again() -> None:
    assert compare({"gap": 2.5, "chain": 40.0, "new": 9.0}, ACCEPTED, never, never) == {}


def test_a_busy_moment_is_forgiven() -> None:
    assert compare({"gap": 4.0, "chain": 60.0}, ACCEPTED, always({"gap": 4.1}), always({"gap": 4.0})) == {}


def test_a_slower_engine_is_found_by_the_median_of_the_pairs() -> None:
    now = iter([{"gap": 4.0}, {"gap": 6.0}, {"gap": 8.0}])
    assert compare({"gap": 4.0}, ACCEPTED, lambda: next(now), always({"gap": 2.0})) == {"gap": 3.0}


def test_without_the_accepted_commit_its_ratios_stand_for_it() -> None:
    assert compare({"gap": 4.0}, ACCEPTED, always({"gap": 3.0}), None) == {"gap": 1.5}
