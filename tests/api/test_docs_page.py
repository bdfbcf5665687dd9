"""The page about the API: complete, linked, open, and it loads nothing."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from mainspring_api.app import BLUEPRINTS, document
from mainspring_api.document.docs_page import docs_page
from tests.api.harness import Api


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.targets: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        found = dict(attrs)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.targets |= {found["href"] or ""} if "href" in found else set()
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page() -> _Page:
    parsed = _Page()
    parsed.feed(docs_page(BLUEPRINTS))
    assert parsed.open == [], "every element is closed"
    return parsed


def test_every_operation_and_every_schema_has_its_place(page: _Page) -> None:
    operations = {
        operation["operationId"]
        for item in document()["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    }
    assert operations | document()["components"]["schemas"].keys() | {"schemas"} == set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_every_link_leads_to_a_place_on_the_page_and_nothing_is_loaded(page: _Page) -> None:
    assert page.targets == {f"#{each}" for each in page.ids} & page.targets
    assert not page.tags & {"script", "img", "link", "iframe", "object", "form"}
    assert page.attributes <= {"id", "href", "class", "lang", "charset", "name", "content"}
    assert not re.search(r"url\(|@import", docs_page(BLUEPRINTS))


def test_what_the_document_says_is_shown_as_text() -> None:
    assert "<code>default_pool</code> when absent" in docs_page(BLUEPRINTS)
    assert "Name -&gt; list: one instance per item" in docs_page(BLUEPRINTS)


def test_the_page_is_open_and_its_policy_allows_its_style_alone(sqlite_api: Api) -> None:
    answer = sqlite_api.request("GET", "/docs", token=None)
    assert (answer.status, answer.media_type) == (200, "text/html")
    style = re.findall(rb"<style>(.*?)</style>", answer.body, flags=re.DOTALL)
    (allowed,) = re.findall(r"'sha256-([^']+)'", answer.headers["Content-Security-Policy"])
    assert [base64.b64encode(hashlib.sha256(each).digest()).decode() for each in style] == [allowed]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
