"""Who may do what, and what is refused before anybody looks closer."""

import logging
import re
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from werkzeug.routing import Rule

from mainspring_api.app import close_app, create_app
from mainspring_api.http.authentication import TRUST_SECONDS, Authenticator, Forbidden, ensure_admin_token
from mainspring_api.http.login_tokens import LoginTokens
from mainspring_api.http.middleware import PUBLIC_OPERATIONS, SECURITY_HEADERS
from mainspring_api.settings import BODY_BYTES_MAX, DEFINITION_BYTES_MAX, ApiSettings
from mainspring_store.access.roles import Role
from mainspring_store.access.tokens import add_token
from mainspring_store.tables import api_token, dag_version
from tests.api.conftest import OpenApi
from tests.api.harness import ONE_OF_EACH, Answer, Api

LOGIN_TOKENS = LoginTokens(b"k" * 64)
BASIC_REFUSED = "Not authenticated: send the password to `POST /auth/token`, and its token as Bearer"


@pytest.fixture(scope="module")
def shared(open_api: OpenApi) -> Iterator[Api]:
    """With a DAG `etl` and its run `r1`; not to be changed."""
    with open_api("sqlite") as api:
        api.save()
        api.trigger(run_id="r1")
        yield api


def _path(rule: str) -> str:
    """A path of a rule. A wait is over at once."""
    path = re.sub(r"<(?:[^:>]+:)?(\w+)>", lambda match: ONE_OF_EACH[match[1]], rule)
    return f"{path}?timeout=0" if path.endswith("/wait") else path


def rules(api: Api) -> list[tuple[str, Rule, str]]:
    """Method, rule and a path of every route."""
    return [
        (method, rule, _path(rule.rule))
        for rule in api.app.url_map.iter_rules()
        for method in sorted(rule.methods or ())
    ]


def test_only_health_readiness_version_login_page_and_the_docs_are_open() -> None:
    login = {
        "login.create_token",
        "login.create_token_cli",
        "oidc_login.begin_oidc_login",
        "oidc_login.finish_oidc_login",
        "sessions.create_session",
        "token_exchange.exchange_token",
    }
    page = {"root.get_root", "page.get_file", "page.get_page", "ui_config.get_ui_config"}
    told = {
        "moved.get_health",
        "moved.refuse_v1",
        "document.get_docs",
        "document.get_openapi",
        "document.get_problem",
        "monitor.get_health",
        "page.get_file",
        "page.get_page",
        "ready.get_ready",
        "version.get_version",
    }
    signed = {"hooks.deliver_to_hook"}
    assert told | login | page | signed == PUBLIC_OPERATIONS


def test_no_route_answers_without_a_credential(shared: Api) -> None:
    walked = 0
    for method, rule, path in rules(shared):
        # Flask answers OPTIONS of a path by its first route, which is open for the path of sessions.
        if rule.endpoint in PUBLIC_OPERATIONS or (method, path) == ("OPTIONS", "/auth/session"):
            continue
        answer = raw(shared, method, path)
        assert answer.status == 401, (method, path)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        walked += 1
    assert walked > 60


@pytest.mark.parametrize("path", ["/api/v2/no_such", "/no_such", "/api/v2/dags/etl/dagRuns/r1/nothing", "/static/x.js"])
def test_paths_that_do_not_exist_are_not_told_apart_without_a_credential(shared: Api, path: str) -> None:
    assert raw(shared, "GET", path).json["detail"] == "Not authenticated"
    found = raw(shared, "GET", path, {"Authorization": f"Bearer {shared.token}"})
    assert (found.status, found.json["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("header", "status", "detail"),
    [
        pytest.param(None, 401, "Not authenticated", id="none"),
        pytest.param("", 401, "Not authenticated", id="empty"),
        pytest.param("Bearer", 401, "Not authenticated", id="no token"),
        pytest.param("Bearer  ", 401, "Not authenticated", id="blank token"),
        pytest.param("Digest YWRtaW46YWRtaW4=", 401, "Not authenticated", id="another scheme"),
        pytest.param("Basic YWRtaW46YWRtaW4=", 401, BASIC_REFUSED, id="a password"),
        pytest.param("Bearer nonsense", 403, "Invalid token", id="unknown token"),
        pytest.param("Bearer ' OR 1=1 --", 403, "Invalid token", id="SQL"),
        pytest.param("Bearer " + "x" * 5000, 403, "Invalid token", id="long token"),
        pytest.param("Bearer \xff\xfe", 403, "Invalid token", id="not ASCII"),
    ],
)
def test_what_is_no_credential(shared: Api, header: str | None, status: int, detail: str) -> None:
    answer = raw(shared, "GET", "/api/v2/dags", {} if header is None else {"Authorization": header})
    assert (answer.status, answer.json["detail"]) == (status, detail)


def test_the_scheme_may_be_written_in_any_case(shared: Api) -> None:
    assert raw(shared, "GET", "/api/v2/dags", {"Authorization": f"bearer {shared.token}"}).status == 200


def test_no_other_cookie_is_a_credential(shared: Api) -> None:
    for name in ("_token", "mainspring", "__Host-mainspring"):
        assert raw(shared, "GET", "/api/v2/dags", {"Cookie": f"{name}={shared.token}"}).status == 401


def test_an_expired_token_is_told_so(shared: Api) -> None:
    token = shared.token_of(Role.ADMIN, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    answer = shared.request("GET", "/dags", token=token)
    assert (answer.status, answer.json["detail"], answer.json["code"]) == (401, "Token Expired", "token_expired")
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_revoked_token_stops_working_within_the_time_that_tokens_are_trusted(sqlite_api: Api) -> None:
    now = [0.0]
    authenticator = Authenticator(sqlite_api.database, LOGIN_TOKENS, monotonic=lambda: now[0])
    add_token(sqlite_api.database, "ms_x", name="x", role=Role.VIEWER, now=datetime.now(UTC))
    assert authenticator.authenticate("Bearer ms_x").role is Role.VIEWER
    with sqlite_api.database.write() as connection:
        connection.execute(update(api_token).where(api_token.c.name == "x").values(revoked_at=datetime.now(UTC)))
    now[0] = TRUST_SECONDS + 0.001
    with pytest.raises(Forbidden, match="Invalid token"):
        authenticator.authenticate("Bearer ms_x")


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("GET", "/dags", Role.VIEWER),
        ("POST", "/dags/etl/dagRuns", Role.OPERATOR),
        ("PATCH", "/dags/etl", Role.OPERATOR),
        ("PATCH", "/dags/etl/dagRuns/r1", Role.OPERATOR),
        ("PUT", "/dags/etl", Role.AUTHOR),
        ("DELETE", "/dags/none", Role.AUTHOR),
    ],
)
def test_writing_needs_more_than_reading(shared: Api, method: str, path: str, needed: Role) -> None:
    for role in Role:
        answer = shared.request(method, path, token=shared.token_of(role), data=b"x", content_type="application/json")
        assert (answer.status == 403) == (not role.includes(needed)), role


def test_a_view_without_a_role_is_refused_to_everybody(sqlite_api: Api) -> None:
    app = create_app(sqlite_api.app.extensions["mainspring"].settings)
    app.add_url_rule("/api/v2/forgotten", "forgotten", lambda: "secret")
    answer = app.test_client().get("/api/v2/forgotten", headers={"Authorization": f"Bearer {sqlite_api.token}"})
    assert answer.status_code == 403
    close_app(app)


@pytest.mark.parametrize(
    ("host", "is_answered"),
    [
        ("localhost", True),
        ("localhost:8080", True),
        ("127.0.0.1:9999", True),
        ("[::1]:8080", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example:8080", False),
        ("evil.example\\@localhost", False),
        ("evil-localhost", False),
        ("evillocalhost:8080", False),
        ("evil.localhost", False),
        ("evil127.0.0.1:8080", False),
        ("", False),
    ],
)
def test_only_known_hosts_are_answered(shared: Api, host: str, is_answered: bool) -> None:
    for path in ("/api/v2/version", "/api/v2/dags"):
        answer = raw(shared, "GET", path, {"Host": host, "Authorization": f"Bearer {shared.token}"})
        assert answer.status == (200 if is_answered else 400)


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_no_answer_allows_another_origin(sqlite_api: Api, method: str) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = sqlite_api.request(method, "/dags", headers=headers)
    assert [name for name, _ in answer.headers if name.lower().startswith("access-control-")] == []


@pytest.mark.parametrize("path", ["/api/v2/version", "/api/v2/dags", "/api/v2/none", "/openapi.json"])
def test_every_answer_has_the_security_headers_and_an_id(shared: Api, path: str) -> None:
    answer = raw(shared, "GET", path, {"Authorization": f"Bearer {shared.token}"})
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers[name] == value
    assert re.fullmatch("[0-9a-f]{16}", answer.headers["X-Request-Id"])


def test_a_wrong_verb_is_told_the_right_ones(shared: Api) -> None:
    answer = raw(shared, "POST", "/api/v2/dags/etl", {"Authorization": f"Bearer {shared.token}"})
    assert answer.status == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"}


def test_errors_are_plain_json_unless_problem_json_is_asked_for(shared: Api) -> None:
    plain = shared.request("GET", "/dags/none")
    asked = shared.request("GET", "/dags/none", headers={"Accept": "application/problem+json, application/json"})
    assert (plain.headers["Content-Type"], asked.headers["Content-Type"]) == (
        "application/json",
        "application/problem+json",
    )
    assert {**plain.json, "request_id": ""} == {**asked.json, "request_id": ""}
    assert plain.json["status"] == 404
    assert plain.json["request_id"] == plain.headers["X-Request-Id"]


def test_a_server_error_is_json_by_another_spelling_which_airflowctl_does_not_break_on(shared: Api) -> None:
    plain = shared.request("GET", "/dags/x/dagRuns/y/taskInstances/z/externalLogUrl/1")
    asked = shared.request(
        "GET", "/dags/x/dagRuns/y/taskInstances/z/externalLogUrl/1", headers={"Accept": "application/problem+json"}
    )
    assert (plain.status, plain.headers["Content-Type"], asked.headers["Content-Type"]) == (
        501,
        "application/json; charset=utf-8",
        "application/problem+json; charset=utf-8",
    )
    assert plain.json["status"] == 501


def test_an_inner_error_shows_nothing_and_is_logged_under_its_id(
    sqlite_api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    sqlite_api.save()
    fresh = create_app(sqlite_api.app.extensions["mainspring"].settings)
    with sqlite_api.database.write() as connection:
        connection.execute(update(dag_version).values(document={"tasks": 5}))
    with caplog.at_level(logging.ERROR):
        answer = fresh.test_client().get(
            "/api/v2/dags/etl/tasks", headers={"Authorization": f"Bearer {sqlite_api.token}"}
        )
    close_app(fresh)
    assert answer.status_code == 500
    assert answer.json is not None
    assert set(answer.json) == {"detail", "type", "title", "status", "code", "request_id"}
    assert "Traceback" not in answer.text
    [record] = [record for record in caplog.records if answer.json["request_id"] in record.getMessage()]
    assert record.exc_info


def test_a_database_that_is_away_is_503_without_telling_more(sqlite_api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with sqlite_api.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE dag RENAME TO dag_away")
    answer = sqlite_api.request("GET", "/dags")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert "dag" not in answer.json["detail"]
    assert "no such table: dag" in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "bytes_max"),
    [
        ("PUT", "/dags/etl", DEFINITION_BYTES_MAX),
        ("POST", "/dags/validate", DEFINITION_BYTES_MAX),
        ("POST", "/dags/etl/dagRuns", BODY_BYTES_MAX),
        ("PATCH", "/dags/etl", BODY_BYTES_MAX),
        ("PATCH", "/dags/etl/dagRuns/r1", BODY_BYTES_MAX),
    ],
)
def test_bodies_are_bounded(shared: Api, method: str, path: str, bytes_max: int) -> None:
    for size, status in ((bytes_max, 422), (bytes_max + 1, 413)):
        body = b'{"x": "' + b"y" * (size - 9) + b'"}'
        answer = shared.request(method, path, data=body, content_type="application/json")
        assert (len(body), answer.status) == (size, status)


@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, identity"])
def test_compressed_bodies_are_not_read(shared: Api, encoding: str) -> None:
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    assert shared.request("PUT", "/dags/etl", data=b"{}", headers=headers).status == 415


class TestAdminToken:
    def test_it_is_made_once_for_its_owner_alone(self, sqlite_api: Api, tmp_path: Path) -> None:
        made = ensure_admin_token(sqlite_api.database, tmp_path)
        assert made == tmp_path / "admin-token"
        assert stat.S_IMODE(made.stat().st_mode) == 0o600
        token = made.read_text().strip()
        assert re.fullmatch(r"ms_[A-Za-z0-9_-]{43}", token)
        assert ensure_admin_token(sqlite_api.database, tmp_path) is None
        assert made.read_text().strip() == token
        assert sqlite_api.request("GET", "/dags", token=token).status == 200
        assert [path.name for path in tmp_path.iterdir()] == ["admin-token"]

    def test_the_database_holds_no_token(self, sqlite_api: Api) -> None:
        sqlite_api.get("/dags")
        folder = sqlite_api.database.sqlite_path.parent
        stored = b"".join(path.read_bytes() for path in folder.glob("mainspring.db*"))
        assert b"api_token" in stored
        assert sqlite_api.token.encode() not in stored

    def test_a_token_file_that_was_there_serves_a_new_database(self, open_api: OpenApi, tmp_path: Path) -> None:
        with open_api("sqlite") as first, open_api("sqlite") as second:
            ensure_admin_token(first.database, tmp_path)
            assert ensure_admin_token(second.database, tmp_path) is None
            token = (tmp_path / "admin-token").read_text().strip()
            assert second.request("GET", "/dags", token=token).status == 200

    def test_the_settings_do_not_show_the_password_of_the_database(self, tmp_path: Path) -> None:
        settings = ApiSettings(database_url="postgresql://u:geheim@h/d", home=tmp_path, version="1")
        assert "geheim" not in repr(settings)


def raw(api: Api, method: str, path: str, headers: dict[str, str] | None = None) -> Answer:
    return Answer(api.app.test_client().open(path, method=method, headers=headers or {}))
