"""The DAGs that the simulation saves: small, and of every feature that decides what runs when."""

from collections.abc import Set
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from mainspring.definition.model import DeadlineAnchor, WeightRule
from mainspring.instants import format_instant
from mainspring.trigger_rules import TriggerRule
from tests.scheduler.engine import START

__all__ = ["CALLED", "CALLER", "FEATURES", "PARAMS", "POOLS", "SIGNALS", "confs", "documents"]

PARAMS = {"type": "object", "properties": {"go": {"type": "boolean"}, "items": {"type": "array"}}}
CALLER, CALLED = "a", "b"
"""Only the first has `dag` tasks, and they run the second."""
POOLS = ("p", "q")
SIGNALS = ("go", "stop")
FEATURES = (
    "approvals",
    "branches",
    "calls",
    "checks",
    "failures",
    "groups",
    "handlers",
    "deadlines",
    "debounces",
    "keys",
    "limits",
    "mapped",
    "past",
    "pools",
    "priorities",
    "remote",
    "retries",
    "rules",
    "teardowns",
    "timeouts",
    "waits",
    "when",
)
"""Each example uses some of them: a fault that needs three of one is seldom met where all are mixed."""

_KINDS = {
    "mapped": ["mapped"] * 3,
    "branches": ["choose", "callable", "choose_each"] * 2,
    "waits": ["wait"] * 3,
    "checks": ["check"] * 4,
    "approvals": ["approval"] * 2,
    "calls": ["dag"] * 3,
}
_limits = st.sampled_from([None, None, 1, 2])


def _seldom(value: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([None, None, None, value])


@st.composite
def documents(draw: st.DrawFn, dag_id: str, features: Set[str]) -> dict[str, Any]:
    """A definition of up to six tasks."""
    names = [f"t{number}" for number in range(draw(st.integers(1, 6)))]
    upstream = {
        name: sorted(draw(st.sets(st.sampled_from(names[:position]), max_size=3))) if position else []
        for position, name in enumerate(names)
    }
    tasks = {name: draw(_tasks(dag_id, name, upstream, features)) for name in names}
    if "handlers" in features:
        tasks |= {f"h{number}": draw(_handlers(number)) for number in range(draw(st.integers(0, 3)))}
    if "teardowns" in features:
        tasks |= draw(_teardowns(tasks, names))
    document: dict[str, Any] = {"dag_id": dag_id, "params": PARAMS, "tasks": tasks}
    if "groups" in features:
        document["groups"] = draw(_groups(names, tasks, features))
    if "limits" in features:
        document["max_active_runs"] = draw(st.sampled_from([1, 2, 16]))
        document["max_active_tasks"] = draw(st.sampled_from([None, 1, 2]))
    if "priorities" in features:
        document["priority"] = draw(_seldom(2))
    if "keys" in features:
        document["concurrency"] = draw(_concurrency(features))
    if "debounces" in features:
        document["debounce"] = draw(_debounces)
    if "timeouts" in features:
        document["dagrun_timeout"] = draw(_seldom("60s"))
    if "failures" in features:
        document["run_state"] = draw(st.sampled_from([None, "leaves", "any_failure"]))
        # Neither a rule that waits for a failure, nor a task that the scheduler fails in the midst of its decisions.
        document["fail_fast"] = not features & {"rules", "calls"} and draw(st.booleans())
    if "deadlines" in features:
        document["deadline"] = draw(st.none() | _deadlines)
    return _without_nones(document)


@st.composite
def _tasks(
    draw: st.DrawFn, dag_id: str, name: str, upstream: dict[str, list[str]], features: Set[str]
) -> dict[str, Any]:
    kinds = ["shell"] * 5 + ["noop"] + [kind for one in sorted(features & _KINDS.keys()) for kind in _KINDS[one]]
    if dag_id != CALLER:
        kinds = [kind for kind in kinds if kind != "dag"]
    own = draw(_own(draw(st.sampled_from(kinds)), name, upstream))
    rules = [TriggerRule.ALL_SUCCESS] * 6 + [
        rule for rule in TriggerRule if rule is not TriggerRule.ALL_DONE_SETUP_SUCCESS
    ]
    if "rules" in features and upstream[name]:
        own["trigger_rule"] = draw(st.sampled_from(rules)).value
    if "when" in features:
        own["when"] = draw(_seldom("${{ params.go }}"))
    if "retries" in features:
        own["retries"] = draw(st.sampled_from([0, 1, 2]))
        own["retry_delay"] = draw(st.sampled_from(["0s", "10s"]))
    if "failures" in features:
        own["allow_failure"] = draw(_seldom(True))
        if own["type"] == "wait" and own.get("timeout") is not None:
            own["soft_fail"] = draw(st.booleans())
    if "deadlines" in features:
        own["deadline"] = draw(st.none() | _deadlines)
        own["queue_timeout"] = draw(_seldom("10s"))
    if "past" in features:
        own["depends_on_past"] = draw(_seldom(True))
    if "limits" in features:
        own["max_active_tis"] = draw(_limits)
        own["max_active_tis_per_dag"] = draw(_limits)
    if "pools" in features:
        own["pool"] = draw(st.sampled_from([None, *POOLS]))
        own["pool_slots"] = draw(st.sampled_from([None, 1, 2]))
    if "remote" in features:
        own["executor"] = draw(st.sampled_from([None, "rq"]))
    if "priorities" in features:
        own["priority_weight"] = draw(st.sampled_from([-1, 0, 1, 5]))
        own["weight_rule"] = draw(st.sampled_from(list(WeightRule))).value
    return _without_nones({"depends_on": upstream[name], **own})


@st.composite
def _groups(draw: st.DrawFn, names: list[str], tasks: dict[str, Any], features: Set[str]) -> dict[str, Any] | None:
    """Move neighbours of `tasks` into a group with plain ids, which may be mapped. Earlier tasks may precede the group,
    and the group may precede later tasks."""
    first = draw(st.integers(0, len(names) - 1))
    end = draw(st.integers(first + 1, len(names)))
    if end - first == len(names):
        return None
    members = {name: tasks.pop(name) for name in names[first:end]}
    for name in names[end:]:
        if draw(st.booleans()):
            tasks[name]["depends_on"] = [*tasks[name]["depends_on"], "g"]
    before = draw(st.sets(st.sampled_from(names[:first]), max_size=2)) if first else ()
    group = {"prefix_group_id": False, "depends_on": sorted(before), "tasks": members}
    may_be_mapped = not any({"expand", "setup"} & one.keys() or one["type"] == "branch" for one in members.values())
    if "mapped" in features and may_be_mapped and draw(st.booleans()):
        group["expand"] = {"item": "${{ params.items }}"}
    return {"g": group}


@st.composite
def _concurrency(draw: st.DrawFn, features: Set[str]) -> dict[str, Any]:
    """The last key fails for an empty list."""
    # Which of the child runs that are made in one pass is refused is free.
    strategies = ["queue", "keep_latest", "cancel_running"]
    if not features & {"calls", "debounces"}:
        strategies.append("reject")
    return {
        "key": draw(st.sampled_from(["all", "${{ params.go }}", "${{ params.items[0] }}"])),
        "max": draw(st.sampled_from([1, 1, 2])),
        "strategy": draw(st.sampled_from(strategies)),
    }


_debounces = st.fixed_dictionaries(
    {
        "key": st.sampled_from(["all", "${{ params.go }}", "${{ params.items[0] }}"]),
        "for": st.sampled_from(["5s", "10s"]),
        "max_wait": st.sampled_from(["10s", "20s"]),
    }
)


@st.composite
def _handlers(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """The first two run after every end, one after the other; the third after one kind of end."""
    kind = "finally" if number < 2 else draw(st.sampled_from(["on_failure", "on_success", "on_cancel"]))
    own = {"type": "noop"} if draw(st.booleans()) else {"type": "shell", "command": ["true"]}
    depends_on = {"depends_on": ["h0"], "trigger_rule": draw(st.sampled_from(["all_success", "all_done"]))}
    return {"handler": kind, **own, **(depends_on if number == 1 else {})}


@st.composite
def _teardowns(draw: st.DrawFn, tasks: dict[str, dict[str, Any]], names: list[str]) -> dict[str, Any]:
    """Up to two tear-downs, and a task after the first. Their set-ups are marked in `tasks`."""
    once = [name for name in names if "expand" not in tasks[name]]
    setups = sorted(draw(st.sets(st.sampled_from(once), max_size=2))) if once else []
    added: dict[str, Any] = {}
    for number in range(draw(st.integers(1, 2)) if setups else 0):
        of = sorted(draw(st.sets(st.sampled_from(setups), min_size=1)))
        upstream = {*of, *draw(st.sets(st.sampled_from(names), max_size=2)), *(added if draw(st.booleans()) else ())}
        own = {"type": "noop"} if draw(st.booleans()) else {"type": "shell", "command": ["true"]}
        teardown = {"of": of, "fails_run": draw(st.booleans())}
        retries = draw(_seldom(1)) or 0
        added[f"d{number}"] = {"depends_on": sorted(upstream), "teardown": teardown, "retries": retries, **own}
    for name in setups:
        tasks[name]["setup"] = True
    if added and draw(st.booleans()):
        added["e0"] = {"type": "shell", "command": ["true"], "depends_on": ["d0"]}
    return added


@st.composite
def _own(draw: st.DrawFn, kind: str, name: str, upstream: dict[str, list[str]]) -> dict[str, Any]:
    """What a task says about its type."""
    match kind:
        case "noop":
            return {"type": "noop"}
        case "choose":
            downstream = [other for other, names in upstream.items() if name in names]
            chosen = sorted(draw(st.sets(st.sampled_from(downstream)))) if downstream else []
            return {"type": "branch", "choose": f"${{{{ {chosen} }}}}"}
        case "choose_each":
            downstream = [other for other, names in upstream.items() if name in names]
            way = st.lists(st.sampled_from(downstream), max_size=1) if downstream else st.just([])
            return {"type": "branch", "choose": "${{ map.way }}", "expand": {"way": draw(st.lists(way, max_size=3))}}
        case "callable":
            return {"type": "branch", "callable": "ways:pick"}
        case "wait":
            seconds = draw(st.sampled_from([0, 5, 30, 90]))
            until = {"until": format_instant(START + timedelta(seconds=seconds))}
            signals = [{"signal": name} for name in SIGNALS]
            return {
                "type": "wait",
                "timeout": draw(st.sampled_from([None, "10s"])),
                **draw(st.sampled_from([{"for": f"{seconds}s"}, until, *signals])),
            }
        case "check":
            timeout = draw(st.sampled_from([None, None, "10s", "60s"]))
            return {
                "type": "wait",
                "shell": {"command": ["true"]},
                "interval": draw(st.sampled_from(["1s", "20s"])),
                **({} if timeout is None else {"timeout": timeout}),
                **({"expand": {"item": "${{ params.items }}"}} if draw(st.booleans()) else {}),
            }
        case "approval":
            default = draw(st.sampled_from([None, "approve", "reject"]))
            timeout = draw(st.sampled_from(["10s", "60s"] if default else [None, "10s"]))
            return {"type": "approval", "message": "go on?", "timeout": timeout, "default": default}
        case "dag":
            return {
                "type": "dag",
                "dag_id": CALLED,
                "version": draw(_seldom(1_000_000)),
                "conf": draw(confs),
                "wait": draw(st.sampled_from([True, True, False])),
                "execution_timeout": draw(_seldom("30s")),
            }
    mapped = {"expand": {"item": "${{ params.items }}"}} if kind == "mapped" else {}
    return {"type": "shell", "command": ["true"], **mapped}


def _without_nones(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if value is not None}


_deadlines = st.fixed_dictionaries(
    {
        "after": st.sampled_from(list(DeadlineAnchor)).map(str),
        "within": st.sampled_from(["5s", "30s", "60s"]),
        "action": st.sampled_from(["notify", "fail", "fail"]),
    }
)
confs = st.fixed_dictionaries({"go": st.booleans(), "items": st.lists(st.integers(0, 9), max_size=3)})
"""What runs are triggered with."""
