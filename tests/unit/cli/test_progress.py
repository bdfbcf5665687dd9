import io

from mainspring_cli.progress import LineProgress


def _instance(task_id: str, state: str | None, duration: float | None = None) -> dict[str, object]:
    return {"task_id": task_id, "map_index": -1, "state": state, "duration": duration}


def test_each_change_of_state_is_one_line() -> None:
    out = io.StringIO()
    progress = LineProgress(out)
    progress.show([_instance("a", None), _instance("b", "scheduled")])
    progress.show([_instance("a", "running"), _instance("b", "scheduled")])
    progress.show([_instance("a", "success", 1.234), _instance("b", "scheduled")])
    progress.close()
    assert [line.split() for line in out.getvalue().splitlines()] == [
        ["b", "scheduled"],
        ["a", "running"],
        ["a", "success", "1.23", "s"],
    ]


def test_mapped_instances_of_one_task_are_told_apart() -> None:
    out = io.StringIO()
    progress = LineProgress(out)
    first, second = _instance("a", "running"), _instance("a", "running") | {"map_index": 1}
    progress.show([first, second])
    progress.show([first, second])
    assert len(out.getvalue().splitlines()) == 2
