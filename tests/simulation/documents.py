"""The DAGs that the simulation saves: small, and of every feature that decides what runs when."""

from typing import Any

from hypothesis import strategies as st

from mainspring.trigger_rules import TriggerRule

__all__ = ["PARAMS", "confs", "documents"]

PARAMS = {"type": "object", "properties": {"go": {"type": "boolean"}, "items": {"type": "array"}}}

_rules = st.sampled_from([TriggerRule.ALL_SUCCESS] * 6 + list(TriggerRule))
_kinds = st.sampled_from(["shell"] * 5 + ["mapped"] * 2 + ["noop", "choose", "callable"])
_limits = st.sampled_from([None] * 4 + [1, 2])


def _seldom(value: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([None] * 5 + [value])


@st.composite
def documents(draw: st.DrawFn, dag_id: str) -> dict[str, Any]:
    """A definition of up to six tasks."""
    names = [f"t{number}" for number in range(draw(st.integers(1, 6)))]
    upstream = {
        name: sorted(draw(st.sets(st.sampled_from(names[:position]), max_size=3))) if position else []
        for position, name in enumerate(names)
    }
    tasks = {name: draw(_tasks(name, upstream)) for name in names}
    return _without_nones(
        {
            "dag_id": dag_id,
            "params": PARAMS,
            "tasks": tasks,
            "max_active_runs": draw(st.sampled_from([1, 2, 16])),
            "max_active_tasks": draw(st.sampled_from([None, 1, 2])),
            "dagrun_timeout": draw(_seldom("60s")),
        }
    )


@st.composite
def _tasks(draw: st.DrawFn, name: str, upstream: dict[str, list[str]]) -> dict[str, Any]:
    kind = draw(_kinds)
    own: dict[str, Any] = {"type": "shell", "command": ["true"]}
    if kind == "noop":
        own = {"type": "noop"}
    elif kind == "mapped":
        own["expand"] = {"item": "${{ params.items }}"}
    elif kind == "choose":
        downstream = [other for other, names in upstream.items() if name in names]
        chosen = sorted(draw(st.sets(st.sampled_from(downstream)))) if downstream else []
        own = {"type": "branch", "choose": f"${{{{ {chosen} }}}}"}
    elif kind == "callable":
        own = {"type": "branch", "callable": "ways:pick"}
    return _without_nones(
        {
            **own,
            "depends_on": upstream[name],
            "trigger_rule": draw(_rules).value if upstream[name] else None,
            "when": draw(_seldom("${{ params.go }}")),
            "retries": draw(st.sampled_from([0, 0, 1, 2])),
            "retry_delay": draw(st.sampled_from(["0s", "10s"])),
            "depends_on_past": draw(_seldom(True)),
            "max_active_tis": draw(_limits),
            "max_active_tis_per_dag": draw(_limits),
            "priority_weight": draw(st.sampled_from([1, 1, 5])),
        }
    )


def _without_nones(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if value is not None}


confs = st.fixed_dictionaries({"go": st.booleans(), "items": st.lists(st.integers(0, 9), max_size=3)})
"""What runs are triggered with."""
