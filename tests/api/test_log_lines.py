"""Logs by line: ranges, searches and marks."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert

from mainspring.log_index import LogIndex
from mainspring_store.tables import task_log
from tests.api.conftest import OpenApi
from tests.api.harness import SHELL, Api

FAILED = b"""2026-11-27 INFO loading 3 files
2026-11-27 WARN file 2 is empty
\x1b[31mERROR\x1b[0m cannot load
Traceback (most recent call last):
  File "load.py", line 3, in <module>
warehouse.errors.LoadError: connection refused
no errors here, ERROR_COUNT=0, terror
"""


class Log:
    """The log of the task `a` of a run of its own."""

    def __init__(self, api: Api, run_id: str) -> None:
        self.api = api
        api.trigger("etl", run_id)
        api.engine.run_until_idle()
        self._run_id = run_id
        self._attempt_id = api.engine.attempt("a", run_id).attempt_id
        self._size = 0
        self.path = f"/dags/etl/dagRuns/{run_id}/taskInstances/a/logs/1"

    def write(self, *pieces: bytes) -> None:
        with self.api.database.write() as connection:
            for data in pieces:
                row = {"attempt_id": self._attempt_id, "offset": self._size, "at": datetime.now(UTC), "data": data}
                connection.execute(insert(task_log), row)
                self._size += len(data)

    def finish(self) -> None:
        self.api.engine.finish("a", run_id=self._run_id)

    def lines(self, query: str = "") -> Any:
        return self.api.get(f"{self.path}/lines?{query}")

    def texts(self, query: str = "") -> list[tuple[int, str]]:
        return [(number, text) for number, _, text in self.lines(query)["lines"]]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, open_api: OpenApi) -> Iterator[Api]:
    with open_api(request.param) as api:
        api.save("etl", {"a": SHELL}, max_active_runs=1_000)
        yield api


@pytest.fixture
def log(shared: Api, request: pytest.FixtureRequest) -> Log:
    return Log(shared, f"{request.node.originalname}_{time.monotonic_ns()}")


class TestLines:
    def test_lines_have_numbers_in_any_order_of_reading(self, log: Log) -> None:
        log.write(b"one\r\ntw", b"o\n\nfour\nfi", b"ve")
        assert log.texts() == [(1, "one"), (2, "two"), (3, ""), (4, "four")]
        assert log.texts("from=3&limit=1") == [(3, "")]
        assert log.texts("tail=2") == [(3, ""), (4, "four")]
        page = log.lines("from=5")
        assert (page["lines"], page["total"], page["bytes"], page["is_finished"]) == ([], 4, 19, False)
        log.finish()
        assert log.texts("from=4") == [(4, "four"), (5, "five")]
        assert log.lines("tail=1")["total"] == 5

    def test_an_empty_log_has_no_lines(self, log: Log) -> None:
        assert log.lines()["lines"] == log.lines("tail=5")["lines"] == []

    def test_any_range_of_a_long_log(self, log: Log) -> None:
        lines = [f"line {number} {'x' * (number % 50)}" for number in range(1, 12_345)]
        data = "\n".join(lines).encode() + b"\n"
        log.write(*(data[start : start + 50_001] for start in range(0, len(data), 50_001)))
        log.finish()
        for first in (1, 999, 1_000, 1_001, 2_001, 7_777, 12_344):
            expected = list(enumerate(lines, 1))[first - 1 : first + 2]
            assert log.texts(f"from={first}&limit=3") == expected
        assert log.texts("tail=1") == [(12_344, lines[-1])]
        assert log.lines("from=12345")["lines"] == []

    def test_a_line_without_an_end_is_cut_and_bounded(self, log: Log) -> None:
        log.write(*[b"x" * 500_000] * 6, b"\nafter\n")
        [(number, text), (_, after)] = log.texts()
        assert (number, len(text), after) == (1, 65_536, "after")
        assert log.api.get(f"{log.path}/search?q=after")["matches"] == [[2, 0, 5]]

    def test_a_wait_ends_with_the_next_line(self, log: Log) -> None:
        log.write(b"one\n")
        answers: list[Any] = []
        waiting = threading.Thread(target=lambda: answers.append(log.lines("from=2&wait=30")))
        waiting.start()
        log.write(b"two\n")
        waiting.join(20)
        assert [text for _, _, text in answers[0]["lines"]] == ["two"]

    def test_a_wait_ends_at_once_when_nothing_can_come(self, log: Log) -> None:
        log.write(b"one\n")
        assert log.lines("from=2&wait=0.1")["is_finished"] is False
        log.finish()
        begun = time.monotonic()
        assert log.lines("from=2&wait=30")["is_finished"] is True
        assert time.monotonic() - begun < 15

    @pytest.mark.parametrize("query", ["from=0", "from=x", "limit=0", "limit=5001", "tail=0", "wait=61"])
    def test_what_cannot_be_asked(self, log: Log, query: str) -> None:
        log.api.get(f"{log.path}/lines?{query}", 422)

    @pytest.mark.parametrize("tail", ["lines", "marks", "search?q=x"])
    def test_a_try_that_does_not_exist(self, shared: Api, tail: str) -> None:
        shared.get(f"/dags/etl/dagRuns/none/taskInstances/a/logs/1/{tail}", 404)

    def test_the_whole_log_as_a_file(self, log: Log) -> None:
        log.write(b"one\n\xff<script>\n", b"end")
        for accept in ("text/plain", "text/html,application/xhtml+xml,*/*;q=0.8"):
            answer = log.api.request("GET", log.path, headers={"Accept": accept})
            assert (answer.status, answer.media_type, answer.body) == (200, "text/plain", b"one\n\xff<script>\nend")
            assert answer.headers["Content-Disposition"].startswith('attachment; filename="etl-')
        assert log.api.request("GET", log.path, headers={"Accept": "application/json"}).media_type == "application/json"


class TestMarks:
    def test_errors_and_warnings_are_found(self, log: Log) -> None:
        log.write(FAILED[:100], FAILED[100:])
        expected = {"first_error": 3, "errors": [3, 6], "warnings": [2]}
        assert log.api.get(f"{log.path}/marks") == expected
        log.write(b"ValueError: in the last line")
        assert log.api.get(f"{log.path}/marks") == expected
        log.finish()
        assert log.api.get(f"{log.path}/marks")["errors"] == [3, 6, 8]

    def test_a_clean_log_has_none(self, log: Log) -> None:
        log.write(b"all is well\n")
        assert log.api.get(f"{log.path}/marks") == {"first_error": None, "errors": [], "warnings": []}

    @pytest.mark.parametrize("size", [1, 7, 64, 10_000])
    def test_the_index_of_pieces_is_the_index_of_the_whole(self, size: int) -> None:
        text = (FAILED + b"plain\n") * 400
        whole, pieces = LogIndex(), LogIndex()
        whole.feed(text)
        for start in range(0, len(text), size):
            pieces.feed(text[start : start + size])
        assert whole.lines == pieces.lines == text.count(b"\n")
        assert whole.offsets == pieces.offsets
        assert whole.marks(is_finished=True) == pieces.marks(is_finished=True)
        for place, offset in enumerate(whole.offsets):
            assert text.count(b"\n", 0, offset) == 1_000 * place


class TestSearch:
    def search(self, log: Log, query: str, status: int = 200) -> Any:
        return log.api.get(f"{log.path}/search?{query}", status)

    def test_a_text_is_found_in_any_letter_case(self, log: Log) -> None:
        log.write("Grüße ERROR error\nnone\nerror한error\n".encode())
        found = self.search(log, "q=Error")
        assert found == {"matches": [[1, 6, 5], [1, 12, 5], [3, 0, 5], [3, 6, 5]], "total": 4, "is_complete": True}
        assert self.search(log, "q=Error&from=2") == {**found, "matches": found["matches"][2:]}
        assert self.search(log, "q=GRÜSSE")["total"] == 0
        assert self.search(log, "q=grüße")["matches"] == [[1, 0, 5]]
        assert self.search(log, "q=e.ror")["total"] == 0

    def test_a_regular_expression_is_found_line_by_line(self, log: Log) -> None:
        log.write(b"a=1\nb=22\n\nc=333")
        log.finish()
        assert self.search(log, "q=%5Cd%2B%24&is_regex=true")["matches"] == [[1, 2, 1], [2, 2, 2], [4, 2, 3]]
        assert self.search(log, "q=%5E%5Cw&is_regex=true")["total"] == 3
        assert self.search(log, "q=1%5Cs*b&is_regex=true")["total"] == 0
        assert self.search(log, "q=x*&is_regex=true")["total"] == 0
        refused = self.search(log, "q=%28&is_regex=true", 422)
        assert "is no regular expression" in refused["errors"][0]["message"]

    def test_no_expression_takes_more_than_linear_time(self, log: Log) -> None:
        log.write((b"a" * 20_000 + b"\n") * 20)
        begun = time.monotonic()
        found = self.search(log, "q=(a%7Caa)%2B(a%7Ca)*b&is_regex=true")
        assert found["matches"] == []
        assert time.monotonic() - begun < 20

    def test_a_search_that_takes_too_long_says_so(self, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("mainspring_api.resources.instances.log_lines.SEARCH_SECONDS_MAX", 0.0)
        log.write(b"x\n" * 5_000)
        found = self.search(log, "q=x")
        assert (found["is_complete"], found["total"] < 5_000) == (False, True)

    def test_matches_are_bounded_and_the_total_is_true(self, log: Log) -> None:
        log.write(b"x\n" * 3_000)
        found = self.search(log, "q=x&from=1500")
        assert (len(found["matches"]), found["matches"][0], found["total"]) == (1_000, [1_500, 0, 1], 3_000)

    @pytest.mark.parametrize("query", ["", "q=", "q=a%0Ab", "q=x&from=0", f"q={'x' * 501}"])
    def test_what_cannot_be_searched(self, log: Log, query: str) -> None:
        self.search(log, query, 422)
