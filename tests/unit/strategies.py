"""What Hypothesis draws for the tests of the domain."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from mainspring.trigger_rules import TriggerRule

# One example has no deadline: the first one pays for a library's import, and machines differ. Tests have a timeout.
settings.register_profile("mainspring", deadline=None)
settings.load_profile("mainspring")

task_ids = st.text("abcdefghXYZ019_.-", min_size=1, max_size=8).filter(lambda text: text not in (".", ".."))

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20).filter(
    lambda text: "${{" not in text
)
integers = st.integers(-(2**63), 2**63 - 1)


def _json(strings: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    scalars = st.none() | st.booleans() | integers | st.floats(allow_nan=False, allow_infinity=False) | strings
    return st.recursive(
        scalars, lambda below: st.lists(below, max_size=4) | st.dictionaries(strings, below, max_size=4), max_leaves=15
    )


json_values = _json(texts)
printable_json_values = _json(texts.filter(lambda text: text.isprintable() and text[:1] not in set("+-.0123456789")))
"""Without what YAML cannot hold as it is, and without strings that are numbers in YAML 1.2 but not in 1.1."""

microseconds = st.integers(0, 3650 * 86_400 * 1_000_000)

upstream_states = st.sampled_from(["success", "failed", "upstream_failed", "skipped"])
trigger_rules = st.sampled_from(list(TriggerRule))


@st.composite
def acyclic_edges(draw: st.DrawFn, size_max: int = 12) -> list[list[int]]:
    """Upstream indexes of each task of a graph without cycles, in a shuffled numbering."""
    size = draw(st.integers(1, size_max))
    order = draw(st.permutations(range(size)))
    edges: list[list[int]] = [[] for _ in range(size)]
    for position in range(1, size):
        before = draw(st.sets(st.sampled_from(order[:position]), max_size=position))
        edges[order[position]] = sorted(before)
    return edges


@st.composite
def any_edges(draw: st.DrawFn, size_max: int = 8) -> list[list[int]]:
    """Upstream indexes of each task of any graph, cycles and self-edges included."""
    size = draw(st.integers(1, size_max))
    return [sorted(draw(st.sets(st.integers(0, size - 1), max_size=size))) for _ in range(size)]


_literals = st.sampled_from(
    ["1", "1.5", "0x1F", "true", "null", "'tasks.a'", '"}}"', "r'\\'", "'\\''", "'''it's tasks'''", '"""\n"q" """']
)
_roots = st.sampled_from(
    ["params", "params.a", "conf['k']", "ds", "tasks.load.outputs.rows", 'tasks["b-1"].state', "vars . x"]
)
_spaces = st.sampled_from(["", " ", "\n", " // params.hidden }} 'x\n"])


@st.composite
def cel_texts(draw: st.DrawFn) -> str:
    """Well-formed CEL with names, strings and comments that look like each other."""

    def join(parts: list[str]) -> str:
        return "".join(part + draw(_spaces) for part in parts)

    def grow(depth: int) -> str:
        if depth == 0:
            return draw(_literals | _roots)
        shape = draw(st.sampled_from(["+", "?", "[", "{", "(", "size", "has", "loop", "leaf"]))
        one, other = grow(depth - 1), grow(depth - 1)
        return {
            "+": lambda: join([one, draw(st.sampled_from(["+", "-", "==", "&&", "||", "<", " in "])), other]),
            "?": lambda: join(["(", one, "?", other, ":", one, ")"]),
            "[": lambda: join(["[", one, ",", other, "]"]),
            "{": lambda: join(["{", "'k'", ":", one, "}"]),
            "(": lambda: join(["(", one, ")"]),
            "size": lambda: join(["size(", one, ")"]),
            "has": lambda: join(["has(", "params.a", ")"]),
            "loop": lambda: join([f"[{one}]", ".map(", "x", ",", other, "+ x", ")"]) if depth == 1 else one,
            "leaf": lambda: one,
        }[shape]()

    return draw(_spaces) + grow(draw(st.integers(0, 3)))


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, Any]:
    """A document that is right, of the features that every version of the engine has."""
    names = draw(st.lists(task_ids, min_size=1, max_size=6, unique_by=str.casefold))
    durations = st.sampled_from(["20s", "PT20S", "1h30m", "250ms", "P1D"])
    tasks: dict[str, Any] = {}
    for position, name in enumerate(names):
        upstream = draw(st.lists(st.sampled_from(names[:position]), unique=True)) if position else []
        own = draw(
            st.sampled_from(
                [
                    {"type": "noop"},
                    {"type": "shell", "command": ["echo", "${{ params.x }}"], "env": {"A": 1}},
                    {"type": "shell", "script": "echo $$"},
                    {"type": "python", "callable": "pkg.mod:func", "kwargs": {"k": [None, {"a": "${{ ds }}"}]}},
                    {"type": "http", "url": "https://example.test/${{ ds }}", "json": {"a": None}},
                ]
            )
        )
        tasks[name] = {
            **own,
            "depends_on": upstream,
            "retries": draw(st.integers(0, 5)),
            "retry_delay": draw(durations),
        }
    return {
        "dag_id": draw(task_ids),
        "description": draw(texts),
        "tags": draw(st.lists(st.sampled_from(["a", "b", "c"]), unique=True)),
        "start_date": draw(st.sampled_from(["2026-01-01", "2026-01-01T02:00:00+02:00"])),
        "tasks": tasks,
        "x-note": draw(json_values),
    }
