"""Failed tasks in the languages of CI systems."""

from typing import Any

import pytest

from mainspring_cli.commands.run_reports import annotation_lines

FAILED: dict[str, Any] = {
    "state": "failed",
    "message": "1 task failed",
    "failed_tasks": [
        {"task_id": "load", "map_index": 2, "message": "ended with 7", "last_lines": ["100%", "::error::\x1b[31mred\r"]}
    ],
    "failed_tasks_total": 3,
}


def lines(system: str, result: dict[str, Any]) -> list[str]:
    return list(annotation_lines(system, "etl/r1", result, now=1_700_000_000.4))


def test_github_gets_an_error_for_each_failed_task() -> None:
    assert lines("github", FAILED) == [
        "::error title=etl/r1%3A load[2] failed::load[2]: ended with 7%0A100%25%0A::error::[31mred",
        "::error::2 more tasks of etl/r1 failed",
    ]


def test_gitlab_gets_a_section_for_each_failed_task() -> None:
    begin, *log, end, rest = lines("gitlab", FAILED)
    head, _, title = begin.partition("\r")
    assert head == "\x1b[0Ksection_start:1700000000:mainspring_0[collapsed=true]"
    assert title == "\x1b[0K\x1b[31mload[2] failed: ended with 7\x1b[0m"
    assert log == ["100%", "::error::[31mred"]
    assert end == "\x1b[0Ksection_end:1700000000:mainspring_0\r\x1b[0K"
    assert rest == "2 more tasks of etl/r1 failed"


@pytest.mark.parametrize("system", ["github", "gitlab"])
def test_a_run_that_failed_without_a_failed_task_is_told(system: str) -> None:
    result = {**FAILED, "failed_tasks": [], "failed_tasks_total": 0, "message": "cancelled by ci"}
    assert "etl/r1 failed" in lines(system, result)[0]
    assert "cancelled by ci" in lines(system, result)[0]


@pytest.mark.parametrize("state", ["success", "running", None])
def test_another_run_has_no_annotations(state: str | None) -> None:
    assert lines("github", {**FAILED, "state": state, "failed_tasks": []}) == []
