"""A run as a report of tests, and as one log."""

from datetime import UTC, datetime
from xml.etree import ElementTree

from sqlalchemy import insert

from mainspring.attempts import LogChunk
from mainspring_store.access.roles import Grant, Role
from mainspring_store.tables import task_instance
from tests.api.harness import SHELL, Api

RUN = "/dags/etl/dagRuns/r1"
REPORT = f"{RUN}/report.junit.xml"


def write_log(api: Api, task_id: str, data: bytes, **names: int) -> None:
    attempt_id = api.engine.attempt(task_id, **names).attempt_id
    api.engine.start(task_id, **names)
    api.engine.executor.report(LogChunk(attempt_id=attempt_id, at=datetime.now(UTC), offset=0, data=data))
    api.engine.step()


def started(api: Api, tasks: dict[str, object], **more: object) -> None:
    api.save("etl", tasks, **more)
    api.trigger(run_id="r1")
    api.engine.run_until_idle()


def report(api: Api) -> ElementTree.Element:
    answer = api.request("GET", REPORT)
    assert (answer.status, answer.media_type) == (200, "text/xml")
    return ElementTree.fromstring(answer.body)


def test_each_task_instance_is_a_test_case(api: Api) -> None:
    mapped = {**SHELL, "expand": {"item": [1, 2]}}
    started(api, {"good": SHELL, "bad": SHELL, "m": mapped, "after": {**SHELL, "depends_on": ["bad"]}})
    api.engine.finish("good")
    write_log(api, "bad", b"first\n<&\x1b[31m]]>\n")
    api.engine.fail("bad", exit_code=7, message='ended with "7"')
    api.engine.finish("m", map_index=0)
    suites = report(api)
    (suite,) = suites
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert list(cases) == ["after", "bad", "good", "m[0]", "m[1]"]
    assert len(cases["good"]) == len(cases["m[0]"]) == 0
    (failure,) = cases["bad"]
    assert (failure.tag, failure.get("message"), failure.get("type")) == ("failure", 'ended with "7"', "exit_code")
    assert failure.text == "first\n<&\ufffd[31m]]>"
    assert [(each.tag, each.get("message")) for each in cases["after"]] == [("skipped", "upstream_failed")]
    assert [each.get("message") for each in cases["m[1]"]] == ["has not ended: queued"]
    for element in (suites, suite):
        totals = {name: element.get(name) for name in ("tests", "failures", "errors", "skipped")}
        assert totals == {"tests": "5", "failures": "1", "errors": "0", "skipped": "2"}


def test_a_run_that_failed_without_a_failed_task_has_an_error(sqlite_api: Api) -> None:
    started(sqlite_api, {"a": {**SHELL, "when": "${{ false }}"}, "b": SHELL}, is_paused_upon_creation=True)
    sqlite_api.patch(RUN, {"state": "failed"})
    (suite,) = report(sqlite_api)
    assert (suite.get("errors"), suite.get("tests")) == ("1", "3")
    case = suite.find("testcase")
    assert case is not None
    (error,) = case
    assert (case.get("name"), error.tag, error.get("type")) == ("(run)", "error", "cancelled")


def test_a_report_of_ten_thousand_tasks_is_complete(api: Api) -> None:
    started(api, {"a": SHELL})
    (row,) = api.engine.instances()
    copied = {name: value for name, value in row._mapping.items() if name not in ("id", "map_index")}
    rows = [{**copied, "attempt_id": None, "state": "success", "map_index": index} for index in range(10_000)]
    with api.database.write() as connection:
        connection.execute(insert(task_instance), rows)
    (suite,) = report(api)
    names = [case.get("name") for case in suite.iter("testcase")]
    assert (len(names), names[0], names[-1]) == (10_001, "a", "a[9999]")
    assert suite.get("tests") == "10001"


def test_the_log_of_a_run_has_the_logs_of_its_tasks(api: Api) -> None:
    started(api, {"a": SHELL, "m": {**SHELL, "expand": {"item": [1]}, "depends_on": ["a"]}})
    write_log(api, "a", b"one\ntwo")
    api.engine.finish("a")
    write_log(api, "m", b"three\n", map_index=0)
    answer = api.request("GET", f"{RUN}/logs", headers={"Accept": "text/plain"})
    assert answer.media_type == "text/plain"
    assert answer.body.decode() == ("==> a (try 1, success) <==\none\ntwo\n==> m[0] (try 1, running) <==\nthree\n")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="etl-r1.log"'


def test_a_run_without_a_start_has_an_empty_log(sqlite_api: Api) -> None:
    sqlite_api.save("etl", {"a": SHELL})
    sqlite_api.trigger(run_id="r1")
    assert sqlite_api.request("GET", f"{RUN}/logs").body == b""


def test_what_is_not_there_has_no_report(sqlite_api: Api) -> None:
    sqlite_api.get(REPORT, 404)
    sqlite_api.save("etl", {"a": SHELL})
    sqlite_api.get(REPORT, 404)
    sqlite_api.get(f"{RUN}/logs", 404)
    sqlite_api.trigger(run_id="r1")
    stranger = sqlite_api.token_of(None, grants=[Grant(pattern="other*", role=Role.ADMIN)])
    sqlite_api.get(REPORT, 404, token=stranger)
