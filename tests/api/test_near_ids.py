"""An answer of 404 names the id that may be meant, if its reader may see it."""

from http import HTTPStatus

import pytest

from mainspring_client.errors import ApiError
from mainspring_client.models import Problem
from mainspring_store.access.roles import Grant, Role
from tests.api.harness import Api

TASKS = {"extract": {"type": "noop"}, "load": {"type": "noop"}}


@pytest.fixture
def sales(api: Api) -> Api:
    api.put("/dags/sales", {"tasks": TASKS}, 201)
    api.put("/dags/sale5", {"tasks": TASKS}, 201)
    api.put("/dags/other", {"tasks": TASKS}, 201)
    api.post("/dags/sales/dagRuns", {"dag_run_id": "nightly-2026-03-01"})
    return api


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/dags/saless", "did you mean 'sales'?"),
        ("/dags/saless/dagRuns/x/taskInstances/y", "did you mean 'sales'?"),
        ("/dags/sales/dagRuns/nightly-2026-03-0l", "did you mean 'nightly-2026-03-01'?"),
        ("/dags/sales/dagRuns/nightly-2026-03-01/taskInstances/extrakt", "did you mean 'extract'?"),
        ("/dags/sales/tasks/laod", "did you mean 'load'?"),
        # Another run of the same kind is not meant.
        ("/dags/sales/dagRuns/nightly-2025-12-24", None),
        ("/dags/elsewhere", None),
        # What does not exist here is a version.
        ("/dags/sales/dagVersions/7", None),
    ],
)
def test_the_first_unknown_id_of_a_path_is_guessed(sales: Api, path: str, hint: str | None) -> None:
    answer = sales.get(path, 404)
    assert (answer["code"], answer.get("hint")) == ("not_found", hint)


def test_no_hint_tells_of_what_its_reader_may_not_see(sales: Api) -> None:
    reader = sales.token_of(None, grants=[Grant(pattern="sale5", role=Role.VIEWER)])
    assert sales.get("/dags/saless", 404, token=reader)["hint"] == "did you mean 'sale5'?"
    assert sales.get("/dags/sales", 404, token=reader)["hint"] == "did you mean 'sale5'?"
    for path in ("/dags/othr", "/dags/sales/dagRuns/nightly-2026-03-0l", "/dags/sales/tasks/laod"):
        answer = sales.get(path, 404, token=reader)
        assert "other" not in str(answer)
        assert "nightly-2026-03-01" not in str(answer.get("hint"))
        assert "load" not in str(answer.get("hint"))
    stranger = sales.token_of(None, grants=[Grant(pattern="none", role=Role.VIEWER)])
    assert "hint" not in sales.get("/dags/saless", 404, token=stranger)
    assert "hint" not in sales.get("/dags/saless", 401, token=None)


def test_the_client_tells_the_hint(sales: Api) -> None:
    answer = sales.request("GET", "/dags/saless")
    error = ApiError(HTTPStatus.NOT_FOUND, Problem.from_dict(answer.json), answer.body)
    assert error.message.endswith("was not found (did you mean 'sales'?)")
