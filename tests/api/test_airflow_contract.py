"""Airflow's operations, as its own document lists them: which are here, under which name, with which success code."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mainspring_api.openapi import document
from tests.api.conftest import OpenApi
from tests.api.harness import ONE_OF_EACH, Api

Row = Mapping[str, str]

with (Path(__file__).parent / "airflow-operations.tsv").open() as _lines:
    OPERATIONS = list(csv.DictReader(_lines, delimiter="\t"))
"""`tier`: core and should are served; later and not-applicable are refused, or are a list that is empty."""

EMPTY = frozenset(
    {
        "get_extra_links",
        "get_import_errors",
        "get_plugins",
        "get_providers",
        "import_errors",
        "list_dag_warnings",
    }
)
"""Operations of the lower tiers that are empty, not refused."""


def without_names(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


SERVED = {
    (method.upper(), without_names(path)): operation
    for path, item in document()["paths"].items()
    for method, operation in item.items()
}


def served(row: Row) -> Any:
    return SERVED.get((row["method"], without_names(row["path"])))


def rows(condition: Callable[[Row], bool]) -> list[Any]:
    return [
        pytest.param(row, id=row["operation_id"])
        for row in OPERATIONS
        if row["path"].startswith("/api/v2") and condition(row)
    ]


@pytest.fixture(scope="module")
def shared(open_api: OpenApi) -> Iterator[Api]:
    with open_api("sqlite") as api:
        api.save()
        api.trigger(run_id="r1")
        yield api


def test_the_table_has_all_of_airflows_operations() -> None:
    assert len(OPERATIONS) == len({(row["method"], row["path"]) for row in OPERATIONS}) == 131


@pytest.mark.parametrize("row", rows(lambda row: row["tier"] in ("core", "should") or served(row) is not None))
def test_an_operation_is_served_under_its_name_with_its_success_code(row: Row) -> None:
    operation = served(row)
    assert operation is not None
    assert operation["operationId"] == row["operation_id"]
    assert [code for code in operation["responses"] if code.startswith("2")] == [row["status"]]


@pytest.mark.parametrize("row", rows(lambda row: row["operation_id"] in EMPTY))
def test_what_there_is_none_of_is_an_empty_list(shared: Api, row: Row) -> None:
    assert shared.get(path_of(row))["total_entries"] == 0


@pytest.mark.parametrize("row", rows(lambda row: row["tier"] in ("later", "not-applicable") and served(row) is None))
def test_what_is_not_here_says_so(shared: Api, row: Row) -> None:
    answer = shared.request(row["method"], path_of(row), json={})
    assert (answer.status, answer.json["code"]) == (501, "not_here")
    assert "this server has no" in answer.json["detail"]


def path_of(row: Row) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: ONE_OF_EACH.get(match[1], "1"), row["path"])
