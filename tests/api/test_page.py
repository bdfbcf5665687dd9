"""The web page as the server hands it out: one document at each address, files that may be kept forever."""

import gzip
import re
from collections.abc import Iterator

import pytest

from mainspring_api.http.bundle import bundle
from mainspring_api.resources.service.page import CONTENT_SECURITY_POLICY
from mainspring_store.access.roles import Role
from tests.api.conftest import OpenApi
from tests.api.harness import Answer, Api

ADDRESSES = (
    *("/", "/login", "/runs", "/upcoming", "/backfills", "/backfills/3", "/approvals", "/admin", "/admin/pools"),
    *("/dags/etl", "/dags/etl/runs/scheduled__2026-11-26T17%3A30%3A00%2B00%3A00/tasks/load/mapped/3"),
)


@pytest.fixture(scope="module")
def shared(open_api: OpenApi) -> Iterator[Api]:
    with open_api("sqlite") as api:
        yield api


HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def get(api: Api, path: str, headers: dict[str, str] | None = None) -> Answer:
    return Answer(api.app.test_client().get(path, headers={**HTML, **(headers or {})}))


def files_of(page: str) -> list[str]:
    return re.findall(r'(?:src|href)="(/static/[^"]+)"', page)


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_page_is_served_at_each_of_its_addresses_without_a_login(shared: Api, address: str) -> None:
    answer = get(shared, address)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["Cache-Control"] == "no-store"
    assert '<div id="root">' in answer.body.decode()


def test_the_page_names_files_of_its_build_which_may_be_kept_forever(shared: Api) -> None:
    names = files_of(get(shared, "/").body.decode())
    assert any(name.endswith(".js") for name in names)
    for name in names:
        answer = get(shared, name)
        assert answer.status == 200, name
        assert "immutable" in answer.headers["Cache-Control"]


def test_files_of_another_build_are_not_there(shared: Api) -> None:
    known = bundle()
    assert known is not None
    for path in ("/static/0123456789abcdef/a/index.js", f"/static/{known.build}/a/none.js"):
        answer = get(shared, path)
        assert (answer.status, answer.json["code"]) == (404, "not_found")


def test_a_script_goes_out_compressed_to_who_takes_that(shared: Api) -> None:
    name = next(name for name in files_of(get(shared, "/").body.decode()) if name.endswith(".js"))
    plain, small = get(shared, name), get(shared, name, {"Accept-Encoding": "gzip"})
    assert small.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(small.body) == plain.body
    assert "Content-Encoding" not in plain.headers


def test_the_first_load_is_within_its_budget() -> None:
    """Compressed: what the page names 260 KB, the editor 185 KB, each file that another page loads later 40 KB."""
    known = bundle()
    assert known is not None
    sizes = {name: len(file.compressed or file.content) for name, file in known.files.items()}
    first = {name.removeprefix(f"/static/{known.build}/") for name in files_of(known.page.content.decode())}
    scripts = [name for name in sizes if name.endswith((".js", ".css"))]
    assert 50_000 < sum(sizes[name] for name in scripts if name in first) < 260_000
    editor = {"a/codemirror.js", "a/editor.js"}
    assert 50_000 < sum(sizes[name] for name in editor) < 185_000
    assert [name for name in scripts if name not in first | editor and sizes[name] >= 40_000] == []


def test_the_bundle_asks_no_other_server_for_anything() -> None:
    known = bundle()
    assert known is not None
    for name, file in known.files.items():
        if name.endswith((".css", ".html")):
            assert not re.search(rb"url\(['\"]?(https?:)?//", file.content), name


@pytest.mark.parametrize("accept", ["*/*", "application/json", ""])
def test_a_program_learns_at_the_root_where_the_parts_are(shared: Api, accept: str) -> None:
    addresses = get(shared, "/", {"Accept": accept})
    assert addresses.media_type == "application/json"
    assert {get(shared, path, {"Accept": accept}).status for path in addresses.json.values()} == {200, 401}
    assert shared.get("/", token=None) == addresses.json


def test_a_program_gets_no_page_for_an_answer(shared: Api) -> None:
    answer = get(shared, "/dags/etl", {"Accept": "*/*"})
    assert (answer.status, answer.json["code"]) == (404, "not_found")
    assert Answer(shared.app.test_client().post("/dags/etl", headers=HTML)).status == 401


@pytest.fixture(scope="module")
def named(open_api: OpenApi) -> Iterator[Api]:
    with open_api("sqlite", ui_name="Nightly", ui_banner="Test", ui_timezone="Asia/Seoul") as api:
        yield api


class TestUiConfig:
    @pytest.mark.parametrize("token", [None, "ms_nonsense"])
    def test_without_a_credential_it_names_the_installation_alone(self, named: Api, token: str | None) -> None:
        known = bundle()
        assert known is not None
        config = named.get("/uiConfig", token=token)
        assert (config.pop("instance_name"), config.pop("build")) == ("Nightly", known.build)
        assert config.pop("logins") == ["password", "token"]
        assert config.pop("languages") == ["en", "ko"]
        assert set(config.values()) == {None}

    def test_a_user_gets_all_settings(self, named: Api) -> None:
        config = named.get("/uiConfig", token=named.token_of(Role.VIEWER))
        assert (config["banner"], config["default_timezone"]) == ("Test", "Asia/Seoul")
        assert (config["version"], config["public_url"]) == ("1.2.3", "http://localhost")
