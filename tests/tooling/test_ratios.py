"""The comparison with the accepted ratios: a busy moment does not fail it, a slower engine does."""

from collections.abc import Callable, Mapping

from bench.ratios import compare, much_worse

ACCEPTED = {"gap": 2.0, "chain": 60.0}


def always(ratios: Mapping[str, float]) -> Callable[[], Mapping[str, float]]:
    return lambda: ratios


def test_ratios_up_to_a_third_worse_are_not_measured_again() -> None:
    assert much_worse({"gap": 2.5, "chain": 40.0, "new": 9.0}, ACCEPTED) == []
    assert much_worse({"gap": 2.7, "chain": 79.0}, ACCEPTED) == ["gap", "chain"]


def test_a_busy_moment_is_forgiven() -> None:
    assert compare(["gap"], before=always({"gap": 4.1}), again=always({"gap": 4.0})) == {}


def test_a_slower_engine_is_found_by_the_median_of_the_pairs() -> None:
    now = iter([{"gap": 4.0}, {"gap": 6.0}, {"gap": 8.0}])
    assert compare(["gap"], before=always({"gap": 2.0}), again=lambda: next(now)) == {"gap": 3.0}
