import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.definition import parse_definition
from mainspring.graph import Graph, ancestors, find_cycle, topological_order
from tests.services.reference_work import is_within
from tests.unit.strategies import acyclic_edges, any_edges


def _graph(upstream: list[list[int]], **fields: list[Any]) -> Graph:
    tasks = {
        f"t{index}": {"type": "noop", "depends_on": [f"t{name}" for name in names]}
        | {field: values[index] for field, values in fields.items()}
        for index, names in enumerate(upstream)
    }
    return Graph.of(parse_definition({"dag_id": "d", "tasks": tasks}).tasks)


def _before(upstream: list[list[int]], task: int) -> set[int]:
    """All tasks before `task`, found the slow way."""
    found: set[int] = set()
    waiting = list(upstream[task])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += upstream[name]
    return found


@given(acyclic_edges())
def test_the_order_puts_every_task_after_its_upstream(upstream: list[list[int]]) -> None:
    order = topological_order(upstream)
    assert sorted(order) == list(range(len(upstream)))
    place = {task: position for position, task in enumerate(order)}
    assert all(place[name] < place[task] for task, names in enumerate(upstream) for name in names)


def test_ties_in_the_order_are_broken_by_definition_order() -> None:
    assert topological_order([[2], [], [], [1]]) == [1, 2, 0, 3]


@given(any_edges())
def test_a_cycle_is_found_exactly_when_no_order_exists_and_is_one(upstream: list[list[int]]) -> None:
    cycle = find_cycle(upstream)
    assert (cycle is None) == (len(topological_order(upstream)) == len(upstream))
    if cycle:
        assert len(set(cycle)) == len(cycle)
        assert all(before in upstream[after] for before, after in pairwise([*cycle, cycle[0]]))
        assert cycle[0] == min(cycle)


@given(acyclic_edges())
def test_ancestors_are_all_tasks_before(upstream: list[list[int]]) -> None:
    for task, found in enumerate(ancestors(upstream)):
        assert {index for index in range(len(upstream)) if found >> index & 1} == _before(upstream, task)


@given(acyclic_edges())
def test_the_arrays_of_a_graph_agree_with_its_edges(upstream: list[list[int]]) -> None:
    graph = _graph(upstream)
    assert graph.upstream == tuple(map(tuple, upstream))
    assert {(a, b) for b, names in enumerate(graph.upstream) for a in names} == {
        (a, b) for a, names in enumerate(graph.downstream) for b in names
    }
    assert graph.roots == tuple(task for task, names in enumerate(upstream) if not names)
    assert graph.leaves == tuple(task for task in range(len(upstream)) if not any(task in names for names in upstream))
    assert graph.order == tuple(topological_order(upstream))
    assert [graph.index[task_id] for task_id in graph.task_ids] == list(range(len(upstream)))


@given(acyclic_edges(size_max=8), st.data())
def test_priority_sums_the_weights_of_all_tasks_on_the_side_of_the_rule(
    upstream: list[list[int]], data: st.DataObject
) -> None:
    size = len(upstream)
    weights = data.draw(st.lists(st.integers(-1_000_000, 1_000_000), min_size=size, max_size=size))
    rules = data.draw(st.lists(st.sampled_from(["upstream", "downstream", "absolute"]), min_size=size, max_size=size))
    graph = _graph(upstream, priority_weight=weights, weight_rule=rules)
    before = [_before(upstream, task) for task in range(size)]
    for task, rule in enumerate(rules):
        others = {
            "absolute": set(),
            "upstream": before[task],
            "downstream": {other for other in range(size) if task in before[other]},
        }[rule]
        assert graph.priority[task] == weights[task] + sum(weights[other] for other in others)


@pytest.mark.parametrize(
    "upstream",
    [
        pytest.param([[]] + [[index] for index in range(9_999)], id="a chain"),
        pytest.param([[]] + [[0]] * 9_998 + [list(range(1, 9_999))], id="a fan"),
        pytest.param([[]] * 100 + [list(range(100))] * 1_900, id="dense layers"),
    ],
)
def test_ten_thousand_tasks_cost_less_than_a_second_in_any_shape(upstream: list[list[int]]) -> None:
    started = time.process_time()
    assert find_cycle(upstream) is None
    ancestors(upstream)
    assert is_within(time.process_time() - started, 1.0)
