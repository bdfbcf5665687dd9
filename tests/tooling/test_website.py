"""The docs site: links that lead to the same file as in the repository."""

import json
from pathlib import Path

import pytest

from website.tool import PAGES, ROOT, list_versions, moved_links

PLACES = {**PAGES, "docs/api.md": "api.md", "docs/images/a.png": "images/a.png", "docs/decisions/README.md": "d/R.md"}


@pytest.mark.parametrize(
    ("name", "link", "moved"),
    [
        ("README.md", "docs/api.md", "api.md"),
        ("README.md", "docs/decisions", "d/R.md"),
        ("README.md", "docs/images/a.png", "images/a.png"),
        ("README.md", "docs/api.md#lists", "api.md#lists"),
        ("docs/api.md", "../SECURITY.md", "SECURITY.md"),
        ("docs/api.md", "../openapi/mainspring.json", "mainspring.json"),
        ("docs/api.md", "../clients/python/README.md", "clients/python.md"),
        ("clients/python/README.md", "../../docs/api.md", "../api.md"),
        ("docs/api.md", "https://example.test/docs/api.md", "https://example.test/docs/api.md"),
        ("docs/api.md", "#lists", "#lists"),
        ("docs/api.md", "../core/nothing.md", "../core/nothing.md"),
    ],
)
def test_a_link_leads_to_the_same_file(name: str, link: str, moved: str) -> None:
    assert moved_links(f"See [it]({link}).", name, PLACES) == f"See [it]({moved})."


def test_every_file_that_the_site_takes_is_there() -> None:
    assert [name for name in PAGES if not (ROOT / name).is_file()] == []


def test_the_newest_version_comes_first(tmp_path: Path) -> None:
    for version in ("0.9.0", "0.10.0", "0.2.0"):
        (tmp_path / version).mkdir()
    list_versions(tmp_path)
    listed = [each["version"] for each in json.loads((tmp_path / "versions.json").read_text())]
    assert listed == ["0.10.0", "0.9.0", "0.2.0"]
    assert "url=0.10.0/" in (tmp_path / "index.html").read_text()
