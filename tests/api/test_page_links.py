"""The addresses of other pages, in the header `Link` of lists."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.api.harness import SHELL, Answer, Api, document

NAMES = ["a b", "c&d", "etl/1", "naïve", "x"]


@pytest.fixture
def lists(sqlite_api: Api) -> Api:
    for name in NAMES:
        sqlite_api.post("/variables", {"key": name, "value": "1"}, 201)
    return sqlite_api


def links(answer: Answer) -> Mapping[str, str]:
    """Relation -> address."""
    header = answer.headers.get("Link", "")
    return {relation: address for address, relation in re.findall(r'<([^>]*)>; rel="(\w+)"', header)}


def pages(api: Api, path: str) -> Iterator[Any]:
    """The pages from an address on, as `next` leads through them."""
    address: str | None = path
    while address is not None:
        answer = api.request("GET", address)
        assert answer.status == 200
        yield answer.json
        address = links(answer).get("next")


def test_next_leads_through_a_list(lists: Api) -> None:
    sizes = [len(page["variables"]) for page in pages(lists, "/variables?limit=2&order_by=key")]
    keys = [row["key"] for page in pages(lists, "/variables?limit=2&order_by=key") for row in page["variables"]]
    assert (sizes, keys) == ([2, 2, 1], sorted(NAMES))


def test_a_page_names_the_others_and_keeps_the_other_parameters(lists: Api) -> None:
    answer = lists.request("GET", "/variables?offset=2&order_by=-key&limit=2&order_by=id")
    kept = "/api/v2/variables?order_by=-key&order_by=id&limit=2&offset="
    assert links(answer) == {
        name: f"{kept}{offset}" for name, offset in (("first", 0), ("prev", 0), ("next", 4), ("last", 4))
    }


@pytest.mark.parametrize(
    ("query", "relations"),
    [
        ("limit=2", {"next", "last"}),
        ("limit=5", set()),
        ("limit=2&offset=1", {"first", "prev", "next", "last"}),
        ("limit=2&offset=4", {"first", "prev"}),
        ("limit=2&offset=99", {"first", "prev"}),
        ("limit=0", set()),
    ],
)
def test_a_page_that_does_not_exist_is_not_named(lists: Api, query: str, relations: set[str]) -> None:
    assert links(lists.request("GET", f"/variables?{query}")).keys() == relations


def test_a_filter_is_written_so_that_it_cannot_end_the_address(lists: Api) -> None:
    answer = lists.request(
        "GET", "/variables?limit=1&variable_key_pattern=%25%7C%3E%3B%20rel%3D%22x%22%0D%0AX-Evil%3A1"
    )
    assert "X-Evil" not in answer.headers
    assert set(links(answer)) == {"next", "last"}
    assert links(lists.request("GET", links(answer)["next"])).keys() == {"first", "prev", "next", "last"}


def test_a_list_by_cursor_names_the_pages_beside_it(api: Api) -> None:
    api.save(tasks={"a": SHELL})
    made = [api.trigger(run_id=f"r{number}") for number in range(5)]
    found = [row["dag_run_id"] for page in pages(api, "/dags/etl/dagRuns?cursor=&limit=2") for row in page["dag_runs"]]
    assert found == made
    second = api.request("GET", links(api.request("GET", "/dags/etl/dagRuns?cursor=&limit=2"))["next"])
    assert links(second).keys() == {"prev", "next"}
    first = api.get(links(second)["prev"])
    assert [row["dag_run_id"] for row in first["dag_runs"]] == made[:2]


def test_every_list_names_its_pages(lists: Api) -> None:
    """Each operation of the document that takes `offset`, but those below other things. `/home` has a list within."""
    seen = 0
    for path, item in document()["paths"].items():
        operation = item.get("get", {})
        names = {parameter["name"] for parameter in operation.get("parameters", ())}
        if "offset" not in names or path == "/api/v2/home":
            continue
        assert "Link" in operation["responses"]["200"]["headers"], path
        address = path.replace("{dag_id}", "~").replace("{dag_run_id}", "~")
        # A signal is sent to a single run, so its list has no place for every run.
        if "{" not in address and not path.endswith("/signals"):
            seen += 1
            assert links(lists.request("GET", f"{address}?offset=1&limit=1")).keys() >= {"first", "prev"}, path
    assert seen >= 15
