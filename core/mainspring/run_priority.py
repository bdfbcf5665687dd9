"""The order of ready instances: the priority of the run first, then the weight of the task."""

__all__ = ["RANKS_OF_PRIORITY", "rank_of_weight"]

RANKS_OF_PRIORITY = 20_000_000
"""Distance between the ranks of two priorities of runs. 100 priorities on both sides fit into 32 bits."""
_WEIGHT_MAX = RANKS_OF_PRIORITY // 2 - 1


def rank_of_weight(weight: int) -> int:
    """The rank of an instance in a run of priority 0; the lowest rank goes first. Weights beyond 9,999,999 count as
    9,999,999, so that no weight outdoes the priority of a run."""
    return -max(-_WEIGHT_MAX, min(_WEIGHT_MAX, weight))
