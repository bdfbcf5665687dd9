"""Which instances a clear or a mark means."""

from typing import Any

import pytest

from mainspring.definition import parse_definition
from mainspring.graph import Graph
from mainspring.selection import Instance, Selection, chosen, collapsing, decided_without_running, with_setups
from mainspring.states import StateReason, TaskState

S, F, K, U, W, R = (
    TaskState.SUCCESS,
    TaskState.FAILED,
    TaskState.SKIPPED,
    TaskState.UPSTREAM_FAILED,
    TaskState.SCHEDULED,
    TaskState.REMOVED,
)
RULE, BRANCH = StateReason.TRIGGER_RULE, StateReason.BRANCH


def graph(**upstream: list[str]) -> Graph:
    tasks = {name: {"type": "noop", "depends_on": names} for name, names in upstream.items()}
    return Graph.of(parse_definition({"dag_id": "d", "tasks": tasks}).tasks)


def instances(*states: Any) -> list[Instance]:
    """One instance a task, with ids as the indexes; a state, or a pair with its reason."""
    pairs = [state if isinstance(state, tuple) else (state, None) for state in states]
    return [
        Instance(id=index, task_index=index, map_index=-1, state=state, reason=reason)
        for index, (state, reason) in enumerate(pairs)
    ]


CHAIN = graph(a=[], b=["a"], c=["b"], x=[])


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param(Selection(tasks={1: None}), [1], id="named"),
        pytest.param(Selection(tasks={1: None}, include_downstream=True), [1, 2], id="downstream"),
        pytest.param(Selection(tasks={1: None}, include_upstream=True), [0, 1], id="upstream"),
        pytest.param(Selection(tasks={1: None}, include_upstream=True, include_downstream=True), [0, 1, 2], id="both"),
        pytest.param(Selection(tasks={0: None}, include_downstream=True, states=frozenset({F})), [2], id="by state"),
        pytest.param(Selection(tasks={}), [], id="nothing"),
        pytest.param(Selection(tasks={1: frozenset({-1})}), [1], id="the only item"),
        pytest.param(Selection(tasks={1: frozenset({0})}), [], id="no such item"),
    ],
)
def test_relatives_are_direct_and_indirect_and_states_hold_for_all(wanted: Selection, expected: list[int]) -> None:
    assert [one.id for one in chosen(CHAIN, instances(S, S, F, S), wanted)] == expected


def test_removed_instances_are_never_chosen() -> None:
    assert chosen(CHAIN, instances(R, S, S, S), Selection(tasks={0: None})) == []


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        pytest.param({0: None}, [0, 2, 3], id="with its branch"),
        pytest.param({1: None}, [1, 2], id="as a relative of another upstream"),
        pytest.param({3: None}, [3], id="by name"),
    ],
)
def test_what_a_branch_left_out_is_chosen_with_it_or_by_name(tasks: Any, expected: list[int]) -> None:
    shape = graph(pick=[], x=[], left=["pick", "x"], right=["pick", "x"])
    found = chosen(
        shape, instances(S, S, S, (K, BRANCH)), Selection(tasks=tasks, include_downstream=True), branches={0}
    )
    assert [one.id for one in found] == expected


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        pytest.param((F, (U, RULE), (U, RULE), S), [1, 2], id="a chain"),
        pytest.param((F, S, (U, RULE), S), [], id="a chain that something ran in"),
        pytest.param((F, (K, RULE), (U, RULE), S), [1, 2], id="skips by a rule"),
        pytest.param((F, (K, StateReason.WHEN), (K, RULE), S), [], id="a skip by another reason"),
        pytest.param((F, W, W, S), [], id="what waits is not decided yet"),
    ],
)
def test_what_never_ran_is_decided_again_as_far_as_the_chain_reaches(states: Any, expected: list[int]) -> None:
    assert [one.id for one in decided_without_running(CHAIN, instances(*states), {(0, -1)})] == expected


def mapped(*states: TaskState, upstream: TaskState = S) -> list[Instance]:
    first = Instance(id=100, task_index=0, map_index=-1, state=upstream)
    return [first] + [
        Instance(id=index, task_index=1, map_index=index, state=state) for index, state in enumerate(states)
    ]


@pytest.mark.parametrize(
    ("found", "cleared", "expected"),
    [
        pytest.param(mapped(S, F, S), {100, 0, 1, 2}, [0, 1, 2], id="all of them and the upstream"),
        pytest.param(mapped(S, F, S), {100, 0, 1}, None, id="one keeps what it did"),
        pytest.param(mapped(S, F, S), {0, 1, 2}, None, id="the upstream stays"),
        pytest.param(mapped(W, W), {100}, [0, 1], id="none has begun"),
        pytest.param(mapped(S, R, S), {100, 0, 2}, [0, 2], id="removed ones do not count"),
    ],
)
def test_items_are_found_anew_when_nothing_of_the_old_list_stays(
    found: list[Instance], cleared: set[int], expected: list[int] | None
) -> None:
    result = collapsing(graph(list=[], load=["list"]), found, cleared, [1])
    assert [one.id for one in result.get(1, [])] == (expected or [])


def test_a_placeholder_has_nothing_to_collapse() -> None:
    assert collapsing(graph(list=[], load=["list"]), instances(S, (U, RULE)), {0, 1}, [1]) == {}


# The set-ups net and vm, nested; the tear-downs stop_vm and stop_net; x stands outside.
NESTED = graph(
    net=[], vm=["net"], load=["vm"], last=["load"], stop_vm=["last", "vm"], stop_net=["stop_vm", "net"], x=["net"]
)


@pytest.mark.parametrize(
    ("cleared", "together"),
    [
        ("x", "x"),
        ("stop_vm", "stop_vm"),
        ("stop_net", "stop_net"),
        ("vm", "net vm stop_vm stop_net"),
        ("net", "net stop_net"),
        ("load", "net vm load stop_vm stop_net"),
        ("last", "net vm load last stop_vm stop_net"),
    ],
)
def test_a_clear_brings_the_setups_of_its_tasks_and_their_teardowns(cleared: str, together: str) -> None:
    index = NESTED.index
    setups = {index["net"]: [index["stop_net"]], index["vm"]: [index["stop_vm"]]}
    names = {NESTED.task_ids[task] for task in with_setups(NESTED, setups, {index[cleared]})}
    assert names == set(together.split())


def test_a_setup_without_teardown_comes_with_every_task_after_it() -> None:
    assert with_setups(CHAIN, {0: []}, {1}) == {0, 1}
    assert with_setups(CHAIN, {0: []}, {2}) == {0, 1, 2}
    assert with_setups(CHAIN, {0: []}, {3}) == {3}
