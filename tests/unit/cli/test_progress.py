import io

import pytest

from mainspring_cli.client.progress import LineProgress, TableProgress


def _instance(task_id: str, state: str | None, duration: float | None = None) -> dict[str, object]:
    return {"task_id": task_id, "map_index": -1, "state": state, "duration": duration, "start_date": None}


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
    assert [line.split() for line in out.getvalue().splitlines()] == [["a", "running"], ["a[1]", "running"]]


def test_a_table_shows_what_goes_on_and_counts_what_has_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINES", "8")
    monkeypatch.setenv("COLUMNS", "60")
    out = io.StringIO()
    progress = TableProgress(out)
    ended = [_instance(f"done{number}", "success", 1.0) for number in range(9)]
    progress.show([*ended, _instance("now", "running"), _instance("broken", "failed", 0.5), _instance("later", None)])
    progress.close()
    assert [line.split() for line in out.getvalue().splitlines()] == [
        ["task", "state", "time"],
        ["done0", "success", "1.00", "s"],
        ["done1", "success", "1.00", "s"],
        ["now", "running"],
        ["broken", "failed", "0.50", "s"],
        ["...", "7", "success,", "1", "-"],
    ]
